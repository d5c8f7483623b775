"""Everything the engine needs to know about one bill, as values.

``bills/snapshot.py`` fills these in from the database for a set of accounts. What concerns an
account as a whole, not one of its bills, is in ``accounts.AccountInput``; nothing else is read.
All settings arrive resolved (Plan over Plan Template over Organization, PLN-3; see ``terms.py``),
all prices as time windows (PRC-4, EFF-2; see ``schedule.py``), all quantities already aggregated,
one per window.

``AccountPlanTerm.account_id`` and ``account_code`` differ from the billed account for the plans
of a child account (PAR-4). Where the input of a new kind of line goes: docs/kinds-of-lines.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import msgspec

from billing.rating.compounds import Calculated
from billing.rating.cycles import BillKey, Cycle
from organizations.kernel.money import ZERO, ConversionRate, Currency
from organizations.kernel.periods import Period

# A segment is its field/value pairs in the order of the aggregation's segmented fields; () = none.
Segment = tuple[tuple[str, str], ...]


class QuantityRounding(StrEnum):
    """How quantity / quantityPerUnit becomes units (usage.md 9.4)."""

    UP = "UP"  # away from zero
    DOWN = "DOWN"  # toward zero
    NEAREST = "NEAREST"  # ties away from zero
    NONE = "NONE"


class PricingType(StrEnum):
    """DEBIT charges; the credits give back, capped by a product or by the bill (CRD-1)."""

    DEBIT = "DEBIT"
    PRODUCT_CREDIT = "PRODUCT_CREDIT"
    GLOBAL_CREDIT = "GLOBAL_CREDIT"


class Band(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """One step of a price: units above ``lower_limit`` (BND-1). Prices are per *unit* (QTY-5)."""

    id: UUID
    lower_limit: Decimal
    fixed_price: Decimal
    unit_price: Decimal


class Aggregation(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """How the quantity was measured and how it becomes units.

    ``method`` is the contract's word (SUM, MAX, ...; empty for a compound aggregation);
    ``quantity_per_unit`` is > 0. ``name`` is the default description of a usage line (LIN-5).
    ``query`` is that of the method CUSTOM_SQL.
    """

    id: UUID
    name: str
    code: str | None
    method: str
    unit: str
    quantity_per_unit: Decimal = Decimal(1)
    rounding: QuantityRounding = QuantityRounding.NONE
    meter_id: UUID | None = None
    accounting_product_id: UUID | None = None
    is_compound: bool = False
    query: str | None = None


class ChildBilling(StrEnum):
    """Where the charges of a family stand, by account plan (PAR-4)."""

    SUMMARY = "PARENT_SUMMARY"
    BREAKDOWN = "PARENT_BREAKDOWN"
    CHILD = "CHILD"


class FamilyRole(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """How an account plan of a family bears on a bill.

    ``is_of_child``: the plan of a child, on the parent's bill. ``share_of``: the parent's plan on
    a child's bill, where only that child's share of the usage stands.
    """

    mode: ChildBilling
    is_of_child: bool = False
    share_of: UUID | None = None


class Share(msgspec.Struct, frozen=True, gc=False):
    """What one account of a family used of a pooled quantity; > 0."""

    account_id: UUID
    account_code: str
    quantity: Decimal


class Pool(msgspec.Struct, frozen=True, gc=False):
    """How the accounts of a family share a quantity that is rated as one block (PAR-5).

    ``shares`` come with the parent's first, then the children's by code. ``largest`` is the
    account that takes what rounding leaves over; ``places`` says where each account's share is.
    """

    shares: tuple[Share, ...]
    total: Decimal
    largest: UUID
    places: Mapping[UUID, int]

    def of(self, account_id: UUID) -> Share | None:
        """Return the share of an account; ``None`` when it used nothing."""
        place = self.places.get(account_id)
        return None if place is None else self.shares[place]


class UsageWindow(msgspec.Struct, frozen=True, gc=False):
    """The quantity of one pricing (and its segment) in one stretch of the arrears period.

    ``quantity`` is the aggregated value, or the aggregation's default value when there was no
    data, or ``None`` when there was neither: then there is no line (BND-5). ``event_count`` is the
    number of measurements behind it. ``units_before`` is what this Account Plan already rated for
    the same aggregation and segment before the window: read only with tiersSpanPlan (TSP-2).
    ``cuts`` are instants inside the window where a credit begins or ends, with the quantity from
    the start of the window up to each (DRW-3). ``granted`` units are free (BAL-15).
    ``calculated`` says of a compound aggregation what its quantity was calculated from. ``pool``
    says whose usage it is where that is told apart; ``None`` is the whole family's, or one's own.
    """

    period: Period
    quantity: Decimal | None
    event_count: int = 0
    units_before: Decimal = ZERO
    cuts: tuple[tuple[datetime, Decimal | None], ...] = ()
    granted: Decimal = ZERO
    calculated: Calculated | None = None
    pool: Pool | None = None


class StandingCharge(msgspec.Struct, frozen=True, gc=False):
    """A resolved standing charge; ``interval`` and ``offset`` count bills (STC-2).

    ``amount`` is >= 0 in the plan currency. ``accounting_product_id`` is the Plan's
    standing-charge product, if any.
    """

    amount: Decimal
    in_advance: bool = False
    interval: int = 1
    offset: int = 0
    description: str | None = None
    accounting_product_id: UUID | None = None


class MinimumSpend(msgspec.Struct, frozen=True, gc=False):
    """A resolved minimum spend per billing period, in the plan currency (MIN-2)."""

    amount: Decimal
    in_advance: bool = False
    description: str | None = None
    accounting_product_id: UUID | None = None


class PricingTerm(msgspec.Struct, frozen=True, gc=False):
    """One Pricing of a Plan or its template, with the windows in which it is in force.

    ``windows`` lie inside the arrears period (``schedule.usage_windows``) and carry quantities;
    ``coming`` are the stretches of the next period (``schedule.coming_windows``): needed only for
    a minimum spend in advance. ``description`` replaces the aggregation's name on the line.
    """

    id: UUID
    version: int
    aggregation: Aggregation
    bands: tuple[Band, ...]
    cumulative: bool = False
    tiers_span_plan: bool = False
    type: PricingType = PricingType.DEBIT
    segment: Segment = ()
    description: str | None = None
    accounting_product_id: UUID | None = None
    minimum_spend: MinimumSpend | None = None
    windows: tuple[UsageWindow, ...] = ()
    coming: tuple[Period, ...] = ()
    overage_bands: tuple[Band, ...] = ()


class Counter(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """A number of units that people set (CTR-1)."""

    id: UUID
    name: str
    code: str | None
    unit: str


class CounterPricingTerm(msgspec.Struct, frozen=True, gc=False):
    """One Counter Pricing of a Plan or its template (CTR-2), with the windows of ``PricingTerm``.

    What the account holds is in ``accounts.AccountInput.held``.
    """

    id: UUID
    version: int
    counter: Counter
    bands: tuple[Band, ...]
    cumulative: bool = False
    running_total_in_advance: bool = True
    prorate_running_total: bool = True
    prorate_debit: bool = True
    prorate_credit: bool = True
    description: str | None = None
    accounting_product_id: UUID | None = None
    windows: tuple[Period, ...] = ()
    coming: tuple[Period, ...] = ()


class Product(msgspec.Struct, frozen=True, gc=False):
    """The product of a Plan; ``name`` appears in default descriptions (MIN-9)."""

    id: UUID
    name: str
    code: str


class GroupMember(msgspec.Struct, frozen=True, gc=False):
    """A plan in a plan group, with the currency of its lines."""

    plan_id: UUID
    currency: str


class PlanGroup(msgspec.Struct, frozen=True, gc=False):
    """A plan group with its plans (GRP-3). ``has_one_cycle``: all are billed in its rhythm."""

    id: UUID
    name: str
    members: tuple[GroupMember, ...]
    has_one_cycle: bool = True


class AccountPlanTerm(msgspec.Struct, frozen=True, gc=False):
    """One Account Plan as it bears on one bill, or a plan group that is attached.

    Of a group each plan is a term with its ``plan_group_id``. The group itself is one more, with
    ``group`` and without plan and product, for the charges of the group (GRP-4).

    ``period`` is the Account Plan's own start and end, uncut. ``currency`` is the pricing currency
    (CUR-1). ``account_id`` is the account whose plan and usage this is. ``billed_to``: a locked
    bill of older dates has charged the days of the period up to then; ``begins``: up to that hour
    of the first day (JOB-18).
    """

    id: UUID
    account_id: UUID
    plan_id: UUID | None
    plan_template_id: UUID | None
    product: Product | None
    currency: str
    period: Period
    cycle: Cycle
    standing_charge: StandingCharge | None = None
    minimum_spend: MinimumSpend | None = None
    pricings: tuple[PricingTerm, ...] = ()
    plan_group_id: UUID | None = None
    contract_id: UUID | None = None
    account_code: str = ""
    counter_pricings: tuple[CounterPricingTerm, ...] = ()
    group: PlanGroup | None = None
    family: FamilyRole | None = None
    billed_to: date | None = None
    begins: datetime | None = None


class RatingInput(msgspec.Struct, frozen=True, gc=False):
    """One bill to calculate.

    ``period`` is the arrears period printed on the bill (``schedule.bill_period``); its end is
    local midnight of ``key.boundary``. ``currencies`` holds the currencies of lines by code; one
    that is missing is treated as MON-3 says. ``conversion_rates`` come in order of precedence, the
    job's before the Organization's (CUR-2). ``bill_id`` is that of the bill if it exists.
    """

    account_id: UUID
    account_code: str
    key: BillKey
    period: Period
    timezone: tzinfo
    bill_currency: Currency
    account_plans: tuple[AccountPlanTerm, ...]
    currencies: Mapping[str, Currency] = msgspec.field(default_factory=dict)
    conversion_rates: tuple[ConversionRate, ...] = ()
    bill_id: UUID | None = None
