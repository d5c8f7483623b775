"""A movement on its way to a table, and the bills whose movements are replaced."""

from collections.abc import Sequence
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
