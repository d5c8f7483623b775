"""Hours that are kept for a bill before a marketplace is told of them (A10).

A quantity is stored with its hour and committed before the call. What was kept and is not in the
report yet is called again, hour by hour, with the same quantity: the marketplace counts it once.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from integrations.models import IntegrationRun, MarketplaceReport, MeteredHour
from integrations.runs import reporting
from integrations.systems.base import Metered, Refused
from organizations.kernel import clock, ids

HOUR = timedelta(hours=1)


class Meter:
    """See ``base.Meter``: the hours of one run's bill in one marketplace."""

    def __init__(self, run: IntegrationRun) -> None:
        self._organization = run.organization_id
        self._bill = ids.parse(run.entity_id)
        self._system = reporting.word(run.destination)
        self._reported = reporting.before(run)

    def pending(self) -> list[Metered]:
        """Return what was kept for the bill and is in no report yet, oldest first."""
        rows = MeteredHour.objects.filter(
            organization_id=self._organization,
            bill_id=self._bill,
            external_system=self._system,
        )
        return [
            Metered(row.customer, row.dimension, row.hour, row.quantity)
            for row in rows.order_by("hour", "dimension")
            if written(row.hour) not in self._reported.get(row.dimension, {})
        ]

    def keep(self, customer: str, quantities: Mapping[str, Decimal], hours: int) -> list[Metered]:
        """Keep an hour for each dimension, the latest that is free; ``Refused`` for none."""
        latest = clock.now().replace(minute=0, second=0, microsecond=0)
        return [
            self._kept(customer, dimension, quantity, latest, hours)
            for dimension, quantity in quantities.items()
        ]

    def release(self, metered: Iterable[Metered]) -> None:
        """Free hours that have certainly not been taken."""
        for one in metered:
            self._rows(one).delete()

    def give_up(self, metered: Iterable[Metered]) -> None:
        """Leave hours to somebody else: the marketplace has another quantity for them."""
        for one in metered:
            self._rows(one).update(bill_id=None, quantity=0)

    def _rows(self, one: Metered) -> QuerySet:
        return MeteredHour.objects.filter(
            organization_id=self._organization,
            external_system=self._system,
            customer=one.customer,
            dimension=one.dimension,
            hour=one.hour,
            bill_id=self._bill,
        )

    def _kept(
        self, customer: str, dimension: str, quantity: Decimal, latest: datetime, hours: int
    ) -> Metered:
        for back in range(hours):
            hour = latest - back * HOUR
            row = MeteredHour(
                organization_id=self._organization,
                external_system=self._system,
                customer=customer,
                dimension=dimension,
                hour=hour,
                bill_id=self._bill,
                quantity=quantity,
                created_at=clock.now(),
            )
            # The constraint decides between two runs that want the same hour.
            MeteredHour.objects.bulk_create([row], ignore_conflicts=True)
            if MeteredHour.objects.filter(pk=row.pk).exists():
                return Metered(customer, dimension, hour, quantity)
        raise Refused(
            f"{dimension}: every one of the last {hours} hours of this customer is metered "
            "already; send the bill again in an hour."
        )


def written(hour: datetime) -> str:
    """Return an hour as the report writes it."""
    return f"{hour:%Y-%m-%dT%H:%M:%SZ}"


def settle(bill_id: UUID, *, taken: bool) -> list[MeteredHour]:
    """Decide about hours of a bill of which nobody knows whether they arrived; returns them.

    ``taken``: they count as reported. Else their hours are free, and the next run meters them.
    """
    with transaction.atomic():
        hours = list(MeteredHour.objects.select_for_update().filter(bill_id=bill_id))
        reports = {
            row.external_system: row
            for row in MarketplaceReport.objects.select_for_update().filter(bill_id=bill_id)
        }
        open_ = [
            row
            for row in hours
            if row.external_system not in reports
            or written(row.hour)
            not in reports[row.external_system].reported_usage.get(row.dimension, {})
        ]
        for row in open_:
            if taken:
                _count(row, reports)
            else:
                row.delete()
    return open_


def _count(row: MeteredHour, reports: dict[str, MarketplaceReport]) -> None:
    report = reports.get(row.external_system)
    if report is None:
        report = reports[row.external_system] = reporting.begun(
            row.organization_id, row.bill_id, row.external_system, clock.now()
        )
    more = {row.dimension: {written(row.hour): Decimal(int(row.quantity))}}
    report.reported_usage = reporting.added(report.reported_usage, more)
    report.modified_at = clock.now()
    report.save(update_fields=["reported_usage", "modified_at"])
