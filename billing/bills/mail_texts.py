"""What the e-mail with a bill says: the organization's own words, else ours in its language."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from billing.bills import documents
from billing.bills.document import content, locales
from billing.models import Bill
from organizations.kernel.errors import FieldRefused
from organizations.models import Organization

NAMES: Final = (
    "account", "reference", "period", "total", "due_date", "organization",
)  # fmt: skip
_NAMED: Final = re.compile(r"\{([^{}]*)\}")
_OURS: Final = {
    "en": (
        "{organization}: invoice {reference}",
        "Dear {account},\n\nplease find attached invoice {reference} for {period}: {total}.\n\n"
        "{organization}\n",
    ),
    "de": (
        "{organization}: Rechnung {reference}",
        "Guten Tag {account},\n\nanbei erhalten Sie die Rechnung {reference} für {period}: {total}."
        "\n\n{organization}\n",
    ),
    "fr": (
        "{organization} : facture {reference}",
        "Bonjour {account},\n\nveuillez trouver ci-joint la facture {reference} pour {period} : "
        "{total}.\n\n{organization}\n",
    ),
    "es": (
        "{organization}: factura {reference}",
        "Hola, {account}:\n\nadjuntamos la factura {reference} del período {period}: {total}.\n\n"
        "{organization}\n",
    ),
}


def check(field: str, template: str) -> None:
    """Refuse a template that names what there is not."""
    unknown = [name for name in _NAMED.findall(template) if name not in NAMES]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in NAMES)
        raise FieldRefused(field, f"there is no {{{unknown[0]}}}; there are {known}.")


def written(bill: Bill, organization: Organization) -> tuple[str, str]:
    """Return subject and text for a bill, in the language of its document."""
    language = bill.account.document_language or organization.document_language
    return filled(bill, organization, locales.find(language))


def filled(bill: Bill, organization: Organization, locale: locales.Locale) -> tuple[str, str]:
    """Return subject and text with the bill's facts in place of the names in braces."""
    ours = _OURS.get(locale.language, _OURS["en"])
    places = documents.places_of(bill).get(bill.currency, 2)
    facts = {
        "account": bill.account_name,
        "reference": content.reference_of(bill),
        "period": locale.days(bill.start_date, bill.end_date - timedelta(days=1)),
        "total": locale.money(bill.total, bill.currency, places),
        "due_date": locale.day(bill.due_date) if bill.due_date else "",
        "organization": organization.name,
    }
    subject = _fill(organization.bill_email_subject or ours[0], facts)
    text = _fill(organization.bill_email_text or ours[1], facts)
    return " ".join(subject.split()), text


def _fill(template: str, facts: dict[str, str]) -> str:
    return _NAMED.sub(lambda name: facts.get(name.group(1), name.group()), template)
