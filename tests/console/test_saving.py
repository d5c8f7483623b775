"""Forms save through the kernel: versions, refusals, deletes."""

import pytest

from billing.models import Account, AccountPlan
from catalog.models import Meter, Plan, PlanTemplate, Product
from organizations.models import (
    AuditEntry,
    Event,
    Organization,
    OrganizationConfig,
    PermissionPolicy,
)
from tests import factories
from tests.console.clients import Console, address, attach, errors_of, make_person

MEASURE = '[{"category":"MEASURE","code":"tokens","name":"Tokens","unit":"tokens"}]'


def product_fields(**fields):
    """What the form of a product sends."""
    return {"name": "Vectors", "code": "vectors", "custom_fields": "[]", **fields}


def test_a_saved_form_makes_a_row_an_audit_entry_and_an_event(console, founded):
    answer = console.post(Product, "add", **product_fields())

    product = Product.objects.get(code="vectors")
    assert answer.status_code == 302
    assert (product.organization, product.version) == (founded.organization, 1)
    assert AuditEntry.objects.get(entity_id=product.pk).action == "created"
    assert Event.objects.get(resource_id=product.pk).name == "configuration.product.created"


def test_a_change_raises_the_version_and_tells_what_changed(console, founded):
    product = factories.make_product(founded.organization, name="Old", code="vectors")

    console.post(Product, "change", product, **product_fields(name="New"))

    product.refresh_from_db()
    assert (product.name, product.version, product.modified_by) == ("New", 2, founded.admin.pk)
    difference = AuditEntry.objects.get(entity_id=product.pk).difference
    assert difference["name"] == ["Old", "New"]


def test_saving_without_a_change_keeps_the_version(console, founded):
    product = factories.make_product(founded.organization, name="Vectors", code="vectors")

    console.post(Product, "change", product, **product_fields())

    product.refresh_from_db()
    assert product.version == 1
    assert not AuditEntry.objects.filter(entity_id=product.pk).exists()


def test_a_code_that_is_taken_is_refused_at_the_code(console, founded):
    factories.make_product(founded.organization, code="vectors")

    answer = console.post(Product, "add", **product_fields())

    assert errors_of(answer) == {
        "code": ["Another product of this organization already has this code"]
    }
    assert Product.objects.count() == 1


def test_the_same_code_in_another_organization_does_not_matter(console):
    factories.make_product(factories.make_organization(), code="vectors")

    assert console.post(Product, "add", **product_fields()).status_code == 302


def test_a_rule_of_the_domain_is_shown_at_its_field(console, founded):
    product = factories.make_product(founded.organization)

    answer = console.post(
        PlanTemplate, "add", name="T", code="t", product=product.pk, currency="USD",
        bill_frequency="MONTHLY", bill_frequency_interval="400", standing_charge="0",
        standing_charge_interval="1", standing_charge_offset="0",
        standing_charge_bill_in_advance="unknown", minimum_spend_bill_in_advance="unknown",
        custom_fields="[]",
    )  # fmt: skip

    assert errors_of(answer) == {"bill_frequency_interval": ["Must be from 1 to 365"]}
    assert not PlanTemplate.objects.exists()


def test_a_delete_lists_what_stands_in_the_way(console, founded):
    product = factories.make_product(founded.organization, name="Vectors")
    first = factories.make_meter(founded.organization, product=product, name="<First>")
    second = factories.make_meter(founded.organization, product=product, name="Second")

    asked = console.get(Product, "delete", product)
    sent = console.post(Product, "delete", product, post="yes")

    assert asked.context["protected"] == [
        f'2 meters of Vectors: <a class="bw-link" href="{address(Meter, "change", first)}">'
        f'&lt;First&gt;</a>, <a class="bw-link" href="{address(Meter, "change", second)}">'
        "Second</a>"
    ]
    assert "is in use" in console.text(sent)
    assert Product.objects.filter(pk=product.pk).exists()


def test_a_delete_does_not_name_what_one_may_not_see(founded):
    product = factories.make_product(founded.organization, name="Vectors")
    factories.make_meter(founded.organization, product=product, name="Secret meter")
    person = make_person(founded, "Administrator")
    deny = PermissionPolicy.objects.create(
        organization=founded.organization,
        name="No meters",
        statements=[{"effect": "deny", "action": ["all"], "resource": ["config:meter"]}],
    )
    attach(founded, person, deny)

    asked = Console(person).get(Product, "delete", product)

    assert asked.context["protected"] == ["1 meter of Vectors"]


def test_a_delete_asks_and_then_deletes_with_an_audit_entry(console, founded):
    product = factories.make_product(founded.organization)

    asked = console.get(Product, "delete", product)
    still_there = Product.objects.filter(pk=product.pk).exists()
    console.post(Product, "delete", product, post="yes")

    assert (asked.status_code, still_there) == (200, True)
    assert not Product.objects.filter(pk=product.pk).exists()
    assert AuditEntry.objects.get(entity_id=product.pk).action == "deleted"


def test_custom_fields_are_rows_of_texts_and_exact_numbers(console):
    rows = (
        '[{"name":"owner","kind":"text","value":"7"},'
        '{"name":"share","kind":"number","value":"0.10"}]'
    )

    console.post(Product, "add", **product_fields(custom_fields=rows))

    fields = Product.objects.get(code="vectors").custom_fields
    assert fields["owner"] == "7"
    assert str(fields["share"]) == "0.1"


