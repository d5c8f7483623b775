"""What a line charges (its subject) and where it belongs (its attribution).

Who needs to know whether two lines are the same line, the same charge, or share stored values asks
these two and nothing else: see ``lines.line_key``, ``doubles``, ``bills/line_rows``, ``assembly``.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from functools import lru_cache
from typing import Final
from uuid import UUID

import msgspec

from billing.rating.inputs import Aggregation, PricingTerm, Product, Segment

# Longer details than this do not fit into a line key.
DETAIL_MAX_LENGTH: Final = 40


class SubjectKind(StrEnum):
    """Kinds of things that a line may charge. At most 10 characters, no ``|`` and no ``:``."""

    USAGE = "usage"  # an aggregation and a segment of it, whatever price it has
    PRICING = "pricing"  # a pricing itself: its minimum spend
    PLAN = "plan"  # a plan as a whole: standing charge, minimum spend
    PLAN_GROUP = "plangroup"
    COUNTER = "counter"  # detail: the day of an adjustment
    COMMITMENT = "commitment"  # detail: the day of a fee, or what else the line is about
    BALANCE = "balance"
    CHARGE = "charge"
    MEMO = "memo"
    LATE = "late"  # usage that arrived after its bill was locked


# The line keys of these are those of the first release: the pricing and the segment have places
# of their own in the key, and the plan is that of the account plan.
OF_A_PLAN: Final = frozenset({SubjectKind.USAGE, SubjectKind.PRICING, SubjectKind.PLAN})


class Subject(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """What is charged: which kind of thing, which one, and which part or day of it.

    ``detail`` tells lines of one thing apart: for usage and pricings it is the digest of the
    segment, for others up to ``DETAIL_MAX_LENGTH`` characters such as ``2024-06-03``.
    """

    kind: SubjectKind
    id: UUID | None
    detail: str = ""

    @classmethod
    def usage(cls, aggregation: Aggregation, segment: Segment) -> Subject:
        """Return the subject of what was used, which a new price of it leaves the same."""
        return cls(SubjectKind.USAGE, aggregation.id, segment_digest(segment))

    @classmethod
    def pricing(cls, pricing: PricingTerm) -> Subject:
        """Return the subject of a charge for the pricing itself."""
        return cls(SubjectKind.PRICING, pricing.id, segment_digest(pricing.segment))

    def only(self, kind: SubjectKind) -> UUID | None:
        """Return the id if the subject is of the kind."""
        return self.id if self.kind is kind else None

    def written(self) -> str:
        """Return the subject as it stands in a line key; empty for what has places of its own."""
        if self.kind in OF_A_PLAN:
            return ""
        identity = f"{self.kind.value}:{self.id.hex if self.id else ''}"
        return f"{identity}:{self.detail}" if self.detail else identity


class References(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """What else a line names: a second entity, the line that it corrects, why, and in which group.

    ``charge_id``, ``commitment_id`` and ``balance_id`` are given where they are *not* the subject,
    as on the fee of a balance, whose subject is the charge.
    """

    charge_id: UUID | None = None
    commitment_id: UUID | None = None
    balance_id: UUID | None = None
    credit_type_id: UUID | None = None
    referenced_bill_id: UUID | None = None
    referenced_line_item_id: UUID | None = None
    reason_id: UUID | None = None
    group: tuple[tuple[str, str], ...] = ()


NO_REFERENCES: Final = References()


class Attribution(msgspec.Struct, frozen=True, gc=False):
    """Where a line belongs; what does not concern it is ``None``.

    ``account_id`` is the source account: the child's for a line of a child, on whichever bill
    (PAR-4). ``child_account_id`` and ``child_account_code`` are given where the line shows it.
    ``pricing_id`` is the price that was applied.
    """

    account_id: UUID
    account_plan_id: UUID | None = None
    plan_id: UUID | None = None
    plan_group_id: UUID | None = None
    contract_id: UUID | None = None
    product: Product | None = None
    accounting_product_id: UUID | None = None
    pricing_id: UUID | None = None
    child_account_id: UUID | None = None
    child_account_code: str | None = None
    references: References = NO_REFERENCES

    def accounted(self, *choices: UUID | None) -> Attribution:
        """Return the same with its accounting product (15.5).

        It is the first choice that is given, else the line's product, else none.
        """
        given = next((choice for choice in choices if choice is not None), None)
        if given is None and self.product is not None:
            given = self.product.id
        return msgspec.structs.replace(self, accounting_product_id=given)

    def priced_by(self, pricing: PricingTerm) -> Attribution:
        """Return the same for a line of a pricing, accounted as its usage is (15.5)."""
        of_usage = pricing.accounting_product_id or pricing.aggregation.accounting_product_id
        return msgspec.structs.replace(self.accounted(of_usage), pricing_id=pricing.id)


@lru_cache(maxsize=4096)
def segment_digest(segment: Segment) -> str:
    """Return 16 characters for a segment, whatever the order of its fields; none for no segment."""
    if not segment:
        return ""
    canonical = json.dumps(sorted(segment), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
