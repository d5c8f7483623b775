"""The page of the lock date (C8.1)."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from billing.bills import lock_dates
from billing.models import BillConfig
from organizations.admin.settings import OneRowAdmin


@admin.register(BillConfig)
class BillConfigAdmin(OneRowAdmin):
    """The day up to which all bills are closed."""

    fieldsets = [
        (
            None,
            {
                "fields": ["bill_lock_date"],
                "description": "Bills whose last day is this day or earlier count as locked: they "
                "are neither changed nor calculated again nor deleted, and no bill is added. A "
                "date that is moved back frees the bills after it, but for those locked one by "
                "one. Pending bills up to the date have to be approved or deleted first.",
            },
        )
    ]

    def title_of(self, row: BillConfig) -> str:
        """It is called the same everywhere."""
        return "Lock date"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Open the one row, which the first who looks makes."""
        lock_dates.of_organization(request.organization.pk)
        return super().changelist_view(request, extra_context)
