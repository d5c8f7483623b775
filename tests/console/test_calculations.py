"""Derived fields in the meter's form, and the page that checks a calculation (usage.md 7, 8)."""

import json

import pytest
from django.urls import reverse

from catalog.models import Meter
from organizations.models import CustomFieldDefaults
from tests import factories
from tests.console.clients import errors_of

DATA = [{"category": "MEASURE", "code": "gb", "name": "Stored", "unit": "GiBy"},
        {"category": "WHERE", "code": "region", "name": "Region", "unit": ""}]  # fmt: skip
DERIVED = {"category": "MEASURE", "code": "tb", "name": "T", "unit": "TiBy",
           "calculation": "gb / 1024"}  # fmt: skip


def form(**derived):
    return {
        "name": "Storage", "code": "storage", "product": "", "custom_fields": "[]",
        "data_fields": json.dumps(DATA), "derived_fields": json.dumps([{**DERIVED, **derived}]),
    }  # fmt: skip


def check(console, calculation, category="MEASURE", **samples):
    answer = console.client.post(
        reverse("admin:meter_calculation"),
        {"calculation": calculation, "category": category, "data_fields": json.dumps(DATA),
         "samples": json.dumps(samples)},
    )  # fmt: skip
    assert answer.status_code == 200
    return answer.json()


def test_a_derived_field_is_saved_from_the_form(console):
    console.post(Meter, "add", **form())

    assert Meter.objects.get().derived_fields == [DERIVED]


def test_a_wrong_calculation_is_told_at_its_row_and_nothing_is_saved(console):
    answer = console.post(Meter, "add", **form(calculation="gb / nosuch"))

    assert errors_of(answer) == {
        "derived_fields": ["Row 1, Calculation: character 6: there is no nosuch here"]
    }
    assert not Meter.objects.exists()


def test_names_are_offered(console, founded):
    CustomFieldDefaults.objects.filter(organization=founded.organization).update(
        for_account={"Plan size": "S"}
    )

    names = check(console, "")["names"]

    assert {"gb", "region", "ts.hour", "duration", 'account["Plan size"]', "Math.round",
            "DateTime.TS_FMT"} <= set(names)  # fmt: skip


def test_a_calculation_is_tried_with_sample_values(console):
    first = check(console, "gb / 1024 * 2")
    again = check(console, "gb / 1024 * 2", gb="512")
    null = check(console, 'region + "-" + gb', "WHAT", region="eu", gb="0.5")

    assert (first["samples"], first["result"]) == ({"gb": "10"}, "0.01953125")
    assert (again["samples"], again["result"]) == ({"gb": "512"}, "1")
    assert null["result"] == "eu-0.5"
    assert check(console, "1 / gb", gb="0")["failure"] == "division by zero"
    failure = check(console, 'Lookup.findNumber("t", "f", 7, "k")')["failure"]
    assert failure == "there is no lookup table t"


def test_faults_are_told_with_their_places(console):
    faults = check(console, "gb * nosuch + tb")["faults"]

    assert [(one["position"], one["length"]) for one in faults] == [(5, 6), (14, 2)]


@pytest.mark.parametrize(
    "sent",
    [
        {}, {"calculation": "gb", "data_fields": "[", "samples": "{"},
        {"calculation": "1+" * 9000, "data_fields": "{}"},
        {"calculation": "\x00", "data_fields": '[{"code":1}]'},
        {"calculation": "gb", "data_fields": '[{"code":"gb"}]', "samples": '{"gb":[1]}'},
        {"calculation": "1*gb", "data_fields": json.dumps(DATA), "samples": '{"gb":"1e999999"}'},
        {"calculation": "(" * 5000}, {"calculation": "9^9^9^9"},
    ],
)  # fmt: skip
def test_nothing_that_is_sent_breaks_the_check(console, sent):
    assert console.client.post(reverse("admin:meter_calculation"), sent).status_code == 200


def test_the_calculation_of_a_compound_is_checked_while_it_is_typed(console, founded):
    factories.make_aggregation(factories.make_meter(founded.organization), code="revenue")
    url = reverse("admin:compound_calculation")

    good = console.client.post(url, {"calculation": "aggregation.revenue * 2"}).json()
    wrong = console.client.post(url, {"calculation": "aggregation.nothing"}).json()

    assert "aggregation.revenue" in good["names"] and "result" in good
    assert wrong["faults"]
