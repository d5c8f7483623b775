"""What lines move besides their bill: stored with it, replaced with it, taken back with it.

Each kind of movement (``rating/movements.py``) has one function that makes its rows of some bills
be exactly those given; none given takes back what the bills moved before. It is called inside the
transaction that writes or deletes the bills, under the locks of their accounts.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from uuid import UUID

from billing.bills import credit_drawn, late_charges
from billing.bills.moved import Moved, Replacing
from billing.models import Charge
from billing.rating.kinds import charges, draw_downs, late_usage
from organizations.kernel.among import Among

Replace = Callable[[Replacing, Sequence[Moved]], None]


def mark_charges(replacing: Replacing, moved: Sequence[Moved]) -> None:
    """Let each charge name the bill that carries it, and free those that it carries no more."""
    carried = {one.movement.subject.id: one.bill.pk for one in moved}
    bill_ids = [bill.pk for bill in replacing.bills]
    known = dict(Charge.objects.filter(Among("bill_id", bill_ids)).values_list("pk", "bill_id"))
    freed = known.keys() - carried.keys()
    if freed:
        Charge.objects.filter(Among("pk", freed)).update(bill=None)
    by_bill: dict[UUID, list[UUID]] = defaultdict(list)
    for charge_id, bill_id in carried.items():
        if charge_id is not None and known.get(charge_id) != bill_id:
            by_bill[bill_id].append(charge_id)
    for bill_id, charge_ids in by_bill.items():
        Charge.objects.filter(Among("pk", charge_ids)).update(bill_id=bill_id)


# By ``Movement.kind``.
KINDS: dict[str, Replace] = {
    charges.MOVEMENT: mark_charges,
    draw_downs.COMMITMENT: credit_drawn.spend,
    draw_downs.BALANCE: credit_drawn.draw,
    late_usage.MOVEMENT: late_charges.mark,
}


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
