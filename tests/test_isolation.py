"""PostgreSQL itself shows an organization no row of another, whatever a query forgot to ask.

Two organizations hold rows of every kind; the tables come from the database, so a table that is
added later is held to this too.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection, transaction
from psycopg import sql

from billing.usage import partitions, store
from billing.usage.store import months
from catalog.models import Product
from organizations.kernel import isolation, row_security
from organizations.kernel.isolation import WrongOrganization
from organizations.kernel.tenancy import TenantQuerySet
from tests.billing.usage.stored import NOON
from tests.contract import inhabited
from tests.contract.inhabited import Inhabited
from tests.test_architecture import APPS, ROOT, python_files

pytestmark = pytest.mark.django_db

# Tables without a policy, and why nobody learns anything of another organization there.
OPEN = {
    "auth_group": "guardian's hidden groups, one a principal; named by random ids",
    "auth_group_permissions": "which permissions exist in a group, never used with rows",
    "auth_permission": "the names of models and verbs, the same everywhere",
    "config_backup": "of the whole installation",
    "django_admin_log": "never written: changes are audited instead",
    "django_content_type": "the names of models",
    "django_migrations": "which migrations ran",
    "django_session": "of people, who may work in several organizations; the key is a secret",
    "guardian_groupobjectpermission": "ids of rows without their content",
    "guardian_userobjectpermission": "ids of rows without their content",
    "organizations_auditseal": "numbers and hashes over the entries of all organizations",
    "organizations_opensession": "of people, who may work in several organizations",
    "organizations_recoverycode": "of people, who may work in several organizations",
    "organizations_secondfactor": "of people, who may work in several organizations",
    "organizations_user": "a person may be a member of several organizations",
    "organizations_user_groups": "of people; Django's, never written",
    "organizations_user_user_permissions": "of people; Django's, never written",
}
BEAT = "django_celery_beat_"  # the installation's schedule
# Where code looks beyond one organization, and why it has to.
EVERYWHERE = {
    "billing/tasks.py": "sweeps, approval by itself and schedules go through all organizations",
    "billing/usage/partitions.py": "old claims are forgotten whosever they are",
    "catalog/tasks.py": "jobs of lookup tables of all organizations are due by time",
    "config/demonstration/company.py": "the first demonstration has the plain name",
    "config/operating.py": "operators see what waits in all organizations, counted",
    "config/management/commands/demo.py": "finds the demonstration",
    "integrations/tasks.py": "dispatching, handing out and deleting go through all organizations",
    "integrations/management/commands/settle_metered_hours.py": "a bill is named by its id",
    "integrations/export_tasks.py": "exports of all organizations are due by time",
    "notifications/tasks.py": "scheduled events of all organizations are due by time",
    "organizations/api/auth.py": "a key is found by its id",
    "organizations/invitation_page.py": "a link says of which organization it is when it is found",
    "organizations/kernel/api/doorkeeper.py": "a token may be of any organization",
    "organizations/kernel/console/entry.py": "signing in is about all organizations of a person",
    "organizations/kernel/tenancy.py": "a task knows the id of a row, not its organization",
    "organizations/management/commands/verify_audit.py": "seals cover all entries by number",
    "organizations/management/commands/rederive_grants.py": "derives those of all organizations",
    "organizations/models/access.py": "which organizations a person belongs to",
    "organizations/personal_tokens.py": "a new password ends the tokens of a person everywhere",
    "organizations/tasks.py": "sealing, forgotten passwords, and answers that are kept no longer",
}


@pytest.fixture(scope="module")
def two(django_db_setup: Any, django_db_blocker: Any) -> Iterator[tuple[Inhabited, Inhabited]]:
    """Two organizations with rows of every kind: ours, and theirs."""
    with inhabited.shared_database(django_db_blocker):
        yield inhabited.settle(), inhabited.settle()


def protected() -> list[row_security.Table]:
    """Every table whose rows belong to organizations."""
    application, _ = row_security.roles()
    return [
        table
        for table in row_security.tables()
        if not table.is_partition and application in row_security.policies(table)
    ]


def rows_of(table: row_security.Table, place: Inhabited) -> list[dict[str, Any]]:
    """Return the organization's rows, as the wall shows them."""
    with isolation.within(place.organization_id), connection.cursor() as cursor:
        statement = sql.SQL("SELECT row_to_json(t)::text FROM {} t")
        cursor.execute(statement.format(sql.Identifier(table.name)))
        return [json.loads(text) for (text,) in cursor.fetchall()]


