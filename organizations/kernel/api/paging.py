"""Keyset paging: newest first, stable while rows are added (B2, B3).

The token holds the position of the last row sent and a digest of the filters, signed, valid for
24 hours. A page is never empty while its token is set (B3.6).
"""

import hashlib
from datetime import timedelta
from typing import Any

from django.core import signing
from django.db.models import Q, QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.kernel import exact_json
from organizations.kernel.errors import FieldRefused

TOKEN_LIFETIME = timedelta(hours=24)
SALT = "page token"
PAGING = {"nextToken", "pageSize"}


def page_size(raw: str | None, largest: int, default: int | None = None) -> int:
    """Return the page size asked for; raises when it is not 1..largest (B3.3)."""
    if not raw:
        return default or largest
    if not (raw.isascii() and raw.isdigit() and len(raw) < 6 and 1 <= int(raw) <= largest):
        raise FieldRefused("pageSize", f"must be an integer from 1 to {largest}")
    return int(raw)


def largest(view: Any) -> int:
    """Return the largest page of the view's action (B3.1)."""
    limit: int = view.page_size_limits.get(view.action, view.page_size_limit)
    return limit


class KeysetPagination(BasePagination):
    """Pages over ``view.page_order``: column names, all descending or all ascending."""

    def paginate_queryset(self, queryset: QuerySet, request: Request, view: Any = None) -> list:
        """Return the rows of the page asked for; remembers the token of the next one."""
        order: tuple[str, ...] = view.page_order
        size = page_size(request.query_params.get("pageSize"), largest(view))
        digest = _digest(request, getattr(view, "asked", None))
        token = request.query_params.get("nextToken")
        if token:
            queryset = queryset.filter(_beyond(order, _position(token, digest, len(order))))
        rows = list(queryset.order_by(*order)[: size + 1])
        self.next_token = None
        if len(rows) > size:
            rows.pop()
            columns = [column.lstrip("-") for column in order]
            self.next_token = _sign([getattr(rows[-1], column) for column in columns], digest)
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page; the token's key is always there (B2.5)."""
        return Response({"data": data, "nextToken": self.next_token})

    def get_paginated_response_schema(self, schema: dict) -> dict:
        """Return the page's shape for the OpenAPI document."""
        return {
            "type": "object",
            "properties": {
                "data": {"type": "array", "items": schema.get("items", schema)},
                "nextToken": {"type": "string", "nullable": True},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the two paging parameters for the OpenAPI document."""
        size = {"type": "integer", "minimum": 1, "maximum": largest(view)}
        return [
            {"name": "pageSize", "in": "query", "required": False, "schema": size},
            {"name": "nextToken", "in": "query", "required": False, "schema": {"type": "string"}},
        ]


def _digest(request: Request, values: dict[str, Any] | None) -> str:
    """Return what identifies address and filters, so that a token fits only where it was made.

    ``values`` are the filters as they were understood: however a list is spelled, and whatever
    is ignored beside it, the filters are the same (B1.8, B4.1, B4.6).
    """
    if values is None:  # an action with parameters of its own
        given = request.query_params.lists()
        values = {name: texts for name, texts in given if name not in PAGING and any(texts)}
    asked = [
        (name, sorted(map(str, value)) if isinstance(value, list) else str(value))
        for name, value in sorted(values.items())
    ]
    text = exact_json.dumps([request.path, asked])
    return hashlib.blake2s(text, digest_size=8).hexdigest()


def _sign(position: list[Any], digest: str) -> str:
    values = [
        value.isoformat() if hasattr(value, "isoformat") else str(value) for value in position
    ]
    return signing.dumps([digest, *values], salt=SALT, compress=False)


def _position(token: str, digest: str, length: int) -> list[str]:
    try:
        given, *values = signing.loads(token, salt=SALT, max_age=TOKEN_LIFETIME)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise FieldRefused("nextToken", "is not a token of ours, or older than 24 hours") from error
    if given != digest or len(values) != length:
        raise FieldRefused("nextToken", "belongs to a list with other filters")
    return values


def _beyond(order: tuple[str, ...], position: list[str]) -> Q:
    """Return the rows after the position: (a, b) < (x, y), written so that an index serves it."""
    condition = Q()
    for depth, column in enumerate(order):
        step = "lt" if column.startswith("-") else "gt"
        equal = {order[i].lstrip("-"): position[i] for i in range(depth)}
        condition |= Q(**equal, **{f"{column.lstrip('-')}__{step}": position[depth]})
    first = order[0]
    bound = "lte" if first.startswith("-") else "gte"
    return Q(**{f"{first.lstrip('-')}__{bound}": position[0]}) & condition
