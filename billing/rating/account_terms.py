"""What an account owes or holds besides its plans, as values: the input of ``AccountInput``."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from billing.rating.cycles import BillKey, Cycle
from billing.rating.inputs import Product
from billing.rating.lines import LineType
from billing.rating.schedule import ScheduledPlan
from billing.rating.subjects import Subject
from organizations.kernel.money import ZERO
from organizations.kernel.periods import Period


class ChargeTerm(msgspec.Struct, frozen=True, gc=False):
    """An amount that a person or a schedule put on the bill ``on`` (CHG).

    ``amount`` is given, or ``units`` and ``unit_price`` are (CHG-2). ``accounting_product_ids`` are
    the choices in their order (15.5). ``balance_id`` is the balance whose fee it is.
    """

    id: UUID
    line_type: LineType
    description: str
    currency: str
    service_period: Period
    amount: Decimal | None = None
    units: Decimal | None = None
    unit_price: Decimal | None = None
    contract_id: UUID | None = None
    balance_id: UUID | None = None
    accounting_product_ids: tuple[UUID | None, ...] = ()
    on: BillKey | None = None


class FeeTerm(msgspec.Struct, frozen=True, gc=False):
    """One fee of a commitment's schedule, on the bill ``on`` (FEE-6).

    ``detail`` tells it apart from the commitment's other fees: its date, and which of that date.
    """

    commitment_id: UUID
    detail: str
    amount: Decimal
    currency: str
    description: str
    service_period: Period
    contract_id: UUID | None = None
    accounting_product_ids: tuple[UUID | None, ...] = ()
    on: BillKey | None = None


class PlanFees(msgspec.Struct, frozen=True, gc=False):
    """The fees of a commitment on the bills of a cycle (FEE-2, FEE-4).

    ``unpaid`` is spread over the bills; ``first`` is the first fee where it is given.
    """

    commitment_id: UUID
    cycle: Cycle
    period: Period
    unpaid: Decimal
    currency: str
    description: str
    first: Decimal | None = None
    in_advance: bool = False
    interval: int = 1
    offset: int = 0
    grouping: str = ""
    contract_id: UUID | None = None
    accounting_product_ids: tuple[UUID | None, ...] = ()

    @property
    def scheduled(self) -> ScheduledPlan:
        """What decides on which bills the fees appear, as for a plan."""
        return ScheduledPlan(
            self.commitment_id, self.cycle, self.period, self.in_advance, self.grouping
        )


class LateTerm(msgspec.Struct, frozen=True, gc=False):
    """Accepted late usage on the bill ``on``; ``bill_id`` is the locked bill it belongs to.

    ``minimum`` is the part of ``amount`` by which minimum spends would change. ``ended`` is the
    last day of the locked bill, as text.
    """

    id: UUID
    description: str
    currency: str
    amount: Decimal
    minimum: Decimal
    quantity: Decimal
    units: Decimal
    unit: str
    service_period: Period
    bill_id: UUID
    ended: str
    line_item_id: UUID | None = None
    product: Product | None = None
    accounting_product_id: UUID | None = None
    contract_id: UUID | None = None
    on: BillKey | None = None


class CreditWindow(msgspec.Struct, frozen=True, gc=False):
    """The time whose charges a credit pays for; ``part`` names the rollover of a balance (BAL-8).

    What is drawn there is taken from the part as well, which holds no more than may roll over.
    """

    period: Period
    part: str = ""


class Credit(msgspec.Struct, frozen=True, gc=False):
    """A commitment or a balance, as charges draw from it (9.3, 10).

    Empty ``product_ids`` are all products (COM-1). ``later`` are credits of the ledger with the
    instant from which they count (BAL-4). ``is_unlimited``: an overdraft is allowed (BAL-10).
    """

    subject: Subject
    currency: str
    windows: tuple[CreditWindow, ...]
    line_types: frozenset[str]
    description: str
    product_ids: frozenset[UUID] = frozenset()
    contract_id: UUID | None = None
    accounting_product_ids: tuple[UUID | None, ...] = ()
    surcharge_percent: Decimal = ZERO
    surcharge_description: str = ""
    separates_overage: bool = False
    is_unlimited: bool = False
    later: tuple[tuple[datetime, Decimal], ...] = ()
