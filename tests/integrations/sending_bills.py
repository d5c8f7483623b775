"""Bills with lines, and an integration that sends them to a stand-in: for tests of senders."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing.models import Account, Bill, LineItem
from integrations.models import (
    ExternalMapping,
    IntegrationConfiguration,
    IntegrationCredential,
    IntegrationRun,
)
from integrations.runs import execution, triggers
from organizations.kernel import clock, ids


def make_bill(account: Account, amounts: list[str], **fields: Any) -> Bill:
    """A pending bill of May 2026: a usage line of an aggregation of its own for each amount."""
    bill = Bill.objects.create(
        organization_id=account.organization_id,
        account=account,
        **{
            "account_code": account.code,
            "account_name": account.name,
            "boundary_date": date(2026, 6, 1),
            "billing_frequency": "MONTHLY",
            "start_date": date(2026, 5, 1),
            "end_date": date(2026, 6, 1),
            "start_at": datetime(2026, 5, 1, tzinfo=UTC),
            "end_at": datetime(2026, 6, 1, tzinfo=UTC),
            "bill_date": date(2026, 6, 1),
            "currency": "USD",
            "latest_calculated_at": clock.now(),
            **fields,
        },
    )
    set_lines(bill, amounts)
    return bill


def set_lines(bill: Bill, amounts: list[str], kind: str = "USAGE") -> None:
    """Give a bill other lines, and raise its version as a recalculation does."""
    LineItem.objects.filter(bill=bill).delete()
    LineItem.objects.bulk_create(
        LineItem(
            organization_id=bill.organization_id,
            bill=bill,
            line_key=f"line {place}",
            line_item_type=kind,
            sequence_number=place,
            description=f"Usage {place}",
            quantity=Decimal(place),
            units=Decimal(place),
            subtotal=Decimal(amount),
            currency=bill.currency,
            converted_subtotal=Decimal(amount),
            service_period_start=bill.start_at,
            service_period_end=bill.end_at,
            aggregation_id=ids.new_id(),
        )
        for place, amount in enumerate(amounts, 1)
    )
    bill.total = sum(map(Decimal, amounts), Decimal(0))
    bill.version += 1
    bill.save()


def connect(
    organization: Any, destination: str, secrets: dict[str, str], **settings: Any
) -> IntegrationConfiguration:
    """An integration of bills with a credential that is taken to work."""
    credential = IntegrationCredential(
        organization=organization, type="STATIC_API_KEY", destination=destination,
        is_authorized=True,
    )  # fmt: skip
    credential.secrets = secrets
    credential.save()
    return IntegrationConfiguration.objects.create(
        organization=organization,
        name=f"{destination} books",
        entity_type="Bill",
        destination=destination,
        credential=credential,
        config_data=settings,
    )


def map_account(account: Account, system: str, table: str, external_id: str) -> ExternalMapping:
    """Say what an account is called."""
    return ExternalMapping.objects.create(
        organization_id=account.organization_id,
        entity="Account",
        entity_identity=str(account.pk),
        external_system=system,
        external_table=table,
        external_id=external_id,
    )


def send(configuration: IntegrationConfiguration, bill: Bill) -> IntegrationRun:
    """Make a run of a bill and do it; returns how it ended."""
    run = triggers.build(
        configuration, entity_type="Bill", entity_id=str(bill.pk), account_id=bill.account_id,
        at=clock.now(),
    )  # fmt: skip
    run.next_attempt_at = clock.now()
    triggers.keep([run])
    return perform(run)


def perform(run: IntegrationRun) -> IntegrationRun:
    """Do a run now, whenever it is due."""
    IntegrationRun.objects.filter(pk=run.pk, next_attempt_at__isnull=False).update(
        next_attempt_at=clock.now()
    )
    execution.perform(run.pk)
    run.refresh_from_db()
    return run


class Killed(BaseException):
    """Stands for the end of a worker; nothing catches it."""


def send_and_be_killed(
    configuration: IntegrationConfiguration, bill: Bill, *, after_write: int
) -> IntegrationRun:
    """Begin a run whose worker dies when a write has arrived, before we know of it."""
    run = triggers.build(
        configuration, entity_type="Bill", entity_id=str(bill.pk), account_id=bill.account_id,
        at=clock.now(),
    )  # fmt: skip
    run.next_attempt_at = clock.now()
    triggers.keep([run])
    calls, count = execution.HttpClient.call, 0

    def call(self: Any, method: str, path: str, **options: Any) -> Any:
        nonlocal count
        answer = calls(self, method, path, **options)
        count += method != "GET"
        if count == after_write and method != "GET":
            raise Killed
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execution.HttpClient, "call", call)
        with pytest.raises(Killed):
            execution.perform(run.pk)
    IntegrationRun.objects.filter(pk=run.pk).update(status="AWAITING_RETRY", claimed_until=None)
    return run
