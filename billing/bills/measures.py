"""What a price measures of one aggregation: the store is asked for it, window by window."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from billing.usage.store import CustomQuery, Method, QuantityRequest, Segmentation, Spans
from catalog import custom_sql
from catalog.effective import Segment
from catalog.models import NUMERIC_CATEGORIES, Aggregation, AggregationMethod
from organizations.kernel.periods import Period

# The segmentation of each aggregation by id: one object for all its prices.
Splits = dict[UUID, Segmentation]


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured of one aggregation, in one window of one account at a time."""

    meter_id: UUID
    field: str
    method: Method
    default_value: Decimal | None
    segmentation: Segmentation | None
    segment: tuple[str, ...] | None
    query: CustomQuery | None = None

    def request(
        self, account_ids: tuple[UUID, ...], period: Period, spans: Spans = ()
    ) -> QuantityRequest:
        """Ask for the quantity of accounts together in one window, which has an end.

        Of accounts in ``spans`` only that time counts.
        """
        if period.end is None:
            raise ValueError("A window of a billing period has an end.")
        return QuantityRequest(
            account_ids=account_ids,
            meter_id=self.meter_id,
            field=self.field,
            method=self.method,
            start_at=period.start,
            end_at=period.end,
            segmentation=self.segmentation,
            segment=self.segment,
            query=self.query,
            spans=spans,
        )


def measure(aggregation: Aggregation, segment: Segment, splits: Splits) -> Measure:
    """Return what is measured for an aggregation, or for one of its segments."""
    if segment and aggregation.pk not in splits:
        splits[aggregation.pk] = segmentation_of(aggregation)
    return Measure(
        meter_id=aggregation.meter_id,
        field=aggregation.target_field,
        method=Method(aggregation.aggregation),
        default_value=aggregation.default_value,
        segmentation=splits[aggregation.pk] if segment else None,
        segment=tuple(value for _, value in segment) if segment else None,
        query=_query(aggregation),
    )


def _query(aggregation: Aggregation) -> CustomQuery | None:
    """Return the query of a CUSTOM_SQL aggregation, checked again as when it was saved (9.8)."""
    if aggregation.aggregation != AggregationMethod.CUSTOM_SQL or not aggregation.custom_sql:
        return None
    meter = aggregation.meter
    fields = [*meter.data_fields, *meter.derived_fields]
    numbers = [one["code"] for one in fields if one["category"] in NUMERIC_CATEGORIES]
    texts = [one["code"] for one in fields if one["category"] not in NUMERIC_CATEGORIES]
    try:
        query = custom_sql.checked(aggregation.custom_sql)
    except custom_sql.QueryRefused:
        return None  # which the store refuses to run
    return CustomQuery(query, tuple(numbers), tuple(texts))


def segmentation_of(aggregation: Aggregation) -> Segmentation:
    """Return how the measurements of a segmented aggregation are split."""
    fields = tuple(aggregation.segmented_fields)
    return Segmentation(
        fields, tuple(tuple(segment[field] for field in fields) for segment in aggregation.segments)
    )
