"""``rate``: everything about one bill in, the calculated bill out.

The same input always gives the same bill (INV-B): there is no clock, no setting, no database.
The order of the steps is that of billing.md section 18; a later step sees the lines of all
earlier ones. Steps still to come stand where they will be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from billing.rating.assembly import assemble
from billing.rating.charges import charge_standing
from billing.rating.drafts import Draft, PlanOnBill, plans_on_bill
from billing.rating.inputs import RatingInput
from billing.rating.lines import RatedBill
from billing.rating.minimums import assess_minimum_spends
from billing.rating.usage import rate_usage
from organizations.kernel.money import working_precision

Step = Callable[[RatingInput, Sequence[PlanOnBill], Sequence[Draft]], list[Draft]]

STEPS: Final[tuple[Step, ...]] = (
    rate_usage,
    # counters: running totals and adjustments (7)
    charge_standing,
    # credits by pricing type, capped (3.4)
    assess_minimum_spends,
    # draw-down by credit order, overage and surcharges (9.3, 10)
    # commitment fees, balance fees, one-off charges (9.2, 10.3, 11.1)
)


def rate(bill: RatingInput) -> RatedBill:
    """Calculate one bill.

    Raises a ``DomainError`` that a finance person understands when the bill cannot be made:
    a missing conversion rate, a rounding that is not permitted, an amount too large to store.
    """
    with working_precision():
        plans = plans_on_bill(bill)
        drafts: list[Draft] = []
        for step in STEPS:
            drafts += step(bill, plans, drafts)
        return assemble(bill, drafts)
