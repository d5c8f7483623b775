"""What arrived late for an account or a locked bill, as a sentence with a link to the list."""

from decimal import Decimal
from typing import Any

from django.db.models import Count, Sum
from django.http import HttpRequest

from billing.models import Account, Bill, LateUsage
from organizations.kernel.console import linking, show


def about(request: HttpRequest, **of: Account | Bill) -> dict[str, Any] | None:
    """Return what arrived late for an account or a bill, and the list of it; one query."""
    if not linking.to_list(request, LateUsage):
        return None
    rows = linking.seen(request, LateUsage.objects.filter(**of)).order_by()
    sums = rows.values("currency").annotate(
        count=Count("pk"), units=Sum("units"), total=Sum("amount")
    )
    found = list(sums.order_by("currency"))
    if not found:
        return None
    units = sum((row["units"] for row in found), Decimal(0))
    worth = ", ".join(show.money(row["total"], row["currency"]) for row in found)
    name, row = next(iter(of.items()))
    return {
        "words": f"{show.amount(units)} late units worth {worth} arrived since",
        "url": linking.to_list(request, LateUsage, **{f"{name}__id__exact": row.pk}),
    }