def test_meter_fields_are_a_table_and_a_field_without_unit_is_refused(console):
    fields = {"name": "Requests", "code": "requests", "product": "", "custom_fields": "[]"}
    without_unit = MEASURE.replace('"tokens"}', '""}')

    refused = console.post(Meter, "add", **fields, data_fields=without_unit)
    none_yet = Meter.objects.count()
    console.post(Meter, "add", **fields, data_fields=MEASURE)

    assert errors_of(refused) == {"data_fields": ["Row 1, Unit: a numeric field needs a unit"]}
    assert none_yet == 0
    assert Meter.objects.get().data_fields == [
        {"category": "MEASURE", "code": "tokens", "name": "Tokens", "unit": "tokens"}
    ]


@pytest.fixture
def attached(founded):
    """An account with a plan since 2024, and another plan of the same product."""
    account = factories.make_account(founded.organization)
    template = factories.make_plan_template(factories.make_product(founded.organization))
    present = factories.make_account_plan(account, factories.make_plan(template))
    return account, present, factories.make_plan(template)


def attach_fields(account, plan, **fields):
    """What the form that attaches a plan sends."""
    return {
        "account": account.pk, "plan": plan.pk, "start_date_0": "2026-05-01",
        "start_date_1": "00:00:00", "end_date_0": "", "end_date_1": "", "code": "",
        "bill_epoch": "", "custom_fields": "[]", **fields,
    }  # fmt: skip


def test_attaching_a_second_plan_of_a_product_is_refused(console, attached):
    account, _present, plan = attached

    answer = console.post(AccountPlan, "add", **attach_fields(account, plan))

    assert errors_of(answer) == {
        "start_date": ["The account already has a plan of this product at this time"]
    }
    assert AccountPlan.objects.count() == 1


def test_attaching_may_replace_the_present_plan(console, attached):
    account, present, plan = attached

    answer = console.post(AccountPlan, "add", **attach_fields(account, plan, replaces="on"))

    present.refresh_from_db()
    new = AccountPlan.objects.get(plan=plan)
    assert answer["Location"] == address(Account, "change", account)
    assert present.end_date == new.start_date
    assert (f"{new.start_date:%Y-%m-%d}", new.product) == ("2026-05-01", present.product)


def test_an_address_keeps_the_wires_keys(console):
    fields = {
        "name": "Aurora", "code": "aurora", "email_address": "a@example.com",
        "parent_account": "", "currency": "", "bill_epoch": "", "days_before_bill_due": "",
        "purchase_order_number": "", "custom_fields": "[]",
        "address-addressLine1": "1 Main Street", "address-country": "NZ",
    }  # fmt: skip

    console.post(Account, "add", **fields)

    assert Account.objects.get().address == {"addressLine1": "1 Main Street", "country": "NZ"}


def test_a_plan_without_own_charge_stays_without_and_zero_is_kept(console, founded):
    template = factories.make_plan_template(factories.make_product(founded.organization))
    fields = {
        "code": "p", "plan_template": template.pk, "account": "", "ordinal": "",
        "standing_charge_bill_in_advance": "unknown", "minimum_spend_bill_in_advance": "unknown",
        "standing_charge_accounting_product": "", "minimum_spend_accounting_product": "",
        "standing_charge_description": "", "minimum_spend_description": "", "custom_fields": "[]",
    }  # fmt: skip

    console.post(Plan, "add", name="P", standing_charge="", minimum_spend="0", **fields)

    plan = Plan.objects.get()
    assert (plan.standing_charge, plan.minimum_spend) == (None, 0)
    assert plan.standing_charge_bill_in_advance is None


def test_the_organizations_own_address_is_changed_with_an_audit_entry(console, founded):
    organization = founded.organization

    console.post(
        Organization, "change", organization, name="Nimbus", short_name="", tax_id="NZ 1",
        purchase_order_number="", invoice_general_reference="", document_language="de",
        **{"address-addressLine1": "1 Main Street"},
    )  # fmt: skip

    organization.refresh_from_db()
    assert (organization.name, organization.tax_id, organization.version) == ("Nimbus", "NZ 1", 2)
    assert organization.address == {"addressLine1": "1 Main Street"}
    entry = AuditEntry.objects.filter(entity_id=organization.pk).latest("pk")
    assert (entry.action, "taxId" in entry.difference) == ("updated", True)


def test_the_settings_of_the_organization_are_saved_through_their_rules(console, founded):
    config = OrganizationConfig.objects.get(organization=founded.organization)
    form = console.get(OrganizationConfig, "change", config).context["adminform"].form
    fields = {
        name: value
        for name, field in form.fields.items()
        if (value := field.prepare_value(form[name].initial)) is not None and value is not False
    }
    console.post(OrganizationConfig, "change", config, **fields)
    config.refresh_from_db()
    untouched = config.version
    daily = {**fields, "scheduled_bill_interval": "24", "scheduled_bill_offset": "5"}

    refused = console.post(
        OrganizationConfig, "change", config, **{**daily, "scheduled_bill_interval": "2"}
    )
    console.post(
        OrganizationConfig, "change", config, **daily,
    )  # fmt: skip

    assert errors_of(refused) == {"scheduled_bill_offset": ["Only with scheduled bill interval 24"]}
    assert untouched == 1
    config.refresh_from_db()
    assert (config.scheduled_bill_interval, config.scheduled_bill_offset) == (24, 5)
    assert config.version == 2
    assert config.currency == "USD"
