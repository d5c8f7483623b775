"""The search grammar: ``name~acme$dtCreated>=2024-01-01`` (B5), compiled to bound parameters.

Terms are joined by ``$`` and all of them by one operator. There is no escaping: a value may hold
anything but ``$``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.db.models.lookups import StartsWith

from organizations.kernel.api import filters
from organizations.kernel.api.paging import page_size
from organizations.kernel.errors import FieldRefused

TERM = re.compile(r"([A-Za-z0-9_.]*)(>=|<=|>|<|:|~)(.*)", re.DOTALL)
ORDERS = {">=": "gte", "<=": "lte", ">": "gt", "<": "lt"}
DEEPEST = 10_000
# More than anybody types, and what PostgreSQL looks through in a moment.
MOST_TERMS = 50
LONGEST = 10_000  # room for a list of 200 ids
LONGEST_VALUE = 500
DEFAULT_PAGE = 10
LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class Field:
    """One searchable field: its column, how a value is read, and whether ``:`` takes a list.

    ``is_list`` says that the column holds many values: a row is found by any of them, with ``:``.
    """

    column: str
    parse: Callable[[str, str], Any] = filters.word
    many: bool = False
    is_list: bool = False

    @property
    def is_text(self) -> bool:
        """Whether ``~`` looks at words of a text."""
        return self.parse is filters.word

    @property
    def is_identifier(self) -> bool:
        """Whether a value is an id."""
        return self.parse is filters.identifier

    @property
    def is_instant(self) -> bool:
        """Whether a value is a point in time."""
        return self.parse is filters.instant


AUDIT: dict[str, Field] = {
    "id": Field("id", filters.identifier),
    "ids": Field("id", filters.identifier, many=True),
    "createdBy": Field("created_by", filters.identifier),
    "lastModifiedBy": Field("modified_by", filters.identifier),
    "dtCreated": Field("created_at", filters.instant),
}


def condition(text: str, operator: str, fields: Mapping[str, Field]) -> Q:
    """Return what rows must fulfil; raises ``FieldRefused`` naming what cannot be understood."""
    if len(text) > LONGEST:
        raise FieldRefused("searchQuery", f"may have at most {LONGEST:,} characters")
    terms = text.split("$") if text else []
    if len(terms) > MOST_TERMS:
        raise FieldRefused("searchQuery", f"may have at most {MOST_TERMS} terms")
    found = Q()
    for term in terms:
        one = _term(term, fields)
        found = found | one if operator == "OR" and found else found & one
    return found


def _term(term: str, fields: Mapping[str, Field]) -> Q:
    matched = TERM.fullmatch(term)
    if matched is None:
        raise FieldRefused("searchQuery", f"{term[:80]!r} has no comparator >= <= > < : ~")
    name, comparator, value = matched.groups()
    field = fields.get(name)
    if field is None:
        raise FieldRefused("searchQuery", f"{name!r} is not one of {', '.join(sorted(fields))}")
    if len(value) > LONGEST_VALUE and not (comparator == ":" and field.many):
        raise FieldRefused("searchQuery", f"{name!r}: may have at most {LONGEST_VALUE} characters")
    if field.is_list:
        return _overlaps(name, field, comparator, value)
    if comparator == ":":
        if field.many:
            return Q(**{f"{field.column}__in": _values(name, field, value)})
        if field.is_instant:
            return _shown_at(field.column, comparator, field.parse("searchQuery", value))
        return Q(**{field.column: field.parse("searchQuery", value)})
    if comparator == "~":
        return _begins(field, filters.word("searchQuery", value))
    if field.is_instant:
        return _shown_at(field.column, comparator, field.parse("searchQuery", value))
    return Q(**{f"{field.column}__{ORDERS[comparator]}": field.parse("searchQuery", value)})


def _values(name: str, field: Field, value: str) -> list[Any]:
    """Read the values of a list."""
    parts = [part for part in value.split(",") if part]
    if len(parts) > filters.MAX_VALUES:
        most = filters.MAX_VALUES
        raise FieldRefused("searchQuery", f"{name!r} takes at most {most} values")
    return [field.parse("searchQuery", part) for part in parts]


def _overlaps(name: str, field: Field, comparator: str, value: str) -> Q:
    """Find rows whose column of many values holds the value, or one of them."""
    if comparator != ":":
        raise FieldRefused("searchQuery", f"{name!r} is compared with : only")
    wanted = _values(name, field, value) if field.many else [field.parse("searchQuery", value)]
    return Q(**{f"{field.column}__overlap": wanted})


def _shown_at(column: str, comparator: str, asked: datetime) -> Q:
    """Compare instants as they are shown, to the millisecond; more is stored (B6.5)."""
    begins = asked.replace(microsecond=asked.microsecond // 1000 * 1000)
    ends = begins + timedelta(milliseconds=1)
    return {
        ":": Q(**{f"{column}__gte": begins, f"{column}__lt": ends}),
        ">=": Q(**{f"{column}__gte": begins}),
        ">": Q(**{f"{column}__gte": ends}),
        "<=": Q(**{f"{column}__lt": ends}),
        "<": Q(**{f"{column}__lt": begins}),
    }[comparator]


def _begins(field: Field, value: str) -> Q:
    """The whole value, or any word of it, starts with the phrase, whatever its case (B5.4)."""
    if field.is_identifier:  # as it is written: the beginning of an id is no id
        return Q(StartsWith(Cast(F(field.column), TextField()), value.lower()))
    if not field.is_text:
        return Q(**{f"{field.column}__startswith": field.parse("searchQuery", value)})
    return Q(**{f"{field.column}__istartswith": value}) | Q(
        **{f"{field.column}__iregex": rf"(^|[\s[:punct:]]){_escaped(value)}"}
    )


def _escaped(value: str) -> str:
    return re.sub(r"([^\w\s])", r"\\\1", value)


def _order(fields: Mapping[str, Field], sort_by: str | None, sort_order: str | None) -> list[Any]:
    if sort_order not in {None, "ASC", "DESC"}:
        raise FieldRefused("sortOrder", "must be ASC or DESC")
    if not sort_by:
        direction = sort_order or "DESC"
        column = "created_at"
    elif sort_by in fields:
        direction, column = sort_order or "ASC", fields[sort_by].column
    else:
        raise FieldRefused("sortBy", f"must be one of {', '.join(sorted(fields))}")
    if direction == "ASC":
        return [F(column).asc(nulls_last=True), "id"]
    return [F(column).desc(nulls_last=True), "-id"]


def run(
    rows: QuerySet, fields: Mapping[str, Field], query: Mapping[str, str]
) -> tuple[list[Any], str | None]:
    """Return the page asked for, and the next ``fromDocument`` as the token (B5.7).

    No token leads deeper than what may be asked for: whoever wants more narrows the search.
    """
    operator = query.get("operator") or "AND"
    if operator not in {"AND", "OR"}:
        raise FieldRefused("operator", "must be AND or OR")
    size = page_size(query.get("pageSize"), LARGEST_PAGE, DEFAULT_PAGE)
    first = _from_document(query.get("fromDocument"))
    found = rows.filter(condition(query.get("searchQuery") or "", operator, fields))
    ordered = found.order_by(*_order(fields, query.get("sortBy"), query.get("sortOrder")))
    page = list(ordered[first : first + size + 1])
    following = first + size
    has_more = len(page) > size and following <= DEEPEST
    return page[:size], str(following) if has_more else None


def _from_document(text: str | None) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text) <= DEEPEST):
        raise FieldRefused("fromDocument", f"must be an integer from 0 to {DEEPEST}")
    return int(text)
