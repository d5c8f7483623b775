"""The status of a revision: a draft, the one that is published, or archived (usage.md 15.3)."""

from catalog.models import LookupTable, LookupTableRevision, RevisionStatus
from organizations.kernel import changes
from organizations.kernel.errors import FieldRefused
from organizations.kernel.principals import Principal

DRAFT, PUBLISHED, ARCHIVED = RevisionStatus.DRAFT, RevisionStatus.PUBLISHED, RevisionStatus.ARCHIVED
NEXT = {DRAFT: (PUBLISHED, ARCHIVED), PUBLISHED: (ARCHIVED,), ARCHIVED: ()}


def change(
    revision: LookupTableRevision, status: str, *, by: Principal, version: int | None = None
) -> LookupTableRevision:
    """Publish or archive a revision; publishing archives the one that was published before."""
    with changes.refusing():
        # One at a time in a table, so that two that are published archive each other in turn.
        LookupTable.objects.select_for_update().get(pk=revision.lookup_table_id)
        _check(changes.locked(revision), status)
        if status == PUBLISHED:
            before = LookupTableRevision.objects.filter(
                lookup_table=revision.lookup_table_id, status=PUBLISHED
            ).first()
            if before is not None:
                with changes.editing(before, by=by) as archived:
                    archived.status = ARCHIVED
        with changes.editing(revision, by=by, version=version) as changed:
            changed.status = status
    return changed


def _check(revision: LookupTableRevision, status: str) -> None:
    before = RevisionStatus(revision.status)
    if status in NEXT[before]:
        return
    if status == before:
        raise FieldRefused("status", f"is {before} already")
    raise FieldRefused("status", f"cannot become {status}: the revision is {before.lower()}")
