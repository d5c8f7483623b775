"""What time it is, asked in one place so that it can be moved."""

from datetime import UTC, datetime
from typing import Any


def now(organization: Any = None) -> datetime:
    """Return the current instant in UTC; a sandbox organization may one day have its own."""
    return datetime.now(UTC)
