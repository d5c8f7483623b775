"""A form that moves the dates of bills asks first, and shows the bills to come (JOB-18)."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.http import HttpRequest

from billing.api.date_changes import may_preview
from billing.changing import dates
from billing.changing.coming import Coming, Last
from billing.changing.dates import Alike
from billing.models import Account
from organizations.kernel.console import asking, linking, plain_words, show
from organizations.kernel.wording import counted

TEMPLATE = "console/date_change.html"
RHYTHMS = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "ANNUALLY": "year"}


def register() -> None:
    """Have the pages whose fields move dates ask."""
    for model in dates.COLUMNS:
        asking.register(model, tell)


def tell(request: HttpRequest, row: Any, cleaned: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the page shows; ``None`` where no bill moves."""
    change = dates.changed(row, cleaned)
    if change is None:
        return None
    found = dates.consequences(change)
    if not found.moved:
        return None
    context = {
        "template": TEMPLATE,
        "changes": [
            {
                "field": _field(change.row, name),
                "before": _value(getattr(change.row, name)),
                "after": _value(value),
            }
            for name, value in change.values.items()
        ],
        "moved_count": counted(sum(one.accounts for one in found.moved), "accounts"),
        "more": counted(found.not_shown, "accounts") if found.not_shown else "",
    }
    if not may_preview(request.permissions):
        return {**context, "hidden": True}
    urls = linking.to_rows(request, Account, [one.start.account_id for one in found.moved])
    return {
        **context,
        "is_refused": any(one.refusals for one in found.moved),
        "rows": [_row(one, urls) for one in found.moved],
    }


def _row(one: Alike, urls: Mapping[Any, str]) -> dict[str, Any]:
    return {
        "accounts": one.accounts,
        "others": counted(one.accounts - 1, "accounts") if one.accounts > 1 else "",
        "name": one.start.name,
        "code": one.start.code,
        "url": urls.get(one.start.account_id, ""),
        "lasts": [_last(last) for last in one.start.lasts],
        "before": _bills(one.before),
        "after": _bills(one.after),
        "refusals": [plain_words.in_words(text) for text in one.refusals],
    }


def _last(last: Last) -> str:
    state = "locked" if last.is_locked else "not locked"
    return f"{_days(last.first_day, last.end_day)}, {state}"


def _bills(bills: Iterable[Coming]) -> list[dict[str, str]]:
    return [
        {
            "days": _days(one.first_day, one.end_day),
            "length": counted(one.days, "days"),
            "usage": f"with usage from {show.instant(one.usage_from)}" if one.usage_from else "",
            "total": show.money(one.total, one.currency),
        }
        for one in bills
        if not one.refusal
    ]


def _days(first: Any, end: Any) -> str:
    return f"{show.day(first)} – {show.day(end - timedelta(days=1))}"


def _field(row: Any, name: str) -> str:
    return str(row._meta.get_field(name).verbose_name).capitalize()


def _value(value: Any) -> str:
    if hasattr(value, "isoformat"):
        return show.day(value)
    word = RHYTHMS.get(value) if isinstance(value, str) else None
    return f"every {word}" if word else str(value) if value else "as inherited"
