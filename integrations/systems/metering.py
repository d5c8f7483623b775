"""PURE: what a marketplace is told of a bill: cents by dimension, less what it knows (A10)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from integrations.systems.base import (
    Job,
    Metered,
    NoMapping,
    Option,
    Refused,
    Reported,
    SendingFailed,
    TryAgain,
)
from integrations.systems.invoices import EXACT, Line

CENT = Decimal("0.01")
DOLLARS = "USD"
DIMENSION = Option(
    "dimension", "Dimension", help="Of what no product or aggregation of a line is mapped for."
)


def check(job: Job, name: str) -> None:
    """Refuse bills that are not in US dollars: each unit of a dimension costs one cent."""
    if job.bill.currency != DOLLARS:
        raise Refused(f"{name} is metered in {DOLLARS}, the bill is in {job.bill.currency}.")


def wanted(job: Job) -> dict[str, Decimal]:
    """Return the units by dimension that the bill comes to; ``Refused`` below zero."""
    found: dict[str, Decimal] = {}
    for line in job.bill.lines:
        dimension = _dimension(job, line)
        # Lines are whole cents.
        units = Decimal(int(EXACT.divide(line.amount, CENT)))
        found[dimension] = EXACT.add(found.get(dimension, Decimal(0)), units)
    for dimension, units in found.items():
        if units < 0:
            raise Refused(f"{dimension}: {units:f} units are below zero and cannot be metered.")
    return found


def more(
    wanted_units: Mapping[str, Decimal], reported: Reported, confirmed: Iterable[Metered] = ()
) -> dict[str, Decimal]:
    """Return what is to be sent beyond what was; ``Refused`` where more was sent than is due."""
    sent = {dimension: sum(hours.values(), Decimal(0)) for dimension, hours in reported.items()}
    for one in confirmed:
        sent[one.dimension] = sent.get(one.dimension, Decimal(0)) + one.quantity
    excess = [
        f"{dimension}: {units - wanted_units.get(dimension, Decimal(0)):f} more were reported"
        for dimension, units in sent.items()
        if units > wanted_units.get(dimension, Decimal(0))
    ]
    if excess:
        raise Refused(f"{'; '.join(excess)} than the bill has now, which cannot be taken back.")
    found = {name: units - sent.get(name, Decimal(0)) for name, units in wanted_units.items()}
    return {name: units for name, units in found.items() if units}


class TooLate(Refused):
    """The hour is so long ago that the marketplace takes it no more."""


# What became of an hour that a marketplace was told of: it has our quantity, it has another one, or
# an error.
TAKEN, ELSEWHERE = "TAKEN", "ELSEWHERE"
Fate = str | Exception
AT_ONCE = 25


def tell(
    job: Job,
    customer: str,
    wanted_units: Mapping[str, Decimal],
    hours: int,
    call: Callable[[Sequence[Metered]], Sequence[Fate]],
) -> list[Metered]:
    """Bring the marketplace to what is wanted; returns what it has taken of it now.

    First what was kept by attempts before, one by one, then the difference. An hour that has
    another quantity is somebody else's: it is given up, and an earlier one is kept. What was
    refused for good when it was first sent has certainly not been taken, and its hour is free
    again. What was taken before an error is told with it.
    """
    taken: list[Metered] = []
    try:
        for one in job.meter.pending():
            _told(job, [one], taken, call, is_first=False)
        while missing := more(wanted_units, job.reported, taken):
            kept = job.meter.keep(customer, missing, hours)
            for start in range(0, len(kept), AT_ONCE):
                _told(job, kept[start : start + AT_ONCE], taken, call, is_first=True)
    except (SendingFailed, TryAgain) as error:
        error.reported = reported(taken)
        raise
    return taken


def _told(
    job: Job,
    some: Sequence[Metered],
    taken: list[Metered],
    call: Callable[[Sequence[Metered]], Sequence[Fate]],
    *,
    is_first: bool,
) -> None:
    try:
        fates = list(zip(some, call(some), strict=True))
    except (SendingFailed, TryAgain) as error:
        fates = [(one, error) for one in some]
    taken += [one for one, fate in fates if fate == TAKEN]
    job.meter.give_up([one for one, fate in fates if fate == ELSEWHERE])
    if is_first:
        job.meter.release([one for one, fate in fates if _is_no(fate)])
    refused = [(one, fate) for one, fate in fates if isinstance(fate, Exception)]
    # What is refused for good is told before what passes.
    refused.sort(key=lambda pair: isinstance(pair[1], TryAgain))
    if not refused:
        return
    one, error = refused[0]
    if isinstance(error, TooLate) and not is_first:
        raise Refused(
            f"Nobody can tell any more whether {int(one.quantity):,} units of {one.dimension} for "
            f"{one.hour:%Y-%m-%d %H:00} UTC have arrived ({error}). Look there, and settle it with "
            f"manage.py settle_metered_hours --bill {job.bill.bill_id}."
        )
    raise error


def _is_no(fate: Fate) -> bool:
    """Say whether what was sent for the first time has certainly not been taken."""
    if isinstance(fate, TryAgain):
        return fate.is_throttled
    return isinstance(fate, SendingFailed)


def reported(confirmed: Iterable[Metered]) -> dict[str, dict[str, Decimal]]:
    """Return what was taken as the report keeps it."""
    found: dict[str, dict[str, Decimal]] = {}
    for one in confirmed:
        found.setdefault(one.dimension, {})[f"{one.hour:%Y-%m-%dT%H:%M:%SZ}"] = Decimal(
            int(one.quantity)
        )
    return found


def _dimension(job: Job, line: Line) -> str:
    """Return the dimension of a line: of its aggregation, its product, else the setting's."""
    sources = [("Aggregation", line.aggregation_id), ("CompoundAggregation", line.aggregation_id),
               ("Product", line.product_id)]  # fmt: skip
    for entity, identity in sources:
        found = job.mappings.find(entity, identity, "Dimension") if identity else None
        if found:
            return found
    if job.settings.get(DIMENSION.key):
        return str(job.settings[DIMENSION.key])
    if line.product_id:
        raise NoMapping("Product", line.product_id, "Dimension")
    raise Refused(f"{line.description}: there is no dimension for it; set one in the settings.")
