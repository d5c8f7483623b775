"""The catalogue as code over the API: YAML out, a plan, one transaction in, policies for all."""

import pytest

from catalog.as_code.permissions import OF_SECTION
from catalog.as_code.stored import MODELS
from catalog.models import Product
from organizations.kernel import registry
from organizations.models import AuditEntry

FILE = """format: 1
products:
- code: cloud
  name: Cloud
planTemplates:
- code: monthly
  name: Monthly
  product: cloud
  currency: USD
  billFrequency: MONTHLY
  standingCharge: 10.5
"""


def test_policies_know_every_section_by_the_name_of_its_entity():
    assert {section: registry.of(model).name for section, model in MODELS.items()} == OF_SECTION


def test_a_file_is_planned_then_applied_and_a_second_time_changes_nothing(api):
    planned = api.post("catalogue/plan", {"catalogue": FILE})
    nothing_yet = Product.objects.count()
    applied = api.post("catalogue/apply", {"catalogue": FILE})
    again = api.post("catalogue/apply", {"catalogue": FILE})
    text = api.get("catalogue").raw.decode()

    assert planned.status == 200, planned
    assert [(one["verb"], one["item"]) for one in planned.json["changes"]] == [
        ("create", "products cloud"), ("create", "planTemplates monthly"),
    ]  # fmt: skip
    assert nothing_yet == 0
    assert applied.json["summary"] == "2 to create, 0 to change, 0 to delete"
    assert again.json["changes"] == []
    assert "code: cloud" in text and "standingCharge: 10.5" in text
    entry = AuditEntry.objects.get(resource="config:product", action="created")
    assert entry.principal_kind == "SERVICE_USER"


def test_every_fault_is_told_with_its_line_and_nothing_is_changed(api):
    wrong = FILE.replace("10.5", "-1").replace("name: Cloud", "name: ''")

    answer = api.post("catalogue/apply", {"catalogue": wrong})

    told = [error["message"] for error in answer.json["errors"]]
    assert answer.status == 400
    assert any(one.startswith("line 4, products cloud, name: ") for one in told), told
    assert not Product.objects.exists()


@pytest.mark.parametrize(
    "sent",
    [
        {}, {"catalogue": None}, {"catalogue": 7}, {"catalogue": ""}, {"catalogue": "\x00"},
        {"catalogue": "[" * 50_000}, {"catalogue": "a: " + "{b: " * 20_000},
        {"catalogue": "- " * 20_000}, {"catalogue": "format: 1\nproducts: 7"},
        {"catalogue": "format: 1\nproducts:\n- code: \"\\0\"\n  name: x"},
        {"catalogue": "format: 1\nproducts:\n- code: x\n  name: \"\\0\""},
        {"catalogue": FILE, "prune": "perhaps"},
    ],
    ids=range(12),
)  # fmt: skip
def test_a_hostile_file_is_refused_and_nothing_is_changed(api, sent):
    assert api.post("catalogue/apply", sent).status == 400
    assert not Product.objects.exists()
