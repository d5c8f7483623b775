"""Pages of a list that never counts a big table to its end."""

from typing import Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

MOST = 5_000


class BoundedPaginator(Paginator):
    """Counts up to 5,000 rows; beyond that one narrows the list by search and filters."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most 5,000."""
        rows: Any = self.object_list
        return rows.order_by()[:MOST].count() if hasattr(rows, "order_by") else len(rows)
