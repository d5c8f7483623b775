"""Movements: what a line changes besides its bill, such as the credit left in a balance.

A step attaches them to the draft that causes them; the writer stores them in the transaction of
the bill, with the id of the line (``bills/movements.py``). All movements of a bill are replaced
when it is calculated again and taken back when it is deleted.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from billing.rating.subjects import Subject


class Movement(msgspec.Struct, frozen=True, gc=False):
    """One change. ``kind`` says who stores it.

    ``subject`` is what is moved, as the book knows it: without a detail, or with that of a part of
    it, as the rollover of a balance. ``amount``, in the subject's own currency, is what is taken
    from the credit left; 0 where nothing is drawn, as for a charge that is now billed. ``at`` is
    when it counts in a ledger.
    """

    kind: str
    subject: Subject
    amount: Decimal
    at: datetime | None = None

    @property
    def drawn(self) -> tuple[Subject, ...]:
        """What the amount is taken from: the part, and the whole."""
        subject = self.subject
        whole = Subject(subject.kind, subject.id)
        return (subject, whole) if subject.detail else (subject,)

    def draws(self, subject: Subject) -> bool:
        """Whether the amount is taken from the subject."""
        return subject in self.drawn
