"""The one way a configuration or billing entity changes.

Each call checks the version, saves the row, writes the audit entry and records the event, all in
one transaction. API, console and tasks use it alike; a bill run uses the ``*_many`` forms.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import IntegrityError, models, transaction
from django.db.models import F
from psycopg.errors import ForeignKeyViolation

from organizations.kernel import bulk, clock, events, exact_json, part_events, registry
from organizations.kernel.errors import DomainError, FieldError, InUse, NotFound, VersionMismatch
from organizations.kernel.principals import Principal
from organizations.models import AuditEntry, Organization

Row = TypeVar("Row", bound=models.Model)
BULK = 1000
_OF_ROWS = ("organization_id", "entity_id", "difference")


class ConstraintRefused(DomainError):
    """A database constraint holds the rule that was broken."""

    code = "VALIDATION"

    def __init__(self, constraint: str) -> None:
        field, sentence = registry.constraint_explanation(constraint)
        shown = f"{field}: {sentence}" if field else sentence[:1].upper() + sentence[1:]
        super().__init__(f"{shown}.", errors=[FieldError(field, sentence)] if field else ())
        self.constraint = constraint


@contextmanager
def refusing() -> Iterator[None]:
    """Run in a transaction and turn a violated constraint into a refusal that names the rule."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if isinstance(error.__cause__, ForeignKeyViolation):
            raise _dangling(error.__cause__) from error
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
        if not name:
            raise
        raise ConstraintRefused(name) from error


def _dangling(error: ForeignKeyViolation) -> DomainError:
    """Return the refusal of a reference that was true when it was checked, a moment ago."""
    if "is not present" not in (error.diag.message_detail or ""):
        return DomainError("Something that refers to it was made at this moment. Look again.")
    # Django names it table_column_hash_fk_...; the detail does not say the column behind policies.
    name = (error.diag.constraint_name or "").removeprefix(f"{error.diag.table_name}_")
    head, *tail = name.partition("_fk_")[0].rpartition("_")[0].split("_")
    field = head + "".join(word.capitalize() for word in tail)
    sentence = "what it refers to was deleted at this moment"
    if not field:
        return DomainError(f"{sentence.capitalize()}.")
    return DomainError(f"{field}: {sentence}.", errors=[FieldError(field, sentence)])


def create(row: Row, *, by: Principal) -> Row:
    """Save a new row with version 1, its audit entry and its ``created`` event."""
    created_many([row], by=by, save=True)
    return row


@contextmanager
def editing(row: Row, *, by: Principal, version: int | None = None) -> Iterator[Row]:
    """Lock the row, yield it to be changed, and save it with the next version.

    ``version`` is what the caller has read; None means the change is ours (a task) and needs no
    check. Raises ``VersionMismatch`` or ``NotFound`` and then changes nothing.
    """
    with refusing():
        current = locked(row)
        if version is not None and version != current.version:
            raise VersionMismatch(sent=version, stored=current.version)
        before = registry.of(current).represent(current)
        yield current
        check(current)
        current.version += 1
        current.modified_at = clock.now()
        current.modified_by = by.id
        current.save()
        updated_many([(current, before)], by=by)


def delete(row: Row, *, by: Principal) -> Row:
    """Delete a row nothing refers to; returns it as it was. Raises ``InUse`` (B8.2)."""
    with refusing():
        gone = locked(row)
        resource = registry.of(gone)
        if standing := resource.standing(gone):
            raise InUse(f"{gone._meta.verbose_name.capitalize()} {gone}", standing)
        before = resource.represent(gone)
        identity = gone.pk
        gone.delete()
        gone.pk = identity
        deleted_many([(gone, before)], by=by)
    return gone


def created_many(rows: Sequence[Row], *, by: Principal, save: bool = False) -> None:
    """Record many new rows of one model; ``save`` writes the rows too."""
    if not rows:
        return
    with refusing():
        if save:
            for row in rows:
                check(row)
                row.created_by = row.modified_by = by.id
            if len(rows) == 1:
                rows[0].save(force_insert=True)
            else:
                type(rows[0]).objects.bulk_create(rows, batch_size=BULK)
        _record([(row, None, _represent(row)) for row in rows], "created", by)


