"""Quantities of several accounts together, of filtered usage, and of many segments at once."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.usage import store
from billing.usage.store import Method, Quantity, QuantityRequest, Segmentation
from tests.billing.usage.stored import gigabytes
from tests.billing.usage.test_quantities import JULY, JUNE, keep
from tests.factories import make_account, make_meter, make_organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def family():
    """A parent and two children; the second child's value is the latest of all."""
    organization = make_organization()
    meter = gigabytes(organization)
    accounts = [make_account(organization) for _ in range(3)]
    for number, (account, value, to) in enumerate(
        zip(accounts, (5, 9, 1), ("a", "b", "a"), strict=True)
    ):
        keep(organization, account.pk, meter.pk, JUNE + timedelta(days=number), gb=value, to=to)
    keep(organization, accounts[0].pk, meter.pk, JUNE, gb=5, to="b")
    return organization, meter, tuple(account.pk for account in accounts)


@pytest.mark.parametrize(
    ("method", "field", "value", "count"),
    [
        ("SUM", "gb", 20, 4),
        ("COUNT", "gb", 4, 4),
        ("MIN", "gb", 1, 4),
        ("MAX", "gb", 9, 4),
        ("MEAN", "gb", 5, 4),
        ("LATEST", "gb", 1, 4),
        ("UNIQUE", "to", 2, 4),
    ],
)
def test_several_accounts_have_one_quantity_together(family, method, field, value, count):
    organization, meter, accounts = family

    [answer, of_one] = store.quantities(
        organization.pk,
        [
            QuantityRequest(account_ids, meter.pk, field, Method(method), JUNE, JULY)
            for account_ids in ((*accounts, accounts[0]), accounts[1:2])
        ],
    )

    assert answer == Quantity(Decimal(value), count)
    assert of_one == Quantity(Decimal(9 if field == "gb" and method != "COUNT" else 1), 1)


def test_no_account_has_no_quantity(family):
    organization, meter, _ = family

    request = QuantityRequest((), meter.pk, "gb", Method.SUM, JUNE, JULY)

    assert store.quantities(organization.pk, [request]) == [Quantity(None, 0)]


@pytest.mark.parametrize("method", ["SUM", "MAX", "MEAN", "LATEST"])
def test_a_filter_leaves_the_measurements_with_one_of_its_texts(family, method):
    organization, meter, accounts = family

    whole, of_b, of_none, of_both = store.quantities(
        organization.pk,
        [
            QuantityRequest(
                accounts[:2], meter.pk, "gb", Method(method), JUNE, JULY, filters=filters
            )
            for filters in ((), (("to", ("b",)),), (("to", ("x'",)),), (("to", ("a", "b")),))
        ],
    )

    # 5 to a, 5 to b; 9 to b.
    expected = {"SUM": 14, "MAX": 9, "MEAN": 7, "LATEST": 9}
    assert of_b == Quantity(Decimal(expected[method]), 2)
    assert of_none == Quantity(None, 0)
    assert of_both == whole


def test_a_thousand_segments_are_read_once_whoever_made_them():
    organization = make_organization()
    meter, account = make_meter(organization), make_account(organization)
    keep(organization, account.pk, meter.pk, JUNE, quantity=3, place="p7")

    def asked(count: int) -> list[QuantityRequest]:
        places = tuple((f"p{number}",) for number in range(count))
        return [
            # Each asks with an equal segmentation of its own.
            QuantityRequest(
                (account.pk,), meter.pk, "quantity", Method.SUM, JUNE, JULY,
                Segmentation(("place",), tuple(places)), place,
            )
            for place in places
        ]  # fmt: skip

    with CaptureQueriesContext(connection) as captured:
        answers = store.quantities(organization.pk, asked(300))

    [statement] = [query["sql"] for query in captured if "billing_measurement" in query["sql"]]
    assert statement.count("billing_measurement") == 1
    assert len(statement) < 20_000
    assert [answer.value for answer in answers] == [None] * 7 + [3] + [None] * 292
