"""Lists that are never counted and never skipped into: pages go on behind the last row shown.

For tables that only grow. The order is newest first by a numeric key; ``?before=`` and
``?after=`` hold the key next to which a page begins.
"""

from typing import Any

from django.http import HttpRequest
from unfold.views import ChangeList

BEFORE, AFTER = "before", "after"


class KeysetChangeList(ChangeList):
    """A change list whose pages are found by key; ``older`` and ``newer`` link to the next."""

    def get_filters_params(self, params: Any = None) -> Any:
        """Leave out what is no filter."""
        wanted = super().get_filters_params(params)
        return {key: value for key, value in wanted.items() if key not in {BEFORE, AFTER}}

    def get_ordering(self, request: HttpRequest, queryset: Any) -> list[str]:
        """Newest first, and nothing else: the key is the order."""
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        """Read one page and one row more, to know whether there is another."""
        before, after = (_number(request.GET.get(name, "")) for name in (BEFORE, AFTER))
        rows = self.queryset
        if after is not None and before is None:
            found = list(rows.filter(pk__gt=after).order_by("pk")[: self.list_per_page + 1])
            has_newer, has_older = len(found) > self.list_per_page, True
            shown = found[: self.list_per_page][::-1]
        else:
            rows = rows if before is None else rows.filter(pk__lt=before)
            found = list(rows.order_by("-pk")[: self.list_per_page + 1])
            has_newer, has_older = before is not None, len(found) > self.list_per_page
            shown = found[: self.list_per_page]
        self.result_list = shown
        self.result_count = self.full_result_count = len(shown)
        self.show_full_result_count = self.show_admin_actions = False
        self.can_show_all = self.multi_page = False
        self.paginator = self.model_admin.get_paginator(request, shown, self.list_per_page)
        self.older = self._address(BEFORE, shown[-1].pk) if has_older and shown else ""
        self.newer = self._address(AFTER, shown[0].pk) if has_newer and shown else ""

    def _address(self, name: str, key: Any) -> str:
        return self.get_query_string({name: key}, [BEFORE, AFTER])


def _number(text: str) -> int | None:
    """Return the key, None for what is none (or more than a column holds)."""
    return int(text) if text.isdecimal() and len(text) < 19 else None
