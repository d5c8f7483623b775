"""Lookups in derived fields: the revision that is published when a measurement arrives (15.6)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.models import IngestFailure
from catalog.lookups import items, published, statuses
from organizations.kernel import principals
from tests.billing.usage.stored import accept, gigabytes, item, stored
from tests.catalog.lookup_rows import make_revision, make_table
from tests.factories import make_account, make_founded

CALCULATION = 'gb * Lookup.findNumber("discount_vol_rates","rate",1,"country")'
UK_AND_US = [
    {"country": "UK", "rate": Decimal("0.8")},
    {"country": "US", "rate": Decimal("0.9")},
]


def metered(organization, calculation=CALCULATION):
    make_account(organization, code="acme")
    return gigabytes(
        organization,
        data_fields=[
            {"category": "MEASURE", "code": "gb", "name": "G", "unit": "1"},
            {"category": "WHERE", "code": "country", "name": "C"},
        ],
        derived_fields=[{"category": "MEASURE", "code": "x", "name": "X", "unit": "1",
                         "calculation": calculation}],
    )  # fmt: skip


def send(organization, uid, country="UK", **more):
    accept(organization, item(uid=uid, measure={"gb": 100}, where={"country": country}, **more))


def values(organization):
    return dict(stored(organization, "uid, (fields->'x')::numeric"))


@pytest.mark.django_db
def test_a_measurement_takes_the_revision_published_when_it_arrives(organization):  # E32, E33
    table = make_table(organization, code="discount_vol_rates")
    make_revision(table, UK_AND_US, status="PUBLISHED")
    metered(organization)

    for country in ("UK", "US", "FR"):
        send(organization, country, country)
    later = make_revision(table, [{"country": "UK", "rate": Decimal("0.5")}])
    send(organization, "draft")
    statuses.change(later, "PUBLISHED", by=principals.system(organization.pk))
    send(organization, "later", ts="2026-05-01T00:00:00Z")

    assert values(organization) == {"UK": 80, "US": 90, "FR": 100, "draft": 80, "later": 50}


@pytest.mark.django_db
def test_a_table_without_published_revision_gives_the_default(organization):
    table = make_table(organization, code="discount_vol_rates")
    revision = make_revision(table, UK_AND_US, status="PUBLISHED")
    metered(organization)
    send(organization, "before")

    statuses.change(revision, "ARCHIVED", by=principals.system(organization.pk))
    send(organization, "after")

    assert values(organization) == {"before": 80, "after": 100}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ('"nosuch", "rate", 1, "UK"', "there is no lookup table nosuch"),
        ('"discount_vol_rates", "price", 1, "UK"',
         "lookup table discount_vol_rates has no field price"),
        ('"discount_vol_rates", "rate", 1, "UK", "x"',
         "lookup table discount_vol_rates has 1 keys (country), and 2 were given"),
        ('"discount_vol_rates", "country", 1, "UK"',
         "country of lookup table discount_vol_rates is a text, not a number"),
    ],
)  # fmt: skip
def test_a_lookup_that_cannot_be_is_told_and_the_measurement_stored(organization, call, reason):
    make_revision(
        make_table(organization, code="discount_vol_rates"), UK_AND_US, status="PUBLISHED"
    )
    metered(organization, f"Lookup.findNumber({call})")

    send(organization, "u")

    assert values(organization) == {"u": None}
    assert [row.message for row in IngestFailure.objects.all()] == [f"Derived field x: {reason}."]


@pytest.mark.django_db
def test_another_organization_has_tables_of_its_own(organization):
    others = make_founded().organization
    for owner, rate in ((organization, "0.8"), (others, "0.3")):
        table = make_table(owner, code="discount_vol_rates")
        make_revision(table, [{"country": "UK", "rate": Decimal(rate)}], status="PUBLISHED")

    found = published.Tables(organization.pk).find("discount_vol_rates", "rate", ("UK",))

    assert found == Decimal("0.8")


@pytest.mark.django_db
def test_a_table_too_large_to_be_held_is_asked_key_by_key(
    organization, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(published, "MOST_HELD", 1)
    table = make_table(organization, code="t")
    make_revision(
        table, [{"size": 1, "rate": 5}, {"size": Decimal("2.50"), "rate": 6}],
        fields=[("size", "NUMBER"), ("rate", "NUMBER")], keys=["size"], status="PUBLISHED",
    )  # fmt: skip
    tables = published.Tables(organization.pk)

    assert tables.find("t", "rate", (Decimal("2.5"),)) == 6
    with django_assert_num_queries(0):
        assert tables.find("t", "rate", (Decimal("2.500"),)) == 6
    assert tables.find("t", "rate", ("2.5",)) is None
    assert tables.find("t", "rate", (Decimal(3),)) is None


@given(st.lists(st.text(min_size=1, max_size=20), min_size=2, max_size=5))
def test_keys_in_an_address_lead_to_the_values_they_were_made_of(texts):
    names = [f"k{number}" for number in range(len(texts))]
    schema = items.Schema(dict.fromkeys(names, "STRING"), tuple(names))

    assert items.values_of(schema, items.joined(texts)) == texts
