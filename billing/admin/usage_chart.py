"""An account's usage of the latest thirty days, as data for a chart."""

from typing import Any

from billing.models import Account


def of_account(account: Account) -> dict[str, Any] | None:
    """Return labels and one series per field, or None without usage."""
    return None
