"""Every golden situation through the database: rows, a bill job, bills with lines.

The rating tests give the engine its values directly; here the same situations go through the
snapshot, the store's sums and the writer, and must come out the same.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.bills import snapshot
from billing.bills.selection import DueBills
from billing.models import Bill, BillJobAccount, LineItem
from tests.billing.bills import golden_rows, runners
from tests.billing.rating.test_golden import FILES, load

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_situation_is_billed_from_rows_as_worked_out_by_hand(path):
    situation = load(path)
    rows = golden_rows.Rows(situation["given"])
    cycle = situation["given"]["plans"][0].get("cycle", ["MONTHLY", 1])[:2]
    expected = situation["expect"]

    for due in expected.get("due", []):
        check_due(rows, due)
    for bill in expected.get("bills", []):
        check_bill(rows, cycle, bill)
    if "refused" in expected:
        check_refused(rows, expected["refused"])


def check_due(rows: golden_rows.Rows, expected: dict[str, Any]) -> None:
    taken = snapshot.take(
        rows.organization.pk, [rows.account.pk], DueBills(on=date.fromisoformat(expected["on"]))
    )

    bills = taken.accounts[rows.account.pk].bills
    assert [bill.input.key.boundary.isoformat() for bill in bills] == expected["bills"]
    if "period" in expected:
        period = bills[0].input.period
        assert [period.start, period.end] == [rows.instant(day) for day in expected["period"]]


def check_bill(rows: golden_rows.Rows, cycle: list[Any], expected: dict[str, Any]) -> None:
    boundary = date.fromisoformat(expected["bill_date"])

    runners.run(rows.organization, (boundary - timedelta(days=1)).isoformat())

    assert not refusals(rows)
    bill = Bill.objects.filter(
        account=rows.account,
        boundary_date=boundary,
        billing_frequency=cycle[0],
        bill_frequency_interval=cycle[1],
    ).first()
    lines = [] if bill is None else list(bill.line_items.order_by("sequence_number"))
    wanted = [as_object(line) for line in expected["lines"]]
    assert [show(line, pattern) for line, pattern in zip(lines, wanted, strict=False)] == wanted
    assert len(lines) == len(wanted)
    assert (bill.total if bill else 0) == Decimal(expected["total"])
    if bill is not None and "period" in expected:
        assert [bill.start_at, bill.end_at] == [rows.instant(day) for day in expected["period"]]


def check_refused(rows: golden_rows.Rows, expected: dict[str, Any]) -> None:
    boundary = date.fromisoformat(expected["bill_date"])

    runners.run(rows.organization, (boundary - timedelta(days=1)).isoformat())

    [reason] = refusals(rows)
    assert expected["says"] in reason
    assert not Bill.objects.filter(account=rows.account, boundary_date=boundary).exists()


def refusals(rows: golden_rows.Rows) -> list[str]:
    parked = BillJobAccount.objects.filter(account=rows.account, status="PARKED")
    return list(parked.values_list("reason", flat=True))


def as_object(wanted: Any) -> dict[str, Any]:
    if isinstance(wanted, dict):
        return wanted
    return {"type": wanted[0], "subtotal": wanted[1]}


def show(line: LineItem, wanted: Any) -> dict[str, Any]:
    """Show of the line what the file states about it."""
    everything = {
        "type": line.line_item_type,
        "subtotal": line.subtotal,
        "service": [
            moment.strftime("%Y-%m-%dT%H:%M:%SZ").removesuffix("T00:00:00Z")
            for moment in (line.service_period_start, line.service_period_end)
        ],
        "units": line.units,
        "quantity": line.quantity,
        "description": line.description,
        "currency": line.currency,
        "rate": line.conversion_rate,
        "converted": line.converted_subtotal,
        "average": line.average_unit_price,
        "bands": [band["bandUnits"] for band in line.band_usage],
        "band_subtotals": [band["bandSubtotal"] for band in line.band_usage],
    }
    return {key: everything[key] for key in wanted}
