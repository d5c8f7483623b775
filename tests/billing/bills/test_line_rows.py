"""Lines as rows: what they share is what is equal, and subjects have columns."""

from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import uuid4

from msgspec.structs import replace

from billing.bills.line_rows import Kinds
from billing.bills.reading import Names
from billing.rating.inputs import Product
from billing.rating.lines import LineType
from billing.rating.pipeline import rate
from billing.rating.subjects import Attribution, References, Subject, SubjectKind
from tests.billing.rating.making import make_bill, make_pricing, make_term

STORAGE, GATEWAY = Product(uuid4(), "Storage", "storage"), Product(uuid4(), "Gateway", "gateway")
NAMES = Names({one.id: (one.code, one.name) for one in (STORAGE, GATEWAY)}, {})


def rows(*lines):
    """The lines as they are stored, by column."""
    snapshot = SimpleNamespace(names=NAMES, organization_id=uuid4())
    kinds = Kinds(snapshot, at=datetime(2024, 7, 1, tzinfo=UTC), by=uuid4())
    values = [kinds.values(line, line_id=uuid4(), version=1, bill_id=uuid4()) for line in lines]
    written = kinds.rows(values)
    assert all(len(row) == len(written.all_columns) for row in written.whole())
    return [dict(zip(written.all_columns, row, strict=True)) for row in written.whole()]


def a_line(**fields):
    [line] = rate(make_bill(make_term(pricings=(make_pricing(10),)))).lines
    return replace(line, **fields)


def test_lines_without_a_plan_share_nothing_with_those_of_another_product():
    charge = Subject(SubjectKind.CHARGE, uuid4())
    one = a_line(line_type=LineType.AD_HOC, subject=charge, attribution=Attribution(uuid4()))
    belongs = [replace(one.attribution, product=product) for product in (STORAGE, GATEWAY, None)]

    found = rows(*(replace(one, attribution=each.accounted()) for each in belongs))

    assert [(row["product_name"], row["accounting_product_code"]) for row in found] == [
        ("Storage", "storage"),
        ("Gateway", "gateway"),
        (None, None),
    ]
    assert {row["charge_id"] for row in found} == {charge.id}


def test_each_subject_has_its_column_and_references_have_theirs():
    subjects = {
        "counter_id": SubjectKind.COUNTER,
        "commitment_id": SubjectKind.COMMITMENT,
        "balance_id": SubjectKind.BALANCE,
        "charge_id": SubjectKind.CHARGE,
        "plan_group_id": SubjectKind.PLAN_GROUP,
    }
    for column, kind in subjects.items():
        subject = Subject(kind, uuid4(), "2024-06-03")
        [row] = rows(a_line(subject=subject))
        assert {name: row[name] for name in subjects if row[name]} == {column: subject.id}

    also = References(
        balance_id=uuid4(), reason_id=uuid4(), referenced_bill_id=uuid4(), group=(("team", "red"),)
    )
    charge = Subject(SubjectKind.CHARGE, uuid4())
    [row] = rows(a_line(subject=charge, attribution=Attribution(uuid4(), references=also)))
    assert (row["charge_id"], row["balance_id"]) == (charge.id, also.balance_id)
    assert (row["reason_id"], row["referenced_bill_id"]) == (
        also.reason_id,
        also.referenced_bill_id,
    )
    assert row["group"] == '{"team":"red"}'
