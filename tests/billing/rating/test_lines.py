"""Line keys, ids and accounting products of lines."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from billing.rating.inputs import MinimumSpend, PricingType, StandingCharge
from billing.rating.lines import LINE_KEY_MAX_LENGTH, LineType, line_key, stored_subject
from billing.rating.pipeline import rate
from billing.rating.subjects import (
    DETAIL_MAX_LENGTH,
    Attribution,
    Subject,
    SubjectKind,
    segment_digest,
)
from organizations.kernel.money import AmountTooLarge, ConversionRate
from tests.billing.rating.making import (
    at,
    make_aggregation,
    make_bands,
    make_bill,
    make_pricing,
    make_term,
)

HUGE = Decimal("1E19")
DEAR = ConversionRate("EUR", "USD", Decimal(100))
ACCOUNT, PLAN, PRICING = (UUID(int=number) for number in (1, 2, 3))
BELONGS = Attribution(ACCOUNT, account_plan_id=PLAN, pricing_id=PRICING)


def test_a_line_key_spells_out_its_seven_parts():
    usage = Subject.usage(make_aggregation(), ())

    key = line_key(LineType.USAGE, usage, BELONGS, at("2024-06-01"))

    assert key == f"USAGE|{ACCOUNT.hex}|{PLAN.hex}|{PRICING.hex}|||2024-06-01T00:00:00Z"


def test_a_line_key_names_what_is_no_price_and_no_plan():
    fee = Subject(SubjectKind.COMMITMENT, PRICING, "2024-06-03")

    key = line_key(LineType.COMMITMENT_FEE, fee, Attribution(ACCOUNT), at("2024-06-01"))

    assert key == (
        f"COMMITMENT_FEE|{ACCOUNT.hex}||||commitment:{PRICING.hex}:2024-06-03|2024-06-01T00:00:00Z"
    )


def test_the_longest_line_key_fits_its_column():
    key = line_key(
        LineType.COUNTER_RUNNING_TOTAL_CHARGE,
        Subject(SubjectKind.COMMITMENT, uuid4(), "x" * DETAIL_MAX_LENGTH),
        BELONGS,
        datetime(2024, 6, 1, 12, 30, 15, 123456, tzinfo=UTC),
    )

    assert len(key) <= LINE_KEY_MAX_LENGTH


@pytest.mark.parametrize(
    ("line_type", "subject"),
    [
        (LineType.USAGE, Subject(SubjectKind.USAGE, PLAN, segment_digest((("a", "1"),)))),
        (LineType.USAGE, Subject(SubjectKind.USAGE, PLAN)),
        (LineType.MINIMUM_SPEND, Subject(SubjectKind.PRICING, PRICING)),
        (LineType.COUNTER_ADJUSTMENT_DEBIT, Subject(SubjectKind.COUNTER, PLAN, "2024-06-03")),
        (LineType.AD_HOC, Subject(SubjectKind.CHARGE, PLAN)),
    ],
)
def test_the_subject_of_a_stored_line_is_read_from_its_key(line_type, subject):
    key = line_key(line_type, subject, BELONGS, at("2024-06-01"))

    assert (
        stored_subject(line_type.value, key, measured=PLAN, pricing_id=PRICING, plan_id=None)
        == subject
    )


def test_a_segment_is_the_same_whatever_the_order_of_its_fields():
    one, two = (("a", "1"), ("b", "2")), (("a", "2"), ("b", "1"))

    assert segment_digest(one) == segment_digest(one[::-1])
    assert segment_digest(one) != segment_digest(two)


def test_a_new_price_version_keeps_the_line_and_its_key():
    pricing = make_pricing(10)
    term = make_term(pricings=(pricing,))
    dearer = make_pricing(
        10, id=pricing.id, aggregation=pricing.aggregation, bands=make_bands((0, 0, 2)), version=4
    )

    before = rate(make_bill(term)).lines[0]
    after = rate(make_bill(make_term(id=term.id, account_id=term.account_id, pricings=(dearer,))))

    assert after.lines[0].line_key == before.line_key
    assert (before.subtotal, after.lines[0].subtotal) == (10, 20)
    assert after.lines[0].calculation["pricing"]["version"] == 4


@pytest.mark.parametrize(
    ("of_pricing", "of_aggregation", "expected"),
    [(True, True, "pricing"), (False, True, "aggregation"), (False, False, "product")],
)
def test_usage_and_its_minimum_are_accounted_by_pricing_then_aggregation_then_product(
    of_pricing, of_aggregation, expected
):
    ids = {"pricing": uuid4(), "aggregation": uuid4()}
    aggregation = make_aggregation(
        accounting_product_id=ids["aggregation"] if of_aggregation else None
    )
    pricing = make_pricing(
        10,
        aggregation=aggregation,
        accounting_product_id=ids["pricing"] if of_pricing else None,
        minimum_spend=MinimumSpend(Decimal(100)),
    )
    term = make_term(pricings=(pricing,))
    ids["product"] = term.product.id

    usage, minimum = rate(make_bill(term)).lines

    assert usage.accounting_product_id == ids[expected]
    assert minimum.accounting_product_id == ids[expected]
    assert minimum.subtotal == 90


def test_charges_of_a_plan_have_accounting_products_of_their_own_or_the_product():
    standing, minimum = uuid4(), uuid4()
    own = make_term(
        standing_charge=StandingCharge(Decimal(10), accounting_product_id=standing),
        minimum_spend=MinimumSpend(Decimal(20), accounting_product_id=minimum),
    )
    plain = make_term(
        standing_charge=StandingCharge(Decimal(10)), minimum_spend=MinimumSpend(Decimal(20))
    )

    assert [line.accounting_product_id for line in rate(make_bill(own)).lines] == [
        standing,
        minimum,
    ]
    assert [line.accounting_product_id for line in rate(make_bill(plain)).lines] == [
        plain.product.id
    ] * 2


def test_a_usage_line_names_everything_it_came_from():
    pricing = make_pricing(10, aggregation=make_aggregation(meter_id=uuid4()))
    term = make_term(pricings=(pricing,), contract_id=uuid4(), plan_group_id=uuid4())

    (line,) = rate(make_bill(term)).lines

    assert (line.account_id, line.account_plan_id) == (term.account_id, term.id)
    assert (line.plan_id, line.plan_group_id) == (term.plan_id, term.plan_group_id)
    assert (line.pricing_id, line.aggregation_id) == (pricing.id, pricing.aggregation.id)
    assert (line.meter_id, line.compound_aggregation_id) == (pricing.aggregation.meter_id, None)
    assert (line.product_id, line.contract_id) == (term.product.id, term.contract_id)
    assert (line.unit, line.sequence) == ("req", 1)


def test_a_compound_aggregation_is_named_as_such():
    pricing = make_pricing(10, aggregation=make_aggregation(is_compound=True))

    (line,) = rate(make_bill(make_term(pricings=(pricing,)))).lines

    assert (line.aggregation_id, line.compound_aggregation_id) == (None, pricing.aggregation.id)


@pytest.mark.parametrize("price", [10, -10])
def test_a_credit_is_given_whichever_sign_its_price_was_written_with(price):
    used = make_pricing(100, bands=make_bands((0, 0, 2)))
    credit = make_pricing(
        13, type=PricingType.GLOBAL_CREDIT, bands=make_bands((0, 0, price)),
        aggregation=make_aggregation(name="Rebate"),
    )  # fmt: skip

    given = rate(make_bill(make_term(pricings=(used, credit)))).lines[1]

    assert (given.line_type, given.subtotal) == (LineType.USAGE_CREDIT, Decimal(-130))
    [band] = given.band_usage
    assert (band.unit_price, band.band_units, band.band_subtotal) == (-10, 13, -130)


def test_corrections_of_what_gives_credit_charge_nothing():
    used = make_pricing(100)
    credit = make_pricing(-5, type=PricingType.PRODUCT_CREDIT)

    bill = rate(make_bill(make_term(pricings=(used, credit))))

    assert [line.subtotal for line in bill.lines] == [100, 0]


@pytest.mark.parametrize(
    ("term", "rates", "named"),
    [
        ({"pricings": (make_pricing(HUGE, bands=make_bands((0, 0, 100))),)}, (), "Requests of"),
        ({"pricings": (make_pricing(HUGE),)}, (DEAR,), "Requests of"),
        ({"standing_charge": StandingCharge(HUGE * 100)}, (), "Standing Charge of"),
        (
            {"minimum_spend": MinimumSpend(HUGE * 100)},
            (),
            "Storage Minimum Spend Adjustment of",
        ),
    ],
)
def test_an_amount_that_no_bill_can_hold_names_its_line_and_product(term, rates, named):
    currency = "EUR" if rates else "USD"
    bill = make_bill(make_term(currency=currency, **term), conversion_rates=rates)

    with pytest.raises(AmountTooLarge) as refusal:
        rate(bill)

    assert refusal.value.message == (
        f"{named} Storage: the amount in USD has more than 20 digits before the point, more than "
        "a bill can hold. Look at the quantity, the price and the conversion rate behind it."
    )


def test_lines_that_are_too_large_together_are_told_of_as_the_whole_bill():
    terms = (make_term(pricings=(make_pricing(HUGE * 9),)) for _ in range(2))

    with pytest.raises(AmountTooLarge, match=r"^The whole bill: the amount in USD"):
        rate(make_bill(*terms))
