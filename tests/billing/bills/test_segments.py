"""Segments on bills: literals before wildcards, a default, one line and one minimum each."""

from decimal import Decimal

import pytest

from billing.models import Bill, LineItem
from tests import factories
from tests.billing.bills import compounded, runners

pytestmark = pytest.mark.django_db

USAGE = (("UK", "Standard", 4), ("UK", "Complete", 2), ("USA", "Standard", 10),
         ("USA", "Extended", 3), ("China", "Standard", 5))  # fmt: skip


def segment(location, kind):
    return {"location": location, "type": kind}


class Regions:
    """The meter of usage.md 17.5 with segments and a price for some of them."""

    def __init__(self, organization, segments, prices, **pricing):
        self.organization = organization
        meter = compounded.make_meter(organization, ["quantity"], ["location", "type"])
        aggregation = compounded.make_sum(
            meter,
            "quantity",
            name="Items",
            segments=segments,
            segmented_fields=["location", "type"],
        )
        plan = compounded.make_plan(organization, standing_charge=Decimal(0))
        for number, (of, price) in enumerate(prices):
            factories.make_pricing(
                plan, aggregation, segment=of, segment_key=f"{number}",
                bands=factories.bands((0, 0, price)), **pricing,
            )  # fmt: skip
        self.account = factories.make_account(organization)
        factories.make_account_plan(self.account, plan)
        for location, kind, quantity in USAGE:
            compounded.measure(
                self.account, meter, "2024-06-05T12:00",
                {"quantity": Decimal(quantity), "location": location, "type": kind},
            )  # fmt: skip

    def lines(self):
        runners.run(self.organization, "2024-06-15")
        rows = LineItem.objects.filter(bill__account=self.account).order_by("sequence_number")
        return [(row.line_item_type, row.description, row.quantity, row.subtotal) for row in rows]


S1, S2 = segment("UK", "Standard"), segment("UK", "Complete")
S3, S4 = segment("USA", "Standard"), segment("USA", "Complete")


def test_each_priced_segment_is_a_line_and_unpriced_usage_is_free(organization):
    # E34, E35: 4 x 10 + 2 x 40 + 10 x 12 = 240; China and USA Extended are in no segment.
    regions = Regions(organization, [S1, S2, S3, S4], [(S1, 10), (S2, 40), (S3, 12), (S4, 99)])

    assert regions.lines() == [
        ("USAGE", "Items (UK, Complete)", 2, 80),
        ("USAGE", "Items (UK, Standard)", 4, 40),
        ("USAGE", "Items (USA, Standard)", 10, 120),
    ]
    assert Bill.objects.get().total == 240
    line = LineItem.objects.get(description="Items (UK, Complete)")
    assert line.segment == S2


def test_a_wildcard_and_the_default_take_what_no_more_literal_segment_does(organization):
    # E36: USA Extended 3 is in {USA, *}; China 5 in the default; USA Standard stays 10.
    wild, default = segment("USA", "*"), segment("*", "*")
    regions = Regions(
        organization, [S1, S2, S3, wild, default], [(S3, 12), (wild, 20), (default, 1)]
    )

    assert regions.lines() == [
        ("USAGE", "Items (*, *)", 5, 5),
        ("USAGE", "Items (USA, *)", 3, 60),
        ("USAGE", "Items (USA, Standard)", 10, 120),
    ]


def test_each_segment_has_a_minimum_of_its_own(organization):
    # SEG-2: 40 of 50, 80 of 50, and nothing of 50 for USA Complete.
    regions = Regions(
        organization, [S1, S2, S4], [(S1, 10), (S2, 40), (S4, 99)], minimum_spend=Decimal(50)
    )

    lines = [(kind, subtotal) for kind, _, _, subtotal in regions.lines()]

    assert sorted(lines) == [
        ("MINIMUM_SPEND", 10), ("MINIMUM_SPEND", 50), ("USAGE", 40), ("USAGE", 80),
    ]  # fmt: skip
