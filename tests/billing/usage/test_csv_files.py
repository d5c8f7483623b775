"""A table of measurements: every fault is named by row and column, or every row is good."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing.usage import csv_files

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
COLUMNS = csv_files.columns_of(
    "storage", [{"category": "MEASURE", "code": "gb"}, {"category": "WHO", "code": "user"}]
)
HEADER = "uid,meter,account,ts,ets,measure.gb,who.user"
GOOD = "u1,storage,acme,2026-06-01T00:00:00Z,,1.50,ann"


def read(*lines: str) -> csv_files.Table:
    """Read a file of these lines."""
    return csv_files.read("\r\n".join(lines).encode(), COLUMNS, at=NOON, zone=lambda: UTC)


def faults(*lines: str) -> list[tuple[Any, ...]]:
    """Return what is wrong with the file."""
    return [tuple(fault) for fault in read(*lines).faults]


def test_the_template_has_the_columns_of_the_meter():
    assert csv_files.template(COLUMNS).decode() == f"{HEADER}\r\n"


def test_rows_become_measurements_with_exact_numbers():
    table = read(HEADER, GOOD, "u2,storage,acme,2026-06-02,2026-06-03,1e2,bob")

    first, second = table.received
    assert table.faults == []
    assert first.item.measure == {"gb": Decimal("1.50")}
    assert first.item.who == {"user": "ann"}
    assert first.ts == datetime(2026, 6, 1, tzinfo=UTC)
    assert second.ets == datetime(2026, 6, 3, tzinfo=UTC)
    assert second.item.measure == {"gb": 100}


@pytest.mark.parametrize(
    "lines",
    [
        [HEADER.replace(",", ";"), GOOD.replace(",", ";")],
        ["\ufeff" + HEADER, GOOD],
        ["who.user,measure.gb,ts,account,meter,uid", "ann,1,2026-06-01,acme,storage,u1"],
        [HEADER, "", GOOD, ",,,,,,", ""],
    ],
)
def test_semicolons_marks_other_orders_and_empty_lines_are_fine(lines):
    table = read(*lines)

    assert table.faults == []
    assert [one.item.uid for one in table.received] == ["u1"]


def test_every_fault_of_every_row_is_named_and_no_row_is_given():
    table = read(
        HEADER,
        "u1,storage,acme,2026-06-01T00:00:00Z,,1,ann",
        "u1,storage,acme,2026-06-01T00:00:00Z,,one,ann",
        ",other,,soon,,,",
        "u4,storage,acme,2030-01-01T00:00:00Z,,1e30,bob",
        "u5,storage,acme,2026-06-01T00:00:00Z,2026-05-01T00:00:00Z,1,bob",
        "u6,storage,acme",
        f"{'u' * 51},storage,acme,2026-06-01T00:00:00Z,,1,bob",
    )

    assert table.received == []
    assert {(fault.row, fault.column) for fault in table.faults} == {
        (3, "measure.gb"),
        (3, "uid"),
        (4, "uid"),
        (4, "account"),
        (4, "measure.gb"),
        (4, "who.user"),
        (4, "meter"),
        (4, "ts"),
        (5, "ts"),
        (6, "ets"),
        (7, ""),
        (8, "uid"),
    }


def test_faults_of_the_header_are_told_without_looking_at_rows():
    found = faults("UID,meter,account,ts,measure.gb,measure.gb,who.other", GOOD)

    assert found == [
        (1, "uid", "This column is missing."),
        (1, "who.user", "This column is missing."),
        (1, "UID", "Meter storage has no such column."),
        (1, "measure.gb", "This column is there more than once."),
        (1, "who.other", "Meter storage has no such column."),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty."),
        (b"\xff\xfe", "The file is not UTF-8. Save it as CSV UTF-8."),
        (b'uid,"me\n', "The file is not CSV: unexpected end of data."),
        (HEADER.encode() + b"\n\0", "The file holds a character that no text has (NUL)."),
        (HEADER.encode(), "The file must have 1 to 1,000 rows, it has 0."),
    ],
)
def test_what_is_no_table_is_refused_in_words(content, message):
    table = csv_files.read(content, COLUMNS, at=NOON, zone=lambda: UTC)

    assert [tuple(fault) for fault in table.faults] == [(1, "", message)]


def test_a_thousand_rows_are_read_and_one_more_is_refused():
    rows = [GOOD.replace("u1", f"u{number}") for number in range(1001)]

    assert len(read(HEADER, *rows[:1000]).received) == 1000
    assert faults(HEADER, *rows) == [
        (1, "", "The file must have 1 to 1,000 rows, it has 1,001."),
    ]
