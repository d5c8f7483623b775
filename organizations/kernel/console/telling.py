"""What the console tells people of deeds and refusals, in the words of its pages.

Refusals are made for programs as well: they name fields as the API writes them (``startDate``).
"""

import re
from functools import cache
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.html import format_html

from organizations.kernel import registry
from organizations.kernel.console import linking
from organizations.kernel.errors import DomainError

WIRE_NAME = re.compile(r"\b[a-z]+(?:[A-Z][a-z]+)+\b")
HEAD = re.compile(r"^([A-Za-z]\w*)(?=[.\[:])")
# Fields of requests that are no columns.
MORE = {
    "accountIds", "accountPlan", "billDate", "billIds", "billJob", "billingFrequency",
    "currencyConversions", "fixedPrice", "lastDateInBillingPeriod", "lowerLimit",
    "pricingBands", "targetCurrency", "unitPrice",
}  # fmt: skip


def refused(request: HttpRequest, refusal: DomainError, about: str = "") -> None:
    """Say why something was not done, and to what."""
    words = words_of(refusal)
    messages.error(request, f"{about}: {words}" if about else words)


def words_of(refusal: DomainError) -> str:
    """Return the refusal as a sentence whose fields are called as on a page."""
    head = HEAD.match(refusal.message)
    is_field = head is not None and any(
        error.field.startswith(head.group(1)) for error in refusal.errors
    )
    text = refusal.message
    if head is not None and is_field:
        text = _words(head.group(1)).capitalize() + text[head.end() :]
    return WIRE_NAME.sub(_known_in_words, text)


def done(request: HttpRequest, page: Any, row: Any, deed: str) -> str:
    """Return that a row was added or changed, under the title of its page and with a link."""
    return format_html(
        "{} was {} successfully.",
        _named(page, linking.link(request, row, page.title_of(row))),
        deed,
    )


def deleted(page: Any, row: Any) -> str:
    """Return that a row was deleted, under the title its page had."""
    return format_html("{} was deleted.", _named(page, page.title_of(row)))


def _named(page: Any, title: str) -> str:
    if page.is_single:
        return format_html("“{}”", title)
    return format_html("{} “{}”", str(page.opts.verbose_name).capitalize(), title)


def _known_in_words(found: re.Match[str]) -> str:
    name = found.group()
    return _words(name) if name in _wire_names() else name


def _words(name: str) -> str:
    return re.sub(r"([A-Z])", r" \1", name).lower().removesuffix(" id")


@cache
def _wire_names() -> frozenset[str]:
    """Return what the API calls fields and kinds; a name of somebody's is left alone."""
    columns = {
        field.attname.removeprefix("is_")
        for resource in registry.resources()
        for field in resource.model._meta.concrete_fields
    }
    kinds = {resource.type for resource in registry.resources()}
    return frozenset({_camel(column) for column in columns} | kinds | MORE)


def _camel(column: str) -> str:
    head, *tail = column.split("_")
    return head + "".join(word.capitalize() for word in tail)
