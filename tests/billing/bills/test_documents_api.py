"""Document and explanation over the API: what is answered, and who may read it."""

from decimal import Decimal
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from billing.models import LineItem
from catalog.models import Pricing
from organizations import grants
from organizations.kernel import ids
from organizations.models import PermissionPolicy, PolicyAttachment
from tests import factories
from tests.billing.bills import runners
from tests.billing.bills.printed_bills import make_bill, make_line, pages
from tests.clients import ApiClient

pytestmark = pytest.mark.django_db


def test_the_pdf_is_served_under_a_safe_file_name(api: ApiClient):
    bill = make_bill(api.organization, invoice_reference='2024/"7"\r\nX: ü;101')

    answer = api.get(f"bills/{bill.pk}/pdf")

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'inline; filename="2024-7-X-101.pdf"'
    assert answer.raw.startswith(b"%PDF-")


def test_the_language_is_chosen_by_the_caller(api: ApiClient):
    bill = make_bill(api.organization)

    german = api.get(f"bills/{bill.pk}/pdf", locale="de")
    unknown = api.get(f"bills/{bill.pk}/pdf", locale="tlh")

    assert german.status == 200
    assert "Fällig am 31. Juli 2024" in pages(german.raw)[0]
    assert unknown.status == 400
    assert unknown.json["errors"][0]["field"] == "locale"


def test_a_caller_may_ask_for_pdf_by_media_type_and_errors_stay_json(api: ApiClient):
    bill = make_bill(api.organization)

    def ask(path: str) -> Any:
        return api.client.get(
            f"/organizations/{api.organization.pk}/{path}",
            headers={"Authorization": f"Bearer {api.token}", "Accept": "application/pdf"},
        )

    found, missing = ask(f"bills/{bill.pk}/pdf"), ask(f"bills/{ids.new_id()}/pdf")

    assert (found.status_code, found.headers["Content-Type"]) == (200, "application/pdf")
    assert (missing.status_code, missing.headers["Content-Type"]) == (404, "application/json")
    assert missing.json()["message"] == "No such bill."


def test_another_organizations_bill_has_no_document(api: ApiClient):
    theirs = make_bill(factories.make_organization())
    line = make_line(theirs)
    ours = make_bill(api.organization)

    assert api.get(f"bills/{theirs.pk}/pdf").status == 404
    assert api.get(f"bills/{theirs.pk}/lineitems/{line.pk}/explanation").status == 404
    assert api.get(f"bills/{ours.pk}/lineitems/{line.pk}/explanation").status == 404
    assert api.get("bills/nonsense/pdf").status == 404
    assert (
        ApiClient(factories.make_founded(), api.token).get(f"bills/{theirs.pk}/pdf").status == 403
    )


def test_who_may_not_read_bills_reads_neither_document_nor_explanation(api: ApiClient):
    bill = make_bill(api.organization)
    line = make_line(bill)
    PolicyAttachment.objects.filter(organization=api.organization).delete()
    grants.rederive(api.organization.pk)

    assert api.get(f"bills/{bill.pk}/pdf").status == 403
    assert api.get(f"bills/{bill.pk}/lineitems/{line.pk}/explanation").status == 403


def test_a_permission_for_one_bill_opens_its_document_and_no_other(api: ApiClient):
    mine = make_bill(api.organization)
    other = make_bill(api.organization, invoice_reference="INVOICE-102")
    PermissionPolicy.objects.filter(organization=api.organization).update(
        statements=[
            {
                "effect": "allow",
                "action": ["config:retrieve"],
                "resource": [f"config:bill/item/{mine.pk}"],
            }
        ]
    )
    grants.rederive(api.organization.pk)

    assert api.get(f"bills/{mine.pk}/pdf").status == 200
    assert api.get(f"bills/{other.pk}/pdf").status == 403


def test_an_explanation_is_json_with_exact_numbers(api: ApiClient):
    bill = make_bill(api.organization)
    line = make_line(
        bill,
        line_item_type="CREDIT_MEMO",
        description="Goodwill",
        subtotal=Decimal("-0.10"),
        converted_subtotal=Decimal("-0.10"),
        quantity=1,
        units=1,
        unit="",
        calculation={},
        band_usage=[],
    )

    answer = api.get(f"bills/{bill.pk}/lineitems/{line.pk}/explanation")

    nothing = {
        "matches": None,
        "summary": "The line was not calculated, so nothing can be compared.",
        "differences": [],
    }
    assert answer.status == 200
    assert answer.json == {
        "id": str(line.pk),
        "billId": str(bill.pk),
        "lineItemType": "CREDIT_MEMO",
        "description": "Goodwill",
        "sentence": "Goodwill: -0.10 USD.",
        "steps": [{"label": "Amount", "reckoning": "Goodwill", "result": "-0.10 USD"}],
        "stored": {
            "quantity": 1,
            "units": 1,
            "unit": "",
            "subtotal": Decimal("-0.1"),
            "currency": "USD",
            "conversionRate": 1,
            "convertedSubtotal": Decimal("-0.1"),
            "billCurrency": "USD",
        },
        "recomputed": nothing,
        "current": nothing,
    }


def test_a_difference_is_json_with_exact_numbers_and_texts(api: ApiClient):
    organization = api.organization
    meter = factories.make_meter(organization)
    product = factories.make_product(organization)
    plan = factories.make_plan(factories.make_plan_template(product))
    pricing = factories.make_pricing(plan, factories.make_aggregation(meter))
    account = factories.make_account(organization)
    factories.make_account_plan(account, plan)
    runners.use(account, meter, "2024-06-20", "12.5")
    runners.run(organization, "2024-06-30")
    line = LineItem.objects.get(bill__account=account)
    Pricing.objects.filter(pk=pricing.pk).update(bands=factories.bands((0, 0, "0.125")))

    answer = api.get(f"bills/{line.bill_id}/lineitems/{line.pk}/explanation")

    # 12.5 x 0.10 = 1.25; 12.5 x 0.125 = 1.5625 -> 1.56.
    assert answer.status == 200
    assert answer.json["sentence"] == "12.5 tokens x 0.10 = 1.25 USD, from 1 measurement."
    assert answer.json["recomputed"]["matches"] is True
    assert answer.json["current"]["matches"] is False
    assert answer.json["current"]["differences"] == [
        {"field": "subtotal", "stored": Decimal("1.25"), "now": Decimal("1.56")},
        {"field": "convertedSubtotal", "stored": Decimal("1.25"), "now": Decimal("1.56")},
        {"field": "bands", "stored": "above 0: 0.1", "now": "above 0: 0.125"},
    ]


def test_both_addresses_are_described():
    document = SchemaGenerator().get_schema(public=True)

    base = "/organizations/{orgId}/bills"
    pdf = document["paths"][f"{base}/{{id}}/pdf"]["get"]
    explanation = document["paths"][f"{base}/{{bill}}/lineitems/{{id}}/explanation"]["get"]
    assert list(pdf["responses"]["200"]["content"]) == ["application/pdf"]
    schema = explanation["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Explanation"}
