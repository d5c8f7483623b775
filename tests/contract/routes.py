"""Every address below an organization, read from the URL resolver: no list to keep up to date."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

VERBS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
BELOW = "organizations/<str:orgId>/"
# Parts of an address that are no ids.
PLAIN_PARAMETERS: Mapping[str, str] = {
    "day": "2024-10-31",
    "frequency": "MONTHLY",
    "lookupKey": "a100",
    "type": "product",
    "entity": "Account",
    "entityType": "Bill",
    "m3terId": "anything",
    "system": "Stripe",
    "systemName": "Stripe",
    "configOption": "collectionMethod",
    "entityId": "00000000-0000-0000-0000-000000000001",
    "destinationId": "00000000-0000-0000-0000-000000000001",
    "destination": "STRIPE",
    "externalTable": "Customer",
    "externalId": "cus_1",
    "integrationCredentialsId": "00000000-0000-0000-0000-000000000001",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One address: its path below the organization with ``{name}`` for each parameter."""

    path: str
    parameters: tuple[str, ...]
    view: Any
    actions: Mapping[str, str]

    def at(self, **values: Any) -> str:
        """Return the path with its parameters filled in."""
        return self.path.format(**{**PLAIN_PARAMETERS, **values})

    @property
    def id_parameters(self) -> tuple[str, ...]:
        """The parameters that name rows."""
        return tuple(name for name in self.parameters if name not in PLAIN_PARAMETERS)

    @property
    def model(self) -> type[models.Model] | None:
        """What the address is about, where its view says so."""
        queryset = getattr(self.view, "queryset", None)
        return None if queryset is None else queryset.model


@cache
def routes() -> tuple[Route, ...]:
    """Return every address below an organization."""
    return tuple(_walk(get_resolver().url_patterns, ""))


def _walk(patterns: list[Any], prefix: str) -> Iterator[Route]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith("organizations/"):
            assert route.startswith(BELOW), f"{route} does not begin with its organization"
            parameters = tuple(name for name in pattern.pattern.converters if name != "orgId")
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.removeprefix(BELOW))
            view = getattr(pattern.callback, "cls", None)
            actions = getattr(pattern.callback, "actions", {})
            yield Route(path, parameters, view, actions)


def model_of(route: Route, parameter: str) -> type[models.Model]:
    """Return what a parameter of an address names: ``id`` the view's rows, others their own."""
    if parameter == "id" and route.model is not None:
        return route.model
    wanted = parameter.removesuffix("_id")
    found = [model for model in apps.get_models() if model._meta.model_name == wanted]
    assert len(found) == 1, f"{route.path}: nobody knows what {parameter} is"
    return found[0]