def count(table: row_security.Table) -> int:
    """Return how many rows are to be seen."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.name)))
        return int(cursor.fetchone()[0])


def run(statement: Any, *values: Any) -> None:
    """Run a statement; what it raises undoes nothing else."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def insert(table: row_security.Table, row: dict[str, Any]) -> None:
    """Insert a row as it is."""
    statement = sql.SQL("INSERT INTO {0} SELECT * FROM json_populate_record(NULL::{0}, %s)")
    run(statement.format(sql.Identifier(table.name)), json.dumps(row))


def test_every_table_has_a_policy_or_a_reason(two):
    open_tables = {
        table.name
        for table in row_security.tables()
        if not (table.is_protected and table.policies) and not table.is_partition
    }

    assert {name for name in open_tables if not name.startswith(BEAT)} == set(OPEN)


def test_each_organization_sees_its_own_rows_and_no_other(two):
    ours, theirs = two
    empty = []

    for table in protected():
        seen = [rows_of(table, place) for place in (ours, theirs)]
        texts = [{json.dumps(row, sort_keys=True) for row in rows} for rows in seen]
        if not seen[0]:
            empty.append(table.name)
        assert not texts[0] & texts[1], table.name
        for place, rows in zip((ours, theirs), seen, strict=True):
            owners = {row.get("organization_id", str(place.organization_id)) for row in rows}
            assert owners <= {str(place.organization_id)}, table.name
        assert len(seen[0]) + len(seen[1]) <= count(table), table.name

    assert len(empty) < 8, empty


def test_without_an_organization_no_row_is_seen(two):
    with isolation.nothing():
        seen = {table.name: count(table) for table in protected()}

    assert {name for name, rows in seen.items() if rows} == set()
    assert len(seen) > 30


def test_a_queryset_without_its_filter_shows_no_row_of_another_organization(two):
    ours, _ = two
    models = [
        model
        for model in apps.get_models()
        if any(field.column == "organization_id" for field in model._meta.concrete_fields)
    ]

    with isolation.within(ours.organization_id):
        seen = {
            model: set(model._base_manager.values_list("organization_id", flat=True))
            for model in models
        }

    assert set().union(*seen.values()) == {ours.organization_id}
    assert sum(bool(found) for found in seen.values()) > 25


def test_a_view_that_forgets_its_filter_lists_only_what_is_ours(two, monkeypatch):
    ours, theirs = two
    monkeypatch.setattr(TenantQuerySet, "for_organization", lambda rows, organization: rows)

    listed = ours.api.get("products", pageSize=100).json["data"]

    assert {row["id"] for row in listed} == set(ours.ids(Product))
    assert ours.api.get(f"products/{theirs.ids(Product)[0]}").status == 404


def test_rows_of_another_organization_cannot_be_inserted(two):
    ours, theirs = two

    for table in protected():
        for row in rows_of(table, theirs)[:1]:
            for scope in (isolation.within(ours.organization_id), isolation.nothing()):
                with scope, pytest.raises(ProgrammingError, match="row-level security"):
                    insert(table, row)


def test_rows_of_another_organization_can_be_neither_changed_nor_deleted(two):
    ours, theirs = two

    for table in protected():
        before = rows_of(table, theirs)
        if table.name == "organizations_auditentry" or not before:
            continue
        column = "id" if "id" in before[0] else "organization_id"
        key, name = sql.Literal(before[0][column]), sql.Identifier(table.name)
        parts = {"table": name, "column": sql.Identifier(column), "key": key}
        with isolation.within(ours.organization_id), connection.cursor() as cursor:
            for statement in (
                "UPDATE {table} SET {column} = {column} WHERE {column} = {key}",
                "DELETE FROM {table} WHERE {column} = {key}",
            ):
                cursor.execute(sql.SQL(statement).format(**parts))
                assert cursor.rowcount == 0, table.name
        assert rows_of(table, theirs) == before


