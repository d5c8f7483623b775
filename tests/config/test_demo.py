"""``manage.py demo`` makes the demonstration once, whatever interrupts it, and always the same.

Run at a hundredth of its size as of 5 June 2024: April 2024 is the older month, May the latest.
"""

import csv
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from billing.usage.reception import Item
from config import embedded, programs, supervisor
from config.demonstration import usage_shape
from config.demonstration.months import Months

pytestmark = pytest.mark.kill

NOW = "2024-06-05T12:00:00Z"
MONTHS = Months(datetime(2024, 6, 5, 12, tzinfo=UTC))
SCALE = Decimal("0.01")
KEPT_TABLES = [
    "organizations_organization",
    "organizations_event",
    "billing_account",
    "billing_accountplan",
    "billing_measurement",
    "billing_ingestfailure",
    "billing_billjob",
    "billing_bill",
    "billing_lineitem",
]


@dataclass
class Installation:
    """A home with running servers in which the demonstration is made."""

    home: Path
    servers: embedded.Servers
    outputs: list[str] = field(default_factory=list)

    def start(self) -> "subprocess.Popen[str]":
        """Start ``manage.py demo`` as of NOW."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in {"DATABASE_URL", "REDIS_URL", "SERVE", "NOW"}
        }
        words = ["demo", "--no-serve", "--now", NOW, "--scale", str(SCALE)]
        return subprocess.Popen(
            [sys.executable, "manage.py", *words],
            cwd=programs.CHECKOUT,
            env={**kept, "BILLWRIGHT_HOME": str(self.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self) -> str:
        """Run it to its end, which has to be a good one; returns what it printed."""
        process = self.start()
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        return output

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with psycopg.connect(self.servers.database_url) as connection:
            return connection.execute(statement, parameters).fetchall()

    def days_loaded(self) -> int:
        """How many days the marker says are loaded; 0 while there is no marker."""
        try:
            rows = self.query("SELECT usage_until FROM config_demonstration")
        except psycopg.errors.UndefinedTable:
            return 0
        return (rows[0][0] - MONTHS.older).days if rows else 0

    def kill_in_the_middle(self) -> int:
        """Kill the loading with SIGKILL; returns how many days it had loaded."""
        process = self.start()
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline and self.days_loaded() < 20:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        return self.days_loaded()

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        return {name: self.query(f"SELECT count(*) FROM {name}")[0][0] for name in KEPT_TABLES}  # noqa: S608


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The demonstration, made in two runs because the first was killed while it loaded usage."""
    home = tmp_path_factory.mktemp("demo") / "home"
    try:
        with embedded.running(home, durable=False, environ={}) as servers:
            made = Installation(home, servers)
            loaded = made.kill_in_the_middle()
            assert 20 <= loaded < len(MONTHS.days), "the kill came too late to interrupt anything"
            made.outputs.append(made.run())
            yield made
    finally:
        supervisor.kill_orphans(home)
        embedded.remove(home)


@pytest.fixture(scope="module")
def generated() -> list[Item]:
    """Every measurement of the demonstration."""
    return [item for day in MONTHS.days for item in usage_shape.measurements(day, MONTHS, SCALE)]


def test_every_measurement_is_stored_once_though_the_first_run_was_killed(
    installation: Installation, generated: list[Item]
) -> None:
    stored = installation.query(
        "SELECT a.code, t.code, count(*), sum((m.fields ->> 'input_tokens')::numeric)"
        " FROM billing_measurement m JOIN billing_account a ON a.id = m.account_id"
        " JOIN catalog_meter t ON t.id = m.meter_id GROUP BY 1, 2"
    )

    counted = Counter((item.account, item.meter) for item in generated)
    tokens: Counter[tuple[str, str]] = Counter()
    for item in generated:
        tokens[item.account, item.meter] += (item.measure or {}).get("input_tokens", 0)
    assert {(account, meter): number for account, meter, number, _ in stored} == counted
    assert {(account, meter): int(total) for account, meter, _, total in stored if total} == {
        key: total for key, total in tokens.items() if total
    }
    assert installation.query("SELECT measurements FROM config_demonstration") == [
        (len(generated),)
    ]


