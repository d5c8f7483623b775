"""What follows from how runs end: events, and configurations that are disabled (A6, A13)."""

from datetime import datetime, timedelta
from typing import Any

from integrations.models import IntegrationConfiguration, IntegrationRun, RunStatus
from organizations import alerts, mail
from organizations.kernel import changes, events, principals
from organizations.kernel.representing import text
from organizations.models import Alert, AlertSeverity, Membership

MISSING_ACCOUNT = "integration.missingaccountmapping.error"
INVALID = "integration.validation.error"
DISABLED = "integration.disabled.error"
OTHER = "integration.perform.error"
TOO_MANY = 10
FAILURES_FOR, AT_LEAST = timedelta(hours=48), 3


def payload(run: IntegrationRun, message: str) -> dict[str, Any]:
    """Return what an event about a run tells."""
    return {
        "message": message,
        "integrationConfigId": text(run.configuration_id),
        "integrationRunId": str(run.pk),
        "entityType": run.entity_type,
        "entityId": run.entity_id,
        "destination": run.destination,
        "destinationId": text(run.destination_id),
        "accountId": text(run.account_id),
    }


def report(run: IntegrationRun, name: str, message: str, at: datetime) -> None:
    """Record the event of a final failure, unless the run is about such an event itself."""
    if run.is_about_trouble:
        return
    events.record(
        run.organization_id,
        name,
        events.data(run.organization_id, new=payload(run, message)),
        resource_id=run.configuration_id,
        account_id=run.account_id,
        at=at,
    )


def note_success(configuration: IntegrationConfiguration) -> None:
    """Forget the failures before; the credential works."""
    if configuration.failures_in_row:
        IntegrationConfiguration.objects.filter(pk=configuration.pk).update(
            failures_in_row=0, failing_since=None
        )
    _set_authorized(configuration, True)


def note_failure(
    configuration: IntegrationConfiguration, run: IntegrationRun, at: datetime, *, at_once: bool
) -> None:
    """Count a final failure; disable the configuration when it is one too many."""
    since = configuration.failing_since or at
    count = configuration.failures_in_row + 1
    IntegrationConfiguration.objects.filter(pk=configuration.pk).update(
        failures_in_row=count, failing_since=since
    )
    if at_once:
        _set_authorized(configuration, False)
        disable(configuration, run, "the credential is refused", at)
    elif count >= TOO_MANY:
        disable(configuration, run, f"{count} runs in a row have failed", at)
    elif count >= AT_LEAST and at - since >= FAILURES_FOR:
        disable(configuration, run, "every run for 48 hours has failed", at)


def disable(
    configuration: IntegrationConfiguration, run: IntegrationRun, reason: str, at: datetime
) -> None:
    """Disable a configuration, end what waits for it, and tell people and systems once."""
    if not configuration.is_enabled:
        return
    by = principals.system(configuration.organization_id)
    with changes.editing(configuration, by=by) as row:
        row.is_enabled = False
        row.disabled_reason = reason[:300]
    configuration.is_enabled = False
    end_as_disabled(configuration, at)
    message = f"Integration {configuration} was disabled: {reason}."
    report(run, DISABLED, message, at)
    alerts.raise_many(
        [
            Alert(
                organization_id=configuration.organization_id,
                created_at=at,
                modified_at=at,
                severity=AlertSeverity.ERROR,
                type="INTEGRATION_DISABLED",
                description=message,
                resource_id=configuration.pk,
            )
        ]
    )
    _tell(configuration)


def end_as_disabled(configuration: IntegrationConfiguration, at: datetime) -> None:
    """End the runs that wait; one that is being sent ends by itself."""
    waiting = IntegrationRun.objects.filter(
        configuration=configuration, finished_at__isnull=True, next_attempt_at__isnull=False
    ).exclude(status=RunStatus.STARTED)
    waiting.update(
        status=RunStatus.DISABLED,
        finished_at=at,
        modified_at=at,
        next_attempt_at=None,
        claimed_until=None,
        error="The integration is disabled.",
    )


def _set_authorized(configuration: IntegrationConfiguration, is_authorized: bool) -> None:
    credential = configuration.credential
    if credential is not None and credential.is_authorized != is_authorized:
        with changes.editing(
            credential, by=principals.system(configuration.organization_id)
        ) as row:
            row.is_authorized = is_authorized
        credential.is_authorized = is_authorized


def _tell(configuration: IntegrationConfiguration) -> None:
    from integrations import tasks

    wanted = configuration.config_data.get("disabledNotificationUserIds") or []
    rows = Membership.objects.filter(
        organization_id=configuration.organization_id, user_id__in=wanted
    ).select_related("user")
    for member in rows:
        mail.enqueue(
            tasks.mail_integration_disabled,
            configuration_id=str(configuration.pk),
            email=member.user.email,
        )
