"""What stands in a statement: each line of a bill with the usage behind it.

The quantities of a line's rows always add up to the line's quantity (STM-6). Sums and counts add
up by themselves. The largest value of a month is not the sum of the days': such rows carry a
value and no quantity, and one row of the whole period carries the quantity. What is left, such as
the value that stands for missing usage or usage that came or went since, is a row of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from billing.bills.measures import segmentation_of
from billing.models import Bill, LineItem, LineItemType, StatementDefinition
from billing.statements import slices
from billing.statements.whose import Whose
from billing.usage import store
from billing.usage.store import Method
from catalog.models import Aggregation
from organizations.kernel.money import ZERO, ten_places
from organizations.kernel.periods import Period, parse_timezone

OF_USAGE = (LineItemType.USAGE, LineItemType.USAGE_CREDIT)
ADDITIVE = {Method.SUM, Method.COUNT}
SLICE, WHOLE, ADJUSTMENT = "SLICE", "WHOLE_PERIOD", "ADJUSTMENT"


@dataclass(frozen=True, slots=True)
class Layout:
    """What of a definition a statement follows."""

    word: str
    dimensions: tuple[tuple[str | None, str, tuple[str, ...]], ...] = ()
    measures: tuple[tuple[str | None, str, tuple[Method, ...]], ...] = ()
    has_price: bool = False
    is_slim: bool = False


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One row under a line."""

    kind: str
    start_at: datetime
    end_at: datetime
    quantity: Decimal | None
    value: Decimal | None = None
    dimensions: dict[str, str | None] = field(default_factory=dict)
    measures: dict[str, Decimal | None] = field(default_factory=dict)


def layout_of(definition: StatementDefinition) -> Layout:
    """Return the layout that a definition describes."""
    return Layout(
        word=slices.WORDS[definition.aggregation_frequency],
        dimensions=tuple(
            (one.get("meterId"), one["name"], tuple(one["filter"])) for one in definition.dimensions
        ),
        measures=tuple(
            (
                one.get("meterId"),
                one.get("name") or "",
                tuple(Method(word) for word in one.get("aggregations") or ["SUM"]),
            )
            for one in definition.measures
        ),
        has_price=definition.include_price_per_unit,
        is_slim=definition.generate_slim_statements,
    )


BY_DAY = Layout(word="day")


class Lines:
    """The lines of a bill in their order, each with its rows."""

    def __init__(self, bill: Bill, layout: Layout, lines: QuerySet[LineItem]) -> None:
        self.bill, self.layout, self._lines = bill, layout, lines
        self._zone = parse_timezone(bill.timezone)
        self._whose = Whose(bill)
        self._aggregations: dict[UUID, Aggregation] = {}

    def __iter__(self) -> Iterator[LineItem]:
        found = self._lines.order_by("sequence_number", "pk")
        if self.layout.is_slim:
            found = found.filter(line_item_type__in=OF_USAGE)
        rows = list(found)
        wanted = {row.aggregation_id for row in rows if row.aggregation_id}
        self._aggregations = (
            Aggregation.objects.for_organization(self.bill.organization_id)
            .select_related("meter")
            .in_bulk(wanted)
        )
        yield from rows

    def usage(self, line: LineItem) -> Iterator[UsageRow]:
        """Yield the rows of a line; none for one that is not of usage."""
        if line.line_item_type not in OF_USAGE:
            return
        period = Period(line.service_period_start, line.service_period_end)
        aggregation = self._aggregations.get(line.aggregation_id)
        asked = None if aggregation is None else self._asked(line, aggregation, period)
        if aggregation is None or asked is None:  # compounds, and what was deleted since
            yield UsageRow(WHOLE, period.start, line.service_period_end, line.quantity)
            return
        adds_up = asked.folds[0][0] in ADDITIVE
        total = ZERO
        for group in store.breakdown(line.organization_id, asked):
            row = self._row(asked, group, period, adds_up)
            total += row.quantity or ZERO
            yield row
        if line.quantity != total:
            kind = ADJUSTMENT if adds_up else WHOLE
            yield UsageRow(kind, period.start, line.service_period_end, line.quantity - total)

    def _row(
        self, asked: store.Breakdown, group: store.Group, period: Period, adds_up: bool
    ) -> UsageRow:
        start_at, end_at = slices.bounds(group.first_day, asked.slice, period, self._zone)
        value, *more = group.values
        names = [f"{field}.{method}" for method, field in asked.folds[1:]]
        return UsageRow(
            kind=SLICE,
            start_at=start_at,
            end_at=end_at,
            quantity=(value or ZERO) if adds_up else None,
            value=_short(value),
            dimensions=dict(zip((name for name, _ in asked.dimensions), group.texts, strict=True)),
            measures=dict(zip(names, map(_short, more), strict=True)),
        )

    def _asked(
        self, line: LineItem, aggregation: Aggregation, period: Period
    ) -> store.Breakdown | None:
        segmentation = segment = None
        if line.segment:
            segmentation = segmentation_of(aggregation)
            segment = tuple(line.segment.get(name, "") for name in segmentation.fields)
            if segment not in segmentation.segments:
                return None
        own = (Method(aggregation.aggregation), aggregation.target_field)
        return store.Breakdown(
            account_ids=self._whose.accounts(line),
            meter_id=aggregation.meter_id,
            start_at=period.start,
            end_at=line.service_period_end,
            received_until=self.bill.latest_calculated_at,
            zone=self._zone,
            slice=self.layout.word,
            dimensions=tuple(self._dimensions(aggregation)),
            folds=(own, *self._measures(aggregation)),
            segmentation=segmentation,
            segment=segment,
        )

    def _dimensions(self, aggregation: Aggregation) -> Iterator[tuple[str, tuple[str, ...]]]:
        known = {one["code"] for one in aggregation.meter.data_fields}
        seen = set()
        for meter_id, name, texts in self.layout.dimensions:
            is_its = meter_id in (None, str(aggregation.meter_id))
            if is_its and name in known and name not in seen:
                seen.add(name)
                yield name, texts

    def _measures(self, aggregation: Aggregation) -> Sequence[tuple[Method, str]]:
        meter = aggregation.meter
        every = [one["code"] for one in [*meter.data_fields, *meter.derived_fields]]
        asked: dict[tuple[Method, str], None] = {}
        for meter_id, name, methods in self.layout.measures:
            if meter_id not in (None, str(aggregation.meter_id)):
                continue
            for code in [name] if name else every:
                if code in every:
                    asked |= dict.fromkeys((method, code) for method in methods)
        return list(asked)


def _short(value: Decimal | None) -> Decimal | None:
    """A mean may have any number of places."""
    if value is None or value == value.to_integral_value():
        return value
    return ten_places(value)


def header(bill: Bill, definition: StatementDefinition | None) -> dict[str, Any]:
    """Return what stands above the lines."""
    return {
        "billId": str(bill.pk),
        "accountId": str(bill.account_id),
        "accountCode": bill.account_code,
        "accountName": bill.account_name,
        "startDate": bill.start_date,
        "endDate": bill.end_date,
        "billDate": bill.bill_date,
        "timezone": bill.timezone,
        "currency": bill.currency,
        "lastCalculatedDate": bill.latest_calculated_at,
        "statementDefinitionId": None if definition is None else str(definition.pk),
        "aggregationFrequency": ("DAY" if definition is None else definition.aggregation_frequency),
    }
