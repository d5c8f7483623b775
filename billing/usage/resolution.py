"""From codes to ids: meters with their fields, and accounts, remembered per process.

What is remembered of an organization is valid for one catalogue revision, which is read in the
transaction that uses it. Every change of a meter, an account or a policy raises the revision in
the transaction of the change, so usage received after a change is never booked by what was before.
Only what exists is remembered: a code that is not found is looked for again each time.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from uuid import UUID

from billing.models import Account, fold_code
from billing.usage.derivations import Derivation, prepare
from billing.usage.reception import MAPS
from catalog import derived_fields
from catalog.lookups.published import Tables
from catalog.models import Meter
from organizations.kernel.zones import zone_of

MOST_ORGANIZATIONS = 200
MOST_CODES = 200_000


@dataclass(frozen=True, slots=True)
class MeterFields:
    """A meter as enrichment needs it: the data field codes in each map of a measurement.

    ``other_maps`` are the maps in which it has none. Ids are texts here, because rows are
    written as text.
    """

    id: str
    maps: tuple[tuple[str, frozenset[str]], ...]
    other_maps: tuple[str, ...]
    derivation: Derivation | None = None


@dataclass(slots=True)
class Catalog:
    """What is known of one organization at one revision.

    ``uploaders`` are service users whose policies let them send measurements. ``is_smooth`` says
    whether the latest batch that was seen had no faults. ``lookups`` are its lookup tables.
    """

    organization_id: UUID
    revision: int
    meters: dict[str, MeterFields] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    uploaders: set[UUID] = field(default_factory=set)
    is_smooth: bool = True
    lookups: Tables = field(init=False)

    def __post_init__(self) -> None:
        self.lookups = Tables(self.organization_id)

    def learn(self, meter_codes: set[str], account_codes: set[str]) -> None:
        """Look up the codes that are not known yet; at most two queries, and two
        more where a meter has derived fields."""
        if unknown := {code for code in meter_codes if code not in self.meters}:
            self._learn_meters(unknown)
        if unknown := {code for code in account_codes if code not in self.accounts}:
            self.accounts.update(find_accounts(self.organization_id, unknown))

    def _learn_meters(self, codes: set[str]) -> None:
        meters = Meter.objects.for_organization(self.organization_id).filter(code__in=codes)
        rows = list(
            meters.only("code", "data_fields", "derived_fields", "custom_fields", "product")
        )
        derive = None
        if any(row.derived_fields for row in rows):
            defaults = derived_fields.custom_field_defaults(self.organization_id)
            derive = partial(prepare, defaults=defaults, zone=zone_of(self.organization_id))
        for row in rows:
            self.meters[row.code] = _fields_of(row, derive(row) if derive else None)


def find_accounts(organization_id: UUID, codes: Iterable[str]) -> dict[str, str]:
    """Return the ids of the accounts that have exactly these codes."""
    rows = Account.objects.for_organization(organization_id).filter(code__in=sorted(codes))
    return {code: str(account_id) for code, account_id in rows.values_list("code", "id")}


def near_matches(organization_id: UUID, codes: Iterable[str]) -> dict[str, str]:
    """Return, for codes that no account has, the code of an account too similar to it (4.6)."""
    folded = {code: fold_code(code) for code in codes}
    rows = Account.objects.for_organization(organization_id).filter(
        code_folded__in=sorted(set(folded.values()))
    )
    found = dict(rows.values_list("code", "code_folded"))
    similar = {fold: code for code, fold in found.items()}
    # An account made since the code was looked for is no near match of itself.
    return {
        code: similar[fold]
        for code, fold in folded.items()
        if fold in similar and code not in found
    }


_catalogs: OrderedDict[UUID, Catalog] = OrderedDict()
_lock = Lock()


def catalog_at(organization_id: UUID, revision: int) -> Catalog:
    """Return what this process knows of the organization at exactly this revision."""
    with _lock:
        known = _catalogs.get(organization_id)
        is_full = known is not None and len(known.accounts) > MOST_CODES
        if known is None or known.revision < revision or is_full:
            # A new one, never an emptied one: other threads are reading it.
            known = _catalogs[organization_id] = Catalog(organization_id, revision)
            if len(_catalogs) > MOST_ORGANIZATIONS:
                _catalogs.popitem(last=False)
        elif known.revision > revision:
            # A slower transaction: it may not leave its older view to others.
            return Catalog(organization_id, revision)
        _catalogs.move_to_end(organization_id)
        return known


def latest(organization_id: UUID) -> Catalog | None:
    """Return what this process knew of the organization last; it may have changed since."""
    return _catalogs.get(organization_id)


def _fields_of(meter: Meter, derivation: Derivation | None) -> MeterFields:
    codes: dict[str, set[str]] = {}
    for row in meter.data_fields:
        codes.setdefault(row["category"].lower(), set()).add(row["code"])
    return MeterFields(
        id=str(meter.pk),
        maps=tuple((category, frozenset(found)) for category, found in codes.items()),
        other_maps=tuple(category for category in MAPS if category not in codes),
        derivation=derivation,
    )
