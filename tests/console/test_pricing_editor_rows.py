"""The pricing editor beyond prices: charges of plans, deleting prices, removing rows, counters."""

import json
from datetime import UTC, datetime
from decimal import Decimal

from django.urls import reverse

from catalog.models import CounterPricing, Plan, Pricing
from organizations.models import AuditEntry
from tests import factories
from tests.catalog.rows import make_counter
from tests.console.clients import Console, make_person
from tests.console.test_pricing_editor import cells, of_template, send
from tests.console.test_pricings import sold  # noqa: F401  (a fixture)

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
EDITOR = "admin:pricing_editor"


def post(console, **fields):
    return console.client.post(reverse(EDITOR), fields)


def charge(console, row, kind, **amounts):
    return post(console, kind=kind, id=row.pk, _version=row.version, **amounts)


def test_charges_stand_above_prices_and_come_from_the_template_where_a_plan_has_none(
    console,
    sold,  # noqa: F811
):
    plan, _ = sold
    template = plan.plan_template
    template.standing_charge, template.minimum_spend = Decimal("12.5"), Decimal(40)
    template.save()
    Plan.objects.filter(pk=plan.pk).update(minimum_spend=Decimal(0))

    charges = cells(console)[1]["charges"]

    shown = [[(cell["text"], cell["is_inherited"]) for cell in row["cells"]] for row in charges]
    assert [row["name"] for row in charges] == ["Standing charge", "Minimum spend"]
    assert shown == [
        [("12.50 USD", False), ("12.50 USD", True)],
        [("40.00 USD", False), ("0.00 USD", False)],
    ]


def test_charges_of_plan_and_template_are_saved_and_an_empty_one_is_the_templates_again(
    console,
    sold,  # noqa: F811
):
    plan, _ = sold
    Plan.objects.filter(pk=plan.pk).update(
        minimum_spend_bill_in_advance=False, minimum_spend_description="Kept"
    )
    plan.refresh_from_db()

    first = charge(console, plan, "plan", minimum_spend="75.25")
    plan.refresh_from_db()
    kept = plan.minimum_spend
    second = charge(console, plan, "plan", minimum_spend="")
    template = charge(console, plan.plan_template, "plan_template", standing_charge="9")

    plan.refresh_from_db()
    plan.plan_template.refresh_from_db()
    assert [one.json() for one in (first, second, template)] == [{"errors": {}}] * 3
    assert (kept, plan.minimum_spend) == (Decimal("75.25"), None)
    assert plan.plan_template.standing_charge == 9
    # A no that the grid does not show stays a no.
    assert plan.minimum_spend_bill_in_advance is False
    assert plan.minimum_spend_description == "Kept"


def test_a_wrong_charge_is_told_and_nothing_is_saved(console, sold):  # noqa: F811
    plan, _ = sold

    answers = [
        charge(console, plan, "plan", minimum_spend=text).json()["errors"]
        for text in ("much", "-1", "1e400", "\x00")
    ]
    stale = post(console, kind="plan", id=plan.pk, _version=plan.version + 1, minimum_spend="1")

    plan.refresh_from_db()
    assert all(set(one) == {"minimum_spend"} for one in answers)
    assert all(one["minimum_spend"][0].startswith("Minimum spend: ") for one in answers)
    assert "Somebody else saved" in stale.json()["errors"][""][0]
    assert (plan.minimum_spend, plan.version) == (None, plan.version)


def test_a_price_is_deleted_once_with_an_audit_entry(console, sold):  # noqa: F811
    price = factories.make_pricing(*sold, start_date=MARCH)
    fields = {"do": "delete", "kind": "pricing", "id": price.pk}

    stale = post(console, **fields, _version=price.version + 1).json()["errors"]
    before = Pricing.objects.count()
    done = post(console, **fields, _version=price.version).json()
    again = post(console, **fields, _version=price.version).json()["errors"]

    assert "Somebody else saved" in stale[""][0] and before == 1
    assert done == {"errors": {}} and not Pricing.objects.exists()
    assert again == {"": ["This is no longer there."]}
    assert AuditEntry.objects.filter(entity_id=price.pk).count() == 1