def test_a_row_of_ours_cannot_be_given_away(two):
    ours, theirs = two
    given_away = sql.SQL("UPDATE {} SET organization_id = %s")

    for table in protected():
        is_changed = table.has_organization and table.name != "organizations_auditentry"
        if not is_changed or not rows_of(table, ours):
            continue
        statement = given_away.format(sql.Identifier(table.name))
        with (
            isolation.within(ours.organization_id),
            pytest.raises(ProgrammingError, match="row-level security"),
        ):
            run(statement, theirs.organization_id)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE organizations_auditentry SET action = ''", "DELETE FROM organizations_auditentry"],
)
def test_only_the_owner_changes_or_deletes_audit_entries(two, statement):
    for scope in (isolation.everywhere(), isolation.within(two[0].organization_id)):
        with scope, pytest.raises(ProgrammingError, match="permission denied"):
            run(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM {}",
        "UPDATE {} SET uid = ''",
        "DELETE FROM {}",
        "INSERT INTO {} (organization_id) VALUES (gen_random_uuid()) RETURNING uid",
    ],
)
def test_partitions_take_rows_in_and_show_none(two, statement):
    partitions.ensure(at=NOON)  # makes some that the migrations did not
    leaves = months.existing()
    assert {"billing_measurement_default", months.partition_of(NOON)} < leaves

    for scope in (isolation.everywhere(), isolation.within(two[0].organization_id)):
        with scope:
            for leaf in leaves:
                with pytest.raises(ProgrammingError, match="permission denied"):
                    run(sql.SQL(statement).format(sql.Identifier(leaf)))


@pytest.mark.parametrize("many", [1, 30])
def test_measurements_are_stored_for_the_organization_one_works_for_and_no_other(two, many):
    ours, theirs = two
    rows = [
        store.Measurement(ours.organization_id, ours.organization_id, NOON, None, f"u{n}", {})
        for n in range(many)
    ]
    table = next(table for table in protected() if table.name == "billing_measurement")
    before = len(rows_of(table, ours)), len(rows_of(table, theirs))

    for scope in (isolation.within(ours.organization_id), isolation.nothing()):
        with scope, pytest.raises(WrongOrganization):
            store.append(theirs.organization_id, rows, at=NOON)
    with isolation.within(ours.organization_id):
        store.append(ours.organization_id, rows, at=NOON)

    assert (len(rows_of(table, ours)), len(rows_of(table, theirs))) == (before[0] + many, before[1])


def test_the_places_that_look_everywhere_are_few_and_written_down():
    found = {
        str(path.relative_to(ROOT))
        for path in python_files(*APPS, "config")
        if "isolation.everywhere()" in path.read_text()
    }
    documented = Path(ROOT, "docs/isolation.md").read_text()

    assert found == set(EVERYWHERE)
    assert [place for place in found if f"`{place}`" not in documented] == []


def test_neither_the_login_nor_the_roles_are_above_the_policies(two):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname FROM pg_roles WHERE (rolsuper OR rolbypassrls)"
            " AND rolname IN (session_user, %s, %s)",
            row_security.roles(),
        )
        assert cursor.fetchall() == []


def test_a_login_that_may_not_make_roles_is_told_what_to_have_done(two, settings):
    # Like such a login, this role may make none.
    with isolation.everywhere():
        row_security.are_roles_made()
    settings.DATABASE_APPLICATION_ROLE = "missing_app"
    with (
        pytest.raises(row_security.RolesMissing) as refused,
        transaction.atomic(),
    ):
        row_security.make_roles()

    assert str(refused.value) == (
        "The login of DATABASE_URL may not make database roles. Have a superuser run: "
        "CREATE ROLE missing_app NOLOGIN; CREATE ROLE missing_everywhere NOLOGIN; "
        "GRANT missing_app, missing_everywhere TO billwright;"
    )
