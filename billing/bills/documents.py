"""The bill as a PDF that one would send to a customer.

Names and addresses of the customer are those stored with the bill; the supplier's are today's.
The same bill gives the same bytes until it, its organization or a currency changes.
"""

import logging
import re
from datetime import UTC
from typing import cast

from django.db.models import QuerySet

from billing.bills.document import content, fonts, locales, logos
from billing.models import Bill, LineItem
from organizations.kernel import exact_json
from organizations.models import Currency, Organization

logger = logging.getLogger(__name__)

_UNSAFE_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


def pdf(
    bill: Bill, locale: str = "", *, among: QuerySet[LineItem] | None = None, is_copy: bool = False
) -> bytes:
    """Return the bill's document: draft-marked while the bill is pending.

    ``locale`` is a tag such as ``de``; the nearest that there is is taken, without one that of the
    account, else of the organization. ``among`` are the lines
    that the reader may read: where some are left out, the document says so. A copy is marked.
    """
    said = say(bill, locale, among=among, is_copy=is_copy)
    if absent := fonts.missing(said):
        logger.warning("No font has these characters of bill %s: %s", bill.pk, absent)
    return render(said, bill)


def missing_glyphs(bill: Bill, *, among: QuerySet[LineItem] | None = None) -> str:
    """Return the characters of the bill's document that are printed as boxes."""
    return fonts.missing(say(bill, among=among))


def say(
    bill: Bill,
    locale: str = "",
    *,
    among: QuerySet[LineItem] | None = None,
    is_copy: bool = False,
) -> content.Content:
    """Return what the bill's document says."""
    shown = bill.line_items.all() if among is None else among
    line_items = list(shown.order_by("sequence_number", "id"))
    organization = Organization.objects.select_related("logo_file").get(pk=bill.organization_id)
    return content.build(
        content.Material(
            bill=bill,
            is_copy=is_copy,
            line_items=line_items,
            is_complete=among is None or len(line_items) == bill.line_items.count(),
            supplier=organization,
            logo=logos.of_organization(organization),
            places=places_of(bill),
            locale=locales.find(
                locale or bill.account.document_language or organization.document_language
            ),
        )
    )


def render(said: content.Content, bill: Bill) -> bytes:
    """Lay out finished text; the creation date is when the bill was calculated."""
    written = fonts.compiler("bill.typ").compile(
        format="pdf",
        sys_inputs={"data": exact_json.dumps(said).decode()},
        # Typst refuses fractions of a second.
        timestamp=bill.latest_calculated_at.astimezone(UTC).replace(microsecond=0),
    )
    return cast(bytes, written)


def picture(said: content.Content) -> bytes:
    """Return the first page as a PNG, for a preview."""
    written = fonts.compiler("bill.typ").compile(
        format="png", ppi=80, sys_inputs={"data": exact_json.dumps(said).decode()}
    )
    return cast(bytes, written[0] if isinstance(written, list) else written)


def file_name(bill: Bill) -> str:
    """Return a name of plain letters, whatever the invoice number holds: ``INV-00a1.pdf``."""
    name = _UNSAFE_IN_NAMES.sub("-", content.reference_of(bill)).strip(".-")
    return f"{name or bill.pk}.pdf"


def places_of(bill: Bill) -> dict[str, int]:
    """Return the decimals of the organization's currencies by code."""
    rows = Currency.objects.for_organization(bill.organization_id)
    return dict(rows.values_list("code", "max_decimal_places"))