def test_plans_are_not_deleted_here_and_readers_delete_nothing(founded, console, sold):  # noqa: F811
    price = factories.make_pricing(*sold, start_date=MARCH)
    plan = sold[0]
    fields = {"do": "delete", "_version": 1}
    person = Console(make_person(founded, "ReadOnly"))

    assert post(console, **fields, kind="plan", id=plan.pk).status_code == 403
    assert post(person, **fields, kind="pricing", id=price.pk).status_code == 403
    assert charge(person, plan, "plan", minimum_spend="1").status_code == 403
    assert Plan.objects.exists() and Pricing.objects.exists()


def test_a_row_leaves_the_grid_only_while_no_price_uses_it(console, sold):  # noqa: F811
    plan, priced = sold
    free = factories.make_aggregation(priced.meter, name="Zebra")
    # A price that is over still uses its row.
    over = datetime(2026, 4, 1, tzinfo=UTC)
    factories.make_pricing(plan, priced, start_date=MARCH, end_date=over)
    url = reverse(EDITOR)

    offered = {row["id"]: "remove" in row for row in cells(console)[1]["rows"]}
    asked = {"without": [str(priced.pk), str(free.pk), "nonsense"]}
    grid = console.client.get(url, asked).context["grid"]

    assert offered == {priced.pk: False, free.pk: True}
    assert ([row["id"] for row in grid["rows"]], grid["removed"]) == ([priced.pk], 1)


def test_each_segment_is_a_row_with_prices_of_its_own(console, sold):  # noqa: F811
    plan, aggregation = sold
    eu, rest = {"region": "eu"}, {"region": "*"}
    meter = aggregation.meter
    meter.data_fields = [
        *meter.data_fields, {"category": "WHERE", "code": "region", "name": "Region"},
    ]  # fmt: skip
    meter.save()
    aggregation.segmented_fields, aggregation.segments = ["region"], [eu, rest]
    aggregation.save()

    saved = send(console, plan, aggregation, [("0", "", "0.5")], segment=json.dumps(eu))
    without = send(console, plan, aggregation, [("0", "", "0.5")], segment=json.dumps({}))

    texts, grid = cells(console)
    assert saved.json() == {"errors": {}}
    assert [row["segment_words"] for row in grid["rows"]] == ["region: eu", "region: *"]
    assert texts == [["", "0.50 per unit"], ["", ""]]
    assert without.json()["errors"] and Pricing.objects.count() == 1


def test_counters_are_priced_in_the_grid(console, sold):  # noqa: F811
    plan, _ = sold
    counter = make_counter(plan.organization, product=plan.plan_template.product, name="Seats")
    fields = {
        "kind": "counter", "plan": plan.pk, "counter": counter.pk, "shape": "TIERED",
        "bands": json.dumps([{"lowerLimit": "0", "fixedPrice": "", "unitPrice": "30"}]),
        "start_date_0": "2026-05-01", "start_date_1": "00:00:00",
    }  # fmt: skip

    wrong = post(console, **{**fields, "bands": "[]"}).json()["errors"]
    saved = post(console, **fields)
    texts, grid = cells(console)
    row = CounterPricing.objects.get()
    deleted = post(console, do="delete", kind="counter", id=row.pk, _version=row.version)

    assert "bands" in wrong and saved.json() == {"errors": {}}
    assert [one["name"] for one in grid["rows"]][-1] == "Seats"
    assert texts[-1] == ["", "30.00 per unit"]
    assert deleted.json() == {"errors": {}} and not CounterPricing.objects.exists()


def test_compared_plans_show_the_charges_that_differ(console, sold):  # noqa: F811
    plan, aggregation = sold
    of_template(factories.make_pricing(plan, aggregation))
    other = factories.make_plan(plan.plan_template, name="Other", minimum_spend=Decimal(5))

    url, pair = reverse(EDITOR), {"left": plan.pk, "right": other.pk}
    page = console.client.get(url, pair)
    grid = page.context["grid"]

    assert grid["rows"] == []
    # The boxes keep what was chosen.
    assert all(f'value="{one.pk}" selected' in console.text(page) for one in (plan, other))
    assert [row["name"] for row in grid["charges"]] == ["Minimum spend"]
    assert [cell["text"] for cell in grid["charges"][0]["cells"]] == ["", "5.00 USD"]