def test_the_failures_are_there_once(installation: Installation) -> None:
    kinds = installation.query(
        "SELECT type, count(*) FROM billing_ingestfailure GROUP BY 1 ORDER BY 1"
    )

    assert kinds == [
        ("DuplicateField", 1),
        ("DuplicateUid", 1),
        ("InvalidAccountCode", 1),
        ("MissingField", 2),
        ("UndefinedMeter", 2),
    ]


def test_the_older_month_is_locked_and_the_latest_waits_for_approval(
    installation: Installation,
) -> None:
    bills = installation.query(
        "SELECT boundary_date, status, is_locked, count(*) FROM billing_bill"
        " GROUP BY 1, 2, 3 ORDER BY 1"
    )

    # Three of the sixty customers came in May; one of them on the first, and its April bill has
    # the support of May, which is charged in advance (DAT-3). Two are children of others, on whose
    # bills they stand.
    assert bills == [
        (date(2024, 5, 1), "APPROVED", True, 56),
        (date(2024, 6, 1), "PENDING", False, 58),
    ]
    assert installation.query("SELECT status, parked FROM billing_billjob") == [
        ("COMPLETE", 0),
        ("COMPLETE", 0),
    ]
    numbers = installation.query("SELECT invoice_reference FROM billing_bill")
    assert {number for (number,) in numbers} == {f"NIM-{n}" for n in range(1001, 1115)}


def test_a_plan_change_in_the_middle_of_the_month_is_charged_by_days(
    installation: Installation,
) -> None:
    charged = installation.query(
        "SELECT l.service_period_start::date, l.subtotal FROM billing_lineitem l"
        " JOIN billing_bill b ON b.id = l.bill_id"
        " WHERE b.account_code = 'cinder-games' AND b.boundary_date = '2024-06-01'"
        " AND l.line_item_type = 'STANDING_CHARGE' ORDER BY 1"
    )

    # 199 a month in advance: 16 of the 31 days of May, then all of June.
    assert charged == [
        (date(2024, 5, 16), Decimal("102.71")),
        (date(2024, 6, 1), Decimal("199.00")),
    ]


def test_a_usage_line_is_what_was_generated_at_the_price_of_the_list(
    installation: Installation, generated: list[Item]
) -> None:
    (line,) = installation.query(
        "SELECT l.quantity, l.units, l.subtotal FROM billing_lineitem l"
        " JOIN billing_bill b ON b.id = l.bill_id"
        " WHERE b.account_code = 'verity-search' AND b.boundary_date = '2024-05-01'"
        " AND l.description = 'Output tokens'"
    )

    tokens = sum(
        (item.measure or {})["output_tokens"]
        for item in generated
        if (item.account, item.meter) == ("verity-search", "inference")
        and item.ts.startswith("2024-04")
    )
    # Enterprise: 1.25 a million tokens, up to 5,000 million.
    assert 0 < tokens < 5_000_000_000
    price = (Decimal(tokens) * Decimal("1.25") / 1_000_000).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert line == (tokens, Decimal(tokens) / 1_000_000, price)


def test_seats_that_were_added_are_charged_by_days_and_the_next_month_in_advance(
    installation: Installation,
) -> None:
    charged = installation.query(
        "SELECT l.line_item_type, l.units, l.subtotal FROM billing_lineitem l"
        " JOIN billing_bill b ON b.id = l.bill_id"
        " WHERE b.account_code = 'brightwater-analytics' AND b.boundary_date = '2024-06-01'"
        " AND l.counter_id IS NOT NULL ORDER BY l.sequence_number"
    )

    # Three seats are free, the others 18 each: 17 - 3 = 14 for June; 5 more from 13 May, 19 of
    # 31 days: 90 x 19 / 31 = 55.16.
    assert charged == [
        ("COUNTER_RUNNING_TOTAL_CHARGE", Decimal(17), Decimal(252)),
        ("COUNTER_ADJUSTMENT_DEBIT", Decimal(5), Decimal("55.16")),
    ]


