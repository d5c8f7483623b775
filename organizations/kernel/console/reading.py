"""The page of a row one may only read: tables, lines and local times where a form has editors."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from organizations.kernel.console import choices, show
from organizations.kernel.console.addresses import LINES, AddressField
from organizations.kernel.console.fields import (
    CustomFieldsField,
    ExactJSONFormField,
    RowsField,
)

Shown = Callable[[Any], str]


def fieldsets(page: Any, request: HttpRequest, groups: Iterable[Any]) -> list[Any]:
    """Return the groups of a page with what is to be shown in place of names of fields."""
    return [
        (title, {**options, "fields": [_shown(page, request, name) for name in options["fields"]]})
        for title, options in groups
    ]


def _shown(page: Any, request: HttpRequest, name: Any) -> Any:
    """Return a function of the row, or the name where Django shows the field well enough."""
    try:
        column = page.model._meta.get_field(name)
    except FieldDoesNotExist:
        return page.read_only_as.get(name, name)
    shown = _way_of(page, request, column)
    if shown is None:
        return name

    def value(row: Any) -> str:
        return shown(getattr(row, name))

    value.__name__ = name
    value.short_description = column.verbose_name  # type: ignore[attr-defined]
    return value


def _way_of(page: Any, request: HttpRequest, column: Any) -> Shown | None:
    field = page.form.declared_fields.get(column.name)
    if column.name == "custom_fields":
        field = CustomFieldsField()
    if isinstance(column, models.DateTimeField):
        zone = choices.zone(request)
        return lambda at: (
            f"{show.instant(show.local_time(at, zone))} {zone}" if at else show.NOTHING
        )
    if isinstance(field, AddressField):
        return address
    if isinstance(field, RowsField):
        return lambda value: rows(field, value)
    return objects if isinstance(field, ExactJSONFormField) else None


def address(value: dict[str, str] | None) -> str:
    """Return the lines of an address."""
    known = value or {}
    return _lines([(label, known[key]) for key, label in LINES if known.get(key)])


def rows(field: RowsField, value: Any) -> str:
    """Return what a table edits as a table to read."""
    labels = [column.label for column in field.columns]
    return _table(labels, field.cells(value))


def objects(value: Any) -> str:
    """Return objects of texts: one in lines, a list of them as a table."""
    if isinstance(value, dict):
        return _lines(list(value.items()))
    keys = list(dict.fromkeys(key for each in value for key in each))
    return _table(keys, [[each.get(key, "") for key in keys] for each in value])


def _lines(pairs: Sequence[tuple[str, str]]) -> str:
    if not pairs:
        return show.NOTHING
    lines = format_html_join("", "<dt>{}</dt><dd>{}</dd>", pairs)
    return format_html('<dl class="bw-facts">{}</dl>', lines)


def _table(labels: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    if not lines:
        return show.NOTHING
    head = format_html_join("", '<th scope="col">{}</th>', ((label,) for label in labels))
    body = format_html_join(
        "",
        "<tr>{}</tr>",
        ((format_html_join("", "<td>{}</td>", ((cell,) for cell in line)),) for line in lines),
    )
    return format_html(
        '<div class="bw-rows"><table class="bw-table"><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>",
        head,
        body,
    )
