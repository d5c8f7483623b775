"""Families: which account plans bear on the bills of whom, and whose usage each one pools (PAR).

Bills stay those of single accounts. A parent's bill carries the plans of its children too, but
for those billed to the child; a child's bill carries its share of the parent's plans that are.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from billing.bills.fingerprints import NOTHING, Fingerprint
from billing.bills.fingerprints import read as read_fingerprints
from billing.bills.priced_plans import PricedPlan
from billing.bills.reading import AttachedPlan, Member, Pooled, Role
from billing.rating.inputs import ChildBilling
from billing.usage.store import Spans
from organizations.kernel import ids
from organizations.kernel.periods import Period

Attached = Mapping[UUID, Sequence[AttachedPlan]]

_MEMBERS = """
WITH heads AS MATERIALIZED (
    SELECT DISTINCT COALESCE(parent_account_id, id) AS id
      FROM billing_account WHERE organization_id = %(organization)s AND id = ANY(%(ids)s::uuid[])
), children AS MATERIALIZED (
    SELECT a.id, a.code, a.bill_epoch, a.parent_account_id
      FROM billing_account a JOIN heads ON heads.id = a.parent_account_id
)
SELECT id, code, bill_epoch, parent_account_id FROM children
UNION ALL
SELECT a.id, a.code, a.bill_epoch, NULL
  FROM billing_account a WHERE a.id IN (SELECT parent_account_id FROM children)
"""


class Family(NamedTuple):
    """A parent with its children by code, which is the order in which credit is drawn (PAR-9)."""

    parent: Member
    children: tuple[Member, ...]

    @property
    def members(self) -> tuple[Member, ...]:
        """All of them, the parent first."""
        return (self.parent, *self.children)


class Families:
    """The families of some accounts, by account; most accounts have none."""

    def __init__(self, found: Mapping[UUID, Family]) -> None:
        self._by_account = found

    def __bool__(self) -> bool:
        return bool(self._by_account)

    def of(self, account_id: UUID) -> Family | None:
        """Return the family an account is in."""
        return self._by_account.get(account_id)

    def with_members(self, account_ids: Collection[UUID]) -> list[UUID]:
        """Return the accounts and everybody in their families, each once."""
        found = dict.fromkeys(account_ids)
        for account_id in account_ids:
            if family := self.of(account_id):
                found.update(dict.fromkeys(member.id for member in family.members))
        return list(found)

    def in_order(self, account_ids: Collection[UUID]) -> list[list[UUID]]:
        """Return the accounts in units that are rated together: parent, then children by code."""
        wanted, seen = set(account_ids), set[UUID]()
        units = []
        for account_id in account_ids:
            if account_id in seen:
                continue
            family = self.of(account_id)
            members = [one.id for one in family.members] if family else [account_id]
            unit = [one for one in members if one in wanted]
            seen.update(unit)
            units.append(unit)
        return units


def read(organization_id: UUID, account_ids: Collection[UUID]) -> Families:
    """Read the families of accounts; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            _MEMBERS, {"organization": organization_id, "ids": ids.array(list(account_ids))}
        )
        rows = cursor.fetchall()
    parents = {row[0]: Member(*row[:3]) for row in rows if row[3] is None}
    children: dict[UUID, list[Member]] = defaultdict(list)
    for row in rows:
        if row[3] is not None:
            children[row[3]].append(Member(*row[:3]))
    found: dict[UUID, Family] = {}
    for parent_id, members in children.items():
        family = Family(parents[parent_id], tuple(sorted(members, key=lambda one: one.code)))
        found.update(dict.fromkeys((one.id for one in family.members), family))
    return Families(found)


def fingerprints(
    organization_id: UUID, account_ids: Collection[UUID]
) -> tuple[Families, dict[UUID, Fingerprint]]:
    """Return the families, and the fingerprint of each account that has something to notice.

    That of an account in a family is of all its members, and of who they are: what one of them
    owes depends on the others.
    """
    families = read(organization_id, account_ids)
    if not families:
        return families, read_fingerprints(account_ids)
    known = read_fingerprints(families.with_members(account_ids))
    found = {}
    for account_id in account_ids:
        own = known.get(account_id, NOTHING)
        family = families.of(account_id)
        if family is not None:
            texts = (f"{one.id}:{known.get(one.id, NOTHING).text}" for one in family.members)
            own = Fingerprint("|".join(texts), own.has_bills)
        found[account_id] = own
    return families, found


