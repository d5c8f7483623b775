"""Rows written at once come back as they were given, whether one statement holds them or many."""

from decimal import Decimal

import pytest

from catalog.models import PlanTemplate, Product
from organizations.kernel import bulk, clock, ids
from tests.factories import make_organization, make_product

pytestmark = pytest.mark.django_db
COUNTS = [1, 3, bulk.WORTH_COPYING - 1, bulk.WORTH_COPYING, 57]


@pytest.mark.parametrize("count", COUNTS)
def test_rows_of_kinds_get_what_is_the_same_and_what_their_kind_has(count):
    organization = make_organization()
    kinds = [("it's", '{"a": "50%s"}'), ('"Zwei"\\', "{}"), ("Ж", '{"b": "2"}')]
    rows = bulk.Rows(
        columns=("id", "code", "version"),
        values=[(ids.new_id(), f"p-{n}", n + 1, n % len(kinds)) for n in range(count)],
        same={"organization_id": organization.pk, "created_at": clock.now(), **_stamped()},
        kind_columns=("name", "custom_fields"),
        kinds=kinds,
    )

    bulk.insert_values(Product, rows)

    stored = {row.code: row for row in Product.objects.for_organization(organization)}
    assert len(stored) == count
    texts = [{"a": "50%s"}, {}, {"b": "2"}]
    for number, (identity, code, version, kind) in enumerate(rows.values):
        row = stored[code]
        assert (row.pk, row.version) == (identity, number + 1) == (identity, version)
        assert (row.name, row.custom_fields) == (kinds[kind][0], texts[kind])


@pytest.mark.parametrize("count", COUNTS)
def test_decimals_are_stored_digit_for_digit(count):
    product = make_product(make_organization())
    amounts = [Decimal("12345678901234567890.123456789012345678"), Decimal("1E+3"), Decimal("-0"),
               Decimal("1E-18"), None]  # fmt: skip

    bulk.insert(
        [
            PlanTemplate(
                organization=product.organization,
                product=product,
                name="T",
                code=f"t-{n}",
                currency="USD",
                bill_frequency="MONTHLY",
                standing_charge=0,
                minimum_spend=amounts[n % len(amounts)],
            )
            for n in range(count)
        ]
    )

    for row in PlanTemplate.objects.for_organization(product.organization):
        assert row.minimum_spend == amounts[int(row.code[2:]) % len(amounts)]


def test_only_what_differs_is_updated():
    organization = make_organization()
    rows = [make_product(organization, code=f"p-{n}", name="before") for n in range(30)]
    made = {row.pk: row.created_at for row in rows}
    for row in rows[10:]:
        row.name = "after"
    for row in rows:
        row.version += 1
        row.created_at = clock.now()

    bulk.update(Product, bulk.rows_of(rows), stamps=("version", "modified_at", "modified_by"))

    for row in Product.objects.for_organization(organization):
        changed = int(row.code[2:]) >= 10
        assert (row.name, row.version) == (("after", 2) if changed else ("before", 1))
        assert row.created_at == made[row.pk], "who made a row when is said once"


def _stamped():
    return {"modified_at": clock.now()}
