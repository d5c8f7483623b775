"""The API's words for fields, kinds and values, said as the console says them.

Refusals and alerts are written for programs as well: they call a field ``startDate`` and a kind of
prices ``DEBIT``. Only what the API itself calls that way is reworded; what stands in quotation
marks, and what a customer named, is left as it is.
"""

import re
from functools import cache
from typing import Any

from organizations.kernel import registry

CAMEL = re.compile(r"\b[a-z]+(?:[A-Z][a-z0-9]*)+\b")
CAPITALS = re.compile(r"\b[A-Z]{2,}(?:_[A-Z0-9]+)*\b")
QUOTED = re.compile(r"(“[^”]*”|‘[^’]*’|\"[^\"]*\"|'[^']*'(?!\w))")
INDEX = re.compile(r"(?<=\w)\[(\d+)\]\.?")
# Fields of requests that are no columns.
MORE = {
    "accountIds", "accountPlan", "billDate", "billIds", "billJob", "billingFrequency",
    "currencyConversions", "externalInvoiceDateEnd", "externalInvoiceDateStart", "fixedPrice",
    "integrationCredentialsId", "lastDateInBillingPeriod", "lowerLimit", "meterIds",
    "pricingBands", "scheduleType", "targetCurrency", "unitPrice",
}  # fmt: skip
# Values inside of JSON, which no column's choices tell.
MORE_VALUES = {
    "EXCLUDE": "exclude", "INCLUDE": "include", "OTHER": "other", "PREPAYMENT": "prepayments",
    "WHAT": "what", "WHERE": "where", "WHO": "who",
}  # fmt: skip
# Values that are names of things everybody calls that way; they stay.
NAMES = {"API", "AWS", "CSV", "GCS", "HTTP", "ISO", "JSON", "JSONL", "PDF", "S3", "URL", "UTC"}


def in_words(text: str) -> str:
    """Return a sentence of the domain in the words of the console."""
    pieces = QUOTED.split(text)
    return "".join(
        piece if position % 2 else _reworded(piece) for position, piece in enumerate(pieces)
    )


def words(name: str) -> str:
    """Return ``billDate`` as "bill date", ``planId`` as "plan"."""
    spaced = re.sub(r"(?<!^)([A-Z])", r" \1", name).lower()
    return re.sub(r" ids$", "s", spaced.removesuffix(" id"))


def kind(resource: str) -> str:
    """Return what the console calls a kind policies name: ``config:orgUser`` is "user"."""
    return _kinds().get(resource) or words(resource.rpartition(":")[2])


def deed(action: str) -> str:
    """Return what was asked for, in words: ``config:retrieve`` is "retrieve"."""
    return words(action.rpartition(":")[2])


@cache
def _kinds() -> dict[str, str]:
    """Return the kinds; of several models that share a name the one registered first tells it."""
    found: dict[str, str] = {}
    for one in registry.resources():
        found.setdefault(one.name, str(one.model._meta.verbose_name))
    return found


def _reworded(text: str) -> str:
    text = INDEX.sub(lambda found: f" row {int(found[1]) + 1}, ", text).replace(", :", ":")
    return CAPITALS.sub(_known_value, CAMEL.sub(_known_name, text))


def _known_name(found: re.Match[str]) -> str:
    name = found.group()
    return words(name) if name in wire_names() else name


def _known_value(found: re.Match[str]) -> str:
    return wire_values().get(found.group(), found.group())


@cache
def wire_names() -> frozenset[str]:
    """Return what the API calls fields and kinds."""
    columns = {column.attname.removeprefix("is_") for column in _columns()}
    names = {column.name.removeprefix("is_") for column in _columns()}
    kinds = {resource.type for resource in registry.resources()}
    return frozenset({_camel(column) for column in columns | names} | kinds | MORE)


@cache
def wire_values() -> dict[str, str]:
    """Return the values of the API's enumerations, each with what the console calls it."""
    found = dict(MORE_VALUES)
    for column in _columns():
        for value, label in column.flatchoices:
            if isinstance(value, str) and CAPITALS.fullmatch(value) and value not in NAMES:
                found.setdefault(value, str(label)[:1].lower() + str(label)[1:])
    return found


def _columns() -> list[Any]:
    return [
        column
        for resource in registry.resources()
        for column in resource.model._meta.concrete_fields
    ]


def _camel(column: str) -> str:
    head, *tail = column.split("_")
    return head + "".join(word.capitalize() for word in tail)
