"""How a line item came about, and whether it would come out the same again.

Two checks: from the line's own calculation record, which needs nothing but the line, and from
today's prices, settings and usage, by the path a bill run takes. Reads only; nothing is stored.
"""

from dataclasses import dataclass

from billing.bills import as_of_today, differences, sentences
from billing.bills.differences import Difference
from billing.models import Bill, LineItem
from billing.rating import recompute
from billing.rating.lines import RatedLine
from billing.rating.telling import Step
from organizations.kernel.errors import DomainError


@dataclass(frozen=True, slots=True)
class Comparison:
    """A line against another calculation of it.

    ``matches`` is ``None`` where there was no other calculation; ``summary`` says why.
    """

    matches: bool | None
    differences: tuple[Difference, ...]
    summary: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A line as a sentence and a table of steps, its stored amounts, and both checks."""

    line: LineItem
    sentence: str
    steps: tuple[Step, ...]
    recomputed: Comparison
    current: Comparison


# What a calculation of today gives: lines by key, or the sentence why there is none.
_Today = dict[str, RatedLine] | str


def explain(line: LineItem) -> Explanation:
    """Explain one line."""
    return _explain(line, _calculate_today(line.bill))


def explain_bill(bill: Bill) -> list[Explanation]:
    """Explain every line of a bill in its order; as many queries as one line takes."""
    today = _calculate_today(bill)
    lines = bill.line_items.select_related("bill").order_by("sequence_number", "id")
    return [_explain(line, today) for line in lines]


def _explain(line: LineItem, today: _Today) -> Explanation:
    return Explanation(
        line=line,
        sentence=sentences.sentence(line),
        steps=_steps(line),
        recomputed=_from_record(line),
        current=_from_today(line, today),
    )


def _steps(line: LineItem) -> tuple[Step, ...]:
    """Return price and measuring in front of the steps that the record tells."""
    facts = line.calculation
    if not sentences.is_calculated(line):
        return (Step("Amount", line.description, sentences.amount(line.subtotal, line)),)
    return (*recompute.origin(facts), *recompute.explain_record(facts).steps)


def _from_record(line: LineItem) -> Comparison:
    if not sentences.is_calculated(line):
        return _NOT_CALCULATED
    subtotal, converted = recompute.recompute(line.calculation)
    found = differences.of_amounts(line, subtotal, converted)
    if not found:
        return Comparison(True, (), "The amount follows from what was recorded with it.")
    summary = "The stored amount is not what follows from what was recorded with it."
    return Comparison(False, found, summary)


def _calculate_today(bill: Bill) -> _Today:
    """Calculate the bill again as a run would, locked or not, and store nothing."""
    try:
        _, bills = as_of_today.calculate(bill)
    except DomainError as refusal:
        return f"The bill cannot be calculated today: {refusal.message}"
    return {line.line_key: line for calculated in bills for line in calculated.rated.lines}


def _from_today(line: LineItem, today: _Today) -> Comparison:
    if not sentences.is_calculated(line):
        return _NOT_CALCULATED
    if isinstance(today, str):
        return Comparison(None, (), today)
    now = today.get(line.line_key)
    if now is None:
        gone = Difference("lineItem", sentences.amount(line.subtotal, line), None)
        return Comparison(False, (gone,), f"The line would not be on the bill. {_outlook(line)}")
    found = differences.of_lines(line, now)
    if not found:
        return Comparison(True, (), "Today's prices, settings and usage give the same.")
    return Comparison(False, found, f"{_verdict(line, now)} {_outlook(line)}")


def _verdict(line: LineItem, now: RatedLine) -> str:
    if (line.subtotal, line.converted_subtotal) == (now.subtotal, now.converted_subtotal):
        return "The amount would be the same, but not everything behind it."
    before, after = sentences.amount(line.subtotal, line), sentences.amount(now.subtotal, line)
    return f"Calculated today the amount would be {after} instead of {before}."


def _outlook(line: LineItem) -> str:
    if line.bill.is_locked:
        return "The bill is locked, so it stays as it is."
    return "Recalculate the bill to take this over."


_NOT_CALCULATED = Comparison(None, (), "The line was not calculated, so nothing can be compared.")
