"""What was read of accounts before they are rated: values that the steps hand on."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from billing.bills.families import Families
from billing.bills.fingerprints import Fingerprint
from billing.bills.reading import AccountFacts, ExistingBill, Names
from billing.bills.selection import Overrides, PrintedDates
from billing.rating.book import BilledCharge
from billing.rating.inputs import RatingInput
from billing.rating.subjects import Subject
from organizations.kernel.errors import DomainError
from organizations.kernel.periods import Period


class BillToRate(msgspec.Struct, gc=False):
    """One bill to calculate, with what is printed on it.

    ``dates`` are resolved: none is ``None``. ``existing`` is the bill as it was read; the writer
    looks again under the account's lock. ``faults`` say which calculations failed: they charge
    nothing (usage.md 11.4).
    """

    input: RatingInput
    existing: ExistingBill | None
    timezone: str
    dates: PrintedDates
    overrides: Overrides
    purchase_order_number: str | None = None
    faults: tuple[str, ...] = ()


@dataclass(slots=True)
class AccountSnapshot:
    """What is due of one account.

    ``bills`` come in order of boundary. ``locked`` counts due bills left alone (JOB-7).
    ``attached`` are all its account plans, with the time in which each is in force. ``charges``
    stand on other bills of the account. ``refusal`` says why the account cannot be
    billed at all. ``cuts`` are instants where its credits begin or end. ``fingerprint`` changes
    with every write to one of its bills.
    """

    facts: AccountFacts
    fingerprint: Fingerprint
    bills: list[BillToRate] = field(default_factory=list)
    locked: int = 0
    attached: dict[UUID, Period] = field(default_factory=dict)
    charges: list[BilledCharge] = field(default_factory=list)
    credits: dict[Subject, Decimal] = field(default_factory=dict)
    terms: dict[str, Any] = field(default_factory=dict)
    cuts: tuple[datetime, ...] = ()
    refusal: DomainError | None = None


@dataclass(slots=True)
class Snapshot:
    """The accounts that were asked for and exist, by id, and what they share."""

    organization_id: UUID
    accounts: dict[UUID, AccountSnapshot]
    names: Names
    suppresses_empty_bills: bool
    has_invoice_prefix: bool
    families: Families
