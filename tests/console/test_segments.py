"""Segments in forms: what the editors ask for, and what is refused at its row (C3)."""

import json

import pytest
from django.urls import reverse

from catalog.models import Aggregation, Meter, Pricing
from organizations.models import PermissionPolicy
from tests import factories
from tests.console.clients import Console, attach, errors_of, make_person
from tests.console.test_pricings import fields_of

FIELDS = [
    {"category": "MEASURE", "code": "tokens", "name": "Tokens", "unit": "token"},
    {"category": "WHAT", "code": "model", "name": "Model"},
    {"category": "WHERE", "code": "region", "name": "Region"},
    {"category": "METADATA", "code": "trace", "name": "Trace"},
]


@pytest.fixture
def meter(founded):
    """A meter with two fields that can segment."""
    product = factories.make_product(founded.organization)
    return factories.make_meter(founded.organization, product=product, data_fields=FIELDS)


def aggregation_fields(meter, segments, codes="model, region", **fields):
    """What the form of an aggregation sends."""
    return {
        "name": "A", "code": "a", "meter": meter.pk, "target_field": "tokens",
        "aggregation": "SUM", "quantity_per_unit": "1", "unit": "token", "rounding": "NONE",
        "default_value": "", "segmented_fields": codes, "segments": segments,
        "accounting_product": "", "custom_fields": "[]", **fields,
    }  # fmt: skip


def test_segments_are_stored_as_they_are_typed(console, meter):
    segments = [{"model": "large", "region": "*"}, {"model": "*", "region": "*"}]

    console.post(Aggregation, "add", **aggregation_fields(meter, json.dumps(segments)))

    row = Aggregation.objects.get()
    assert (row.segmented_fields, row.segments) == (["model", "region"], segments)


@pytest.mark.parametrize(
    ("segments", "sentences"),
    [
        (
            '[1, {"model": "a", "region": 5}]',
            [
                "Row 1: This has to be an object {...} of a text for each segmented field.",
                "Row 2: region has to be a text in quotes.",
            ],
        ),
        (
            '[{"model": "%s", "region": ""}]' % ("x" * 1001),
            ["Row 1: model is longer than 1000 characters."],
        ),
        (
            '[{"model": "a"}, {"model": "b", "region": "c"}, {"model": "b", "region": "c"}]',
            [
                "Row 1: needs a value for each segmented field and no other",
                "Row 3: is given twice",
            ],
        ),
        ('{"model": "a"}', ["This has to be a list [...]."]),
    ],
)
def test_wrong_segments_are_refused_at_their_rows(console, meter, segments, sentences):
    answer = console.post(Aggregation, "add", **aggregation_fields(meter, segments))

    assert errors_of(answer)["segments"] == sentences
    assert not Aggregation.objects.exists()


@pytest.mark.parametrize(
    ("segment", "sentence"),
    [
        ('["large"]', "This has to be an object {...}."),
        ('{"model": 5}', "model has to be a text in quotes."),
        ('{"model": "none"}', "Is not defined on the aggregation"),
        ("", "A segmented aggregation is priced segment by segment"),
    ],
)
def test_a_wrong_segment_of_a_price_is_refused(console, meter, segment, sentence):
    plan = factories.make_plan(factories.make_plan_template(meter.product))
    aggregation = factories.make_aggregation(
        meter, segmented_fields=["model"], segments=[{"model": "large"}]
    )

    refused = console.post(
        Pricing, "add", **fields_of(plan, aggregation, "TIERED", [("0", "", "1")], segment=segment)
    )
    console.post(
        Pricing, "add",
        **fields_of(plan, aggregation, "TIERED", [("0", "", "1")], segment='{"model":"large"}'),
    )  # fmt: skip

    assert errors_of(refused)["segment"] == [sentence]
    assert Pricing.objects.get().segment == {"model": "large"}


def test_forms_ask_for_the_fields_of_a_meter_and_which_can_segment(console, meter):
    answer = console.client.get(reverse("admin:meter_fields", args=[meter.pk])).json()

    assert [(one["code"], one["category"], one["segments"]) for one in answer["fields"]] == [
        ("tokens", "Measure", False),
        ("model", "What", True),
        ("region", "Where", True),
        ("trace", "Metadata", False),
    ]


def test_forms_ask_for_the_segments_of_an_aggregation(console, meter):
    row = factories.make_aggregation(
        meter, segmented_fields=["model"], segments=[{"model": "large"}]
    )

    answer = console.client.get(reverse("admin:aggregation_segments", args=[row.pk]))

    assert answer.json() == {"fields": ["model"], "segments": [{"model": "large"}]}


@pytest.mark.parametrize("place", ["meter_fields", "aggregation_segments"])
def test_what_is_not_there_or_of_others_or_not_to_be_read_is_not_told(founded, console, place):
    other = factories.make_organization()
    foreign = factories.make_meter(other)
    rows = {"meter_fields": foreign, "aggregation_segments": factories.make_aggregation(foreign)}
    person = make_person(founded, "Administrator")
    resources = ["config:meter", "config:aggregation"]
    attach(founded, person, PermissionPolicy.objects.create(
        organization=founded.organization, name="No metering",
        statements=[{"effect": "deny", "action": ["all"], "resource": resources}],
    ))  # fmt: skip
    own = factories.make_meter(founded.organization)
    mine = {"meter_fields": own, "aggregation_segments": factories.make_aggregation(own)}

    answers = [
        console.client.get(reverse(f"admin:{place}", args=[rows[place].pk])),
        console.client.get(reverse(f"admin:{place}", args=["nothing"])),
        Console(person).client.get(reverse(f"admin:{place}", args=[mine[place].pk])),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 403]
    assert Meter.objects.count() == 2
