"""Make a stored catalogue what a file says: one transaction, all faults at once, or nothing."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from rest_framework.exceptions import ValidationError

from catalog.api import compounds, counters, plan_groups, serializers
from catalog.as_code import diff, kinds, permissions, stored, touching
from catalog.as_code.diff import CREATE, DELETE, Change, Difference
from catalog.as_code.files import FileRefused
from catalog.as_code.values import Catalogue, Fault, Item, Ref
from organizations.access import Rights
from organizations.kernel import changes
from organizations.kernel.api.errors import flattened
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.errors import DomainError, FieldError
from organizations.kernel.principals import Principal
from organizations.kernel.zones import zone_of

SERIALIZERS: dict[str, type[TenantSerializer]] = {
    kinds.PRODUCTS: serializers.ProductSerializer,
    kinds.METERS: serializers.MeterSerializer,
    kinds.AGGREGATIONS: serializers.AggregationSerializer,
    kinds.COMPOUNDS: compounds.CompoundAggregationSerializer,
    kinds.COUNTERS: counters.CounterSerializer,
    kinds.TEMPLATES: serializers.PlanTemplateSerializer,
    kinds.PLANS: serializers.PlanSerializer,
    kinds.GROUPS: plan_groups.PlanGroupSerializer,
    kinds.LINKS: plan_groups.PlanGroupLinkSerializer,
    kinds.PRICINGS: serializers.PricingSerializer,
    kinds.COUNTER_PRICINGS: counters.CounterPricingSerializer,
}
# Left out of a list, these would be missing though a file may leave them out.
ALWAYS_SENT = frozenset({"derivedFields"})


@dataclass(frozen=True, slots=True)
class Planned:
    """What a file would change, and the accounts each change is billed to, in the same order."""

    difference: Difference
    accounts: tuple[frozenset[UUID], ...]

    @property
    def all_accounts(self) -> frozenset[UUID]:
        """The accounts whose next bills may have other amounts."""
        return frozenset().union(*self.accounts)


class _Undone(Exception):
    """Ends a trial."""


def plan(
    wanted: Catalogue, *, by: Principal, prunes: bool, rights: Rights | None = None
) -> Planned:
    """Return what ``apply`` would do, tried out and undone; raises ``FileRefused`` as it does."""
    result: Planned | None = None
    try:
        with transaction.atomic():
            result = apply(wanted, by=by, prunes=prunes, rights=rights)
            raise _Undone
    except _Undone:
        pass
    assert result is not None
    return result


def apply(
    wanted: Catalogue, *, by: Principal, prunes: bool, rights: Rights | None = None
) -> Planned:
    """Change the stored catalogue in one transaction; raises ``FileRefused`` with all faults.

    With ``rights`` every change needs a policy that allows it; raises ``Forbidden`` otherwise.
    """
    with transaction.atomic():
        before = stored.read(by.organization_id)
        difference = diff.compare(before.catalogue, wanted, prunes=prunes)
        accounts = tuple(
            frozenset(touching.accounts(by.organization_id, change, before.rows))
            for change in difference.changes
        )
        writing = _Writing(by, before.rows)
        for change in difference.changes:
            if rights is not None:
                row = before.rows[change.item.section].get(change.item.key)
                permissions.require_change(rights, change, row)
            writing.make(change)
        if writing.faults:
            raise FileRefused(writing.faults)
    return Planned(difference, accounts)


class _Writing:
    """Makes one change after the other and gathers what is refused.

    ``failed`` are items that were refused: what refers to them is not told as a fault as well.
    """

    def __init__(self, by: Principal, rows: dict[str, dict[Hashable, Any]]) -> None:
        self.by, self.rows = by, rows
        self.faults: list[Fault] = []
        self.failed: set[tuple[str, Hashable]] = set()
        zone = zone_of(by.organization_id)
        self.context = {"organization_id": by.organization_id, "zone": lambda: zone}

    def make(self, change: Change) -> None:
        """Make one change, or note why not."""
        item = change.item
        if change.verb == DELETE:
            with self.noting(item):
                changes.delete(self.rows[item.section].pop(item.key), by=self.by)
            return
        sent = self.sent(item)
        if sent is None:
            self.failed.add((item.section, item.key))
            return
        with self.noting(item):
            if change.verb == CREATE:
                self.create(item, sent)
            else:
                self.update(item, sent)

    def create(self, item: Item, sent: dict[str, Any]) -> None:
        """Make a new row, as the API does."""
        serializer = self.checked(item, None, sent)
        model = stored.MODELS[item.section]
        row = model(organization_id=self.by.organization_id, **serializer.validated_data)
        self.rows[item.section][item.key] = changes.create(row, by=self.by)

    def update(self, item: Item, sent: dict[str, Any]) -> None:
        """Replace a row, as the API does; what a file does not hold stays."""
        row = self.rows[item.section][item.key]
        if item.section == kinds.METERS and row.group_id:
            sent = {**sent, "groupId": str(row.group_id)}
        serializer = self.checked(item, row, sent)
        with changes.editing(row, by=self.by, version=row.version) as locked:
            serializer.replace(locked)
        self.rows[item.section][item.key] = locked

    def checked(self, item: Item, row: Any, sent: dict[str, Any]) -> Any:
        """Return the API's serializer with valid data."""
        serializer = SERIALIZERS[item.section](row, data=sent, context=self.context)
        serializer.is_valid(raise_exception=True)
        return serializer

    def sent(self, item: Item) -> dict[str, Any] | None:
        """Return an item as the API takes it; None when something it refers to is missing."""
        kind = kinds.BY_SECTION[item.section]
        sent: dict[str, Any] = {}
        is_whole = True
        for name, value in item.values.items():
            if isinstance(value, Ref) and name in kind.references:
                section = kind.references[name]
                row = stored.row_of(self.rows, section, value)
                if (section, value) in self.failed:
                    is_whole = False
                elif row is None:
                    is_whole = False
                    self.note(item, name, f"there is no {value} in {section}")
                else:
                    sent[f"{name}Id"] = str(row.pk)
            elif name in kinds.INSTANTS and value is not None:
                sent[name] = value.isoformat()
            elif value is not None and (value != kind.default(name) or name in ALWAYS_SENT):
                sent[name] = value
        return sent if is_whole else None

    @contextmanager
    def noting(self, item: Item) -> Iterator[None]:
        """Note what is refused; the change is undone alone, so that the next can be tried."""
        try:
            with transaction.atomic():
                yield
        except ValidationError as error:
            self.refused(item, flattened(error.detail))
        except DomainError as error:
            self.refused(item, error.errors or (FieldError("", error.message),))

    def refused(self, item: Item, errors: Any) -> None:
        """Note the fields at fault under the names of the file."""
        self.failed.add((item.section, item.key))
        references = kinds.BY_SECTION[item.section].references
        for error in errors:
            name = error.field.removesuffix("Id")
            self.note(item, name if name in references else error.field, error.message)

    def note(self, item: Item, name: str, message: str) -> None:
        """Note a fault with the line of its field, or of the item."""
        head = name.partition("[")[0].partition(".")[0]
        line = item.lines.get(head, item.line)
        where = f"{item.label}, {name}" if name else item.label
        self.faults.append(Fault(line, where, message))
