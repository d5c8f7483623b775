"""What lines move besides their bill: stored with it, replaced with it, taken back with it.

Each kind of movement (``rating/movements.py``) has one function that makes its rows of some bills
be exactly those given; none given takes back what the bills moved before. It is called inside the
transaction that writes or deletes the bills, under the locks of their accounts.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from billing.models import Bill
from billing.rating.movements import Movement
from organizations.kernel.principals import Principal


class Moved(NamedTuple):
    """A movement with the bill and the line that caused it."""

    bill: Bill
    line_id: UUID
    movement: Movement


class Replacing(NamedTuple):
    """One call: the bills whose movements are replaced, by whom and when."""

    bills: Sequence[Bill]
    by: Principal
    at: datetime


Replace = Callable[[Replacing, Sequence[Moved]], None]

# By ``Movement.kind``.
KINDS: dict[str, Replace] = {}


def replace(replacing: Replacing, moved: Sequence[Moved]) -> None:
    """Make the movements of the bills be exactly these.

    Raises ``KeyError`` for a movement that nobody stores: it must not get lost.
    """
    if not replacing.bills:
        return
    by_kind: dict[str, list[Moved]] = defaultdict(list)
    for one in moved:
        if one.movement.kind not in KINDS:
            raise KeyError(one.movement.kind)
        by_kind[one.movement.kind].append(one)
    for kind, store in KINDS.items():
        store(replacing, by_kind[kind])