def updated_many(rows: Iterable[tuple[Row, dict[str, Any]]], *, by: Principal) -> None:
    """Record rows that are saved already, each with how it looked before."""
    _record([(row, before, _represent(row)) for row, before in rows], "updated", by)


def deleted_many(rows: Iterable[tuple[Row, dict[str, Any]]], *, by: Principal) -> None:
    """Record rows that are gone, each with how it looked before."""
    gone = list(rows)
    _record([(row, before, None) for row, before in gone], "deleted", by)
    for follow in registry.followers() if gone else ():
        follow([row for row, _ in gone], by=by)


def locked(row: Row) -> Row:
    """Return the row as it is now, locked until the transaction ends; ``NotFound`` if gone."""
    found = type(row)._base_manager.select_for_update(of=("self",)).filter(pk=row.pk).first()
    if found is None:
        raise NotFound
    return found


def check(row: models.Model) -> None:
    """Ask the rules of the row's entity; raises what they refuse."""
    known = registry.of(row)
    if known.check:
        known.check(row)
    for more in known.more_checks:
        more(row)


def _represent(row: models.Model) -> dict[str, Any]:
    return registry.of(row).represent(row)


def _record(
    changed: Sequence[tuple[Any, dict[str, Any] | None, dict[str, Any] | None]],
    verb: str,
    by: Principal,
) -> None:
    if not changed:
        return
    resource = registry.of(changed[0][0])
    at = clock.now()
    seen = [
        events.Change(
            row.organization_id,
            row.pk,
            account_of(row),
            exact_json.simple(old),
            exact_json.simple(new),
        )
        for row, old, new in changed
    ]
    audit = [
        (one.organization_id, one.resource_id, _encoded(difference(one.old, one.new)))
        for one in seen
    ]
    bulk.insert_values(
        AuditEntry, bulk.Rows(_OF_ROWS, audit, _what_they_share(resource, verb, by, at))
    )
    if resource.event:
        events.record_changes(f"{resource.event}.{verb}", seen, at=at)
    for key, event in resource.parts.items():
        part_events.record(resource, key, event, seen, at=at)
    if resource.follow:
        resource.follow([row for row, _, _ in changed], verb)
    # A new row changes nothing that was resolved before: what is not found is never remembered.
    if resource.moves_catalog and verb != "created":
        raise_catalog_revision({row.organization_id for row, _, _ in changed})


def raise_catalog_revision(organization_ids: Iterable[UUID]) -> None:
    """Make every process forget what it resolved for these organizations (see usage.resolution)."""
    Organization.objects.filter(pk__in=sorted(organization_ids)).update(
        catalog_revision=F("catalog_revision") + 1
    )


def account_of(row: Any) -> UUID | None:
    """Return the account whose events the events of a row are."""
    if row._meta.label == "billing.Account":
        return row.pk
    return getattr(row, "account_id", None)


def _what_they_share(
    resource: registry.Resource, verb: str, by: Principal, at: datetime
) -> dict[str, Any]:
    """Return what the audit entries of changes made together have in common."""
    return {
        "at": at,
        "principal_id": by.id,
        "principal_kind": by.kind,
        "access_key_id": by.access_key_id,
        "source_address": by.source_address,
        "request_id": by.request_id,
        "action": verb,
        "resource": resource.name,
        "is_allowed": True,
    }


def _encoded(value: Any) -> str:
    return exact_json.encode(value).decode()


def difference(old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    """Return {field: [before, after]} for every field that differs."""
    old, new = old or {}, new or {}
    if not old:  # of the many bills of a run, each is new
        return {key: [None, value] for key, value in new.items() if value is not None}
    return {
        key: [old.get(key), new.get(key)]
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    }
