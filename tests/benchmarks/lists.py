"""Lists under policies on groups of 100,000 rows: pages within 50 ms, attaching at once (A5.13)."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Product
from organizations import access, attachments, standings
from organizations.kernel import bulk, changes, isolation, principals
from organizations.kernel.principals import Principal
from organizations.models import (
    Organization,
    PermissionPolicy,
    PrincipalType,
    ResourceGroup,
    ResourceGroupItem,
    ServiceUser,
    TargetType,
)
from tests.benchmarks import Ratio, scaled
from tests.factories import make_founded, number

ROWS = 100_000
PAGE = 100
WITHIN_MS = 50.0
TIMES = 9
READ = "config:retrieve"
OF_STATEMENTS = """
    SELECT policy.statements FROM organizations_policyattachment attachment
    JOIN organizations_permissionpolicy policy ON policy.id = attachment.policy_id
    WHERE attachment.organization_id = %s
        AND attachment.principal_type = 'SERVICEUSER' AND attachment.principal_id = %s
"""


def run() -> Iterator[Ratio]:
    """Yield a row for each way a big group can be spoken of, then attaching, then one question."""
    organization = make_founded().organization
    rows = _products(organization, scaled(ROWS, least=1000))
    share = len(rows) // 20
    held = {
        "all": rows,
        "the oldest twentieth": rows[:share],
        "the older half": rows[: len(rows) // 2],
        "all but the oldest twentieth": rows[share:],
        "every third": rows[::3],
        "every thousandth": rows[::1000],
    }
    groups = {name: _group(organization, some) for name, some in held.items()}
    _analyze()
    for name, group in groups.items():
        for effect in ("allow", "deny"):
            yield _page(organization, effect, name, group)
    yield _attaching(organization, groups["all"])
    yield _reading(organization)
    yield _keeping(organization)


def _page(organization: Organization, effect: str, name: str, group: ResourceGroup) -> Ratio:
    statements = [{"effect": effect, "action": [READ], "resource": [_resource(group)]}]
    if effect == "deny":
        statements.append({"effect": "allow", "action": [READ], "resource": ["*"]})
    principal = _robot(organization, statements)

    def page() -> list[Product]:
        rights = access.Rights(principal)
        rights.require_some(READ, "config:product")
        rows = Product.objects.for_organization(organization)
        return list(rights.visible(rows, READ, "config:product").newest_first()[: PAGE + 1])

    # As a request does it: under the policies of the database.
    with isolation.within(organization.pk):
        with CaptureQueriesContext(connection) as asked:
            count = len(page())
        took = _milliseconds(page)
    return Ratio(
        f"a page of {group.items.count():,} rows in a group, {effect} {name} / {WITHIN_MS:g} ms",
        took / WITHIN_MS,
        at_most=1,
        detail=f"{took:.1f} ms, {len(asked)} queries, {count} rows shown",
    )


def _attaching(organization: Organization, group: ResourceGroup) -> Ratio:
    by = principals.system(organization.pk)
    took = []
    for _ in range(TIMES):
        policy = _policy(
            organization, [{"effect": "allow", "action": ["all"], "resource": [_resource(group)]}]
        )
        robot = changes.create(ServiceUser(organization=organization, name="Robot"), by=by)
        begun = time.perf_counter()
        attachments.attach(policy, PrincipalType.SERVICEUSER, robot.pk, by=by)
        took.append((time.perf_counter() - begun) * 1000)
    middle = statistics.median(took)
    return Ratio(
        f"attaching a policy on the big group / {WITHIN_MS:g} ms",
        middle / WITHIN_MS,
        at_most=1,
        detail=f"{middle:.1f} ms, with its audit entry and its grants",
    )


def _reading(organization: Organization) -> Ratio:
    """What guardian costs a request: its grants come with the query of the statements."""
    principal = _robot(
        organization, [{"effect": "allow", "action": ["measurements:upload"], "resource": ["*"]}]
    )

    def statements_alone() -> Any:
        with connection.cursor() as cursor:
            cursor.execute(OF_STATEMENTS, [organization.pk, principal.id])
            return cursor.fetchall()

    with_grants = _milliseconds(lambda: standings.read(principal), times=200)
    alone = _milliseconds(statements_alone, times=200)
    return Ratio(
        "reading grants and statements / reading statements",
        with_grants / alone,
        at_most=3,
        detail=f"{with_grants:.2f} ms against {alone:.2f} ms, one query each",
    )


def _keeping(organization: Organization) -> Ratio:
    """What a request of a service user saves by asking only whether its policies have changed."""
    principal = _robot(
        organization, [{"effect": "allow", "action": ["config:retrieve"], "resource": ["*"]}]
    )
    kept = _milliseconds(lambda: standings.standing(principal), times=200)
    read = _milliseconds(lambda: standings.read(principal), times=200)
    return Ratio(
        "policies kept at a revision / policies read",
        kept / read,
        at_most=0.6,
        detail=f"{kept:.2f} ms against {read:.2f} ms",
    )


def _milliseconds(act: Callable[[], Any], *, times: int = TIMES) -> float:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        act()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def _products(organization: Organization, count: int) -> list[Product]:
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        Product(
            organization=organization,
            name=f"Product {n}",
            code=f"p-{n}",
            created_at=begins + timedelta(seconds=n),
        )
        for n in range(count)
    ]
    bulk.insert(rows)
    return rows


def _group(organization: Organization, rows: Sequence[Product]) -> ResourceGroup:
    group = ResourceGroup.objects.create(organization=organization, type="product", name="Group")
    bulk.insert(
        [
            ResourceGroupItem(
                organization=organization,
                group=group,
                target_type=TargetType.ITEM,
                target_id=row.pk,
                target_created_at=row.created_at,
            )
            for row in rows
        ]
    )
    return group


def _resource(group: ResourceGroup) -> str:
    return f"config:product/group/{group.pk}"


def _policy(organization: Organization, statements: list[dict[str, Any]]) -> PermissionPolicy:
    row = PermissionPolicy(
        organization=organization, name=f"Policy {number()}", statements=statements
    )
    return changes.create(row, by=principals.system(organization.pk))


def _robot(organization: Organization, statements: list[dict[str, Any]]) -> Principal:
    by = principals.system(organization.pk)
    row = changes.create(ServiceUser(organization=organization, name="Robot"), by=by)
    policy = _policy(organization, statements)
    attachments.attach(policy, PrincipalType.SERVICEUSER, row.pk, by=by)
    return Principal(row.pk, "SERVICE_USER", organization.pk)


def _analyze() -> None:
    """Do what autovacuum does within a minute of such a load."""
    with isolation.as_owner(), connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) organizations_resourcegroupitem")
        cursor.execute("VACUUM (ANALYZE) catalog_product")