# Whose plans stand on whose bills ----------------------------------------------------------------


def place(
    attached: Attached,
    families: Families,
    plans: Mapping[UUID, PricedPlan],
    account_ids: Collection[UUID],
) -> dict[UUID, list[AttachedPlan]]:
    """Return by account the plans that bear on its bills (PAR-2, PAR-3, PAR-4)."""
    if not families:
        return dict(attached)
    placed: dict[UUID, list[AttachedPlan]] = {}
    pooled: dict[UUID, list[AttachedPlan]] = {}
    for account_id in account_ids:
        family = families.of(account_id)
        if family is None:
            rows = list(attached.get(account_id, ()))
        else:
            head = family.parent.id
            if head not in pooled:
                pooled[head] = _pooled(attached, family, plans)
            if account_id == head:
                rows = [*pooled[head], *_of_children(attached, family)]
            else:
                rows = _of_child(attached, account_id) + _shares(pooled[head], family, account_id)
        if rows:
            placed[account_id] = rows
    return placed


def _pooled(
    attached: Attached, family: Family, plans: Mapping[UUID, PricedPlan]
) -> list[AttachedPlan]:
    """Return the parent's plans, each with whose usage it rates, and when not (PAR-2, PAR-3)."""
    apart: dict[UUID, list[tuple[UUID, Period]]] = defaultdict(list)
    for child in family.children:
        for row in attached.get(child.id, ()):
            product = plans[row.plan_id].product
            if product is not None:
                apart[product.id].append((child.id, Period(row.start_at, row.end_at)))
    rows = []
    for row in attached.get(family.parent.id, ()):
        product = plans[row.plan_id].product
        pool = Pooled(family.members, tuple(apart[product.id]) if product else ())
        role = Role(ChildBilling(row.child_billing_mode), family.parent.code, pool)
        rows.append(row._replace(family=role))
    return rows


def _of_children(attached: Attached, family: Family) -> list[AttachedPlan]:
    """Return the children's plans that stand on the parent's bill."""
    return [
        row._replace(
            family=Role(ChildBilling(row.child_billing_mode), child.code, is_of_child=True)
        )
        for child in family.children
        for row in attached.get(child.id, ())
        if row.child_billing_mode != ChildBilling.CHILD
    ]


def _of_child(attached: Attached, account_id: UUID) -> list[AttachedPlan]:
    """Return a child's plans that stand on its own bill."""
    rows = attached.get(account_id, ())
    return [row for row in rows if row.child_billing_mode == ChildBilling.CHILD]


def _shares(pooled: Sequence[AttachedPlan], family: Family, account_id: UUID) -> list[AttachedPlan]:
    """Return the parent's plans of which a child's bill carries the child's share.

    In the parent's rhythm, so that both bills are about the same time. The charges of a plan group
    itself are the parent's alone.
    """
    return [
        row._replace(
            family=row.family._replace(share_of=account_id),
            bill_epoch=row.bill_epoch or family.parent.bill_epoch,
        )
        for row in pooled
        if row.family is not None
        and row.family.mode is ChildBilling.CHILD
        and row.plan_id != row.plan_group_id
    ]


# Whose usage -----------------------------------------------------------------------------------


def usage_of(row: AttachedPlan, period: Period) -> tuple[tuple[UUID, ...], Spans]:
    """Return whose usage an account plan rates in a window: of whom all, of whom only a part."""
    if row.family is None or row.family.pool is None:
        return (row.account_id,), ()
    whole: list[UUID] = []
    spans: Spans = ()
    for member in row.family.pool.members:
        is_whole, parts = usage_of_member(row.family.pool, member.id, period)
        if is_whole:
            whole.append(member.id)
        spans += parts
    return tuple(whole), spans


def usage_of_member(pool: Pooled, account_id: UUID, period: Period) -> tuple[bool, Spans]:
    """Return whether all usage of a member in a window is pooled, else which parts of it."""
    apart = [time for one, time in pool.apart if one == account_id and time.overlaps(period)]
    if not apart:
        return True, ()
    pieces = period.subtract(apart)
    return False, tuple(
        (account_id, piece.start, piece.end) for piece in pieces if piece.end is not None
    )
