"""Charges that wait on a subscription of Chargebee for its next invoice.

Each carries a mark of our bill and its content at the end of its description. What is there with
another mark of the bill is deleted, what is missing is made. Once Chargebee has put them on an
invoice nothing can be changed any more.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from integrations.systems.base import AlreadyPaid, Job, Mapped, Sent
from integrations.systems.invoices import Invoice, Line, minor_units

if TYPE_CHECKING:
    from integrations.systems.chargebee import Chargebee

API = "/api/v2"
LONGEST_TEXT = 250
PAGE = 100


def faults(invoice: Invoice) -> list[str]:
    """Return why a bill cannot wait on a subscription: charges are above zero."""
    return [
        f"{line.description} ({line.amount:f}): a charge on a subscription is not below zero; "
        "send the bill as an invoice of its own."
        for line in invoice.lines
        if line.amount < 0
    ]


def charge(line: Line, places: int, place: int, mark: str = "") -> list[tuple[str, str]]:
    """Return a line as a one-off charge of a form."""
    text = line.description or line.kinds[0]
    return [
        (f"charges[amount][{place}]", str(minor_units(line.amount, places))),
        (f"charges[description][{place}]", f"{text[: LONGEST_TEXT - len(mark)]}{mark}"),
        (f"charges[date_from][{place}]", str(int(line.starts_at.timestamp()))),
        (f"charges[date_to][{place}]", str(int(line.ends_at.timestamp()))),
    ]


def send(job: Job, system: Chargebee) -> Sent:
    """Make the charges of the subscription those of the bill."""
    invoice = job.bill
    subscription = job.mappings.one("Account", invoice.account.identity, "Subscription")
    bill = f"#{hashlib.sha256(invoice.bill_id.encode()).hexdigest()[:12]}"
    query = {"subscription_id[is]": subscription, "limit": PAGE}
    waiting = {
        row["description"].rpartition(" ")[2]: row
        for row in system.listed(job.client, f"{API}/unbilled_charges", "unbilled_charge", query)
        if f" {bill}." in str(row.get("description") or "")
    }
    wanted = {_mark(bill, line, invoice.places): line for line in invoice.lines if line.amount}
    if wanted.keys() != waiting.keys():
        taken = _taken_up(job, system, subscription, bill)
        if taken and taken | waiting.keys() == wanted.keys():
            job.client.note("All of it had arrived already.")
            return _sent(job, system, invoice, subscription)
        if taken:
            raise AlreadyPaid(
                f"An invoice of subscription {subscription} has taken up charges of the bill, and "
                "they cannot be changed."
            )
    for mark in waiting.keys() - wanted.keys():
        path = f"{API}/unbilled_charges/{waiting[mark]['id']}/delete"
        answer = job.client.call("POST", path, form=[])
        if answer.status != 404:
            system.must(answer)
    missing = [mark for mark in wanted if mark not in waiting]
    if missing:
        form = [("subscription_id", subscription)]
        for place, mark in enumerate(missing):
            form += charge(wanted[mark], invoice.places, place, f" {mark}")
        system.post(job, f"{API}/unbilled_charges", "charges", form)
    if not wanted and not waiting:
        job.client.note("Every line is of nothing; nothing is sent.")
        return Sent()
    return _sent(job, system, invoice, subscription)


def _sent(job: Job, system: Chargebee, invoice: Invoice, subscription: str) -> Sent:
    return Sent(
        external_id=subscription,
        url=system.link(job, f"subscriptions/{subscription}"),
        mappings=(Mapped("Bill", invoice.bill_id, "Subscription", subscription),),
    )


def _taken_up(job: Job, system: Chargebee, subscription: str, bill: str) -> set[str]:
    """Return the marks of the bill that are on invoices of the subscription."""
    query: dict[str, Any] = {"subscription_id[is]": subscription, "limit": PAGE}
    found = set()
    for row in system.listed(job.client, f"{API}/invoices", "invoice", query):
        for line in row.get("line_items") or []:
            text = str(line.get("description") or "")
            if row["status"] != "voided" and f" {bill}." in text:
                found.add(text.rpartition(" ")[2])
    return found


def _mark(bill: str, line: Line, places: int) -> str:
    """Return the last word of a description: the bill, the line and its content."""
    content = (line.key, line.description, minor_units(line.amount, places), line.starts_at,
               line.ends_at)  # fmt: skip
    return f"{bill}.{hashlib.sha256(repr(content).encode()).hexdigest()[:12]}"
