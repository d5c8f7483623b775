"""The bill explorer: what bills came to by month, told apart by kind, product, account or words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from billing.admin import explorer_pictures as pictures
from billing.api.bill_explorer import BILLS, JOB, readable
from billing.bills import explorer
from billing.models import BillStatus, LineItemType
from organizations.access import Rights
from organizations.kernel import clock
from organizations.kernel.console import choices, linking, show
from organizations.kernel.console.fields import plain_text
from organizations.kernel.console.forms import PlainForm
from organizations.kernel.errors import DomainError
from organizations.kernel.money import ZERO
from organizations.kernel.periods import local_date

MOST_ROWS, MOST_MONTHS = 200, 60
GROUPS = [(name, words) for name, (_, words) in explorer.GROUPS.items()]
WORDS: dict[str, dict[str, str]] = {
    "type": dict(LineItemType.choices),
    "status": dict(BillStatus.choices),
}
DAY = forms.DateInput(attrs={"type": "date"})


class BillExplorerForm(PlainForm):
    """Which lines, and what they are told apart by."""

    wire_names = {"endDate": "end"}
    start = forms.DateField(label="Bills that begin from", widget=DAY)
    end = forms.DateField(label="To (not included)", widget=DAY)
    group = forms.ChoiceField(label="A row for each", choices=GROUPS)
    kinds = forms.MultipleChoiceField(
        label="Kinds of lines",
        choices=LineItemType.choices,
        required=False,
        help_text="None chosen: all of them.",
        widget=forms.SelectMultiple(attrs={"size": 6}),
    )
    accounts = forms.CharField(
        label="Accounts",
        required=False,
        max_length=2000,
        help_text="Codes with commas between them; empty for all.",
    )
    products = forms.CharField(
        label="Products",
        required=False,
        max_length=2000,
        help_text="Names with commas between them; empty for all.",
    )

    def clean(self) -> dict[str, Any]:
        """A span of months that a table can show."""
        cleaned = super().clean() or {}
        start, end = cleaned.get("start"), cleaned.get("end")
        if start and end:
            if end <= start:
                self.add_error("end", "must be after the day it begins from")
            elif (end.year - start.year) * 12 + end.month - start.month > MOST_MONTHS:
                self.add_error("end", f"at most {MOST_MONTHS} months are shown at once")
        return cleaned

    def asked(self) -> explorer.Asked:
        """Return what is asked for."""
        given = self.cleaned_data
        dimensions = [
            (name, _split(given[field]))
            for name, field in (("account", "accounts"), ("productName", "products"))
            if _split(given[field])
        ]
        return explorer.Asked(
            given["start"], given["end"], given["kinds"] or LineItemType.values, dimensions
        )


@dataclass(frozen=True, slots=True)
class Table:
    """Amounts of one currency: a row a group, a column a month, the most money first."""

    currency: str
    months: list[date]
    rows: list[tuple[str, dict[date, Decimal]]]

    def total(self, month: date | None = None) -> Decimal:
        """Return the sum of a month, or of all."""
        return sum(
            (
                amount
                for _, amounts in self.rows
                for at, amount in amounts.items()
                if month in (None, at)
            ),
            ZERO,
        )


def address(request: HttpRequest) -> str:
    """Return where the explorer is; empty for whom may not ask."""
    return reverse("admin:bill_explorer") if may_ask(request) else ""


def may_ask(request: HttpRequest) -> bool:
    """Whether somebody may ask what bills came to, as over the API."""
    allows = request.permissions.allows
    return all(allows(action, JOB) for action in ("config:create", "config:retrieve")) and (
        allows("config:retrieve", BILLS) or allows("analytics:query", BILLS)
    )


def view(page: Any, request: HttpRequest) -> HttpResponse:
    """Show the form, and what the lines come to as chart and tables, or as a file."""
    if not may_ask(request):
        raise PermissionDenied(
            "Exploring bills needs the permissions to create and read analytics jobs, and to "
            "query bills."
        )
    is_asked = "start" in request.GET
    form = BillExplorerForm(request.GET if is_asked else _first(request))
    tables: list[Table] = []
    if form.is_valid():
        group = form.cleaned_data["group"]
        rights = Rights(request.principal)
        lines = readable(rights, request.organization.pk)
        try:
            tables = made(explorer.totals(explorer.narrowed(lines, form.asked()), group), group)
        except DomainError as refusal:
            form.show_refusal(refusal)
        if request.GET.get("format") == "csv":
            return _file(tables, group)
    context = {
        **page.admin_site.each_context(request),
        "title": "Bill explorer",
        "opts": page.opts,
        "form": form,
        "asked": request.GET.urlencode() if is_asked else "",
        "tables": [_shown(one, number) for number, one in enumerate(tables)],
        "is_valid": form.is_valid(),
        "back": linking.to_list(request, page.model),
    }
    return TemplateResponse(request, "console/bill_explorer.html", context)


def made(totals: Iterable[dict[str, Any]], group: str) -> list[Table]:
    """Return a table for each currency."""
    column, _ = explorer.GROUPS[group]
    words = WORDS.get(group, {})
    found: dict[str, dict[str, dict[date, Decimal]]] = defaultdict(lambda: defaultdict(dict))
    months: set[date] = set()
    for one in totals:
        name = str(one[column] or "") or "-"
        of = found[one["bill__currency"]][words.get(name, name)]
        of[one["month"]] = of.get(one["month"], ZERO) + one["amount"]
        months.add(one["month"])
    ordered = sorted(months)
    return [
        Table(
            currency,
            ordered,
            sorted(rows.items(), key=lambda one: (-abs(sum(one[1].values(), ZERO)), one[0])),
        )
        for currency, rows in sorted(found.items())
    ]


def _shown(table: Table, number: int) -> dict[str, Any]:
    of = table.currency
    drawn = table.rows[: pictures.MOST_SERIES]
    return {
        "currency": of,
        "key": f"billed{number}",
        "months": [f"{month:%Y-%m}" for month in table.months],
        "rows": [
            {
                "name": name,
                "cells": [
                    show.money(amounts[month], of) if month in amounts else ""
                    for month in table.months
                ],
                "total": show.money(sum(amounts.values(), ZERO), of),
            }
            for name, amounts in table.rows[:MOST_ROWS]
        ],
        "sums": [show.money(table.total(month), of) for month in table.months],
        "total": show.money(table.total(), of),
        "more": max(0, len(table.rows) - MOST_ROWS),
        "left_out": max(0, len(table.rows) - len(drawn)),
        "chart": {
            "labels": [f"{month:%Y-%m}" for month in table.months],
            "stacked": True,
            "datasets": [
                {
                    "label": name,
                    "data": [plain_text(amounts.get(month, ZERO)) for month in table.months],
                }
                for name, amounts in drawn
            ],
        },
    }


def _file(tables: Sequence[Table], group: str) -> StreamingHttpResponse:
    _, words = explorer.GROUPS[group]
    rows = (
        {words: name, "Month": f"{month:%Y-%m}", "Currency": table.currency, "Amount": amount}
        for table in tables
        for name, amounts in table.rows
        for month, amount in sorted(amounts.items())
    )
    return StreamingHttpResponse(
        pictures.lines((words, "Month", "Currency", "Amount"), rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="bills-by-month.csv"'},
    )


def _first(request: HttpRequest) -> dict[str, Any]:
    """Return what is asked first: the last twelve months by kind of line."""
    today = local_date(clock.now(), choices.zone(request))
    end = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return {"start": end.replace(year=end.year - 1), "end": end, "group": "type"}


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
