"""The page of counter adjustments, and what an account's page shows of them."""

from datetime import date
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from billing.admin import staircase
from billing.models import Account, CounterAdjustment
from catalog.models import Counter
from organizations.kernel.console import choices, linking, show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.filters import OwnRelatedFilter

LATEST = 20
MOST_PICTURES = 6
MOST_VALUES = 600


@admin.register(CounterAdjustment)
class CounterAdjustmentAdmin(ConsoleModelAdmin):
    """How many units of a counter an account holds, from which day on."""

    tells_all = True
    list_display = ["account", "counter", "date", "shown_value", "purchase_order_number"]
    list_select_related = ["account", "counter"]
    list_filter = [("counter", OwnRelatedFilter)]
    search_fields = ["account__name", "account__code", "counter__name", "purchase_order_number"]
    autocomplete_fields = ["account", "counter"]
    fields = ["account", "counter", "date", "value", "purchase_order_number"]
    ordering = ("-date", "-pk")
    empty_hint = (
        "A counter adjustment sets how many units of a counter an account holds from a day on. "
        "The value stays in force until the next adjustment."
    )

    def title_of(self, row: CounterAdjustment) -> str:
        """Account, counter and day."""
        return f"{row.counter} of {row.account} from {show.day(row.date)}"

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start with today."""
        initial = super().get_changeform_initial_data(request)
        return {"date": choices.today(request), **initial}

    def response_add(
        self, request: HttpRequest, obj: CounterAdjustment, *args: Any, **options: Any
    ) -> Any:
        """Go back to the account."""
        response = super().response_add(request, obj, *args, **options)
        if "_continue" not in request.POST and "_popup" not in request.POST:
            response["Location"] = linking.back_to(request, obj.account)
        return response

    @display(description="Units", ordering="value")
    def shown_value(self, row: CounterAdjustment) -> str:
        """The new value with its unit."""
        return show.right(f"{row.value:,} {row.counter.unit}")


def of_account(request: HttpRequest, account: Account) -> dict[str, Any] | None:
    """Return the latest adjustments of an account one may read, or None where none may be."""
    if not linking.to_list(request, CounterAdjustment):
        return None
    rows = linking.seen(request, account.counter_adjustments.all()).select_related("counter")
    drawn = list(rows.order_by("-date", "-pk")[:MOST_VALUES])
    latest = drawn[:LATEST]
    urls = linking.to_rows(request, Counter, [row.counter_id for row in latest])
    return {
        "add": linking.to_form(request, CounterAdjustment, account=account.pk),
        "all": linking.to_list(request, CounterAdjustment, account__id__exact=account.pk),
        "pictures": _pictures(drawn, choices.today(request)),
        "rows": [
            {
                "counter": row.counter.name,
                "counter_url": urls.get(row.counter_id, ""),
                "day": show.day(row.date),
                "value": f"{row.value:,}",
                "unit": row.counter.unit,
                "url": show.address(row),
            }
            for row in latest
        ],
    }


def _pictures(rows: list[CounterAdjustment], today: date) -> list[dict[str, Any]]:
    """Return the staircase of each counter, the one adjusted last first."""
    by_counter: dict[Counter, list[tuple[date, int]]] = {}
    for row in rows:
        by_counter.setdefault(row.counter, []).append((row.date, row.value))
    found = []
    for counter, values in list(by_counter.items())[:MOST_PICTURES]:
        drawn = staircase.draw(values, today)
        if drawn is not None:
            found.append(
                {
                    "name": counter.name,
                    "unit": counter.unit,
                    "held": f"{drawn.held:,}",
                    "today_x": drawn.today_x,
                    "first": show.day(drawn.first),
                    "until": show.day(drawn.until),
                    "steps": [
                        (step, f"{step.value:,}", show.day(step.since)) for step in drawn.steps
                    ],
                }
            )
    return found
