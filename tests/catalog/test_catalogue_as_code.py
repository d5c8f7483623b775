"""The catalogue as a file: what is exported, planned, applied and refused."""

from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from catalog.models import (
    Aggregation,
    CompoundAggregation,
    CounterPricing,
    Meter,
    Plan,
    PlanGroup,
    PlanGroupLink,
    Pricing,
    Product,
)
from organizations.kernel import ids
from organizations.models import AuditEntry, Event
from tests.factories import make_account, make_account_plan, make_organization, make_plan

RICH = """format: 1
products:
- {code: cloud, name: Cloud}
- {code: '08', name: yes}
meters:
- code: requests
  name: Requests
  product: cloud
  dataFields:
  - {category: MEASURE, code: tokens, name: Tokens, unit: tokens}
  - {category: WHERE, code: region, name: Region}
  derivedFields:
  - category: MEASURE
    code: thousands
    name: Thousands
    unit: k
    calculation: tokens / 1000
- code: global
  name: Global
  dataFields:
  - {category: MEASURE, code: bytes, name: Bytes, unit: B}
aggregations:
- {code: tokens, name: Tokens, meter: requests, targetField: tokens, aggregation: SUM,
   rounding: UP, quantityPerUnit: 1000, unit: k, accountingProduct: '08'}
- {code: by_region, name: By region, meter: requests, targetField: tokens, aggregation: SUM,
   rounding: NONE, quantityPerUnit: 0.5, unit: t, defaultValue: 0, segmentedFields: [region],
   segments: [{region: eu}, {region: '*'}]}
- {name: Without code, meter: global, targetField: bytes, aggregation: MAX, rounding: NONE,
   quantityPerUnit: 1, unit: B}
compoundAggregations:
- {code: margin, name: Margin, product: cloud, calculation: aggregation.tokens * 2, rounding: NONE,
   quantityPerUnit: 1, unit: USD, evaluateNullAggregations: true}
counters:
- {code: seats, name: Seats, product: cloud, unit: seats}
planTemplates:
- {code: monthly, name: Monthly, product: cloud, currency: USD, billFrequency: MONTHLY,
   standingCharge: 10.50, standingChargeOffset: 1, standingChargeBillInAdvance: false}
plans:
- {code: gold, name: Gold, planTemplate: monthly, minimumSpend: 99.99, standingCharge: 0,
   minimumSpendAccountingProduct: '08'}
- {code: silver, name: Silver, planTemplate: monthly}
planGroups:
- {code: suite, name: Suite, currency: USD, minimumSpend: 500}
planGroupLinks:
- {planGroup: suite, plan: gold}
pricings:
- plan: gold
  aggregation: tokens
  startDate: 2024-01-01
  endDate: 2025-01-01
  cumulative: true
  pricingBands:
  - {lowerLimit: 100, fixedPrice: 0, unitPrice: 0.05}
  - {lowerLimit: 0, fixedPrice: 0, unitPrice: 0.000000000000000001}
- plan: gold
  aggregation: tokens
  startDate: 2025-01-01
  pricingBands: [{lowerLimit: 0, fixedPrice: 1, unitPrice: 0.10}]
- planTemplate: monthly
  aggregation: by_region
  segment: {region: eu}
  startDate: 2024-01-01
  code: eu-price
  type: PRODUCT_CREDIT
  pricingBands: [{lowerLimit: 0, fixedPrice: 0, unitPrice: 2}]
- planTemplate: monthly
  aggregation: {name: Without code}
  startDate: 2024-01-01T06:30:00Z
  pricingBands: [{lowerLimit: 0, fixedPrice: 0, unitPrice: 3}]
- planTemplate: monthly
  compoundAggregation: margin
  startDate: 2024-01-01
  pricingBands: [{lowerLimit: 0, fixedPrice: 0, unitPrice: 1}]
counterPricings:
- plan: silver
  counter: seats
  startDate: 2024-01-01
  proRateAdjustmentDebit: false
  pricingBands: [{lowerLimit: 0, fixedPrice: 0, unitPrice: 12.5}]
"""


def run(action, organization, path, **options):
    """Run the command and return what it printed."""
    out = StringIO()
    call_command(
        "catalogue", action, str(path), organization=str(organization.pk), stdout=out, **options
    )
    return out.getvalue()


def refused(action, organization, path, **options):
    """Run the command, which has to refuse, and return its sentences."""
    with pytest.raises(CommandError) as error:
        run(action, organization, path, **options)
    return str(error.value)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "catalogue.yaml"
    path.write_text(RICH)
    return path


@pytest.fixture
def rich(organization, file):
    """An organization with something in each section."""
    run("apply", organization, file)
    return organization


