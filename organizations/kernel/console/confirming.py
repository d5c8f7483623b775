"""Actions of lists that ask first: a page names the rows and says what will be done to them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

CONFIRMED = "confirmed"
MOST_SHOWN = 20
Action = Callable[[Any, HttpRequest, QuerySet], Any]
Details = Callable[[HttpRequest, QuerySet], dict[str, Any]]


def confirmed(
    button: str, consequence: str, *, is_final: bool = False, details: Details | None = None
) -> Callable[[Action], Action]:
    """Have an action ask before it acts.

    ``button`` says what is done (``Lock``), ``consequence`` what follows from it; ``is_final``
    marks what cannot be undone. ``details`` returns ``summary``, rows of texts under
    ``summary_titles``, and ``option``: name, label and words of a box that may be ticked. To stand
    below unfold's ``action``.
    """

    def decorate(action: Action) -> Action:
        @wraps(action)
        def asking(page: Any, request: HttpRequest, queryset: QuerySet) -> Any:
            if request.POST.get(CONFIRMED) == "yes":
                return action(page, request, queryset)
            count = queryset.count()
            rows = list(queryset[:MOST_SHOWN])
            context = {
                **page.admin_site.each_context(request),
                "title": button,
                "opts": page.opts,
                "button": button,
                "consequence": consequence,
                "is_final": is_final,
                "count": count,
                "rows": [page.title_of(row) for row in rows],
                "more": count - len(rows),
                "what": page.opts.verbose_name if count == 1 else page.opts.verbose_name_plural,
                "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
                "repeated": {
                    name: request.POST.get(name, "")
                    for name in ("action", "index", "select_across")
                },
                "back": request.get_full_path(),
                **(details(request, queryset) if details else {}),
            }
            return TemplateResponse(request, "console/confirm_action.html", context)

        return asking

    return decorate
