"""The pricing editor: the grid of a product, saving as the form does, who was billed already."""

import json
from datetime import UTC, datetime
from decimal import Decimal

from django.urls import reverse

from catalog.models import Plan, Pricing
from tests import factories
from tests.console.clients import Console, address, errors_of, make_person
from tests.console.test_pricings import fields_of, sold  # noqa: F401  (a fixture)

MARCH = datetime(2026, 3, 1, tzinfo=UTC)


def of_template(price):
    """Move a price from its plan to the template."""
    template = price.plan.plan_template
    Pricing.objects.filter(pk=price.pk).update(plan=None, plan_template=template)


def send(console, plan, aggregation, bands, **fields):
    rows = [
        dict(zip(("lowerLimit", "fixedPrice", "unitPrice"), band, strict=True)) for band in bands
    ]
    return console.client.post(
        reverse("admin:pricing_editor"),
        {
            "kind": "pricing", "plan": plan.pk, "aggregation": aggregation.pk, "shape": "TIERED",
            "bands": json.dumps(rows), "start_date_0": "2026-05-01", "start_date_1": "00:00:00",
            **fields,
        },
    )  # fmt: skip


def cells(console):
    grid = console.client.get(reverse("admin:pricing_editor")).context["grid"]
    return [[cell["text"] for cell in row["cells"]] for row in grid["rows"]], grid


def test_a_plan_shows_the_price_of_its_template_as_inherited(console, sold):  # noqa: F811
    plan, aggregation = sold
    of_template(factories.make_pricing(plan, aggregation))

    texts, grid = cells(console)

    assert texts == [["0.10 per unit", "0.10 per unit"]]
    assert [cell["is_inherited"] for cell in grid["rows"][0]["cells"]] == [False, True]


def test_a_price_is_saved_as_the_form_saves_it(console, sold):  # noqa: F811
    answer = send(console, *sold, [("0", "", "0.5"), ("10", "", "0.4")])

    row = Pricing.objects.get()
    assert answer.json() == {"errors": {}}
    assert [band["unitPrice"] for band in row.bands] == [Decimal("0.5"), Decimal("0.4")]
    assert (row.start_date, row.is_cumulative) == (datetime(2026, 5, 1, tzinfo=UTC), True)


def test_all_faults_are_told_at_once_and_nothing_is_saved(console, sold):  # noqa: F811
    answer = send(console, *sold, [("0", "", "x"), ("10", "", "")], start_date_0="nonsense")

    assert set(answer.json()["errors"]) == {"bands", "start_date"}
    assert len(answer.json()["errors"]["bands"]) == 2
    assert not Pricing.objects.exists()


def test_a_change_keeps_what_the_grid_does_not_show(console, sold):  # noqa: F811
    plan, aggregation = sold
    row = factories.make_pricing(
        plan, aggregation, start_date=MARCH, minimum_spend=Decimal(7), description="Kept",
        tiers_span_plan=True,
    )  # fmt: skip

    answer = send(console, *sold, [("0", "", "3")], id=row.pk, _version=row.version,
                  start_date_0="2026-03-01")  # fmt: skip
    stale = send(console, *sold, [("0", "", "4")], id=row.pk, _version=row.version,
                 start_date_0="2026-03-01")  # fmt: skip

    row.refresh_from_db()
    assert answer.json() == {"errors": {}}
    assert (row.minimum_spend, row.description, row.tiers_span_plan) == (Decimal(7), "Kept", True)
    assert row.bands[0]["unitPrice"] == Decimal(3)
    assert "Somebody else saved" in stale.json()["errors"][""][0]


def test_a_new_price_from_a_date_ends_the_one_before(console, sold):  # noqa: F811
    plan, aggregation = sold
    old = factories.make_pricing(plan, aggregation, start_date=MARCH)

    refused = send(console, *sold, [("0", "", "2")])
    taken = send(console, *sold, [("0", "", "2")], after=old.pk)

    old.refresh_from_db()
    assert "start_date" in refused.json()["errors"] and taken.json() == {"errors": {}}
    assert old.end_date == datetime(2026, 5, 1, tzinfo=UTC)
    assert Pricing.objects.exclude(pk=old.pk).get().start_date == old.end_date


