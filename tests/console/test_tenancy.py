"""No page of the console shows, changes or deletes a row of another organization."""

import pytest
from django.contrib import admin
from django.forms.models import model_to_dict
from django.urls import reverse

from billing.models import Bill, LineItem
from catalog.models import Meter, Plan, Product
from organizations.kernel.console.base import ConsoleModelAdmin
from tests import factories
from tests.console.clients import Console, address
from tests.console.inhabited import MARK, inhabit

PAGES = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def theirs(founded):
    """Rows of an organization the administrator does not belong to, one a page."""
    return inhabit(factories.make_founded())


@pytest.fixture
def mine(founded):
    """Rows of the administrator's own organization, one a page."""
    return inhabit(founded)


def test_every_page_scopes_by_organization():
    assert PAGES != []
    assert all(isinstance(page, ConsoleModelAdmin) for page in admin.site._registry.values())


def test_the_inhabited_organization_has_a_row_on_every_page(theirs):
    assert set(theirs) == set(PAGES)


def test_a_list_shows_ones_own_row_and_none_of_a_stranger(console, mine, theirs):
    wrong = []
    for model in PAGES:
        answer = console.get(model, follow=True)
        page = console.text(answer if answer.status_code == 200 else console.client.get(answer.url))
        if address(model, "change", theirs[model]) in page:
            wrong.append(f"{model.__name__} shows a stranger's row")
        if address(model, "change", mine[model]) not in page:
            wrong.append(f"{model.__name__} does not show ones own row")

    assert not wrong


def test_the_page_of_ones_own_row_opens_and_that_of_a_stranger_does_not(console, mine, theirs):
    wrong = []
    for model in PAGES:
        own = console.get(model, "change", mine[model])
        strange = console.get(model, "change", theirs[model])
        found = own.status_code, strange.status_code, strange.get("Location")
        if found != (200, 302, reverse("admin:index")):
            wrong.append((model.__name__, found))

    assert not wrong


def test_posting_to_a_strangers_row_changes_nothing(console, theirs):
    wrong = []
    for model in PAGES:
        row = theirs[model]
        before = model_to_dict(row)
        for verb in ("change", "delete"):
            answer = console.post(model, verb, row, name="Taken over", post="yes", do="approve")
            if answer.status_code not in (302, 403):
                wrong.append((model.__name__, verb, answer.status_code))
        if model_to_dict(model.objects.get(pk=row.pk)) != before:
            wrong.append((model.__name__, "was changed"))

    assert not wrong


def test_an_action_on_a_strangers_row_changes_nothing(console, theirs):
    wrong = []
    for model in PAGES:
        row = theirs[model]
        before = model_to_dict(row)
        for name in admin.site._registry[model].actions or ["delete_selected"]:
            name = name if isinstance(name, str) else name.__name__
            console.client.post(
                address(model, "changelist"),
                {
                    "action": name, "_selected_action": [str(row.pk)], "confirmed": "yes",
                    "typed": "delete",
                },
            )  # fmt: skip
        if model_to_dict(model.objects.get(pk=row.pk)) != before:
            wrong.append(model.__name__)

    assert not wrong


def test_searching_a_strangers_id_finds_nothing(console, theirs):
    wrong = []
    for model in PAGES:
        answer = console.get(model, q=str(theirs[model].pk))
        page = console.text(answer) if answer.status_code == 200 else ""
        if f'href="{address(model, "change", theirs[model])}"' in page:
            wrong.append(model.__name__)

    assert not wrong


def test_drop_downs_offer_only_rows_of_the_organization(console, mine, theirs):
    page = console.text(console.get(Meter, "add"))

    assert str(mine[Product].pk) in page
    assert str(theirs[Product].pk) not in page


def test_a_strangers_row_is_refused_even_when_its_id_is_posted(console, theirs):
    answer = console.post(
        Meter, "add", name="M", code="m", product=str(theirs[Product].pk),
        data_fields='[{"category":"MEASURE","code":"x","name":"X","unit":"u"}]',
        custom_fields="[]",
    )  # fmt: skip

    assert "product" in answer.context["adminform"].form.errors
    assert not Meter.objects.filter(code="m").exists()


def test_proposals_while_typing_are_of_the_organization(console, mine, theirs):
    answer = console.client.get(
        reverse("admin:autocomplete"),
        {"term": MARK, "app_label": "catalog", "model_name": "pricing", "field_name": "plan"},
    )

    assert [row["id"] for row in answer.json()["results"]] == [str(mine[Plan].pk)]


def test_the_search_of_everything_stays_in_the_organization(console, mine, theirs):
    page = console.client.get(reverse("admin:search"), {"s": MARK, "extended": "1"})

    text = page.content.decode()
    assert str(mine[Product].pk) in text
    assert str(theirs[Product].pk) not in text


def test_documents_explanations_and_progress_of_strangers_are_not_given_away(console, theirs):
    bill = theirs[Bill]
    line = LineItem.objects.get(bill=bill)
    job = theirs[next(model for model in PAGES if model.__name__ == "BillJob")]

    assert console.client.get(reverse("admin:bill_pdf", args=[bill.pk])).status_code == 403
    explanation = reverse("admin:bill_line_explanation", args=[bill.pk, line.pk])
    assert console.client.get(explanation).status_code == 403
    assert console.client.get(reverse("admin:bill_job_progress", args=[job.pk])).status_code == 404


def test_without_login_every_page_asks_for_it(db, client):
    for model in PAGES:
        answer = client.get(address(model, "changelist"))
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/admin/login/")
    assert client.get(reverse("usage_chart")).status_code == 403
    assert client.post(reverse("price_of_units")).status_code == 403


def test_a_superuser_works_in_one_organization_at_a_time(founded, theirs):
    from organizations.models import User

    operator = Console(User.objects.create_superuser("operator@example.com", "a-long-secret"))
    operator.client.post(reverse("admin:switch_organization", args=[founded.organization.pk]))

    assert MARK not in operator.text(operator.get(Product))
