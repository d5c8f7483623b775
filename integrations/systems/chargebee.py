"""Chargebee: an invoice of one-off charges, or charges that wait on a subscription (A9).

An invoice of Chargebee cannot be changed: where a bill's content changed, the invoice is voided and
another one made. It is found by the stored mapping, else among those of the customer by our bill's
id, which stands in its notes. Charges are not negative: credits are discounts of the invoice. What
waits on a subscription is in ``chargebee_charges``.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from integrations.systems import chargebee_charges, known
from integrations.systems.base import (
    AlreadyPaid,
    Answer,
    Client,
    Job,
    Mapped,
    Option,
    Record,
    Refused,
    Sent,
    System,
    TryAgain,
    failure,
)
from integrations.systems.invoices import Invoice, Line, minor_units
from integrations.systems.known import Known
from organizations.kernel import exact_json, iso4217

API = "/api/v2"
PAGE = 100
LONGEST_TEXT, LONGEST_NOTE, LONGEST_ORDER = 250, 2000, 100
SITE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
INVOICE, SUBSCRIPTION = "INVOICE", "SUBSCRIPTION"
OPTIONS = (
    Option("sendAs", "Sent as", "choice", default=INVOICE,
           choices=((INVOICE, "An invoice of its own"),
                    (SUBSCRIPTION, "Charges on the next invoice of the subscription")),
           help="The second needs a mapping of the account to its Subscription."),
    Option("autoCollection", "Collect the payment at once", "flag", default=False),
    Option("daysUntilDue", "Days until due", "number", default=30, smallest=0, largest=180,
           help="Where the bill has no due date."),
)  # fmt: skip


class Chargebee(System):
    """Chargebee's API, version 2."""

    about: ClassVar[Known] = known.named("CHARGEBEE")
    base_url = "https://{site}.chargebee.com"
    options = OPTIONS
    # Chargebee tells no limit; this keeps requests and answers small enough to be quick.
    most_lines = 100

    def places(self, currency: str) -> int:
        """Return the decimals of the currency's minor unit: amounts are whole numbers of it."""
        return iso4217.decimals(currency.upper())

    def base(self, secrets: Mapping[str, str]) -> str:
        """Return the address of the site, which is one label of a host and nothing else."""
        site = secrets.get("site", "")
        if not SITE.fullmatch(site):
            raise Refused("The site of the credential must be a name as in NAME.chargebee.com.")
        return self.base_url.format(site=site.lower())

    def headers(self, secrets: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, str]:
        """Return the key as the name of HTTP basic; its password is empty."""
        token = base64.b64encode(f"{secrets.get('apiKey', '')}:".encode()).decode()
        return {"Authorization": f"Basic {token}"}

    def classify(self, answer: Answer) -> Exception:
        """Return what to raise; two writers of one record wait for each other."""
        body = answer.body if isinstance(answer.body, Mapping) else {}
        said = str(body.get("message") or "")[:500]
        if body.get("api_error_code") in {"lock_timeout_exceeded", "resource_locked"}:
            return TryAgain(f"Chargebee is changing the record: {said}")
        return failure(self.about.name, answer, said)

    def validate(self, job: Job) -> None:
        """Refuse what Chargebee would refuse; credits and debits need a service period."""
        invoice, found = job.bill, []
        if len(invoice.currency) != 3:
            found.append(f"Chargebee knows no currency {invoice.currency}.")
        if invoice.total < 0:
            found.append(f"Chargebee takes no invoice with a total below zero ({invoice.total:f}).")
        for line in invoice.lines:
            if line.starts_at is None or line.ends_at is None or line.ends_at < line.starts_at:
                found.append(f"{line.description}: the service period has no start and end.")
        if len(invoice.purchase_order or "") > LONGEST_ORDER:
            found.append(f"The purchase order has more than {LONGEST_ORDER} characters.")
        if _is_on_subscription(job):
            found += chargebee_charges.faults(invoice)
        if found:
            raise Refused(" ".join(found[:20]))

    def send(self, job: Job) -> Sent:
        """Bring the bill there, in the way the settings say."""
        invoice = job.bill
        customer = job.mappings.one("Account", invoice.account.identity, "Customer")
        if _is_on_subscription(job):
            return chargebee_charges.send(job, self)
        products = {
            line.product_id: job.mappings.find("Product", line.product_id, "ItemPrice")
            for line in invoice.lines
            if line.product_id
        }
        form = _form(job, invoice, customer, products)
        found = self._stored(job, invoice) or self._remembered(job, invoice, customer)
        if found is not None:
            if _mark(form) in _notes(found):
                job.client.note("All of it had arrived already.")
                return self._sent(job, found, invoice)
            self._voided(job, found)
        if not invoice.lines:
            job.client.note("Every line is of nothing; nothing is sent.")
            return Sent()
        path = f"{API}/invoices/create_for_charge_items_and_charges"
        made = self.post(job, path, "invoice", form)["invoice"]
        self._compare(invoice, made)
        return self._sent(job, made, invoice)

    def records(self, client: Client, table: str) -> list[Record]:
        """Return customers, subscriptions, prices of items or invoices."""
        tables = {
            "Customer": ("customers", "customer", ("company", "email")),
            "Subscription": ("subscriptions", "subscription", ("customer_id",)),
            "ItemPrice": ("item_prices", "item_price", ("name",)),
            "Invoice": ("invoices", "invoice", ("customer_id",)),
        }
        if table not in tables:
            return []
        noun, inner, names = tables[table]
        answer = client.call("GET", f"{API}/{noun}", query={"limit": PAGE}, retried=False)
        if not answer.is_success:
            return []
        rows = [row[inner] for row in answer.body["list"]]
        return [
            Record(row["id"], str(next((row[name] for name in names if row.get(name)), "")))
            for row in rows
        ]

    def try_out(self, client: Client) -> str:
        """Ask for one customer: Chargebee tells nobody's name."""
        self.must(client.call("GET", f"{API}/customers", query={"limit": 1}))
        return "The key is accepted"

    # Finding the invoice -----------------------------------------------------------------------

    def _stored(self, job: Job, invoice: Invoice) -> dict[str, Any] | None:
        identity = job.mappings.find("Bill", invoice.bill_id, "Invoice")
        if identity is None:
            return None
        answer = job.client.call("GET", f"{API}/invoices/{identity}")
        row = None if answer.status == 404 else self.must(answer)["invoice"]
        if row is None or row["status"] == "voided" or row.get("deleted"):
            job.client.note(f"Invoice {identity} is gone in Chargebee; another one is made.")
            return None
        return dict(row)

    def _remembered(self, job: Job, invoice: Invoice, customer: str) -> dict[str, Any] | None:
        """Return what an earlier run made whose end we never saw."""
        since = (invoice.created_at or datetime.now(UTC)) - timedelta(days=1)
        query = {
            "customer_id[is]": customer,
            "updated_at[after]": int(since.timestamp()),
            "limit": PAGE,
        }
        for row in self.listed(job.client, f"{API}/invoices", "invoice", query):
            if row["status"] != "voided" and f"bill {invoice.bill_id}" in _notes(row):
                return row
        return None

    def _voided(self, job: Job, there: Mapping[str, Any]) -> None:
        used = ("amount_paid", "amount_adjusted", "credits_applied")
        if any(there.get(name) for name in used) or there["status"] == "paid":
            raise AlreadyPaid(
                f"Invoice {there['id']} is {str(there['status']).replace('_', ' ')} in Chargebee, "
                "with a payment or a credit on it, and cannot be replaced."
            )
        form = [("comment", "The bill was calculated again.")]
        self.post(job, f"{API}/invoices/{there['id']}/void", f"void:{there['id']}", form)
        job.client.note(f"Invoice {there['id']} was voided: it cannot be changed in Chargebee.")

    def _compare(self, invoice: Invoice, there: Mapping[str, Any]) -> None:
        """Refuse a sum that is not the bill's; tax that Chargebee adds is not part of it."""
        discounts = sum(int(one["amount"]) for one in there.get("discounts") or [])
        total = minor_units(invoice.total, invoice.places)
        if int(there["sub_total"]) - discounts != total:
            raise Refused(
                f"Invoice {there['id']} adds up to {int(there['sub_total']) - discounts} in "
                f"Chargebee, the bill to {total}."
            )

    def _sent(self, job: Job, there: Mapping[str, Any], invoice: Invoice) -> Sent:
        return Sent(
            external_id=there["id"],
            url=self.link(job, f"invoices/{there['id']}"),
            mappings=(Mapped("Bill", invoice.bill_id, "Invoice", there["id"]),),
        )

    # Calls -------------------------------------------------------------------------------------

    def link(self, job: Job, path: str) -> str:
        """Return where a person finds a record."""
        return f"{job.client.address}/d/{path}"

    def post(self, job: Job, path: str, step: str, form: list[tuple[str, str]]) -> dict[str, Any]:
        """Write once, whatever happens; what is sent is part of the key."""
        body = hashlib.sha256(exact_json.dumps(form)).hexdigest()[:12]
        key = f"bill:{job.bill.bill_id}:{job.bill.version}:{step}:{job.attempt_key}:{body}"
        headers = {"chargebee-idempotency-key": key}
        return self.must(job.client.call("POST", path, form=form, headers=headers))

    def listed(
        self, client: Client, path: str, inner: str, query: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        """Read every row of a list, page by page."""
        after: dict[str, str] = {}
        while True:
            page = self.must(client.call("GET", path, query={**query, **after}))
            yield from (row[inner] for row in page["list"])
            if not page.get("next_offset"):
                return
            after = {"offset": page["next_offset"]}

    def must(self, answer: Answer) -> dict[str, Any]:
        """Return the body of a success; raises what another answer means."""
        if not answer.is_success or not isinstance(answer.body, dict):
            raise self.classify(answer)
        return answer.body


def _is_on_subscription(job: Job) -> bool:
    return job.settings.get("sendAs") == SUBSCRIPTION


def _form(
    job: Job, invoice: Invoice, customer: str, products: Mapping[str, str | None]
) -> list[tuple[str, str]]:
    """Return the invoice, with a mark of its content as the last word of its note."""
    form = [
        ("customer_id", customer),
        ("currency_code", invoice.currency.upper()),
        ("auto_collection", "on" if job.settings.get("autoCollection") else "off"),
        ("invoice_date", str(_instant(invoice.invoice_date))),
        ("net_term_days", str(_days(job, invoice))),
    ]
    if invoice.purchase_order:
        form.append(("po_number", invoice.purchase_order))
    charges = [line for line in invoice.lines if line.amount >= 0]
    plain = [line for line in charges if not products.get(line.product_id or "")]
    for place, line in enumerate(plain):
        form += chargebee_charges.charge(line, invoice.places, place)
    priced = [line for line in charges if products.get(line.product_id or "")]
    for place, line in enumerate(priced):
        form += _priced(line, invoice.places, place, str(products[line.product_id or ""]))
    credit = [line for line in invoice.lines if line.amount < 0]
    if credit:
        amount = -sum((line.amount for line in credit), Decimal(0))
        form += [
            ("discounts[apply_on][0]", "invoice_amount"),
            ("discounts[amount][0]", str(minor_units(amount, invoice.places))),
        ]
    digest = hashlib.sha256(exact_json.dumps(form)).hexdigest()[:16]
    return [*form, ("invoice_note", _note(invoice, credit, digest))]


def _note(invoice: Invoice, credit: list[Line], digest: str) -> str:
    """Return the note: the references, what was credited, our bill's id and the mark."""
    number = invoice.external_reference or invoice.number
    parts = [f"Reference {number}."] if number else []
    parts += [f"{line.description}: {line.amount:f}." for line in credit]
    mark = f"bill {invoice.bill_id} {digest}"
    return f"{' '.join(parts)[: LONGEST_NOTE - len(mark) - 1]} {mark}".strip()


def _mark(form: list[tuple[str, str]]) -> str:
    return " ".join(form[-1][1].split(" ")[-3:])


def _notes(there: Mapping[str, Any]) -> str:
    return "\n".join(str(one.get("note") or "") for one in there.get("notes") or [])


def _priced(line: Line, places: int, place: int, price: str) -> list[tuple[str, str]]:
    return [
        (f"item_prices[item_price_id][{place}]", price),
        (f"item_prices[quantity][{place}]", "1"),
        (f"item_prices[unit_price][{place}]", str(minor_units(line.amount, places))),
        (f"item_prices[date_from][{place}]", str(int(line.starts_at.timestamp()))),
        (f"item_prices[date_to][{place}]", str(int(line.ends_at.timestamp()))),
    ]


def _days(job: Job, invoice: Invoice) -> int:
    if invoice.due_date is not None:
        return max(0, (invoice.due_date - invoice.invoice_date).days)
    days = job.settings.get("daysUntilDue")
    return 30 if days is None else int(days)


def _instant(day: Any) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())