def everything(organization):
    """How often each model has a row, and how many entries of audit and events there are."""
    models = [
        Product, Meter, Aggregation, CompoundAggregation, Plan, PlanGroup, PlanGroupLink, Pricing,
        CounterPricing, AuditEntry, Event,
    ]  # fmt: skip
    return [model.objects.filter(organization_id=organization.pk).count() for model in models]


def test_a_file_is_applied_with_exact_values_events_and_audit(rich):
    first = Pricing.objects.get(
        organization_id=rich.pk,
        plan__code="gold",
        aggregation__code="tokens",
        start_date=datetime(2024, 1, 1, tzinfo=UTC),
    )
    assert [band["unitPrice"] for band in first.bands] == [
        Decimal("0.000000000000000001"),
        Decimal("0.05"),
    ]
    assert first.end_date == datetime(2025, 1, 1, tzinfo=UTC)
    assert first.is_cumulative
    gold = Plan.objects.get(organization_id=rich.pk, code="gold")
    assert gold.minimum_spend == Decimal("99.99")
    assert gold.standing_charge == 0
    assert gold.minimum_spend_accounting_product.code == "08"
    assert gold.minimum_spend_accounting_product.name == "yes"
    counted = CounterPricing.objects.get(organization_id=rich.pk)
    assert (counted.pro_rate_adjustment_debit, counted.pro_rate_adjustment_credit) == (False, True)
    assert AuditEntry.objects.filter(entity_id=gold.pk, action="created").count() == 1
    assert (
        Event.objects.filter(organization_id=rich.pk, name="configuration.plan.created").count()
        == 2
    )


def test_applying_twice_changes_nothing(rich, file):
    before = everything(rich)

    told = run("apply", rich, file)

    assert told == "No changes.\n"
    assert everything(rich) == before


def test_the_plan_of_an_export_is_no_change_and_an_export_is_the_same_elsewhere(rich, tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    other = make_organization()
    run("export", rich, first)

    assert run("plan", rich, first) == "No changes.\n"
    run("apply", other, first)
    run("export", other, second)

    assert second.read_text() == first.read_text()
    assert str(Product.objects.filter(organization_id=rich.pk)[0].pk) not in first.read_text()
    assert "  aggregation:\n    name: Without code\n" in first.read_text()


def test_a_changed_price_is_shown_with_the_accounts_it_touches_before_anything_changes(rich, file):
    gold = Plan.objects.get(organization_id=rich.pk, code="gold")
    silver = Plan.objects.get(organization_id=rich.pk, code="silver")
    make_account_plan(make_account(rich), gold)
    make_account_plan(make_account(rich), gold)
    make_account_plan(make_account(rich), silver)
    ended = datetime(2024, 6, 1, tzinfo=UTC)
    make_account_plan(make_account(rich), gold, end_date=ended)
    file.write_text(RICH.replace("unitPrice: 0.10", "unitPrice: 0.12"))
    before = everything(rich)

    told = run("plan", rich, file)

    assert told == (
        "~ pricings gold / tokens / 2025-01-01T00:00:00Z\n"
        "    pricingBands: [{lowerLimit: 0, fixedPrice: 1, unitPrice: 0.1}] -> "
        "[{lowerLimit: 0, fixedPrice: 1, unitPrice: 0.12}]\n"
        "    touches the next bills of 2 accounts\n"
        "0 to create, 1 to change, 0 to delete. The next bills of 2 accounts may differ.\n"
    )
    assert everything(rich) == before
    price = Pricing.objects.get(plan=gold, start_date__year=2025)
    identity = price.bands[0]["id"]
    assert price.bands[0]["unitPrice"] == Decimal("0.1")

    run("apply", rich, file)

    price.refresh_from_db()
    assert price.bands[0] == {
        "id": identity, "lowerLimit": 0, "fixedPrice": 1, "unitPrice": Decimal("0.12"),
    }  # fmt: skip
    assert price.version == 2


def test_a_change_of_what_is_measured_touches_every_plan_that_prices_it_and_a_name_none(rich, file):
    silver = Plan.objects.get(organization_id=rich.pk, code="silver")
    make_account_plan(make_account(rich), silver)
    file.write_text(
        RICH.replace("aggregation: MAX", "aggregation: SUM").replace("name: Seats", "name: Chairs")
    )

    told = run("plan", rich, file)

    assert "~ aggregations named Without code\n" in told
    assert told.count("touches the next bills of 1 account\n") == 1
    assert "name: Seats -> Chairs" in told


def test_a_refused_file_tells_every_fault_at_its_line_and_changes_nothing(rich, file):
    file.write_text(
        RICH.replace("name: Cloud", "name: Clouds")
        .replace("minimumSpend: 99.99", "minimumSpend: -1")
        .replace("planTemplate: monthly}", "planTemplate: weekly}")
        .replace("unitPrice: 12.5", "unitPrice: -12.5")
        .replace("calculation: tokens / 1000", "calculation: coins / 1000")
    )
    before = everything(rich)

    told = refused("apply", rich, file)

    # What only builds on a refused item (the price of seats on silver) is not told as well.
    assert told == (
        "line 13, meters requests, derivedFields[0].calculation: "
        "character 1: there is no coins here\n"
        "line 39, plans gold, minimumSpend: must be at least 0\n"
        "line 41, plans silver, planTemplate: there is no weekly in planTemplates\n"
        "3 faults. Nothing is changed."
    )
    assert everything(rich) == before
    assert refused("plan", rich, file) == told
    assert Product.objects.get(organization_id=rich.pk, code="cloud").name == "Cloud"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("format: 2", "line 1, format: only format 1 is known"),
        ("[", "This is no YAML"),
        ("- a", "The file has to be a map of sections."),
        ("widgets: []", "line 1, widgets: no such section"),
        ("products: {}", "line 1, products: has to be a list"),
        ("products:\n- 7", "line 2, products: each item has to be a map of fields"),
        ("products:\n- {code: a, name: A, nme: B}", "line 2, products, nme: no such field"),
        ("products:\n- {code: 7, name: 8}", "needs a code, or a name, that is a text"),
        ("products:\n- {code: a, code: b}", "line 2, products: code is given twice"),
        ("products:\n- {code: a}\n- {code: a}", "line 3, products a: is there already, in line 2"),
        ("products:\n- &a {code: a}\n- *a", "anchors and aliases are not read"),
        ("products:\n- {code: a}", "line 2, products a, name: This field is required."),
        ("plans:\n- {code: a, planTemplate: [b]}", "has to be a code"),
        ("pricings:\n- {startDate: soon}", "has to be a date or an ISO 8601 date-time"),
        ("products:\n- {code: a, name: !!python/name:os.system ''}", "name: This field is"),
        ("products:\n- code: a\n  name: " + "[" * 400 + "]" * 400, "fault"),
        ("pricings:\n- {plan: x, startDate: 2024-01-01}", "there is no x in plans"),
    ],
)  # fmt: skip
def test_a_file_of_wrong_form_is_refused_in_words(organization, tmp_path, text, sentence):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    before = everything(organization)

    assert sentence in refused("apply", organization, path)

    assert everything(organization) == before


