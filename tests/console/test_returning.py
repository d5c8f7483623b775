"""A form opened from another page leads back to it; nothing else decides where it leads."""

import pytest
from django.urls import reverse

from billing.models import Account, AccountPlan
from catalog.models import Aggregation, Plan, Pricing, Product
from organizations.kernel.console.returning import BACK
from tests import factories
from tests.console.clients import address

HERE = "http://testserver"


@pytest.fixture
def price(founded):
    """A price of a plan."""
    product = factories.make_product(founded.organization)
    aggregation = factories.make_aggregation(
        factories.make_meter(founded.organization, product=product)
    )
    plan = factories.make_plan(factories.make_plan_template(product))
    return factories.make_pricing(plan, aggregation)


def save(console, row, back, **fields):
    """Send the form of a row that only has a name and a code."""
    fields = {"name": "New", "code": row.code, BACK: back, **fields}
    return console.post(type(row), "change", row, **fields)


def test_a_form_knows_the_page_it_was_opened_from(console, price):
    plan = address(Plan, "change", price.plan)
    form = address(Pricing, "change", price)

    page = console.client.get(form, headers={"referer": HERE + plan})

    assert page.context["back_to"] == plan
    assert f'<input type="hidden" name="_back" value="{plan}">' in console.text(page)


def test_a_saved_form_leads_back_and_one_from_a_list_to_the_list(console, founded):
    product = factories.make_product(founded.organization)
    other = factories.make_account(founded.organization)
    back = address(Account, "change", other)

    led_back = save(console, product, back)
    product.refresh_from_db()
    to_list = save(console, product, "", name="Newer")

    assert led_back["Location"] == back
    assert to_list["Location"] == address(Product, "changelist")
    product.refresh_from_db()
    assert product.name == "Newer"


def test_saving_and_going_on_keeps_the_way_back(console, founded):
    product = factories.make_product(founded.organization)
    back = reverse("admin:index")

    answer = save(console, product, back, _continue="1")
    page = console.client.get(
        answer["Location"], headers={"referer": HERE + address(Product, "change", product)}
    )

    assert page.context["back_to"] == back


def test_a_refused_form_keeps_the_way_back(console, founded):
    product = factories.make_product(founded.organization)

    page = save(console, product, reverse("admin:index"), name="")

    assert page.status_code == 200
    assert page.context["back_to"] == reverse("admin:index")


def test_a_row_added_from_a_page_leads_back_to_it(console, founded):
    back = reverse("admin:pricing_editor")

    answer = console.post(Product, "add", name="New", code="new", **{BACK: back})

    assert answer["Location"] == back


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://example.com/admin/",
        "//example.com/admin/",
        "/\\example.com",
        "javascript:alert(1)",
        "http://[/",
        "/admin/logout/",
        "/admin/catalog/product/",
        "/organizations/1/products",
        "/nowhere",
        "/admin/?" + "a" * 3000,
        "\0",
    ],
)
def test_no_other_address_is_led_to(console, founded, elsewhere):
    product = factories.make_product(founded.organization)

    page = console.client.get(address(Product, "change", product), headers={"referer": elsewhere})
    answer = save(console, product, elsewhere)

    assert page.context["back_to"] == ""
    assert answer["Location"] == address(Product, "changelist")


def test_a_page_does_not_lead_back_to_itself(console, founded):
    product = factories.make_product(founded.organization)
    itself = address(Product, "change", product)

    page = console.client.get(itself, headers={"referer": HERE + itself})

    assert page.context["back_to"] == ""


def test_a_price_changed_from_its_plan_leads_to_the_plans_prices(console, price):
    plan = address(Plan, "change", price.plan)
    sent = {
        "plan": price.plan_id, "aggregation": price.aggregation_id, "shape": "TIERED",
        "start_date_0": "2024-01-01", "start_date_1": "00:00:00",
        "bands": '[{"lowerLimit": "0", "unitPrice": "2"}]', "type": price.type or "",
        "description": "Changed", "overage_bands": "[]", "segment": "{}",
    }  # fmt: skip

    answer = console.post(Pricing, "change", price, **{BACK: plan}, **sent)

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert answer["Location"] == f"{plan}#prices"
    price.refresh_from_db()
    assert price.description == "Changed"


def test_forms_open_from_every_kind_of_row(console, founded, price):
    account = factories.make_account(founded.organization)
    attached = factories.make_account_plan(account, price.plan)
    ways = [
        (account, attached), (attached, account), (price.plan, price),
        (price.plan.plan_template, price.plan), (price.aggregation.meter, price.aggregation),
    ]  # fmt: skip

    for start, row in ways:
        back = address(type(start), "change", start)
        page = console.client.get(
            address(type(row), "change", row), headers={"referer": HERE + back}
        )
        assert page.context["back_to"] == back
    assert {type(row) for _, row in ways} == {Account, AccountPlan, Pricing, Plan, Aggregation}
