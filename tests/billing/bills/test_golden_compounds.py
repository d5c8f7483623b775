"""Every golden compound aggregation from rows to a bill, an explanation and a preview."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billing.bills import explain, previewing
from billing.bills.job_requests import JobRequest
from billing.models import Account, Bill, BillJob
from organizations.kernel import principals
from tests import factories
from tests.billing.bills import compounded, runners

pytestmark = pytest.mark.django_db

FILES = sorted((Path(__file__).parents[2] / "golden" / "compounds").glob("*.json"))


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(), parse_float=Decimal)
    return loaded


def make_account(given: dict[str, Any]) -> Account:
    organization = factories.make_organization()
    compounded.set_defaults(organization, given.get("defaults", {}))
    account = factories.make_account(organization, custom_fields=given.get("account", {}))
    wanted = given["aggregations"]
    texts = [code for code, one in wanted.items() if one.get("method") == "UNIQUE"]
    meter = compounded.make_meter(
        organization, [code for code in wanted if code not in texts] or ["none"], texts
    )
    for code, one in wanted.items():
        default = one.get("default_value")
        compounded.make_sum(
            meter,
            code,
            aggregation=one.get("method", "SUM"),
            quantity_per_unit=Decimal(one.get("quantity_per_unit", 1)),
            rounding=one.get("rounding", "NONE"),
            default_value=None if default is None else Decimal(default),
        )
    compound = compounded.make_compound(
        organization,
        given["calculation"],
        evaluate_null_aggregations=given.get("evaluates_null", False),
        quantity_per_unit=Decimal(given.get("quantity_per_unit", 1)),
        rounding=given.get("rounding", "NONE"),
    )
    plan = compounded.make_plan(organization)
    compounded.make_pricing(plan, compound, given["price"])
    factories.make_account_plan(account, plan)
    for times, values in given["measurements"]:
        numbers = {
            code: value if code in texts else Decimal(value) for code, value in values.items()
        }
        compounded.measure(account, meter, "2024-06-10", numbers, times=times)
    return account


def test_there_are_golden_compounds_and_each_shows_its_arithmetic():
    assert len(FILES) >= 10
    assert all(load(path)["by_hand"] for path in FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_compound_is_billed_as_worked_out_by_hand(path):
    situation = load(path)
    account, expected = make_account(situation["given"]), situation["expect"]
    request = JobRequest(
        account_ids=[str(account.pk)], latest_date_in_billing_period=date(2024, 6, 30)
    )

    preview = previewing.preview(
        account.organization,
        request,
        by=principals.system(account.organization_id),
        at=datetime(2024, 9, 1, tzinfo=UTC),
    )
    runners.run(account.organization, "2024-06-30")

    assert BillJob.objects.get().parked == 0
    lines = compounded.lines(account)
    figures = [(line.quantity, line.units, line.subtotal) for line in lines]
    if "no_line" in expected:
        assert figures == []
    else:
        assert figures == [(expected["quantity"], expected["units"], expected["subtotal"])]
    assert [(line.quantity, line.units, line.subtotal) for line in preview.lines] == figures
    assert preview.bill.total == Bill.objects.get(account=account).total
    for line in lines:
        explained = explain.explain(line)
        assert explained.recomputed.matches is True
        assert explained.current.matches is True
