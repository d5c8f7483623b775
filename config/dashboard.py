"""The console's first page."""

from typing import Any

from django.http import HttpRequest


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the dashboard shows."""
    return context