def test_a_suite_is_one_plan_group_whose_plans_are_all_on_the_bill(
    installation: Installation,
) -> None:
    (found,) = installation.query(
        "SELECT count(DISTINCT l.plan_id), count(DISTINCT l.plan_group_id),"
        " bool_and(l.plan_group_id IS NOT NULL), min(l.subtotal) FILTER (WHERE l.plan_id IS NULL)"
        " FROM billing_lineitem l JOIN billing_bill b ON b.id = l.bill_id"
        " WHERE b.account_code = 'verity-search' AND b.boundary_date = '2024-06-01'"
    )

    # At a hundredth of its size little is used: the minimum of the suite is not reached.
    plans, groups, all_grouped, minimum = found
    assert (plans, groups, all_grouped) == (3, 1, True)
    assert 0 < minimum < 12_000


def lines_of(installation: Installation, account: str, boundary: str) -> list[tuple[Any, ...]]:
    """Return type, child and amount of the lines of a bill."""
    return installation.query(
        "SELECT l.line_item_type, l.child_account_code, l.subtotal FROM billing_lineitem l"
        " JOIN billing_bill b ON b.id = l.bill_id"
        " WHERE b.account_code = %s AND b.boundary_date = %s ORDER BY l.sequence_number",
        account, boundary,
    )  # fmt: skip


def test_a_prepayment_and_a_balance_pay_for_bills(installation: Installation) -> None:
    drawn = [
        sum(amount for kind, _, amount in lines_of(installation, account, "2024-05-01")
            if kind == consumed)
        for account, consumed in (
            ("halden-robotics", "COMMITMENT_CONSUMED"),
            ("kestrel-therapeutics", "BALANCE_CONSUMED"),
        )
    ]  # fmt: skip
    (spent,) = installation.query("SELECT amount_spent FROM billing_commitment")
    (left,) = installation.query("SELECT amount FROM billing_balance")

    assert -6_000 <= drawn[1] < 0 and -40_000 <= drawn[0] < 0
    assert spent[0] >= -drawn[0]
    assert left[0] <= 6_000 + drawn[1]


def test_children_stand_on_the_bills_of_their_parents(installation: Installation) -> None:
    with_plans = lines_of(installation, "juniper-peak", "2024-06-01")
    pooled = lines_of(installation, "hazel-grove", "2024-06-01")

    assert {child for _, child, _ in with_plans} == {None, "ember-trail"}
    assert {child for _, child, _ in pooled} == {None, "clover-ridge"}


def test_a_price_at_cost_is_calculated_from_two_aggregations(
    installation: Installation, generated: list[Item]
) -> None:
    (line,) = installation.query(
        "SELECT l.quantity, l.subtotal FROM billing_lineitem l"
        " JOIN billing_bill b ON b.id = l.bill_id"
        " WHERE b.account_code = 'nordlicht-mobilitat' AND b.boundary_date = '2024-05-01'"
        " AND l.compound_aggregation_id IS NOT NULL"
    )

    used = [
        item.measure or {}
        for item in generated
        if (item.account, item.meter) == ("nordlicht-mobilitat", "inference")
        and item.ts.startswith("2024-04")
    ]
    tokens = [
        sum(Decimal(one[field]) for one in used) for field in ("input_tokens", "output_tokens")
    ]
    cost = (tokens[0] * Decimal("0.11") + tokens[1] * Decimal("0.42")) / 1_000_000
    handling = (cost * Decimal("0.15")).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert cost > 0
    assert line == (cost, handling)


def test_energy_is_looked_up_by_type_of_gpu(installation: Installation) -> None:
    rows = installation.query(
        "SELECT fields ->> 'gpu_type', sum((fields ->> 'gpu_hours')::numeric),"
        " sum((fields ->> 'energy')::numeric) FROM billing_measurement"
        " WHERE fields ? 'gpu_type' GROUP BY 1"
    )

    power = {"L4": Decimal("0.072"), "A100": Decimal("0.4"), "H100": Decimal("0.7")}
    assert {kind for kind, _, _ in rows} == power.keys()
    assert [energy for _, _, energy in rows] == [hours * power[kind] for kind, hours, _ in rows]


def test_a_contract_puts_its_order_number_on_the_lines(installation: Installation) -> None:
    rows = installation.query(
        "SELECT DISTINCT c.purchase_order_number FROM billing_lineitem l"
        " JOIN billing_bill b ON b.id = l.bill_id JOIN billing_contract c ON c.id = l.contract_id"
        " WHERE b.account_code = 'larkfield-insurance'"
    )

    assert rows == [("LARK-2291",)]


