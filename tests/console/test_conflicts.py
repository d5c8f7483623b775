"""Two people edit one row: both see what the other did, and nothing is lost (C0, C15.8)."""

import json
import re

import pytest

from billing.models import Account
from catalog.models import Meter, Plan, Product
from tests import factories
from tests.console.clients import Console, address, make_person
from tests.console.test_saving import product_fields


@pytest.fixture
def bea(founded):
    """Somebody else who edits the same rows."""
    return Console(make_person(founded, "Administrator", first_name="Bea"))


def loaded(person, row):
    """Open a row's form and return what an untouched form sends, by field."""
    answer = person.get(type(row), "change", row)
    form = answer.context["adminform"].form
    fields = {}
    for name, field in form.fields.items():
        value = form[name].value()
        parts = getattr(field.widget, "widgets", None)
        if parts:
            for number, part in enumerate(field.widget.decompress(value)):
                fields[f"{name}_{number}"] = part or ""
        elif isinstance(value, dict) and name == "address":
            fields |= {f"address-{key}": text for key, text in value.items()}
        elif value is None:
            fields[name] = "" if "inherited" not in str(form[name]) else "unknown"
        elif value is not False:
            fields[name] = field.prepare_value(value)
    return fields | hidden(person.text(answer))


def hidden(page):
    """Return the fields a page sends unseen: version and loaded values."""
    return dict(re.findall(r'<input type="hidden" name="(_version|_loaded)" value="([^"]*)"', page))


