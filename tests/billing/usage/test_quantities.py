"""Sums over measurements: methods, windows, segments, many accounts with one statement."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from billing.usage import store
from billing.usage.store import Measurement, Method, Quantity, QuantityRequest, Segmentation
from organizations.kernel import ids
from tests.billing.usage.stored import NOON, gigabytes, total
from tests.factories import make_account, make_meter, make_organization

pytestmark = pytest.mark.django_db

JUNE = datetime(2026, 6, 1, tzinfo=UTC)
JULY = datetime(2026, 7, 1, tzinfo=UTC)


def keep(organization, account_id, meter_id, ts, at=NOON, uid=None, **fields):
    row = Measurement(account_id, meter_id, ts, None, uid or str(ids.new_id()), fields)
    store.append(organization.pk, [row], at=at)


@pytest.fixture
def month(organization):
    """Account and meter of the worked examples E11 to E19."""
    meter, account = gigabytes(organization), make_account(organization)
    for ts, value in (
        (datetime(2026, 6, 20, tzinfo=UTC), 7),
        (datetime(2026, 6, 10, tzinfo=UTC), 4),
        (datetime(2026, 6, 3, tzinfo=UTC), 10),
        (JULY, 99),
    ):
        keep(organization, account.pk, meter.pk, ts, gb=value)
    return account, meter


@pytest.mark.parametrize(
    ("method", "value"),
    [("SUM", 21), ("MIN", 4), ("MAX", 10), ("COUNT", 3), ("MEAN", 7), ("LATEST", 7)],
)
def test_every_method_over_a_month(month, method, value):  # E11-E15, E17
    account, meter = month

    assert total(account.pk, meter, method) == value
    assert total(account.pk, meter, method, month=7) == {"COUNT": 1}.get(method, 99)


@pytest.mark.parametrize("method", list(Method))
def test_without_data_there_is_no_value(month, method):  # E16
    account, meter = month

    assert total(account.pk, meter, method, month=5) is None
    assert total(uuid4(), meter, method) is None


@pytest.mark.parametrize(
    ("method", "value"), [("SUM", 17), ("COUNT", 4), ("MIN", -4), ("LATEST", 7)]
)
def test_a_correction_counts_as_one_more_measurement(organization, month, method, value):  # E19
    account, meter = month

    keep(organization, account.pk, meter.pk, datetime(2026, 6, 11, tzinfo=UTC), gb=-4)

    assert total(account.pk, meter, method) == value


def test_a_sum_of_zero_is_a_value(organization):
    meter, account = gigabytes(organization), make_account(organization)
    keep(organization, account.pk, meter.pk, JUNE, gb=5)
    keep(organization, account.pk, meter.pk, JUNE, gb=-5)

    assert total(account.pk, meter) == 0


def test_distinct_texts_are_counted_with_their_case(organization):  # E18
    meter, account = gigabytes(organization), make_account(organization)
    for user in ("u1", "u2", "u1", "U1"):
        keep(organization, account.pk, meter.pk, JUNE, user_ref=user)

    [unique] = ask(organization, account, meter, ("user_ref", "UNIQUE"))
    [count] = ask(organization, account, meter, ("user_ref", "COUNT"))

    assert (unique, count) == (Quantity(Decimal(3), 4), Quantity(Decimal(4), 4))


def test_of_equal_times_the_latest_receipt_decides_then_the_greatest_uid(organization):
    meter, account = gigabytes(organization), make_account(organization)
    late = NOON + timedelta(hours=1)
    keep(organization, account.pk, meter.pk, JUNE, at=late, uid="b", gb=2)
    keep(organization, account.pk, meter.pk, JUNE, at=late, uid="c", gb=3)
    keep(organization, account.pk, meter.pk, JUNE, at=late, uid="a", gb=1)
    keep(organization, account.pk, meter.pk, JUNE, at=NOON, uid="z", gb=9)

    assert total(account.pk, meter, "LATEST") == 3


def test_latest_is_the_latest_that_has_the_field(organization):
    meter, account = gigabytes(organization), make_account(organization)
    keep(organization, account.pk, meter.pk, JUNE, gb=2)
    keep(organization, account.pk, meter.pk, JUNE + timedelta(days=1), tb=5)

    assert ask(organization, account, meter, ("gb", "LATEST")) == [Quantity(Decimal(2), 1)]


def test_a_text_under_the_code_of_a_number_is_left_out(organization):
    meter, account = gigabytes(organization), make_account(organization)
    keep(organization, account.pk, meter.pk, JUNE, gb=2)
    keep(organization, account.pk, meter.pk, JUNE + timedelta(days=1), gb="seven")

    answers = ask(
        organization, account, meter, ("gb", "SUM"), ("gb", "LATEST"), ("gb", "MEAN"),
        ("gb", "COUNT"),
    )  # fmt: skip

    two = Quantity(Decimal(2), 1)
    assert answers == [two, two, two, Quantity(Decimal(2), 2)]


def test_a_mean_is_divided_exactly_enough(organization):
    meter, account = gigabytes(organization), make_account(organization)
    for value in (1, 0, 0):
        keep(organization, account.pk, meter.pk, JUNE, gb=value)

    assert abs(total(account.pk, meter, "MEAN") * 3 - 1) < Decimal("1E-30")


def ask(organization, account, meter, *wanted, start_at=JUNE, end_at=JULY):
    return store.quantities(
        organization.pk,
        [
            QuantityRequest((account.pk,), meter.pk, field, Method(method), start_at, end_at)
            for field, method in wanted
        ],
    )


def test_everything_is_read_with_one_statement(organization, django_assert_max_num_queries):
    meters = [gigabytes(organization, code=f"m{n}") for n in range(3)]
    accounts = [make_account(organization) for _ in range(20)]
    for a, account in enumerate(accounts):
        for m, meter in enumerate(meters):
            for day in (0, 14, 16):
                at = JUNE + timedelta(days=day)
                keep(organization, account.pk, meter.pk, at, gb=100 * a + 10 * m + day, to=f"{a}")
    middle = JUNE + timedelta(days=15)
    asked, expected = [], []
    for a, account in enumerate(accounts):
        for m, meter in enumerate(meters):
            base = 100 * a + 10 * m
            for start_at, end_at, days in (
                (JUNE, middle, (0, 14)), (middle, JULY, (16,)), (JUNE, JULY, (0, 14, 16)),
            ):  # fmt: skip
                for method, value in (
                    ("SUM", sum(base + day for day in days)),
                    ("LATEST", base + days[-1]),
                    ("MAX", base + days[-1]),
                    ("COUNT", len(days)),
                ):
                    asked.append(
                        QuantityRequest(
                            (account.pk,), meter.pk, "gb", Method(method), start_at, end_at
                        )
                    )
                    expected.append(Quantity(Decimal(value), len(days)))
            asked.append(QuantityRequest((account.pk,), meter.pk, "to", Method.UNIQUE, JUNE, JULY))
            expected.append(Quantity(Decimal(1), 3))

    with django_assert_max_num_queries(3):  # the statement, between savepoint and release
        answers = store.quantities(organization.pk, asked)

    assert answers == expected


def test_another_organization_sees_nothing(organization, month):
    account, meter = month
    other = make_organization()

    assert ask(other, account, meter, ("gb", "SUM")) == [Quantity(None, 0)]


SEGMENTS = Segmentation(
    ("location", "type"),
    (("UK", "Standard"), ("UK", "Complete"), ("USA", "Standard"), ("USA", "Complete")),
)


@pytest.fixture
def places(organization):
    """Account and meter of the worked examples E34 to E36."""
    meter, account = make_meter(organization), make_account(organization)
    for location, kind, value in (
        ("UK", "Standard", 4),
        ("UK", "Complete", 2),
        ("USA", "Standard", 10),
        ("USA", "Extended", 3),
        ("China", "Standard", 5),
    ):
        fields = {"location": location, "type": kind, "quantity": value}
        keep(organization, account.pk, meter.pk, JUNE, **fields)
    return account, meter


def by_segment(organization, place, segmentation, method="SUM", field="quantity"):
    account, meter = place
    answers = store.quantities(
        organization.pk,
        [
            QuantityRequest(
                (account.pk,), meter.pk, field, Method(method), JUNE, JULY, segmentation, segment
            )
            for segment in segmentation.segments
        ],
    )
    return [answer.value for answer in answers]


def test_usage_is_split_by_segment(organization, places):  # E34
    assert by_segment(organization, places, SEGMENTS) == [4, 2, 10, None]
    assert ask(organization, *places, ("quantity", "SUM")) == [Quantity(Decimal(24), 5)]


def test_the_most_literal_segment_gets_the_measurement(organization, places):  # E36
    wider = Segmentation(SEGMENTS.fields, (*SEGMENTS.segments, ("USA", "*")))

    assert by_segment(organization, places, wider) == [4, 2, 10, None, 3]


def test_of_equally_literal_segments_the_first_field_decides(organization, places):
    account, meter = places
    keep(organization, account.pk, meter.pk, JUNE, quantity=100)
    wild = Segmentation(("location", "type"), (("*", "Standard"), ("USA", "*"), ("*", "*")))

    assert by_segment(organization, places, wild) == [4 + 5, 10 + 3, 2 + 100]
    assert by_segment(organization, places, wild, "LATEST")[1] in (10, 3)
    assert by_segment(organization, places, wild, "COUNT") == [2, 2, 2]
    assert by_segment(organization, places, wild, "UNIQUE", "location") == [2, 1, 1]


def test_values_that_run_together_are_not_confused(organization):
    meter, account = make_meter(organization), make_account(organization)
    keep(organization, account.pk, meter.pk, JUNE, a="x1:", b="y", quantity=1)
    keep(organization, account.pk, meter.pk, JUNE, a="x", b="1:y", quantity=2)
    keep(organization, account.pk, meter.pk, JUNE, a="", b="", quantity=4)
    split = Segmentation(("a", "b"), (("x1:", "y"), ("x", "1:y"), ("", ""), ("x1", ":y")))

    assert by_segment(organization, (account, meter), split) == [1, 2, 4, None]


def test_a_thousand_segments_are_told_apart(organization):
    meter, account = make_meter(organization), make_account(organization)
    for n in range(0, 1000, 100):
        keep(organization, account.pk, meter.pk, JUNE, user=f'it\'s "{n}" %s', quantity=n)
    split = Segmentation(("user",), tuple((f'it\'s "{n}" %s',) for n in range(1000)))

    values = by_segment(organization, (account, meter), split)

    assert {n: v for n, v in enumerate(values) if v is not None} == {
        n: n for n in range(0, 1000, 100)
    }