def test_what_a_file_leaves_out_stays_unless_it_is_to_be_pruned(rich, file):
    file.write_text(RICH[: RICH.index("counterPricings:")])

    assert "  counterPricings silver / seats / 2024-01-01T00:00:00Z\n" in run("apply", rich, file)
    assert CounterPricing.objects.filter(organization_id=rich.pk).count() == 1

    assert "- counterPricings silver" in run("apply", rich, file, prune=True)
    assert CounterPricing.objects.filter(organization_id=rich.pk).count() == 0


def test_everything_is_pruned_in_the_order_that_nothing_stands_in_the_way(rich, file):
    file.write_text("format: 1\n")

    run("apply", rich, file, prune=True)

    assert everything(rich)[:9] == [0] * 9


def test_what_is_in_use_by_an_account_is_not_pruned(rich, file):
    make_account_plan(make_account(rich), Plan.objects.get(organization_id=rich.pk, code="silver"))
    file.write_text("format: 1\n")
    before = everything(rich)

    told = refused("apply", rich, file, prune=True)

    assert "plans silver: Plan Silver is in use by 1 account plan" in told
    assert everything(rich) == before


def test_plans_of_single_accounts_are_no_part_of_the_catalogue(rich, tmp_path):
    gold = Plan.objects.get(organization_id=rich.pk, code="gold")
    make_plan(gold.plan_template, code="only-acme", account=make_account(rich))

    told = run("export", rich, tmp_path / "out.yaml")

    assert "Left out: 1 of plans and plan groups" in told
    assert "only-acme" not in (tmp_path / "out.yaml").read_text()
    assert run("plan", rich, tmp_path / "out.yaml", prune=True) == "No changes.\n"


def test_an_unknown_organization_is_refused(db, tmp_path):
    unknown = ids.new_id()

    with pytest.raises(CommandError, match="no such organization"):
        call_command("catalogue", "export", str(tmp_path / "x"), organization=str(unknown))
    with pytest.raises(CommandError, match="has to be the id"):
        call_command("catalogue", "export", str(tmp_path / "x"), organization="acme")
