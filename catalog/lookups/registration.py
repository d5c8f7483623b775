"""What the kernel has to know of lookup tables."""

from catalog.lookups import jobs, rules
from catalog.lookups import representations as look
from catalog.models import (
    LookupRow,
    LookupTable,
    LookupTableData,
    LookupTableJob,
    LookupTableRevision,
)
from organizations.kernel import files, registry

DATA = "config:lookupTableData"


def register() -> None:
    """Register lookup tables, revisions, data and jobs.

    What a code leads to is remembered with the catalogue's revision, which each change raises.
    """
    registry.register(
        LookupTable,
        "config:lookupTable",
        represent=look.table,
        moves_catalog=True,
        check=rules.check_table,
    )
    registry.register(
        LookupTableRevision,
        "config:lookupTableRevision",
        represent=look.revision,
        moves_catalog=True,
        check=rules.check_revision,
        follow=rules.follow_revisions,
    )
    registry.register(LookupTableData, DATA, represent=look.data)
    registry.register(LookupTableJob, DATA, represent=look.job)
    registry.name(LookupRow, DATA)
    files.when_stored(jobs.UPLOAD_KIND, jobs.begin)
    registry.refers(LookupTable, "revisions", lambda row: row.revisions.all())
    registry.refers(LookupTable, "meters", rules.meters_of)
    registry.refers(LookupTable, "compound aggregations", rules.compounds_of)
    registry.refers(LookupTableRevision, "meters", lambda row: rules.in_use(row, rules.meters_of))
    registry.refers(
        LookupTableRevision,
        "compound aggregations",
        lambda row: rules.in_use(row, rules.compounds_of),
    )
    registry.explain_constraint(
        "lookup_revision_one_published", "status", "another revision was published at this moment"
    )
