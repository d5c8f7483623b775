"""What can be configured: systems, the entities they take, their settings and credentials (A3)."""

from collections.abc import Iterable
from typing import Any

from integrations import credentials
from integrations.models import IntegrationConfiguration
from integrations.runs import settings
from integrations.systems import known, registry
from integrations.systems.base import Option
from integrations.systems.invoices import SPLITS
from organizations.kernel.errors import NotFound

GLOBAL = (
    Option(settings.ACCOUNTS, "Only these accounts", "list"),
    Option(settings.NOT_ACCOUNTS, "Not these accounts", "list"),
    Option(settings.TOLD, "People told when it is disabled", "list"),
)
OF_BILLS = (
    Option(settings.ON_APPROVAL, "Only send a bill on approval", "flag", default=False),
    Option(settings.FILTER, "Account filter"),
    Option(settings.SPLIT, "Split usage line items", "choice",
           choices=tuple((word, word) for word in SPLITS), default=SPLITS[0]),
    Option(settings.ZERO_LINES, "Send lines of nothing", "flag", default=False),
)  # fmt: skip


def systems(entity: str | None) -> list[dict[str, Any]]:
    """Return the systems, those that take an entity where one is named."""
    return [
        {
            "identifier": system.identifier,
            "displayName": system.name,
            "validationSupported": system.validates,
            "supportedAuthTypes": list(system.authentication),
        }
        for system in known.SYSTEMS
        if entity is None or _takes(system, entity)
    ]


def entities(name: str) -> list[dict[str, str]]:
    """Return the entities a system accepts."""
    return [{"entityType": word} for word in _find(name).entities]


def authentication(name: str, entity: str) -> dict[str, Any]:
    """Return what credentials for a system consist of, by their kind."""
    system = _find(name)
    if not _takes(system, entity):
        raise NotFound(f"{system.name} does not take {entity[:60]}.")
    return _credentials(system)


def everything(
    name: str | None, entity: str | None, rows: Iterable[IntegrationConfiguration]
) -> dict[str, Any]:
    """Return the entities with their destinations, and what is configured already."""
    chosen = [_find(name)] if name else list(known.SYSTEMS)
    words = dict.fromkeys(word for system in known.SYSTEMS for word in system.entities)
    wanted = [word for word in words if entity is None or word.lower() == entity.lower()]
    supported = {word: _entity(word, chosen) for word in wanted}
    return {
        "supportedEntities": {
            word: told for word, told in supported.items() if told["destinations"]
        },
        "selectedConfigurations": {
            str(row.pk): {"empty": not row.config_data, **row.config_data}
            for row in rows
            if (name is None or known.key(row.destination) == known.key(name))
            and (entity is None or row.entity_type.lower() == entity.lower())
        },
        "globalConfigurationOptions": _options(GLOBAL),
    }


def _entity(word: str, systems_: Iterable[known.Known]) -> dict[str, Any]:
    destinations = [_destination(system) for system in systems_ if _takes(system, word)]
    return {
        "readableName": word,
        "destinations": destinations,
        "entityConfigurationOptions": _options(OF_BILLS if word == "Bill" else ()),
        "released": any(one["released"] for one in destinations),
    }


def _destination(system: known.Known) -> dict[str, Any]:
    sender = registry.find(system.identifier)
    return {
        "apiName": system.identifier,
        "destination": system.identifier,
        "displayName": system.name,
        "destinationConfigOptions": _options(sender.options if sender else ()),
        "authConfigOptions": _credentials(system),
        "released": sender is not None,
        "authType": system.authentication[0],
        "categories": [system.category],
    }


def _credentials(system: known.Known) -> dict[str, Any]:
    kinds = credentials.kinds_for(system.identifier)
    return {
        "empty": not kinds,
        **{
            kind: [
                {
                    "id": one.key,
                    "label": one.label,
                    "secret": one.is_secret,
                    "required": one.is_needed,
                }
                for one in credentials.details(kind)
            ]
            for kind in kinds
        },
    }


def _options(options: Iterable[Option]) -> dict[str, Any]:
    told = {
        one.key: {
            "label": one.label,
            "type": one.kind,
            "default": one.default,
            "choices": [{"id": word, "label": label} for word, label in one.choices],
        }
        for one in options
    }
    return {"empty": not told, **told}


def _takes(system: known.Known, entity: str) -> bool:
    return entity.lower() in {word.lower() for word in system.entities}


def _find(name: str) -> known.Known:
    system = known.find(name)
    if system is None:
        raise NotFound("There is no such system.")
    return system
