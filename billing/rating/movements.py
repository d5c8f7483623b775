"""Movements: what a line changes besides its bill, such as the credit left in a balance.

A step attaches them to the draft that causes them; the writer stores them in the transaction of
the bill, with the id of the line (``bills/movements.py``). All movements of a bill are replaced
when it is calculated again and taken back when it is deleted.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from billing.rating.subjects import Subject


class Movement(msgspec.Struct, frozen=True, gc=False):
    """One change. ``kind`` says who stores it.

    ``subject`` is what is moved, as the book knows it: without a detail. ``amount``, in the
    subject's own currency, is what is taken from the credit left; 0 where nothing is drawn, as for
    a charge that is now billed.
    """

    kind: str
    subject: Subject
    amount: Decimal
