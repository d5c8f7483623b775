"""The bill explorer: lines of bills by month as chart, table and file, for whom may ask."""

from decimal import Decimal

import pytest
from django.urls import reverse

from billing.models import Bill
from organizations.models import PermissionPolicy
from tests import factories
from tests.billing.bills import making, runners
from tests.console.clients import Console, attach, make_person

pytestmark = pytest.mark.django_db

SPRING = {"start": "2024-05-01", "end": "2024-08-01", "group": "type"}


@pytest.fixture
def shop(founded) -> making.Shop:
    """Acme has 20 a month, and used 100 at 0.10 in June."""
    shop = making.Shop.__new__(making.Shop)
    shop.organization = founded.organization
    shop.fill()
    account = shop.account(code="acme", name="Acme")
    runners.use(account, shop.meter, "2024-06-10", 100)
    for day in ("2024-05-15", "2024-06-15", "2024-07-15"):
        runners.run(shop.organization, day)
    return shop


def ask(console, **query):
    return console.client.get(reverse("admin:bill_explorer"), {**SPRING, **query})


def test_lines_are_added_up_by_month_and_kind(console, shop):
    answer = ask(console)

    (table,) = answer.context["tables"]
    assert table["months"] == ["2024-05", "2024-06", "2024-07"]
    assert {row["name"]: row["total"] for row in table["rows"]} == {
        "Standing charge": "60.00 USD", "Usage": "10.00 USD",
    }  # fmt: skip
    assert (table["sums"], table["total"]) == (
        ["20.00 USD", "30.00 USD", "20.00 USD"], "70.00 USD",
    )  # fmt: skip
    assert table["chart"]["datasets"][0]["data"] == ["20", "20", "20"]
    assert "data-chart" in console.text(answer)


def test_accounts_kinds_and_products_narrow(console, shop):
    other = shop.account(code="other", name="Other")
    runners.run(shop.organization, "2024-06-15")

    by_account = ask(console, group="account").context["tables"][0]["rows"]
    narrowed = ask(console, accounts="acme", kinds="USAGE").context["tables"][0]
    nothing = ask(console, products="No such product")

    assert [row["name"] for row in by_account] == ["Acme", other.name]
    assert narrowed["total"] == "10.00 USD"
    assert nothing.context["tables"] == []
    assert "No line of a bill matches" in console.text(nothing)


def test_the_file_holds_exact_amounts_and_no_formula(console, shop):
    Bill.objects.update(account_name="=1+1")

    text = b"".join(ask(console, group="account", format="csv")).decode("utf-8-sig")

    assert text.splitlines()[:2] == [
        "Account,Month,Currency,Amount", "'=1+1,2024-05,USD,20",
    ]  # fmt: skip
    amounts = [Decimal(line.rpartition(",")[2]) for line in text.splitlines()[1:]]
    assert sum(amounts) == 70


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"end": "2024-05-01"}, "end"),
        ({"end": "2034-05-01"}, "end"),
        ({"start": "never"}, "start"),
        ({"group": "colour"}, "group"),
        ({"kinds": "NOTHING"}, "kinds"),
    ],
)
def test_what_cannot_be_asked_is_said_at_its_field(console, shop, query, field):
    answer = ask(console, **query)

    assert answer.status_code == 200
    assert field in answer.context["form"].errors
    assert answer.context["tables"] == []


def test_who_may_not_query_bills_gets_neither_page_nor_button(founded, shop):
    biller = Console(make_person(founded, "Billing operations"))

    assert biller.client.get(reverse("admin:bill_explorer")).status_code == 403
    assert reverse("admin:bill_explorer") not in biller.text(biller.get(Bill))


def test_lines_of_denied_bills_do_not_count(founded, shop):
    may = Bill.objects.get(boundary_date="2024-06-01")
    person = make_person(founded, "Administrator")
    attach(
        founded,
        person,
        PermissionPolicy.objects.create(
            organization=founded.organization,
            name=f"Not May {factories.number()}",
            statements=[
                {
                    "effect": "deny",
                    "action": ["config:retrieve"],
                    "resource": [f"billing:bill/item/{may.pk}"],
                }
            ],
        ),
    )

    (table,) = ask(Console(person)).context["tables"]

    assert table["months"] == ["2024-06", "2024-07"]


def test_the_first_look_is_at_the_last_twelve_months(console, shop):
    answer = console.client.get(reverse("admin:bill_explorer"))

    assert answer.status_code == 200
    assert reverse("admin:bill_explorer") in console.text(console.get(Bill))
