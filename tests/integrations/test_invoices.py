"""Roll-up of bill lines: exact sums, whole cents, and the bill's total to the last of them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.systems.invoices import (
    Invoice,
    Item,
    Party,
    TotalsDiffer,
    minor_units,
    prepared,
)

MAY, JUNE = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


def item(key, amount, *, kind="USAGE", product="p1", aggregation="a1", segment=()):
    return Item(
        key=key, kind=kind, description=f"Line {key}", amount=Decimal(amount), quantity=Decimal(1),
        product_id=product, product_code=product, product_name=f"Product {product}",
        starts_at=MAY, ends_at=JUNE, aggregation_id=aggregation, segment=segment,
    )  # fmt: skip


def invoice(items, total=None):
    total = sum((one.amount for one in items), Decimal(0)) if total is None else Decimal(total)
    return Invoice(
        bill_id="b", version=1, account=Party("a", "acme", "Acme"), currency="USD", total=total,
        items=tuple(items), bill_date=date(2026, 6, 1), start_date=date(2026, 5, 1),
        end_date=date(2026, 6, 1),
    )  # fmt: skip


ITEMS = [
    item("1", "1.10"),
    item("2", "2.20"),
    item("3", "4.00", segment=(("region", "eu"),)),
    item("4", "8.00", aggregation="a2"),
    item("5", "16.00", product="p2"),
    item("6", "32.00", kind="STANDING_CHARGE"),
    item("7", "64.00", kind="MINIMUM_SPEND"),
]


@pytest.mark.parametrize(
    ("split", "amounts"),
    [
        ("AGGREGATION", ["3.30", "4.00", "8.00", "16.00", "32.00", "64.00"]),
        ("PRODUCT", ["15.30", "16.00", "32.00", "64.00"]),
        ("BILL", ["31.30", "32.00", "64.00"]),
    ],
)
def test_usage_is_put_together_as_asked_and_the_rest_stays_one_line_each(split, amounts):
    made = prepared(invoice(ITEMS), places=2, split=split)

    assert [str(line.amount) for line in made.lines] == amounts


def test_what_rounding_leaves_is_added_to_the_largest_line():
    items = [item(str(n), "0.335", aggregation=f"a{n}") for n in range(4)]

    made = prepared(invoice(items), places=2)  # 1.34 in all; each rounds to 0.34, half to even

    assert [str(line.amount) for line in made.lines] == ["0.32", "0.34", "0.34", "0.34"]


def test_a_total_the_lines_cannot_reach_is_refused():
    with pytest.raises(TotalsDiffer, match=r"add up to 3.30, the bill's total is 3.35"):
        prepared(invoice(ITEMS[:2], "3.35"), places=2)
    with pytest.raises(TotalsDiffer, match="more than 0 decimals"):
        prepared(invoice(ITEMS[:2]), places=0)


def test_more_lines_than_the_system_takes_are_rolled_up_further_and_in_the_end_put_together():
    items = [item(str(n), "1", kind="AD_HOC") for n in range(2000)]

    made = prepared(invoice(items), places=2, most_lines=250)

    assert len(made.lines) == 250
    assert made.lines[-1].description == "Further charges (1751)"
    assert made.lines[-1].amount == Decimal("1751.00")


def test_lines_of_nothing_are_left_out_unless_they_are_wanted():
    nothing = Item(**{**{name: getattr(item("9", "0"), name) for name in Item.__slots__},
                      "quantity": Decimal(0), "aggregation_id": "a9"})  # fmt: skip
    bill = invoice([*ITEMS[:1], nothing])

    assert len(prepared(bill, places=2).lines) == 1
    assert len(prepared(bill, places=2, with_zero_lines=True).lines) == 2


@given(
    amounts=st.lists(st.integers(-(10**7), 10**7), min_size=1, max_size=40),
    places=st.sampled_from([0, 2, 3]),
    split=st.sampled_from(["AGGREGATION", "PRODUCT", "BILL"]),
)
def test_lines_always_add_up_to_the_total(amounts, places, split):
    exact = [Decimal(amount).scaleb(-4) for amount in amounts]
    items = [item(str(n), one, aggregation=f"a{n % 7}", product=f"p{n % 3}")
             for n, one in enumerate(exact)]  # fmt: skip
    total = sum(exact, Decimal(0)).quantize(Decimal(1).scaleb(-places))
    try:
        made = prepared(invoice(items, total), places=places, split=split, with_zero_lines=True)
    except TotalsDiffer:
        return
    assert sum(line.amount for line in made.lines) == total
    assert sum(minor_units(line.amount, places) for line in made.lines) == minor_units(
        total, places
    )