def test_another_run_prints_the_same_bills_and_changes_nothing(installation: Installation) -> None:
    before = installation.counts()
    started = time.monotonic()

    output = installation.run()

    assert time.monotonic() - started < 30
    assert installation.counts() == before
    first = installation.outputs[0]
    tables = first[first.index("April 2024: 56 bills") : first.index("\nWebhooks: ")]
    assert output.endswith(tables)
    assert "May 2024: 58 bills, waiting for approval" in tables
    assert "is loaded already" in output


def test_nothing_runs_afterwards(installation: Installation) -> None:
    left = [
        folder.name
        for folder in Path("/proc").glob("[0-9]*")
        if (mark := supervisor._mark_of(folder)) and mark[0] == str(installation.home)
    ]

    assert left == []


def test_a_day_is_the_same_in_another_process() -> None:
    program = (
        "import django; django.setup()\nfrom tests.config.test_demo import digest\nprint(digest())"
    )
    environ = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": str(programs.CHECKOUT)}

    other = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True
    )

    assert other.stdout.strip() == digest()


def test_weekends_are_quieter_and_the_present_day_ends_now() -> None:
    def count(day: date) -> int:
        return len(usage_shape.measurements(day, MONTHS, Decimal(1)))

    today = usage_shape.measurements(date(2024, 6, 5), MONTHS, Decimal(1))

    assert count(date(2024, 5, 12)) * 4 < count(date(2024, 5, 15)) * 3  # Sunday, Wednesday
    assert max(item.ts for item in today) < "2024-06-05T12:00:00.000Z"
    assert [item.ts for item in today] == sorted(item.ts for item in today)
    assert [item.uid for item in today] == sorted(item.uid for item in today)


@pytest.mark.parametrize("now", ["2024-03-31", "2999-01-01", "yesterday"])
def test_an_instant_nobody_can_bill_for_is_refused(now: str) -> None:
    with pytest.raises(CommandError, match="now"):
        call_command("demo", "--no-serve", "--now", now)


def digest() -> str:
    """One text for all that is used on a day."""
    items = usage_shape.measurements(date(2024, 5, 15), MONTHS, Decimal("0.1"))
    return hashlib.sha256(repr(items).encode()).hexdigest()


def test_approving_told_a_receiver_sent_invoices_and_wrote_a_file(
    installation: Installation,
) -> None:
    told = installation.query(
        "SELECT d.status, count(*), count(DISTINCT d.event_id)"
        " FROM integrations_delivery d JOIN integrations_webhookdestination w"
        " ON w.id = d.destination_id WHERE w.code = 'demonstration-receiver' GROUP BY 1"
    )
    sent = installation.query(
        "SELECT r.status, a.code FROM integrations_integrationrun r"
        " JOIN billing_account a ON a.id = r.account_id ORDER BY 2"
    )
    approved = installation.query(
        "SELECT account_code, total, invoice_reference FROM billing_bill"
        " WHERE boundary_date = '2024-05-01' AND account_code IN"
        " ('cinder-games', 'halden-robotics', 'verity-search') ORDER BY 1"
    )
    with (installation.home / "demonstration" / "bills.csv").open(newline="") as file:
        exported = {row["sequentialInvoiceNumber"] for row in csv.DictReader(file)}

    codes = [code for code, _, _ in approved]
    assert codes == ["cinder-games", "halden-robotics", "verity-search"]
    assert told == [("COMPLETE", 3, 3)]
    assert sent == [("COMPLETE", code) for code in codes]
    assert len(exported) == 114 and {reference for _, _, reference in approved} <= exported
    output = installation.outputs[0]
    assert "Webhooks: 3 arrived with a genuine signature (billing.bill.updated)." in output
    for _, total, _ in approved:
        assert f"{total:,.2f} USD" in output


def test_what_was_there_for_the_demonstration_alone_is_switched_off(
    installation: Installation,
) -> None:
    assert installation.query("SELECT DISTINCT is_active FROM integrations_webhookdestination") == [
        (False,)
    ]
    assert installation.query(
        "SELECT is_enabled FROM integrations_integrationconfiguration"
        " WHERE destination = 'STRIPE_TEST'"
    ) == [(False,)]
