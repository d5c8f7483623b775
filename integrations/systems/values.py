"""Live values of a system: records for mappings, choices for settings. [] where it cannot be asked.

Never called inside a transaction.
"""

import logging
from collections.abc import Callable
from uuid import UUID

from integrations.models import IntegrationCredential
from integrations.systems import known, registry, tokens
from integrations.systems.base import Client, Record, SendingFailed, System, TryAgain
from integrations.systems.client import HttpClient
from organizations.kernel import ids, sealing
from organizations.kernel.errors import DomainError

logger = logging.getLogger(__name__)


def records(
    organization_id: UUID, *, destination: str, table: str | None, credential: str | None
) -> list[Record]:
    """Return the records of a table of a system."""
    system = registry.find(destination)
    if system is None:
        return []
    wanted = table or system.about.tables[0]
    return _asked(
        organization_id, system, credential, lambda client: system.records(client, wanted)
    )


def choices(organization_id: UUID, destination: str, option: str) -> list[Record]:
    """Return the choices for a setting: those we know, else those the system has."""
    system = registry.find(destination)
    if system is None:
        return []
    for one in system.options:
        if one.key == option and one.choices:
            return [Record(word, label) for word, label in one.choices]
    return _asked(
        organization_id, system, None, lambda client: system.option_values(client, option)
    )


def _asked(
    organization_id: UUID,
    system: System,
    credential: str | None,
    ask: Callable[[Client], list[Record]],
) -> list[Record]:
    row = _credential(organization_id, system, credential)
    if row is None:
        return []
    try:
        secrets = tokens.fresh(row, system, logger.debug)
        with HttpClient(system, secrets, {}, lambda text: None) as client:
            return ask(client)
    except (SendingFailed, TryAgain, DomainError, sealing.Unreadable, KeyError, TypeError) as error:
        logger.info("%s could not be asked: %s", system.about.name, type(error).__name__)
        return []


def _credential(
    organization_id: UUID, system: System, identity: str | None
) -> IntegrationCredential | None:
    """Return the credential named, else the newest that works."""
    rows = IntegrationCredential.objects.for_organization(organization_id).filter(
        is_authorized=True
    )
    if identity is not None:
        rows = rows.filter(pk=ids.parse(identity)) if ids.parse(identity) else rows.none()
    for row in rows.order_by("-created_at", "-pk")[:50]:
        if known.key(row.destination or "") == system.about.key:
            return row
    return None
