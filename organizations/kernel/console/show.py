"""How single values look on pages of the console."""

from datetime import datetime, tzinfo
from decimal import ROUND_DOWN, Decimal
from typing import Any

import msgspec
from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from organizations.kernel import exact_json
from organizations.kernel.console.fields import plain_text

NOTHING = "–"


def amount(number: Decimal | None, currency: str = "", *, places: int | None = None) -> str:
    """Return a number with thousands separators, exact unless ``places`` says how many."""
    if number is None:
        return NOTHING
    text = f"{number:.{places}f}" if places is not None else plain_text(number)
    whole, _, fraction = text.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    grouped = f"{sign}{int(digits or 0):,}" + (f".{fraction}" if fraction else "")
    return f"{grouped} {currency}".strip()


def money(number: Decimal | None, currency: str = "") -> str:
    """Return an amount with at least two decimals: 20.00, 0.125."""
    if number is None:
        return NOTHING
    fraction = plain_text(number).partition(".")[2]
    return amount(number, currency, places=max(2, len(fraction)))


def shortened(number: Decimal) -> str:
    """Return a number for a narrow column: six decimals at most, ``…`` where more were cut off."""
    cut = number.quantize(Decimal("0.000001"), rounding=ROUND_DOWN)
    return amount(number) if cut == number else f"{amount(cut, places=6)}…"


def right(text: str) -> str:
    """Return a table cell's text, aligned as numbers are."""
    return format_html('<span class="bw-amount">{}</span>', text)


def label(text: str, kind: str = "") -> str:
    """Return a coloured word; ``kind`` is good, bad, warn, busy or empty."""
    return format_html('<span class="bw-label bw-{}">{}</span>', kind or "plain", text)


def code(text: str | None) -> str:
    """Return a code in the font of codes."""
    return format_html('<span class="bw-code">{}</span>', text) if text else NOTHING


def link(row: models.Model | None, text: str = "") -> str:
    """Return a link to the page of a row, or its text when it has no page."""
    if row is None:
        return NOTHING
    shown = text or str(row)
    url = page_of(row)
    return format_html('<a class="bw-link" href="{}">{}</a>', url, shown) if url else shown


def linked(url: str, text: str) -> str:
    """Return a link around a text that is escaped already."""
    return format_html('<a class="bw-link" href="{}">{}</a>', url, text)


def address_of(model: type[models.Model], identity: Any) -> str:
    """Return the address of the page of the row with this id."""
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[identity])


def page_of(row: models.Model) -> str:
    """Return the address of the page of a row, empty when it has none."""
    try:
        return address(row)
    except NoReverseMatch:
        return ""


def address(row: models.Model) -> str:
    """Return the address of the page of a row."""
    return address_of(type(row), row.pk)


def list_address(model: type[models.Model], verb: str = "changelist") -> str:
    """Return the address of the list of a model, or of its form with verb ``add``."""
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{verb}")


def instant(at: datetime | None) -> str:
    """Return date and minute."""
    return f"{at:%Y-%m-%d %H:%M}" if at else NOTHING


def day(at: Any, zone: tzinfo | None = None) -> str:
    """Return the date, that of an instant in the zone if one is given."""
    shown = local_time(at, zone) if at and zone else at
    return f"{shown:%Y-%m-%d}" if shown else NOTHING


def zoned(at: datetime, zone: tzinfo) -> str:
    """Return date, minute and timezone."""
    return f"{instant(local_time(at, zone))} {zone}"


def local_time(instant: datetime, zone: tzinfo) -> datetime:
    """Return an instant as clocks in the zone show it, in UTC at the edges of the calendar."""
    try:
        return instant.astimezone(zone)
    except OverflowError:
        return instant


def json_block(value: Any) -> str:
    """Return JSON as people read it."""
    text = msgspec.json.format(exact_json.dumps(value), indent=2).decode()
    return format_html('<pre class="bw-json">{}</pre>', text)
