"""The rules about rules: which may be saved, and what follows from a change (B7)."""

from uuid import UUID

from django.db.models import QuerySet

from notifications import rules
from notifications.models import EVERY_EVENT, NotificationConfiguration
from organizations.kernel import clock, event_types
from organizations.kernel.errors import FieldRefused, check_each


def check(row: NotificationConfiguration) -> None:
    """Refuse unknown events, and calculations that could never be evaluated."""
    stored = NotificationConfiguration.objects.filter(pk=row.pk).first()
    if row.is_active and (stored is None or not stored.is_active):
        row.active_since = clock.now()
    known = event_types.fields_for(row.organization_id)
    check_each(lambda: _check_event(row, known), lambda: _check_calculation(row, known))


def warning(row: NotificationConfiguration) -> str:
    """Return what is allowed and yet never fires."""
    if row.always_fires or row.calculation.strip():
        return ""
    return "This rule never fires: it has no calculation, and does not fire always."


def naming(organization_id: UUID, event_name: str) -> QuerySet:
    """Return the rules about one type of event."""
    rows = NotificationConfiguration.objects.for_organization(organization_id)
    return rows.filter(event_name=event_name)


def _check_event(row: NotificationConfiguration, known: dict[str, dict[str, str]]) -> None:
    if row.event_name == EVERY_EVENT:
        if not row.always_fires:
            raise FieldRefused("alwaysFireEvent", "must be true for a rule about every event")
    elif row.event_name not in known:
        raise FieldRefused("eventName", "there are no such events; events/types lists all")


def _check_calculation(row: NotificationConfiguration, known: dict[str, dict[str, str]]) -> None:
    if row.always_fires or not row.calculation.strip() or row.event_name not in known:
        return
    if wrong := rules.faults(row.calculation, known[row.event_name]):
        raise FieldRefused("calculation", wrong)
