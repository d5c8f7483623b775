"""Deleting what is selected: what stays and why is named, and the rest can go."""

import pytest

from catalog.models import Product
from organizations.models import AuditEntry
from tests import factories
from tests.console.clients import address
from tests.console.test_every_page import somebody


@pytest.fixture
def products(founded):
    """A product with a meter, and one that nothing needs."""
    used = factories.make_product(founded.organization, name="Vectors")
    factories.make_meter(founded.organization, name="Requests", product=used)
    return used, factories.make_product(founded.organization, name="Images")


def ask(console, *rows, **more):
    """Choose rows and press delete."""
    selected = {"action": "delete_selected", "_selected_action": [row.pk for row in rows]}
    return console.client.post(address(Product, "changelist"), {**selected, **more}, follow=True)


def test_what_cannot_be_deleted_is_named_with_its_reason_and_the_rest_is_offered(console, products):
    page = console.text(ask(console, *products))

    assert "Delete 1 product?" in page
    assert "Delete the others" in page
    assert "<b>Vectors</b>: 1 meter of Vectors" in page
    assert "Requests" in page
    assert Product.objects.count() == 2


def test_the_rest_is_deleted_once_confirmed(console, products):
    used, free = products

    answer = ask(console, used, free, confirmed="yes")

    assert list(Product.objects.all()) == [used]
    assert AuditEntry.objects.filter(entity_id=free.pk, action="deleted").count() == 1
    assert [str(each) for each in answer.context["messages"]] == ["1 product deleted."]


def test_where_nothing_can_be_deleted_nothing_is_offered(console, products):
    page = console.text(ask(console, products[0]))

    assert "Nothing of this can be deleted" in page
    assert "bw-danger" not in page


def test_rows_one_may_see_and_not_delete_are_named_too(founded, products):
    _used, free = products
    kept = factories.make_product(founded.organization, name="Sounds")
    console, _ = somebody(founded, [
        {"effect": "allow", "action": ["all"], "resource": ["*"]},
        {"effect": "deny", "action": ["config:delete"],
         "resource": [f"config:product/item/{kept.pk}"]},
    ])  # fmt: skip

    page = console.text(ask(console, free, kept))
    ask(console, free, kept, confirmed="yes")

    assert "<b>Sounds</b>: You are not allowed to delete it." in page
    assert not Product.objects.filter(pk=free.pk).exists()
    assert Product.objects.filter(pk=kept.pk).exists()


def test_a_selection_speaks_of_nothing_that_was_not_selected(console, founded):
    names = ("First", "Second", "Third")
    rows = [factories.make_product(founded.organization, name=name) for name in names]
    sent = {"action": "delete_selected", "_selected_action": [row.pk for row in rows[:2]]}

    page = console.client.post(address(Product, "changelist"), sent)

    assert sorted(page.context["free"]) == ["First", "Second"]
    assert page.context["refused"] == []
