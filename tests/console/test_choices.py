"""What forms offer to choose is told apart by more than a name that may repeat."""

import pytest
from django.urls import reverse

from billing.models import AccountPlan
from catalog.models import Plan, Pricing
from tests import factories


@pytest.fixture
def plans(founded):
    """Two plans of one name, in two currencies."""
    factories.make_currency(founded.organization, code="EUR")
    product = factories.make_product(founded.organization)
    return [
        factories.make_plan(
            factories.make_plan_template(product, code=f"t-{currency}", currency=currency),
            name="Pro",
            code=f"pro-{currency}",
        )
        for currency in ("USD", "EUR")
    ]


@pytest.mark.parametrize("model", [AccountPlan, Pricing])
def test_plans_of_one_name_are_offered_with_code_and_currency(
    console, plans, model, django_assert_max_num_queries
):
    place = {"app_label": model._meta.app_label, "model_name": model._meta.model_name}

    with django_assert_max_num_queries(20):
        answer = console.client.get(
            reverse("admin:autocomplete"), {"term": "Pro", **place, "field_name": "plan"}
        )

    assert sorted(one["text"] for one in answer.json()["results"]) == [
        "Pro (pro-EUR, EUR)",
        "Pro (pro-USD, USD)",
    ]


def test_the_chosen_plan_is_called_the_same(console, plans):
    page = console.text(console.get(AccountPlan, "add", plan=plans[0].pk))

    assert "Pro (pro-USD, USD)" in page
    assert "Pro (pro-EUR, EUR)" not in page


def test_templates_and_products_are_offered_with_their_codes(console, plans):
    page = console.text(console.get(Plan, "add"))
    template = plans[0].plan_template

    assert f"{template.name} (t-USD, USD)" in page
    assert f"{template.product.name} ({template.product.code})" in page
