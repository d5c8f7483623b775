"""Enable and disable a configuration (A3, A6)."""

from datetime import datetime

from integrations.models import IntegrationConfiguration
from integrations.runs import trouble
from organizations.kernel import changes
from organizations.kernel.principals import Principal


def enable(row: IntegrationConfiguration, *, by: Principal) -> IntegrationConfiguration:
    """Enable; twice changes nothing. What was not sent meanwhile is not sent by itself."""
    if row.is_enabled:
        return row
    with changes.editing(row, by=by) as current:
        current.is_enabled = True
        current.disabled_reason = None
        current.failures_in_row, current.failing_since = 0, None
    return current


def disable(
    row: IntegrationConfiguration, *, by: Principal, at: datetime
) -> IntegrationConfiguration:
    """Disable by hand; what waits ends, and each trigger leaves a trace."""
    if not row.is_enabled:
        return row
    with changes.editing(row, by=by) as current:
        current.is_enabled = False
        current.disabled_reason = "by hand"
        trouble.end_as_disabled(current, at)
    return current
