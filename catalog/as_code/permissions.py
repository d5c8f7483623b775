"""Who may read, try out and apply a catalogue file: a policy for every entity it touches (A5)."""

from catalog.as_code import kinds
from catalog.as_code.diff import CREATE, DELETE, UPDATE, Change
from organizations.access import Rights
from organizations.kernel.errors import Forbidden

ACTIONS = {CREATE: "config:create", UPDATE: "config:update", DELETE: "config:delete"}
OF_SECTION = {
    kinds.PRODUCTS: "config:product",
    kinds.METERS: "config:meter",
    kinds.AGGREGATIONS: "config:aggregation",
    kinds.COMPOUNDS: "config:compoundAggregation",
    kinds.COUNTERS: "config:counter",
    kinds.TEMPLATES: "config:planTemplate",
    kinds.PLANS: "config:plan",
    kinds.GROUPS: "config:planGroup",
    kinds.LINKS: "config:planGroupLink",
    kinds.PRICINGS: "config:pricing",
    kinds.COUNTER_PRICINGS: "config:counterPricing",
}
RESOURCES = tuple(OF_SECTION.values())


def may_read(rights: Rights) -> bool:
    """Whether every row of every section may be read: a file holds all or nothing."""
    return all(rights.allows_all("config:retrieve", one) for one in RESOURCES)


def require_reading(rights: Rights) -> None:
    """Refuse whoever may not read the whole catalogue."""
    if not may_read(rights):
        raise Forbidden


def require_change(rights: Rights, change: Change, row: object) -> None:
    """Refuse whoever may not make one change of one row."""
    action, resource = ACTIONS[change.verb], OF_SECTION[change.item.section]
    rights.require(action, resource, getattr(row, "pk", None))
