"""Connections follow the scope of the running code, whatever happens to their transactions."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import DataError, OperationalError, connection, transaction

from billing import tasks
from billing.models import BillJob
from catalog.models import Product
from organizations.kernel import bulk, ids, isolation
from organizations.kernel.isolation import WrongOrganization
from organizations.kernel.postgresql import base
from organizations.models import AuditEntry
from tests.billing.bills import making, runners
from tests.factories import make_organization, make_product

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def two() -> Iterator[list[UUID]]:
    """Two organizations with a product each; the test itself begins seeing nothing."""
    made = [make_organization() for _ in range(2)]
    for organization in made:
        make_product(organization)
    with isolation.nothing():
        yield [organization.pk for organization in made]


def seen() -> set[UUID]:
    """Return the organizations whose products are to be seen."""
    return set(Product.objects.values_list("organization_id", flat=True))


def test_a_scope_narrows_and_ends_where_its_block_ends(two):
    a, b = two

    assert seen() == set()
    with isolation.everywhere():
        assert seen() == {a, b}
        with isolation.within(a):
            assert seen() == {a}
            with isolation.nothing():
                assert seen() == set()
            assert seen() == {a}
        assert seen() == {a, b}
    assert seen() == set()


def test_from_one_organization_there_is_no_way_into_another_by_mistake(two):
    a, b = two

    with isolation.within(a), pytest.raises(WrongOrganization), isolation.within(b):
        pytest.fail("entered")

    with isolation.within(a), isolation.everywhere(), isolation.within(b):
        assert seen() == {b}


@pytest.mark.parametrize("is_told_before", [False, True])
def test_a_rollback_takes_nobody_back_into_what_was_seen_before(two, is_told_before):
    a, b = two
    with isolation.within(a):
        assert seen() == {a}

    before = b if is_told_before else a
    with pytest.raises(DataError), isolation.within(before), transaction.atomic():
        with isolation.everywhere():
            seen()
        with isolation.everywhere(), isolation.within(b), connection.cursor() as cursor:
            assert seen() == {b}
            cursor.execute("SELECT 1 / 0")

    with isolation.within(b):
        assert seen() == {b}
    with isolation.within(a):
        assert seen() == {a}
    assert seen() == set()


def test_a_rolled_back_savepoint_takes_nobody_back_either(two):
    a, b = two

    with isolation.everywhere(), transaction.atomic():
        assert seen() == {a, b}
        # The scope is left before the savepoint is rolled back, while no statement is accepted.
        with (
            pytest.raises(DataError),
            transaction.atomic(),
            isolation.within(a),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT 1 / 0")
        assert seen() == {a, b}
        with isolation.within(a):
            assert seen() == {a}
    assert seen() == set()


def test_a_transaction_that_is_rolled_back_at_the_end_of_the_connection_is_no_leak(two):
    a, _ = two
    with isolation.within(a):
        assert seen() == {a}

    connection.close()

    assert seen() == set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_setting('billwright.organization')")
        assert cursor.fetchone() == ("billwright_app", "")


def test_threads_that_serve_two_organizations_in_turn_never_mix_them_up(two):
    together = threading.Barrier(4)

    def work(number: int) -> list[bool]:
        together.wait(timeout=10)
        try:
            right = [seen() == set()]  # a new thread sees nothing
            for turn in range(number, number + 40):
                with isolation.within(two[turn % 2]):
                    right.append(seen() == {two[turn % 2]})
            return right
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(work, range(4)))

    assert [all(right) for right in found] == [True] * 4


def test_a_thread_that_serves_one_organization_is_told_once(two, monkeypatch):
    told = []

    class Cursor(psycopg.ClientCursor):
        def execute(self, query: Any, *args: Any, **options: Any) -> Any:
            told.append(query)
            return super().execute(query, *args, **options)

    monkeypatch.setattr(base.psycopg, "ClientCursor", Cursor)

    for _ in range(5):
        with isolation.within(two[0]):
            seen()
            with transaction.atomic():
                seen()

    assert told == [base._TELL]


def test_neither_bare_connections_nor_copy_nor_server_side_cursors_go_past_it(two):
    a, _ = two
    with isolation.everywhere():
        seen()

    with isolation.within(a):
        bare = connection.connection.execute("SELECT organization_id FROM catalog_product")
        assert bare.fetchall() == [(a,)]
        connection.close()
        statement = "COPY catalog_product (organization_id) TO STDOUT"
        with connection.cursor() as cursor, cursor.copy(statement) as copying:
            assert list(copying.rows()) == [(str(a),)]
        connection.close()
        rows = Product.objects.values_list("organization_id", flat=True)
        assert list(rows.iterator(chunk_size=1)) == [a]


def test_a_cursor_opened_in_one_scope_sees_what_the_next_one_may_see(two):
    _, b = two

    with isolation.everywhere(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM catalog_product")
        assert cursor.fetchone() == (2,)
        with isolation.within(b):
            cursor.execute("SELECT organization_id FROM catalog_product")
            assert cursor.fetchall() == [(b,)]


def test_what_is_streamed_after_the_scope_has_ended_is_made_in_it(two):
    a, b = two

    def products() -> Iterator[set[UUID]]:
        yield seen()
        yield seen()

    with isolation.within(a):
        streamed = isolation.carried(products())

    with isolation.within(b):
        assert list(streamed) == [{a}, {a}]
        assert seen() == {b}


def test_tasks_for_one_organization_and_then_another_run_in_one_process():
    shops = [making.Shop() for _ in range(2)]
    for shop in shops:
        shop.account()
    jobs = [runners.start(shop.organization, "2024-06-15") for shop in shops]

    with isolation.nothing():
        for job in jobs:
            tasks.prepare_bill_job.apply(kwargs={"job_id": str(job.pk)}, throw=True)
        with isolation.everywhere():
            chunks = [str(pk) for job in jobs for pk in job.chunks.values_list("pk", flat=True)]
        for chunk_id in chunks:
            tasks.bill_chunk.apply(kwargs={"chunk_id": chunk_id}, throw=True)
        gone = {"chunk_id": str(ids.new_id())}
        tasks.bill_chunk.apply(kwargs=gone, throw=True)

    found = BillJob.objects.filter(pk__in=[job.pk for job in jobs])
    assert [(job.status, job.billed) for job in found] == [("COMPLETE", 1)] * 2


@pytest.mark.parametrize("count", [2, 30])
def test_rows_written_together_are_those_of_the_organization(two, count):
    """A few are inserted, many are copied; nobody can tell which."""
    a, b = two
    entries = [
        AuditEntry(
            organization_id=a,
            principal_kind="SYSTEM",
            action="x",
            resource="config:product",
            source_address="192.0.2.7" if n else "2001:db8::7",
            difference={"price": [None, Decimal("1E+2")], "text": 'a"\\\t,\n\x7f%s'},
        )
        for n in range(count)
    ]

    with isolation.within(b), pytest.raises(Exception, match="row-level security"):
        bulk.insert(entries)
    with isolation.within(a):
        bulk.insert(entries)
        written = AuditEntry.objects.filter(action="x").order_by("id")
        assert [row.source_address for row in written[:2]] == ["2001:db8::7", "192.0.2.7"]
        assert written[count - 1].difference == entries[-1].difference
        assert written.count() == count


def test_a_database_without_the_roles_is_told_from_one_that_is_away(two, settings):
    settings.DATABASE_APPLICATION_ROLE = "billwright_missing"
    connection.close()

    with pytest.raises(OperationalError, match=r"no role billwright_missing: run `manage.py"):
        seen()
    connection.close()