def test_who_was_billed_is_told_and_a_new_price_offered_first(console, sold, monkeypatch):  # noqa: F811
    from catalog import price_use

    plan, aggregation = sold
    row = factories.make_pricing(plan, aggregation, start_date=MARCH)
    used = price_use.Use(2, 1, ((row.pk, "Acme, 2026-04-01 to 2026-05-01"),))
    monkeypatch.setattr(price_use, "_finders", [lambda _price: used])

    page = console.text(console.get(Pricing, "change", row))
    told = console.client.get(reverse("admin:pricing_editor"), {"use": row.pk}).json()["told"]

    assert told == (
        "2 accounts were billed by this price already. 1 locked bill used it and will not "
        "change: Acme, 2026-04-01 to 2026-05-01."
    )
    assert told in page and f"{address(Pricing, 'add')}?after={row.pk}" in page


def test_whoever_may_not_read_prices_gets_no_grid_and_saves_nothing(founded, sold):  # noqa: F811
    person = Console(make_person(founded, None))

    assert person.client.get(reverse("admin:pricing_editor")).status_code == 403
    assert send(person, *sold, [("0", "", "1")]).status_code == 403
    assert not Pricing.objects.exists()


def test_the_curve_answers_exact_amounts_at_the_ends_of_bands(console):
    bands = [{"lowerLimit": "0", "unitPrice": "0.1"}, {"lowerLimit": "10", "unitPrice": "0.05"}]

    answer = console.client.post(
        reverse("price_curve"),
        json.dumps({"shape": "TIERED", "units": "0", "bands": bands}),
        content_type="application/json",
    ).json()

    assert answer["table"] == [["10", "1.00"], ["20", "1.50"]]


def test_a_plan_is_duplicated_with_its_prices_and_compared(console, sold):  # noqa: F811
    plan, aggregation = sold
    factories.make_pricing(plan, aggregation, code="first", description="Kept")
    url = reverse("admin:pricing_editor")
    sent = {"do": "duplicate", "plan": plan.pk, "name": "Copy", "code": "copy"}

    console.client.post(url, sent)
    refused = console.text(console.client.post(url, {**sent, "name": "Again"}, follow=True))
    made = Plan.objects.get(code="copy")
    same = console.client.get(url, {"left": plan.pk, "right": made.pk}).context["grid"]
    price = made.pricings.get()
    price.bands[0]["unitPrice"] = Decimal(9)
    price.save()
    other = console.client.get(url, {"left": plan.pk, "right": made.pk}).context["grid"]

    assert (price.code, price.description, made.name) == (None, "Kept", "Copy")
    assert plan.pricings.get().code == "first" and Plan.objects.count() == 2
    assert "Copy" in refused and "is a copy of" in refused
    assert same["rows"] == []
    assert [cell["text"] for cell in other["rows"][0]["cells"]] == [
        "0.10 per unit",
        "9.00 per unit",
    ]


def test_overage_bands_are_typed_in_the_form_and_kept_by_the_grid(console, sold):  # noqa: F811
    overage = [{"lowerLimit": "0", "fixedPrice": "", "unitPrice": "0.9"}]
    tiered = fields_of(*sold, "TIERED", [("0", "", "1")], overage_bands=json.dumps(overage))
    volume = fields_of(*sold, "VOLUME", [("0", "", "1")], overage_bands=json.dumps(overage))

    refused = errors_of(console.post(Pricing, "add", **volume))
    console.post(Pricing, "add", **tiered)
    row = Pricing.objects.get()
    send(console, *sold, [("0", "", "2")], id=row.pk, _version=row.version)

    row.refresh_from_db()
    assert set(refused) == {"overage_bands"}
    assert [(band["lowerLimit"], band["fixedPrice"], band["unitPrice"])
            for band in row.overage_bands] == [(0, 0, Decimal("0.9"))]  # fmt: skip
    assert row.bands[0]["unitPrice"] == 2
