"""What the console tells people of deeds and refusals, in the words of its pages.

Refusals are made for programs as well: they name fields as the API writes them (``startDate``).
"""

import re
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.html import format_html

from organizations.kernel.console import linking, plain_words
from organizations.kernel.errors import DomainError

HEAD = re.compile(r"^([A-Za-z]\w*)(?=[.\[:])")


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
        text = plain_words.words(head.group(1)).capitalize() + text[head.end() :]
    return plain_words.in_words(text)


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
