"""The quantities of compound aggregations: base values in, one window out (usage.md 11)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from billing.bills.compounds import ACCOUNT, CompoundMeasure
from billing.bills.custom_fields import CustomFields
from billing.bills.planning import PlannedBill, PlanOfAccount
from billing.rating.compounds import BaseValue, evaluate
from billing.rating.inputs import UsageWindow
from catalog.calculations import CalculationFailed, Lookup
from organizations.kernel.periods import Period


@dataclass(slots=True)
class Calculator:
    """Evaluates calculations with custom fields and lookup tables; notes which of them fail.

    A calculation that fails charges nothing, and the bill is made all the same (11.4).
    """

    custom_fields: CustomFields = field(default_factory=CustomFields)
    lookup: Lookup | None = None
    _faults: dict[str, None] = field(default_factory=dict)

    def faults(self) -> tuple[str, ...]:
        """Return what failed since this was last asked, each once."""
        found = tuple(self._faults)
        self._faults.clear()
        return found

    def window(
        self,
        compound: CompoundMeasure,
        period: Period,
        answers: Sequence[tuple[Decimal | None, int]],
        plan: PlanOfAccount,
        bill: PlannedBill,
    ) -> UsageWindow:
        """Return the window with the quantity of the compound; null without one."""
        values = self._values(compound, answers, plan, bill)
        try:
            if compound.calculation is None:
                raise CalculationFailed(compound.refusal)
            quantity, calculated = evaluate(
                compound.calculation,
                values,
                timezone=bill.timezone,
                evaluates_null=compound.evaluates_null,
                lookup=self.lookup,
            )
        except CalculationFailed as failed:
            self._faults[f"{compound.name}: {failed}"] = None
            return UsageWindow(period, None)
        events = sum(count for _, count in answers)
        return UsageWindow(period, quantity, events, calculated=calculated)

    def _values(
        self,
        compound: CompoundMeasure,
        answers: Sequence[tuple[Decimal | None, int]],
        plan: PlanOfAccount,
        bill: PlannedBill,
    ) -> tuple[BaseValue, ...]:
        measured = [
            BaseValue(one.key, value, one.name, count)
            for one, (value, count) in zip(compound.references, answers, strict=True)
        ]
        custom = [
            BaseValue(key, self.custom_fields.value(plan, key, default))
            for key, default in compound.defaults
        ]
        account = [BaseValue(ACCOUNT, bill.account.code)] if compound.needs_account else []
        return (*measured, *custom, *account)
