"""Usage: measurements as they came in, or aggregated (usage.md 13.1, 13.4; D2)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from billing.models import Account
from billing.usage.store import exported
from catalog.models import Meter
from organizations.access import Rights

WORD = "measurements"
RETRIEVE = "config:retrieve"
RAW = ("uid", "meterCode", "accountId", "accountCode", "ts", "ets", "dtReceived")
Rows = Iterator[list[dict[str, Any]]]


@dataclass
class Codes:
    """The codes of accounts, asked once each."""

    known: dict[UUID, str] = field(default_factory=dict)

    def learn(self, accounts: set[UUID]) -> None:
        """Read those that are not known yet."""
        if missing := accounts - self.known.keys():
            found = Account.objects.filter(pk__in=missing).values_list("pk", "code")
            self.known.update(found)


class Usage:
    """One export of usage, as far as the exporter may read accounts and meters."""

    def __init__(
        self, rights: Rights, settings: dict[str, Any], start_at: datetime, end_at: datetime
    ) -> None:
        organization_id = rights.principal.organization_id
        self.settings, self.codes = settings, Codes()
        meters = rights.visible(
            Meter.objects.for_organization(organization_id), RETRIEVE, "config:meter"
        )
        self.meters = {row.pk: row for row in meters}
        self.folds = [
            exported.Fold(UUID(one["meterId"]), one["fieldCode"], one["function"])
            for one in settings.get("aggregations") or ()
        ]
        self.groups = [_group(one) for one in settings.get("groups") or ()]
        self.wanted = exported.Wanted(
            organization_id,
            start_at,
            end_at,
            accounts=_accounts(rights, _ids(settings.get("accountIds"))),
            meters=self._meters(rights),
            filters=[
                (UUID(one["meterId"]), one["fieldCode"], one["values"])
                for one in settings.get("dimensionFilters") or ()
            ],
        )

    def _meters(self, rights: Rights) -> Sequence[UUID] | None:
        asked = _ids(self.settings.get("meterIds"))
        if self.folds:
            named = {fold.meter_id for fold in self.folds}
            asked = sorted(named & set(asked)) if asked else sorted(named)
        if asked is not None:
            return [one for one in asked if one in self.meters]
        if rights.allows_all(RETRIEVE, "config:meter"):
            return None
        return list(self.meters)

    def columns(self) -> list[str]:
        """Return the names of the columns in order."""
        if self.folds:
            groups = [name for group in self.groups for name in self._names(group)]
            return [*groups, *self._fold_names()]
        shown = self.wanted.meters
        rows = [row for key, row in self.meters.items() if shown is None or key in shown]
        codes = {one["code"] for row in rows for one in [*row.data_fields, *row.derived_fields]}
        return [*RAW, *sorted(codes - set(RAW))]

    def batches(self) -> Rows:
        """Yield the rows."""
        return self._grouped() if self.folds else self._raw()

    def _raw(self) -> Rows:
        for piece in exported.raw(self.wanted):
            self.codes.learn({row[0] for row in piece})
            yield [self._row(*row) for row in piece]

    def _row(
        self, account: UUID, meter: UUID, uid: str, ts: Any, ets: Any, received: Any, data: Any
    ) -> dict[str, Any]:
        found = self.meters.get(meter)
        return {
            **data,
            "uid": uid,
            "meterCode": found.code if found else None,
            "accountId": str(account),
            "accountCode": self.codes.known.get(account),
            "ts": ts,
            "ets": ets,
            "dtReceived": received,
        }

    def _grouped(self) -> Rows:
        names = self._fold_names()
        for piece in exported.grouped(self.wanted, self.groups, self.folds):
            for place, group in enumerate(self.groups):
                if group.kind == "ACCOUNT":
                    self.codes.learn({row[place] for row in piece})
            count = len(self.groups)
            yield [
                {
                    **self._keys(row[:count]),
                    **dict(zip(names, row[count:], strict=True)),
                }
                for row in piece
            ]

    def _keys(self, values: Sequence[Any]) -> dict[str, Any]:
        keys: dict[str, Any] = {}
        for group, value in zip(self.groups, values, strict=True):
            shown = [value]
            if group.kind == "ACCOUNT":
                shown = [str(value), self.codes.known.get(value)]
            keys.update(zip(self._names(group), shown, strict=True))
        return keys

    @staticmethod
    def _names(group: exported.Group) -> list[str]:
        if group.kind == "ACCOUNT":
            return ["accountId", "accountCode"]
        return ["timestamp"] if group.kind == "TIME" else [group.field]

    def _fold_names(self) -> list[str]:
        """Return field and function; with the meter before it where two meters would clash."""
        plain = [f"{fold.field}_{fold.function}" for fold in self.folds]
        return [
            f"{self.meters[fold.meter_id].code}.{name}"
            if plain.count(name) > 1 and fold.meter_id in self.meters
            else name
            for fold, name in zip(self.folds, plain, strict=True)
        ]


def _ids(texts: Sequence[str] | None) -> list[UUID] | None:
    return [UUID(text) for text in texts] if texts else None


def _accounts(rights: Rights, asked: list[UUID] | None) -> Sequence[UUID] | None:
    if rights.allows_all(RETRIEVE, "config:account"):
        return asked
    rows = Account.objects.for_organization(rights.principal.organization_id)
    if asked is not None:
        rows = rows.filter(pk__in=asked)
    return list(rights.visible(rows, RETRIEVE, "config:account").values_list("pk", flat=True))


def _group(given: dict[str, Any]) -> exported.Group:
    meter = given.get("meterId")
    return exported.Group(
        given["groupType"],
        given.get("frequency") or "",
        UUID(meter) if meter else None,
        given.get("fieldCode") or "",
    )
