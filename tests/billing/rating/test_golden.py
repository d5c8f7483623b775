"""Every golden situation through the real engine: schedule, terms and ``rate``."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billing.rating import lines, recompute
from organizations.kernel.errors import DomainError
from tests.billing.rating import situations

FOLDER = Path(__file__).parents[2] / "golden" / "rating"
FILES = sorted(FOLDER.glob("*.json"))


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(), parse_float=Decimal)
    return loaded


def test_there_are_golden_situations_and_each_shows_its_arithmetic():
    assert len(FILES) >= 60
    for path in FILES:
        assert load(path)["by_hand"], path.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_situation_is_billed_as_worked_out_by_hand(path):
    situation = load(path)
    account = situations.Situation(situation["given"])
    expected = situation["expect"]

    for due in expected.get("due", []):
        check_due(account, due)
    for bill in expected.get("bills", []):
        check_bill(account, bill)
    if "refused" in expected:
        check_refused(account, expected["refused"])

    assert expected.keys() <= {"due", "bills", "refused"}


def check_due(account: situations.Situation, expected: dict[str, Any]) -> None:
    due = account.due(expected["on"])

    assert [bill.key.boundary.isoformat() for bill in due] == expected["bills"]
    if "period" in expected:
        assert due[0].period == situations.period(*expected["period"], account.zone)


def check_bill(account: situations.Situation, expected: dict[str, Any]) -> None:
    bill = account.bill(expected["bill_date"])

    assert [show(line, wanted) for line, wanted in pairs(bill, expected["lines"])] == [
        as_object(wanted) for wanted in expected["lines"]
    ]
    assert bill.total == expected["total"]
    if "period" in expected:
        assert bill.period == situations.period(*expected["period"], account.zone)
    for line in bill.lines:
        assert recompute.recompute(line.calculation) == (line.subtotal, line.converted_subtotal)


def check_refused(account: situations.Situation, expected: dict[str, Any]) -> None:
    with pytest.raises(DomainError) as refusal:
        account.bill(expected["bill_date"])

    assert refusal.value.code == expected["code"]
    assert expected["says"] in refusal.value.message


def pairs(bill: lines.RatedBill, wanted: list[Any]) -> list[tuple[lines.RatedLine, Any]]:
    """Extra lines are shown as type and subtotal, so that a difference can be read."""
    padded = wanted + [[]] * (len(bill.lines) - len(wanted))
    return list(zip(bill.lines, padded, strict=False))


def as_object(wanted: Any) -> dict[str, Any]:
    if isinstance(wanted, dict):
        return wanted
    return {"type": wanted[0], "subtotal": wanted[1]}


def show(line: lines.RatedLine, wanted: Any) -> dict[str, Any]:
    """Show of the line what the file states about it."""
    zone_free = [period_text(line.service_period.start), period_text(line.service_period.end)]
    everything = {
        "type": line.line_type.value,
        "subtotal": line.subtotal,
        "service": zone_free,
        "units": line.units,
        "quantity": line.quantity,
        "description": line.description,
        "currency": line.currency,
        "rate": line.conversion_rate,
        "converted": line.converted_subtotal,
        "average": line.average_unit_price,
        "bands": [band.band_units for band in line.band_usage],
        "band_subtotals": [band.band_subtotal for band in line.band_usage],
    }
    if isinstance(wanted, dict):
        return {key: everything[key] for key in wanted}
    return {key: everything[key] for key in ("type", "subtotal")}


def period_text(instant: Any) -> str:
    """Midnight in UTC is written as the date alone, any other instant in full."""
    return lines.instant_text(instant).removesuffix("T00:00:00Z")
