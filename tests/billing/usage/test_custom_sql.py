"""Queries that people write, run over measurements: what they find and what they cannot do."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from psycopg import sql

from billing.bills import explain
from billing.models import BillJobAccount
from billing.usage import store
from catalog import custom_sql as queries
from catalog.models import Aggregation, Pricing
from organizations.kernel import isolation, row_security
from tests import factories
from tests.billing.bills import compounded, runners

pytestmark = pytest.mark.django_db
JUNE, JULY = runners.instant("2024-06-01"), runners.instant("2024-07-01")


@pytest.fixture(autouse=True)
def allowed(settings: Any) -> None:
    """As after a migrate with the setting turned on."""
    settings.ALLOWS_CUSTOM_SQL = True
    with isolation.as_owner():
        row_security.make_roles()
        row_security.protect_custom_sql()


def used(organization: Any, *values: Any, account: Any = None) -> tuple[Any, Any]:
    """Make an account with measurements of June: gb and region."""
    account = account or factories.make_account(organization)
    meter = compounded.make_meter(organization, ["gb"], ["region"])
    for gb, region in values:
        compounded.measure(account, meter, "2024-06-10", {"gb": Decimal(str(gb)), "region": region})
    return account, meter


def answer(organization: Any, account: Any, meter: Any, query: str, **of: Any) -> store.Quantity:
    """Run a query without its being checked, as if the first wall had fallen."""
    request = store.QuantityRequest(
        (account.pk,), meter.pk, "gb", store.Method.CUSTOM_SQL, JUNE, JULY,
        query=store.CustomQuery(query, ("gb",), ("region",)), **of,
    )  # fmt: skip
    [found] = store.quantities(organization.pk, [request])
    return found


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("select sum(gb) from measurements", Decimal("17.5")),
        ("select max(t) from (select sum(gb) t from measurements group by region) r", 12),
        ("select count(distinct region) from measurements", 2),
        ("select percentile_cont(0.5) within group (order by gb) from measurements", 5),
        ("select gb from measurements where gb > 100", None),
        ("select null::numeric from measurements limit 1", None),
    ],
)
def test_a_query_gives_one_number_or_none(organization, query, value):
    account, meter = used(organization, (5, "eu"), (7, "eu"), ("5.5", "us"))
    # Not of the period, not of the account, not of the meter.
    compounded.measure(account, meter, "2024-07-01", {"gb": Decimal(99), "region": "eu"})
    compounded.measure(
        factories.make_account(organization), meter, "2024-06-10", {"gb": Decimal(99)}
    )
    used(organization, (99, "eu"), account=account)

    found = answer(organization, account, meter, queries.checked(query))

    if value == 5:  # the middle one of 5, 5.5 and 7
        value = Decimal("5.5")
    assert (found.value, found.refusal) == (value, "")
    assert found.event_count == (0 if value is None else 3)


def test_a_query_sees_its_segment_only(organization):
    account, meter = used(organization, (5, "eu"), (7, "eu"), (6, "us"), (1, "asia"))
    split = store.Segmentation(("region",), (("eu",), ("us",)))

    found = [
        answer(
            organization, account, meter, "select sum(gb) from measurements",
            segmentation=split, segment=segment,
        ).value
        for segment in split.segments
    ]  # fmt: skip

    assert found == [12, 6]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("select gb from measurements", "more than one row"),
        ("select nothing from measurements", 'column "nothing" does not exist'),
        ("select sum(gb) / 0 from measurements", "division by zero"),
        ("select region from measurements limit 1", "invalid input syntax for type numeric"),
        ("select 'NaN'::numeric", "must be a number smaller than 1e20"),
        ("select 1e21", "must be a number smaller than 1e20"),
        # Attacks, should the first wall ever fall:
        ("select count(*) from billing_account", 'relation "billing_account" does not exist'),
        ("select count(*) from public.billing_account", "permission denied"),
        ("select count(*) from public.billing_measurement", "permission denied"),
        ("select count(*) from public.organizations_organization", "permission denied"),
        ("select count(*) from pg_catalog.pg_authid", "permission denied"),
        ("select pg_catalog.pg_read_file('/etc/passwd')::int", "permission denied"),
        ("select 1) q (value); drop table billing_bill; --", "multiple commands"),
        ("select pg_catalog.lo_create(0)::bigint", "read-only transaction"),
    ],
)
def test_a_query_that_fails_or_attacks_gives_a_reason_and_changes_nothing(
    organization, query, says
):
    account, meter = used(organization, (5, "eu"), (7, "us"))

    found = answer(organization, account, meter, query)

    assert found.value is None
    assert says in found.refusal
    assert answer(organization, account, meter, "select sum(gb) from measurements").value == 12


def test_a_query_that_takes_too_long_is_stopped(organization, monkeypatch):
    from billing.usage.store import custom_sql

    settings = [one.replace("'5s'", "'100ms'") for one in custom_sql._SETTINGS]
    monkeypatch.setattr(custom_sql, "_SETTINGS", settings)
    account, meter = used(organization, (5, "eu"))

    found = answer(organization, account, meter, "select sum(1) from pg_catalog.pg_sleep(10)")

    assert found.refusal == "the query takes more than 5 seconds"


def test_a_query_of_one_organization_never_sees_another(organization):
    other = factories.make_organization()
    theirs, their_meter = used(other, (1000, "eu"))
    account, meter = used(organization, (5, "eu"))

    with isolation.within(organization.pk):
        crossed = answer(organization, theirs, their_meter, "select sum(gb) from measurements")
        whole = answer(
            organization, account, meter,
            "select count(*) from public.billing_custom_sql_measurement",
        )  # fmt: skip

    assert crossed == store.Quantity()
    assert whole.value == 1


def test_the_role_may_read_the_view_and_no_table(organization):
    with isolation.as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, privilege_type FROM information_schema.role_table_grants"
            " WHERE grantee = %s",
            [isolation.custom_sql_role("billwright_app")],
        )
        assert cursor.fetchall() == [("billing_custom_sql_measurement", "SELECT")]
    with (
        isolation.as_custom_sql(organization.pk),
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql.SQL("SELECT 1 FROM billing_bill"))


def priced(organization: Any, query: str) -> tuple[Any, Any]:
    account, meter = used(organization, (5, "eu"), (7, "eu"), (6, "us"))
    aggregation = factories.make_aggregation(
        meter, name="Busiest region", aggregation="CUSTOM_SQL", custom_sql=query, unit="GB"
    )
    plan = compounded.make_plan(organization)
    factories.make_pricing(plan, aggregation, bands=factories.bands((0, 0, 2)))
    factories.make_account_plan(account, plan)
    return account, aggregation


def test_a_query_is_billed_and_explained(organization):
    query = "select max(t) from (select sum(gb) as t from measurements group by region) r"
    account, _ = priced(organization, query)

    runners.run(organization, "2024-06-30")

    [line] = compounded.lines(account)
    explained = explain.explain(line)
    # eu 12, us 6: 12 x 2.00 = 24.
    assert (line.quantity, line.subtotal) == (12, 24)
    assert (explained.recomputed.matches, explained.current.matches) == (True, True)
    assert f"CUSTOM_SQL of Busiest region, 1 a unit: {query}" in [
        step.reckoning for step in explained.steps
    ]


def test_a_query_that_fails_parks_its_account_with_the_reason_and_no_other(organization):
    failing, _ = priced(organization, "select sum(gb) / 0 from measurements")
    fine = factories.make_account(organization)
    product = factories.make_product(organization)
    factories.make_account_plan(
        fine, factories.make_plan(factories.make_plan_template(product, standing_charge=20))
    )

    job = runners.run(organization, "2024-06-30")

    parked = BillJobAccount.objects.get(status="PARKED")
    assert (job.billed, parked.account_id) == (1, failing.pk)
    assert parked.reason == (
        "The custom SQL aggregation of gb: the query cannot be run: division by zero."
    )


def test_a_compound_takes_the_number_of_a_query(organization):
    account, aggregation = priced(organization, "select max(gb) from measurements")
    compound = compounded.make_compound(organization, f"aggregation.{aggregation.code} * 10")
    Pricing.objects.update(aggregation=None, compound_aggregation=compound)

    runners.run(organization, "2024-06-30")

    [line] = compounded.lines(account)
    assert (line.quantity, line.subtotal) == (70, 140)
    assert Aggregation.objects.get().custom_sql == "select max(gb) from measurements"


def test_where_queries_were_turned_off_none_is_run_and_the_account_is_parked(
    organization, settings
):
    account, _ = priced(organization, "select max(gb) from measurements")
    settings.ALLOWS_CUSTOM_SQL = False

    job = runners.run(organization, "2024-06-30")

    assert (job.billed, job.parked, compounded.lines(account)) == (0, 1, [])
    assert "turned off" in BillJobAccount.objects.get().reason
