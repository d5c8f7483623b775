"""Every golden family through a whole bill run, once per mode of the parent's plan."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billing.models import Bill
from billing.rating.recompute import recompute
from tests import factories
from tests.billing.bills.test_families import Household

pytestmark = pytest.mark.django_db

FILES = sorted((Path(__file__).parents[2] / "golden" / "families").glob("*.json"))
MODES = ("PARENT_SUMMARY", "PARENT_BREAKDOWN", "CHILD")


def load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(), parse_float=Decimal)


def test_each_golden_family_shows_its_arithmetic_in_every_mode():
    assert len(FILES) >= 4
    for path in FILES:
        family = load(path)
        assert family["by_hand"], path.name
        assert tuple(family["expect"]) == MODES, path.name


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_family_is_billed_as_worked_out_by_hand(path, mode):
    family = load(path)
    household = household_of(family["given"], mode)

    household.run()

    assert shown() == {
        account: sorted(map(tuple, lines), key=in_order)
        for account, lines in family["expect"][mode].items()
    }


def household_of(given, mode):
    children = [code for code in given["used"] if code != "parent"]
    household = Household(mode, children=children)
    household.shop.pricing.bands = factories.bands(*given["bands"])
    household.shop.pricing.is_cumulative = True
    household.shop.pricing.save()
    for code, own_mode in given.get("own_plans", {}).items():
        household.own_plan(code, own_mode)
    household.use(given["used"])
    return household


def shown():
    """Return the lines of all bills by account; each total and calculation agrees with them."""
    found = {}
    for bill in Bill.objects.select_related("account"):
        lines = list(bill.line_items.all())
        assert bill.total == sum(line.converted_subtotal for line in lines)
        for line in lines:
            assert recompute(line.calculation) == (line.subtotal, line.converted_subtotal)
        rows = [(x.line_item_type, x.child_account_code, x.subtotal, x.units) for x in lines]
        assert bill.account.code not in found
        found[bill.account.code] = sorted(rows, key=in_order)
    return found


def in_order(row):
    return (row[0], row[1] or "", row[2])