def sent_again(page):
    """Return what the button of the conflict page sends."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    texts = {name: text.replace("&#x27;", "'").replace("&quot;", '"') for name, text in found}
    return {name: text for name, text in texts.items() if name != "csrfmiddlewaretoken"}


def told(answer):
    """Return the rows of the conflict page."""
    return [
        (one.label, one.before, one.stored, one.mine, one.changed_by)
        for one in answer.context["differences"]
    ]


@pytest.fixture
def plan(founded):
    """A plan two people open."""
    template = factories.make_plan_template(factories.make_product(founded.organization))
    return factories.make_plan(template, name="Pro", code="pro")


def both_save(console, bea, row, *, theirs, mine):
    """Both open the form; Bea saves first, then the administrator. Returns the second answer."""
    first, second = loaded(bea, row), loaded(console, row)
    assert bea.post(type(row), "change", row, **{**first, **theirs}).status_code == 302
    return console.post(type(row), "change", row, **{**second, **mine})


def test_only_the_fields_one_has_changed_are_laid_on_top(console, bea, plan):
    conflict = both_save(
        console,
        bea,
        plan,
        theirs={"standing_charge": "30", "ordinal": "7"},
        mine={"name": "Professional"},
    )
    again = sent_again(console.text(conflict))
    review = console.client.post(address(Plan, "change", plan), again)
    form = review.context["adminform"].form
    seen = {name: form[name].value() for name in ("name", "ordinal", "code")}
    last = console.post(
        Plan, "change", plan,
        **{**loaded(console, plan), "name": "Professional", **hidden(console.text(review))},
    )  # fmt: skip

    assert conflict.status_code == 409
    assert told(conflict) == [
        ("Name", "Pro", "Pro", "Professional", "You"),
        ("Standing charge", "", "30", "", "Somebody else"),
        ("Ordinal", "", "7", "", "Somebody else"),
    ]
    assert "Check and save them" in console.text(review)
    assert seen == {"name": "Professional", "ordinal": 7, "code": "pro"}
    assert last.status_code == 302
    plan.refresh_from_db()
    assert (plan.name, plan.standing_charge, plan.ordinal, plan.version) == (
        "Professional", 30, 7, 3,
    )  # fmt: skip


def test_a_field_both_changed_is_shown_twice_and_said_to_be(console, bea, plan):
    conflict = both_save(
        console, bea, plan, theirs={"name": "<b>Bea's</b>"}, mine={"name": "My name"}
    )
    review = console.client.post(address(Plan, "change", plan), sent_again(console.text(conflict)))

    assert told(conflict) == [("Name", "Pro", "<b>Bea's</b>", "My name", "Both of you")]
    assert "Both of you changed the same field" in console.text(conflict)
    page = console.text(review)
    assert 'value="My name"' in page
    assert "Somebody else changed this too and saved: &lt;b&gt;Bea&#x27;s&lt;/b&gt;" in page
    plan.refresh_from_db()
    assert (plan.name, plan.version) == ("<b>Bea's</b>", 2)


def test_who_typed_the_same_has_nothing_to_lay_on_top(console, bea, plan):
    conflict = both_save(
        console, bea, plan, theirs={"name": "New", "ordinal": "7"}, mine={"name": "New"}
    )

    assert told(conflict) == [("Ordinal", "", "7", "", "Somebody else")]
    assert "is the same as what is stored now" in console.text(conflict)
    assert "Put my values on top" not in console.text(conflict)


def test_who_saves_a_third_time_meanwhile_is_told_of_too(console, bea, plan):
    conflict = both_save(console, bea, plan, theirs={"ordinal": "7"}, mine={"name": "Mine"})
    bea.post(Plan, "change", plan, **{**loaded(bea, plan), "code": "later"})

    again = console.client.post(address(Plan, "change", plan), sent_again(console.text(conflict)))

    assert again.status_code == 409
    assert told(again) == [
        ("Name", "Pro", "Pro", "Mine", "You"),
        ("Code", "pro", "later", "", "Somebody else"),
        ("Ordinal", "", "7", "", "Somebody else"),
    ]


def test_tables_addresses_and_references_are_told_in_words(console, bea, founded):
    parent = factories.make_account(founded.organization, name="Mother")
    account = factories.make_account(founded.organization, name="Aurora")

    conflict = both_save(
        console,
        bea,
        account,
        theirs={"address-country": "NZ", "parent_account": str(parent.pk)},
        mine={"custom_fields": '[{"name":"owner","kind":"text","value":"Ann"}]'},
    )
    review = console.client.post(
        address(Account, "change", account), sent_again(console.text(conflict))
    )

    assert [row[1:] for row in told(conflict)] == [
        ("", f"Mother ({parent.code})", "", "Somebody else"),
        ("", "Country: NZ", "", "Somebody else"),
        ("", "", "Name: owner, Kind: Text, Value: Ann", "You"),
    ]
    form = review.context["adminform"].form
    assert form["address"].value() == {"country": "NZ"}
    assert form["custom_fields"].value() == '[{"name":"owner","kind":"text","value":"Ann"}]'
    assert 'value="NZ"' in console.text(review)


def test_a_table_only_the_other_changed_stays_as_they_saved_it(console, bea, founded):
    meter = factories.make_meter(founded.organization)
    fields = loaded(bea, meter)
    more = fields["data_fields"][:-1] + ',{"category":"WHAT","code":"model","name":"Model"}]'

    conflict = both_save(
        console, bea, meter, theirs={"data_fields": more}, mine={"name": "My meter"}
    )
    review = console.client.post(
        address(Meter, "change", meter), sent_again(console.text(conflict))
    )

    assert [row[4] for row in told(conflict)] == ["You", "Somebody else"]
    shown = json.loads(review.context["adminform"].form["data_fields"].value())
    assert shown[-1]["code"] == "model"


def test_a_refused_form_still_knows_what_it_was_loaded_with(console, bea, plan):
    fields = loaded(console, plan)
    refused = console.post(Plan, "change", plan, **{**fields, "code": "", "name": "Mine"})
    bea.post(Plan, "change", plan, **{**loaded(bea, plan), "ordinal": "7"})

    carried = hidden(console.text(refused))
    conflict = console.post(Plan, "change", plan, **{**fields, **carried, "name": "Mine"})

    assert carried == {name: fields[name] for name in carried}
    assert [(row[0], row[4]) for row in told(conflict)] == [
        ("Name", "You"),
        ("Ordinal", "Somebody else"),
    ]


@pytest.mark.parametrize("damaged", ["", "abc", "eyJuYW1lIjpbXX0:1wxyz:AAAA", "\udcff"])
def test_without_proper_loaded_values_all_that_differs_counts_as_ones_own(
    console, bea, founded, damaged
):
    product = factories.make_product(founded.organization, name="Old", code="vectors")
    bea.post(Product, "change", product, **product_fields(name="Bea's name"))

    answer = console.post(
        Product, "change", product, _version="1",
        _loaded=damaged.encode("utf-8", "replace").decode(),
        **product_fields(name="My name", code="mine"),
    )  # fmt: skip

    page = console.text(answer)
    assert answer.status_code == 409
    assert ("Bea" in page, "Bea&#x27;s name" in page, "My name" in page) == (True, True, True)
    assert told(answer) == [
        ("Name", "", "Bea's name", "My name", "You"),
        ("Code", "", "vectors", "mine", "You"),
    ]
    product.refresh_from_db()
    assert (product.name, product.code, product.version) == ("Bea's name", "vectors", 2)


@pytest.mark.parametrize("sent", ["", "abc", "-1", "0"])
def test_a_form_without_a_proper_version_is_never_saved(console, founded, sent):
    product = factories.make_product(founded.organization, name="Old", code="vectors")

    answer = console.post(
        Product, "change", product, **{**product_fields(name="New"), "_version": sent}
    )

    assert answer.status_code == 409
    product.refresh_from_db()
    assert (product.name, product.version) == ("Old", 1)


def test_who_may_not_change_a_row_reviews_nothing(founded, plan):
    reader = Console(make_person(founded, "ReadOnly"))

    answer = reader.post(Plan, "change", plan, _review="1", name="Mine")

    assert answer.status_code == 403
