"""What leaves the house: signed webhooks, invoices in a sandbox of Stripe, an export file on disk.

Arranged before the bills of the older month are approved, so that approving them sends; looked at
when everything is billed. What was only there for the demonstration is switched off at the end.
"""

import gzip
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction

from billing.models import Account
from config.demonstration import stripe_sandbox
from config.demonstration.loopback import HOOK, Outside
from config.demonstration.progress import Progress
from config.demonstration.worker import Workers
from integrations import connections, destinations
from integrations.exports import jobs
from integrations.models import (
    Delivery,
    ExportJob,
    ExportStatus,
    ExternalMapping,
    IntegrationConfiguration,
    IntegrationCredential,
    IntegrationRun,
    WebhookDestination,
)
from integrations.runs import enabling
from notifications.models import NotificationConfiguration
from organizations.kernel import changes, clock, files
from organizations.kernel.principals import Principal
from organizations.models import Event, Organization

CODE = "demonstration-receiver"
SYSTEM = "STRIPE_TEST"
# Whose bills go to the sandbox, and whose approval is told to the receiver.
CUSTOMERS = ("verity-search", "halden-robotics", "cinder-games")
APPROVED = 'new.status == "APPROVED" AND old.status != "APPROVED" AND (%s)'
LONGEST_SECONDS = 60
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Arranged:
    """The rows that were made for it."""

    destination: WebhookDestination
    configuration: IntegrationConfiguration


def arrange(organization: Organization, outside: Outside, by: Principal) -> Arranged:
    """Have what approving bills causes go to where the receiver and the sandbox are now."""
    with transaction.atomic():
        found = WebhookDestination.objects.for_organization(organization).filter(code=CODE).first()
        if found is None:
            destination = _receiver(organization, by)
            configuration = _books(organization, by)
        else:  # an earlier run was killed; the port is another one
            destination = found
            configuration = IntegrationConfiguration.objects.for_organization(organization).get(
                destination=SYSTEM
            )
        with changes.editing(destination, by=by) as row:
            row.url = outside.address + HOOK
        _try_now(organization)
    outside.receiver.secret = row.secret
    return Arranged(row, configuration)


def look(
    organization: Organization,
    arranged: Arranged,
    outside: Outside,
    workers: Workers,
    progress: Progress,
    by: Principal,
) -> list[str]:
    """Wait until all of it has arrived, and return what there is to say about it."""
    with progress.step("Sending webhooks, invoices and an export"):
        job = _export(organization, by)
        _wait(lambda: _is_quiet(organization, job), workers, progress)
    job.refresh_from_db()
    said = [
        _about_webhooks(outside),
        _about_invoices(organization, outside),
        _about_file(job),
    ]
    destinations.activate(arranged.destination, active=False, by=by, at=clock.now())
    enabling.disable(arranged.configuration, by=by, at=clock.now())
    return said


def _receiver(organization: Organization, by: Principal) -> WebhookDestination:
    destination = changes.create(
        WebhookDestination(
            organization=organization,
            name="Receiver of the demonstration",
            description="Ran while the demonstration was made, and checked every signature.",
            code=CODE,
            url=f"http://127.0.0.1{HOOK}",
            api_key="demonstration",
            secret="whsec_" + b64encode(secrets.token_bytes(32)).decode(),
        ),
        by=by,
    )
    rule = changes.create(
        NotificationConfiguration(
            organization=organization,
            name="Bill of a key customer approved",
            description="Told to the receiver of the demonstration.",
            code="key-customer-approved",
            event_name="billing.bill.updated",
            is_active=True,
            calculation=APPROVED
            % " OR ".join(f'new.accountCode == "{code}"' for code in CUSTOMERS),
        ),
        by=by,
    )
    connections.connect(rule, destination, by=by)
    return destination


def _books(organization: Organization, by: Principal) -> IntegrationConfiguration:
    credential = IntegrationCredential(
        organization=organization,
        name="Sandbox of the demonstration",
        type="STRIPE_SIGNED_REQUEST",
        destination=SYSTEM,
        is_authorized=True,
    )
    credential.secrets = {"apiKey": stripe_sandbox.KEY}
    changes.create(credential, by=by)
    accounts = Account.objects.for_organization(organization).filter(code__in=CUSTOMERS)
    for account in accounts:
        changes.create(
            ExternalMapping(
                organization=organization,
                entity="Account",
                entity_identity=str(account.pk),
                external_system=SYSTEM,
                external_table="Customer",
                external_id=f"cus_{account.code}",
            ),
            by=by,
        )
    return changes.create(
        IntegrationConfiguration(
            organization=organization,
            name="Bills of key customers to Stripe's test mode",
            entity_type="Bill",
            destination=SYSTEM,
            credential=credential,
            config_data={
                "accountIds": [str(account.pk) for account in accounts],
                "onlySendOnApproval": True,
            },
        ),
        by=by,
    )


def _try_now(organization: Organization) -> None:
    """What an earlier run could not send need not wait for its time."""
    for model in (Delivery, IntegrationRun):
        model.objects.filter(organization=organization, next_attempt_at__isnull=False).update(
            next_attempt_at=clock.now()
        )


def _export(organization: Organization, by: Principal) -> ExportJob:
    found = ExportJob.objects.for_organization(organization).order_by("created_at").first()
    return found or jobs.ask(
        organization.pk, "OPERATIONAL", {"operationalDataTypes": ["BILLS"]}, by=by
    )


def _is_quiet(organization: Organization, job: ExportJob) -> bool:
    job.refresh_from_db()
    waiting = (
        Event.objects.filter(
            organization=organization, name="billing.bill.updated", dispatched_at__isnull=True
        ),
        Delivery.objects.filter(organization=organization, finished_at__isnull=True),
        IntegrationRun.objects.filter(organization=organization, finished_at__isnull=True),
    )
    is_written = job.status in {ExportStatus.SUCCEEDED, ExportStatus.FAILED}
    return is_written and not any(rows.exists() for rows in waiting)


def _wait(is_over: Callable[[], bool], workers: Workers, progress: Progress) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while not is_over() and time.monotonic() < deadline:
        progress.at("waiting for the sender")
        workers.tick()
        time.sleep(POLL_SECONDS)


def _about_webhooks(outside: Outside) -> str:
    bodies: Sequence[dict] = list(outside.receiver.received.values())
    if not bodies:
        return "Webhooks: none arrived in time; see Integrations > Webhook deliveries."
    names = sorted({body["event"]["eventName"] for body in bodies})
    return f"Webhooks: {len(bodies)} arrived with a genuine signature ({', '.join(names)})."


def _about_invoices(organization: Organization, outside: Outside) -> str:
    runs = IntegrationRun.objects.filter(organization=organization, status="COMPLETE")
    parts = [
        f"{outside.stripe.total(invoice['id']) / 100:,.2f} {invoice['currency'].upper()}"
        for invoice in outside.stripe.invoices.values()
    ]
    return (
        f"Invoices: {runs.count()} bills were sent to a sandbox of Stripe, "
        f"{len(parts)} drafts in this run: {', '.join(parts) or 'none'}."
    )


def _about_file(job: ExportJob) -> str:
    if job.file is None:
        return f"Export: not written ({job.failure_reason or 'not in time'})."
    path = Path(settings.HOME) / "demonstration" / "bills.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = b"".join(files.chunks(job.file))
    path.write_bytes(gzip.decompress(raw))
    return f"Export: {job.row_count} bills in {path}"
