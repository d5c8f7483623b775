"""Take measurements in: whatever brings them comes through ``accept`` (usage.md 4.2, 5.4).

Everything happens in one transaction, which for a small batch without faults is one statement.
When it is committed, every good measurement is stored, counted once and in every sum, and every
bad one is a failure with its event; when it is not, nothing of the batch was received.
"""

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db import OperationalError, connection, transaction

from billing.usage import deriving, enrichment, failures, resolution, skeletons, store
from billing.usage.enrichment import Enriched, Failure
from billing.usage.reception import Received
from organizations.kernel import ids

ATTEMPTS = 3
DEADLOCK_DETECTED = "40P01"
# Told the catalogue's revision before anything is stored; raises when the sender may not send.
Admission = Callable[[int], None]
Result = TypeVar("Result")
REVISION = "SELECT catalog_revision FROM organizations_organization WHERE id = %s"


def accept(
    organization_id: UUID,
    received: Sequence[Received],
    *,
    at: datetime,
    admit: Admission | None = None,
) -> list[Failure]:
    """Store what can be stored and record why the rest cannot; ``at`` is the time of receipt.

    Returns what was not stored. Uids are claimed in order, so batches do not deadlock with each
    other; should something else make it happen all the same, the batch is taken in again.
    """
    if accept_at_once(organization_id, received, at=at):
        return []
    return again_after_deadlock(
        lambda: take_in(organization_id, received, at=at, admit=admit),
    )


def again_after_deadlock(step: Callable[[], Result]) -> Result:
    """Return what ``step`` returns in a transaction of its own, begun anew after a deadlock."""
    for _attempt in range(ATTEMPTS - 1):
        try:
            with transaction.atomic(durable=True):
                return step()
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != DEADLOCK_DETECTED:
                raise
    with transaction.atomic(durable=True):
        return step()


def accept_at_once(organization_id: UUID, received: Sequence[Received], *, at: datetime) -> bool:
    """Store a small batch of which there is nothing to say; returns whether it was stored.

    Judged by what this process remembers, which the storing statement finds still to be true.
    """
    catalog = resolution.latest(organization_id)
    if catalog is None or len(received) > store.MOST_AT_ONCE or connection.in_atomic_block:
        return False
    if not catalog.is_smooth:
        return False
    outcome = enrichment.enrich(received, catalog.meters)
    uids = {one.received.item.uid for one in outcome.enriched if one.received.item.uid}
    if len(uids) < len(received):  # one of them failed, has no uid or the uid of another
        return False
    if not deriving.derive_without_queries(outcome.enriched, catalog.lookups):
        return False
    try:
        rows = _rows(outcome.enriched, catalog.accounts)
    except KeyError:  # an account that is not known yet
        return False
    catalog.is_smooth = store.claim_and_append(
        organization_id, rows, revision=catalog.revision, at=at
    )
    return catalog.is_smooth


def take_in(
    organization_id: UUID,
    received: Sequence[Received],
    *,
    at: datetime,
    admit: Admission | None = None,
) -> list[Failure]:
    """Do what ``accept`` does inside a transaction of the caller, who has more to store with it.

    The caller may not have changed meters or accounts in that transaction: what is resolved here
    is remembered for the revision, and a rollback would take the revision back.
    """
    revision = _revision(organization_id)
    if admit is not None:
        admit(revision)
    catalog = resolution.catalog_at(organization_id, revision)
    catalog.learn({one.item.meter for one in received}, {one.item.account for one in received})
    outcome = enrichment.enrich(received, catalog.meters)
    good, failed = _without_similar_accounts(organization_id, outcome.enriched, catalog)
    failed = outcome.failures + failed
    # Whoever sent a batch again sends the next one again too.
    good, duplicated = _claim(organization_id, good, at, look_first=not catalog.is_smooth)
    accounts, refused = _accounts(organization_id, good, catalog)
    if refused:
        good, failed = _give_back(organization_id, good, refused, failed)
    uncalculated = deriving.derive(organization_id, good, catalog.lookups)
    store.append(organization_id, _rows(good, accounts), at=at)
    failures.record(organization_id, failed + duplicated + uncalculated, at=at)
    catalog.is_smooth = not (failed or duplicated or uncalculated)
    return failed + duplicated


def _rows(enriched: Sequence[Enriched], accounts: Mapping[str, str]) -> list[store.Measurement]:
    return [
        store.Measurement(
            accounts[one.received.item.account],
            one.meter.id,
            one.received.ts,
            one.received.ets,
            one.received.item.uid or str(ids.new_id()),
            one.values,
        )
        for one in enriched
    ]


def _revision(organization_id: UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute(REVISION, [organization_id])
        return cursor.fetchone()[0]


def _without_similar_accounts(
    organization_id: UUID, enriched: list[Enriched], catalog: resolution.Catalog
) -> tuple[list[Enriched], list[Failure]]:
    """Sort out items whose account does not exist but has a near match."""
    unknown = {
        one.received.item.account
        for one in enriched
        if one.received.item.account not in catalog.accounts
    }
    similar = resolution.near_matches(organization_id, unknown) if unknown else {}
    if not similar:
        return enriched, []
    return _sort_out(enriched, similar)


def _sort_out(
    enriched: list[Enriched], similar: dict[str, str]
) -> tuple[list[Enriched], list[Failure]]:
    good, failed = [], []
    for one in enriched:
        item = one.received.item
        if item.account in similar:
            failed.append(enrichment.similar_account(item, similar[item.account]))
        else:
            good.append(one)
    return good, failed


def _claim(
    organization_id: UUID, enriched: list[Enriched], at: datetime, *, look_first: bool
) -> tuple[list[Enriched], list[Failure]]:
    """Claim the uids; of two items with one uid the first is stored. Without uid all are."""
    uids = [one.received.item.uid for one in enriched if one.received.item.uid]
    won = store.claim(organization_id, uids, at=at, look_first=look_first)
    good, duplicated = [], []
    for one in enriched:
        uid = one.received.item.uid
        if not uid:
            good.append(one)
        elif uid in won:
            won.remove(uid)
            good.append(one)
        else:
            duplicated.append(one.received.item)
    return good, [enrichment.duplicates(duplicated)] if duplicated else []


def _accounts(
    organization_id: UUID, enriched: list[Enriched], catalog: resolution.Catalog
) -> tuple[Mapping[str, str], dict[str, str]]:
    """Return the accounts by code, skeletons made, and the codes that came too close to one."""
    unknown = [
        one.received.item.account
        for one in enriched
        if one.received.item.account not in catalog.accounts
    ]
    if not unknown:
        return catalog.accounts, {}
    made, refused = skeletons.ensure(organization_id, unknown)
    transaction.on_commit(lambda: catalog.accounts.update(made))
    return ChainMap(made, catalog.accounts), refused


def _give_back(
    organization_id: UUID, enriched: list[Enriched], refused: dict[str, str], failed: list[Failure]
) -> tuple[list[Enriched], list[Failure]]:
    """Sort out items whose account was made under a similar code meanwhile; free their uids."""
    good, late = _sort_out(enriched, refused)
    uids = [item.uid for failure in late for item in failure.items if item.uid]
    store.release(organization_id, uids)
    return good, failed + late
