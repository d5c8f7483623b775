"""Who may only read a row sees tables and lines, not JSON, and times of the organization."""

from datetime import UTC, datetime

import pytest

from billing.models import Account, AccountPlan
from catalog.models import Aggregation, Meter, Pricing
from organizations.models import OrganizationConfig
from tests import factories
from tests.console.clients import Console, make_person


@pytest.fixture
def reader(founded):
    """Somebody who may look and change nothing."""
    return Console(make_person(founded, "ReadOnly"))


@pytest.fixture
def priced(founded):
    """A price of a segment, of an account with a plan, in Berlin."""
    OrganizationConfig.objects.filter(organization=founded.organization).update(
        timezone="Europe/Berlin"
    )
    product = factories.make_product(founded.organization)
    meter = factories.make_meter(
        founded.organization,
        product=product,
        data_fields=[
            {"category": "MEASURE", "code": "tokens", "name": "Tokens", "unit": "token"},
            {"category": "WHAT", "code": "model", "name": "<Model>"},
        ],
        custom_fields={"owner": "Ann"},
    )
    aggregation = factories.make_aggregation(
        meter, segmented_fields=["model"], segments=[{"model": "large"}, {"model": "*"}]
    )
    plan = factories.make_plan(factories.make_plan_template(product))
    return factories.make_pricing(
        plan,
        aggregation,
        segment={"model": "large"},
        start_date=datetime(2026, 4, 30, 22, tzinfo=UTC),
    )


def row_of(*cells):
    """Return a row of a table as a page writes it."""
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def test_a_meter_shows_its_fields_as_a_table(reader, priced):
    page = reader.text(reader.get(Meter, "change", priced.aggregation.meter))

    assert row_of("Measure", "tokens", "Tokens", "token") in page
    assert row_of("What", "model", "&lt;Model&gt;", "") in page
    assert row_of("owner", "Text", "Ann") in page
    assert "&quot;category&quot;" not in page


def test_an_account_shows_its_address_in_lines(reader, founded):
    address = {"addressLine1": "1 Main Street", "country": "NZ"}
    account = factories.make_account(founded.organization, address=address)
    bare = factories.make_account(founded.organization)

    page = reader.text(reader.get(Account, "change", account))
    empty = reader.text(reader.get(Account, "change", bare))

    assert "<dt>Line 1</dt><dd>1 Main Street</dd><dt>Country</dt><dd>NZ</dd>" in page
    assert "addressLine1" not in page
    assert "<dt>Line 1</dt>" not in empty


def test_segments_bands_and_kind_of_a_price_are_told(reader, priced):
    aggregation = reader.text(reader.get(Aggregation, "change", priced.aggregation))
    page = reader.text(reader.get(Pricing, "change", priced))

    assert row_of("large") + row_of("*") in aggregation
    assert "<dt>model</dt><dd>large</dd>" in page
    assert "Price a unit</th>" in page
    assert "2026-05-01 00:00 Europe/Berlin" in page
    assert "lowerLimit" not in page


def test_an_account_plan_shows_its_times_in_the_timezone(reader, priced, founded):
    row = factories.make_account_plan(
        factories.make_account(founded.organization), priced.plan, start_date=priced.start_date
    )

    page = reader.text(reader.get(AccountPlan, "change", row))

    assert "2026-05-01 00:00 Europe/Berlin" in page
