"""What the console says is said in the words of its pages: no ids, no names of the API."""

import pytest
from django.urls import reverse

from billing.models import AccountPlan
from catalog.models import Product
from organizations.kernel.console import telling
from organizations.kernel.errors import DomainError, FieldError, FieldRefused
from organizations.kernel.wording import counted
from organizations.models import Alert, OrganizationConfig
from tests import factories
from tests.console.clients import address


def said(answer):
    """Return the messages of a page."""
    return [str(message) for message in answer.context["messages"]]


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (FieldRefused("startDate", "is after endDate"), "Start date: is after end date"),
        (FieldRefused("planId", "is archived"), "Plan: is archived"),
        (DomainError("The accountPlan has bills."), "The account plan has bills."),
        (DomainError("Nobody calls iPhoneShop that way."), "Nobody calls iPhoneShop that way."),
        (
            DomainError("pricingBands[0].lowerLimit: must be 0",
                        errors=[FieldError("pricingBands[0].lowerLimit", "must be 0")]),
            "Pricing bands row 1, lower limit: must be 0",
        ),
    ],
)  # fmt: skip
def test_names_of_the_api_become_words(db, refusal, words):
    assert telling.words_of(refusal) == words


def test_one_of_something_is_not_several():
    assert [counted(n, "meters") for n in (0, 1, 1200)] == ["0 meters", "1 meter", "1,200 meters"]
    assert counted(1, "bills with its charges") == "1 bill with its charges"
    assert counted(1, "deliveries") == "1 delivery"


def test_a_change_is_told_under_the_title_of_its_page(console, founded):
    account = factories.make_account(founded.organization, name="Aurora")
    template = factories.make_plan_template(factories.make_product(founded.organization))
    attached = factories.make_account_plan(account, factories.make_plan(template, name="Pro"))
    config = OrganizationConfig.objects.get(organization=founded.organization)

    answer = console.client.post(
        address(AccountPlan, "delete", attached), {"post": "yes"}, follow=True
    )
    page = console.text(console.get(OrganizationConfig, "change", config))

    assert said(answer) == ["Account plan “Aurora on Pro” was deleted."]
    assert "configuration of" not in page


def test_what_is_added_is_told_with_a_link(console):
    answer = console.client.post(
        address(Product, "add"),
        {"name": "Vectors", "code": "vectors", "custom_fields": "[]"},
        follow=True,
    )

    product = Product.objects.get()
    url = address(Product, "change", product)
    assert said(answer) == [
        f'Product “<a class="bw-link" href="{url}">Vectors</a>” was added successfully.'
    ]


def test_one_meter_stands_in_the_way_of_a_product(console, founded):
    product = factories.make_product(founded.organization, name="Vectors")
    factories.make_meter(founded.organization, product=product)

    page = console.text(console.get(Product, "delete", product))

    assert "1 meter of Vectors" in page


def test_one_alert_is_one_alert(console, founded):
    alert = Alert.objects.create(
        organization=founded.organization, severity="INFO", type="T", description="d"
    )

    answer = console.client.post(
        address(Alert, "changelist"),
        {"action": "mark_resolved", "_selected_action": [alert.pk]},
        follow=True,
    )

    assert said(answer) == ["1 alert marked as resolved."]


def test_a_login_that_fails_tells_nothing_of_accounts(client, founded):
    told = []
    for email in (founded.admin.email, "nobody@example.com"):
        answer = client.post(
            reverse("admin:login"), {"username": email, "password": "not the password"}
        )
        told.append(answer.context["form"].errors["__all__"])

    assert told == [["The e-mail address or the password is not right."]] * 2
