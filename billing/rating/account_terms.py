"""What an account owes or holds besides its plans, as values: the input of ``AccountInput``."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import msgspec

from billing.rating.cycles import BillKey
from billing.rating.lines import LineType
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
