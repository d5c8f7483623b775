"""Whatever a browser can be made to send, the console answers without breaking."""

import json

import pytest
from django.contrib import admin
from django.urls import reverse

from billing.models import Account, AccountPlan, Bill
from catalog.models import Aggregation, Meter, Plan, Pricing, Product
from organizations.kernel import ids
from tests import factories, sampling
from tests.console.clients import address, errors_of
from tests.console.inhabited import inhabit

PAGES = sorted(admin.site._registry, key=lambda model: model._meta.label)
QUERIES = [
    {"q": "\x00"},
    {"q": "99999999999999999999999"},
    {"q": "'\"%_\\"},
    {"p": "abc"},
    {"p": "99999"},
    {"o": "99.-7"},
    {"all": ""},
    {"nonsense": "1"},
    {"account__id__exact": "no-uuid"},
    {"status__exact": "\x00"},
    {"created_at_from": "2026-99-99"},
    {"bill_date_from": "yesterday"},
    {"export": "csv", "p": "7"},
    {"e": "1"},
]


def test_no_query_of_a_list_breaks_it(console, founded):
    inhabit(founded)

    wrong = [
        (model.__name__, query, status)
        for model in PAGES
        for query in sampling.some(QUERIES, model.__name__)
        if (status := console.get(model, **query).status_code) not in (200, 302, 400, 404)
    ]

    assert not wrong


@pytest.mark.parametrize("identity", ["no-uuid", "0", "99999999999999999999", "%00"])
def test_no_identity_in_an_address_breaks_a_page(console, identity):
    wrong = [
        (model.__name__, tail, status)
        for model in PAGES
        for tail in ("change/", "delete/", "history/")
        if (
            status := console.client.get(
                f"{address(model, 'changelist')}{identity}/{tail}"
            ).status_code
        )
        not in (302, 400, 403, 404)
    ]

    assert not wrong


@pytest.mark.parametrize("text", ["\x00", "x" * 5000, "\U0001f600", "<script>"])
def test_no_text_breaks_a_form(console, text):
    rows = json.dumps([{"name": text, "kind": "text", "value": text}])

    answer = console.post(Product, "add", name=text, code=text, custom_fields=rows)

    assert answer.status_code in (200, 302)


@pytest.mark.parametrize(
    "rows", ["", "{}", "[1]", "null", "[[]]", '[{"name":{}}]', '[{"kind":"text"}]', "[", '"x"']
)
def test_no_rows_break_a_table(console, rows):
    answer = console.post(Product, "add", name="n", code="c", custom_fields=rows)

    assert answer.status_code in (200, 302)


@pytest.mark.parametrize("number", ["1e999999999", "1e-30", "NaN", "-Infinity", "1" * 40])
def test_a_price_no_column_can_hold_is_refused(console, founded, number):
    product = factories.make_product(founded.organization)
    plan = factories.make_plan(factories.make_plan_template(product))
    aggregation = factories.make_aggregation(
        factories.make_meter(founded.organization, product=product)
    )

    answer = console.post(
        Pricing, "add", plan=plan.pk, aggregation=aggregation.pk, start_date_0="2026-01-01",
        start_date_1="00:00", shape="TIERED", type="DEBIT",
        bands=json.dumps([{"lowerLimit": "0", "unitPrice": number}]),
    )  # fmt: skip

    assert errors_of(answer)["bands"][0].startswith("Row 1: Price a unit m")
    assert not Pricing.objects.exists()


@pytest.mark.parametrize("segments", ["[1]", "{}", '"x"', "[", '[{"a":"\\u0000"}]'])
def test_segments_that_are_none_are_refused_or_kept_out(console, founded, segments):
    meter = factories.make_meter(founded.organization)

    answer = console.post(
        Aggregation, "add", name="A", code="a", meter=meter.pk, target_field="tokens",
        aggregation="SUM", rounding="NONE", quantity_per_unit="1", unit="u", default_value="",
        segmented_fields="model", segments=segments, accounting_product="", custom_fields="[]",
    )  # fmt: skip

    assert errors_of(answer)
    assert not Aggregation.objects.exists()


def test_meter_fields_of_the_wrong_shape_are_refused(console):
    for fields in ('[{"category":"X","code":"a","name":"A"}]', '[{"code":1}]', "[{}]", ""):
        answer = console.post(
            Meter, "add", name="M", code="m", data_fields=fields, custom_fields="[]"
        )
        assert errors_of(answer)["data_fields"]
    assert not Meter.objects.exists()


@pytest.mark.parametrize("day", ["", "0001-01-01", "9999-12-31", "31.12.2026", "\x00"])
def test_no_day_breaks_run_billing(console, day, eager_tasks):
    answer = console.client.post(reverse("admin:run_billing"), {"day": day})

    assert answer.status_code in (200, 302)


@pytest.mark.parametrize("accounts", ["\x00", ",,,", "x" * 10_000, ",".join(["a"] * 3000)])
def test_no_list_of_accounts_breaks_run_billing(console, accounts, eager_tasks):
    answer = console.client.post(
        reverse("admin:run_billing"), {"day": "2026-05-01", "accounts": accounts}
    )

    assert answer.status_code in (200, 302)


def test_actions_without_sense_are_answered(console, founded):
    rows = inhabit(founded)
    page = address(Bill, "changelist")

    for form in (
        {"action": "nonsense", "_selected_action": [rows[Bill].pk]},
        {"action": "approve_selected", "_selected_action": ["no-uuid"]},
        {"action": "approve_selected"},
        {"action": "delete_bills", "_selected_action": [rows[Bill].pk], "typed": "\x00"},
    ):
        assert console.client.post(page, form).status_code in (200, 302, 400)
    assert Bill.objects.filter(pk=rows[Bill].pk).exists()


def test_a_name_is_never_taken_for_markup(console, founded):
    factories.make_account(founded.organization, name="<script>alert(1)</script>")

    account = Account.objects.get()
    for page in (console.get(Account), console.get(Account, "change", account)):
        assert "<script>alert(1)" not in console.text(page)


def test_a_custom_field_cannot_break_out_of_its_table(console, founded):
    product = factories.make_product(
        founded.organization, custom_fields={"x": "\"}'><script>alert(1)</script>"}
    )

    assert "<script>alert(1)" not in console.text(console.get(Product, "change", product))


def test_the_calculator_answers_anything(console):
    for body in (b"", b"[]", b"null", b'{"shape":[]}', b'{"shape":"TIERED","units":1,"bands":[1]}',
                 b'{"shape":"TIERED","units":1,"bands":{}}', b"\xff"):  # fmt: skip
        answer = console.client.post(
            reverse("price_of_units"), body, content_type="application/json"
        )
        assert answer.status_code == 200
        assert answer.json()["problem"]


def test_a_damaged_id_in_the_address_of_a_form_is_left_out(console):
    for model, name in (
        (AccountPlan, "account"), (Pricing, "plan"), (Pricing, "plan_template"),
        (Pricing, "aggregation"), (Plan, "account"), (Account, "parent_account"),
    ):  # fmt: skip
        for value in ("zzz", "", "\x7f", str(ids.new_id())):
            assert console.get(model, "add", **{name: value}).status_code == 200, (model, name)
