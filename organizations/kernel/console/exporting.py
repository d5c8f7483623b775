"""The whole list as CSV: its columns, its filters, its order."""

import csv
import html
import io
import itertools
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.contrib.admin.utils import label_for_field, lookup_field
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.html import strip_tags
from django.utils.safestring import SafeData
from django.utils.text import capfirst

from organizations.kernel.console.fields import plain_text

BATCH = 500
BOM = "\ufeff"  # without it spreadsheets read UTF-8 as something else
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def response(admin: Any, request: HttpRequest) -> StreamingHttpResponse:
    """Stream the list; its columns are those one sees, unless the page has others for it."""
    changelist = admin.get_changelist_instance(request)
    return of_rows(admin, request, changelist.get_queryset(request), changelist.list_display)


def of_rows(
    admin: Any, request: HttpRequest, queryset: Any, shown: Sequence[str] = ()
) -> StreamingHttpResponse:
    """Stream all rows; a text that looks like a formula gets an apostrophe."""
    columns = [name for name in admin.csv_display or shown if name != "action_checkbox"]
    name = str(admin.opts.verbose_name_plural).replace(" ", "-")
    return StreamingHttpResponse(
        _lines(admin, request, columns, queryset),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _lines(admin: Any, request: HttpRequest, columns: list[Any], rows: Any) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    titles = [capfirst(str(label_for_field(name, admin.model, admin))) for name in columns]
    writer.writerow(["id", *titles])
    yield BOM + _take(buffer)
    for batch in _batches(rows.iterator(chunk_size=BATCH)):
        admin.complete(request, batch)
        for row in batch:
            writer.writerow([str(row.pk), *(_cell(admin, row, name) for name in columns)])
        yield _take(buffer)


def _batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(itertools.islice(rows, BATCH)):
        yield batch


def _cell(admin: Any, row: Any, name: Any) -> str:
    _field, _attribute, value = lookup_field(name, row, admin)
    if isinstance(value, (list, tuple)):  # unfold's two-line headers: [title, subtitle]
        value = value[0]
    if isinstance(value, Decimal):
        return plain_text(value)
    text = "" if value is None else _text(value)
    is_number = text.lstrip("-").replace(".", "", 1).isdigit()
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not is_number else text


def _text(value: Any) -> str:
    """Return what a person reads: of a piece of a page its text, any other text as it is."""
    return html.unescape(strip_tags(value)).strip() if isinstance(value, SafeData) else str(value)


def _take(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
