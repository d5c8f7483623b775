"""Stripe, and its test mode: a draft invoice with an item for each line (A9).

The draft is brought into the state the bill asks for: items are found by their key, changed, made
or taken away. Doing that twice does nothing twice, so a run that died half way is simply repeated.
The invoice is found by the stored mapping, else among the customer's invoices by our id in its
metadata; its version is written there last and says that all of it arrived.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, ClassVar

from integrations.systems import field_mapping, known
from integrations.systems.base import (
    AlreadyPaid,
    Answer,
    Client,
    Job,
    Mapped,
    NotAuthorized,
    OAuth,
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

VERSION = "2024-06-20"
PAGE = 100
# https://docs.stripe.com/currencies: amounts without decimals, and those with three.
NO_DECIMALS = frozenset({
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF",
    "XOF", "XPF",
})  # fmt: skip
THREE_DECIMALS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
BILL, BILL_VERSION, LINE = "billwright_bill", "billwright_version", "billwright_line"
AUTOMATIC, MANUAL = "charge_automatically", "send_invoice"
OPTIONS = (
    Option("collectionMethod", "Collection method", "choice", default=MANUAL,
           choices=((MANUAL, "Send an invoice"), (AUTOMATIC, "Charge automatically")),
           help="How Stripe asks for the money."),
    Option("daysUntilDue", "Days until due", "number", default=30, smallest=0, largest=3650,
           help="For invoices that are sent, where the bill has no due date."),
    Option("autoAdvance", "Finalize automatically", "flag", default=False,
           help="Stripe finalizes the draft about an hour later; it cannot be changed then."),
)  # fmt: skip
METADATA = re.compile(r"[^\[\]]{1,40}")


class Stripe(System):
    """Stripe in live mode."""

    about: ClassVar[Known] = known.named("STRIPE")
    base_url = "https://api.stripe.com"
    options = OPTIONS
    oauth = OAuth(
        authorize_url="https://connect.stripe.com/oauth/authorize",
        token_url="https://connect.stripe.com/oauth/token",
        scopes=("read_write",),
        kept=("stripe_user_id", "livemode"),
    )
    # "up to 250 items per invoice"
    most_lines = 250
    takes_fields = True

    def places(self, currency: str) -> int:
        """Return the decimals of Stripe's amounts."""
        if currency.upper() in NO_DECIMALS:
            return 0
        return 3 if currency.upper() in THREE_DECIMALS else 2

    def headers(self, secrets: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, str]:
        """Return the secret key, or the token of a connected account, as bearer."""
        token = secrets.get("accessToken") or secrets.get("apiKey") or ""
        return {"Authorization": f"Bearer {token}", "Stripe-Version": VERSION}

    def classify(self, answer: Answer) -> Exception:
        """Return what to raise; Stripe says what it means in ``error``."""
        error = answer.body.get("error") if isinstance(answer.body, Mapping) else None
        error = error if isinstance(error, Mapping) else {}
        said = str(error.get("message") or "")[:500]
        if answer.status == 409 or error.get("code") == "lock_timeout":
            return TryAgain(f"Stripe is busy with the same object: {said}")
        if answer.status == 403:
            return NotAuthorized(f"The key may not do this: {said}")
        return failure(self.about.name, answer, said)

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        """Refuse mapped fields that cannot be keys of Stripe's metadata."""
        for name in field_mapping.names(settings):
            if not METADATA.fullmatch(name) or name.startswith("billwright_"):
                raise ValueError(f"{field_mapping.KEY}: {name} cannot be a key of metadata")

    def validate(self, job: Job) -> None:
        """Refuse amounts Stripe cannot take."""
        invoice = job.bill
        if len(invoice.currency) != 3:
            raise Refused(f"Stripe knows no currency {invoice.currency}.")
        for line in invoice.lines:
            units = minor_units(line.amount, invoice.places)
            if invoice.places == 3 and units % 10:
                raise Refused(
                    f"{line.description}: Stripe takes {invoice.currency} with a last decimal of 0 "
                    f"only, not {line.amount:f}."
                )

    def send(self, job: Job) -> Sent:
        """Bring the bill there as a draft invoice."""
        invoice = job.bill
        customer = job.mappings.one("Account", invoice.account.identity, "Customer")
        products = {
            line.product_id: job.mappings.find("Product", line.product_id, "Product")
            for line in invoice.lines
            if line.product_id
        }
        found = self._stored(job, invoice) or self._remembered(job, invoice, customer)
        if found is not None and found["metadata"].get(BILL_VERSION) == str(invoice.version):
            job.client.note("All of it had arrived already.")
            return self._sent(found, invoice)
        if found is not None and found["status"] != "draft":
            raise AlreadyPaid(
                f"Invoice {found['id']} is {found['status']} in Stripe and cannot be changed."
            )
        if found is None:
            found = self._made(job, invoice, customer)
        else:
            self._updated(job, invoice, found)
        self._bring_items(job, invoice, customer, found["id"], products)
        done = self._finished(job, invoice, found["id"])
        return self._sent(done, invoice)

    def records(self, client: Client, table: str) -> list[Record]:
        """Return customers, products or invoices."""
        paths = {"Customer": "customers", "Product": "products", "Invoice": "invoices"}
        if table not in paths:
            return []
        answer = client.call("GET", f"/v1/{paths[table]}", query={"limit": PAGE}, retried=False)
        if not answer.is_success:
            return []
        return [
            Record(row["id"], str(row.get("name") or row.get("email") or row.get("number") or ""))
            for row in answer.body["data"]
        ]

    def try_out(self, client: Client) -> str:
        """Return the name of the account a credential is for."""
        body = self._must(client.call("GET", "/v1/account"))
        return str(body.get("business_profile", {}).get("name") or body["id"])

    # Finding the invoice -----------------------------------------------------------------------

    def _stored(self, job: Job, invoice: Invoice) -> dict[str, Any] | None:
        identity = job.mappings.find("Bill", invoice.bill_id, "Invoice")
        if identity is None:
            return None
        answer = job.client.call("GET", f"/v1/invoices/{identity}")
        if answer.status == 404 or (answer.is_success and answer.body.get("deleted")):
            job.client.note(f"Invoice {identity} is gone in Stripe; another one is made.")
            return None
        return self._must(answer)

    def _remembered(self, job: Job, invoice: Invoice, customer: str) -> dict[str, Any] | None:
        """Return what an earlier run made whose end we never saw."""
        since = (invoice.created_at or datetime.now(UTC)) - timedelta(days=1)
        query = {"customer": customer, "created[gte]": int(since.timestamp()), "limit": PAGE}
        for row in self._listed(job.client, "/v1/invoices", query):
            if row["metadata"].get(BILL) == invoice.bill_id and row["status"] != "void":
                return row
        return None

    # Writing it --------------------------------------------------------------------------------

    def _made(self, job: Job, invoice: Invoice, customer: str) -> dict[str, Any]:
        form = [
            ("customer", customer),
            ("currency", invoice.currency.lower()),
            ("pending_invoice_items_behavior", "exclude"),
            *_about(job, invoice),
        ]
        return self._post(job, invoice, "/v1/invoices", "invoice", form)

    def _updated(self, job: Job, invoice: Invoice, found: Mapping[str, Any]) -> None:
        if found["currency"] != invoice.currency.lower():
            raise Refused(f"Invoice {found['id']} is in {found['currency'].upper()} in Stripe.")
        form = _about(job, invoice)
        self._post(job, invoice, f"/v1/invoices/{found['id']}", "update", form)

    def _bring_items(
        self,
        job: Job,
        invoice: Invoice,
        customer: str,
        identity: str,
        products: Mapping[str, str | None],
    ) -> None:
        """Make the items of the invoice those of the bill."""
        query = {"invoice": identity, "limit": PAGE}
        there: dict[str, dict[str, Any]] = {}
        for item in self._listed(job.client, "/v1/invoiceitems", query):
            key = item["metadata"].get(LINE) or item["id"]
            if key in there:  # cannot be of our making
                key = item["id"]
            there[key] = item
        wanted = {line_key(line): line for line in invoice.lines}
        # First away, then new: there never are more than Stripe allows.
        for key, item in list(there.items()):
            if key not in wanted or _has_turned(item, wanted[key], products):
                self._removed(job, item["id"])
                del there[key]
        for key, line in wanted.items():
            product = products.get(line.product_id or "")
            form = _item(invoice, line, product)
            old = there.get(key)
            if old is None:
                form += [
                    ("customer", customer),
                    ("invoice", identity),
                    (f"metadata[{LINE}]", key),
                ]
                self._post(job, invoice, "/v1/invoiceitems", f"item:{key}", form)
            elif _differs(old, invoice, line):
                path = f"/v1/invoiceitems/{old['id']}"
                form = [(name, value) for name, value in form if name != "currency"]
                self._post(job, invoice, path, f"item:{key}:update", form)

    def _removed(self, job: Job, identity: str) -> None:
        answer = job.client.call("DELETE", f"/v1/invoiceitems/{identity}")
        if answer.status != 404:
            self._must(answer)

    def _finished(self, job: Job, invoice: Invoice, identity: str) -> dict[str, Any]:
        """Write the version last, after the sum was compared."""
        there = self._must(job.client.call("GET", f"/v1/invoices/{identity}"))
        total = minor_units(invoice.total, invoice.places)
        if there["subtotal"] != total:
            raise Refused(
                f"Invoice {identity} adds up to {there['subtotal']} in Stripe, the bill to {total}."
            )
        advance = bool(job.settings.get("autoAdvance", False))
        form = [
            (f"metadata[{BILL_VERSION}]", str(invoice.version)),
            ("auto_advance", "true" if advance else "false"),
        ]
        return self._post(job, invoice, f"/v1/invoices/{identity}", "finish", form)

    def _sent(self, there: Mapping[str, Any], invoice: Invoice) -> Sent:
        test = "test/" if self.about.is_test else ""
        return Sent(
            external_id=there["id"],
            url=f"https://dashboard.stripe.com/{test}invoices/{there['id']}",
            mappings=(Mapped("Bill", invoice.bill_id, "Invoice", there["id"]),),
        )

    # Calls -------------------------------------------------------------------------------------

    def _post(
        self, job: Job, invoice: Invoice, path: str, step: str, form: list[tuple[str, str]]
    ) -> dict[str, Any]:
        # What is sent is part of the key: Stripe refuses a key that comes with another body.
        body = hashlib.sha256(repr(sorted(form)).encode()).hexdigest()[:12]
        key = f"bill:{invoice.bill_id}:{invoice.version}:{step}:{job.attempt_key}:{body}"
        headers = {"Idempotency-Key": key}
        return self._must(job.client.call("POST", path, form=form, headers=headers))

    def _listed(
        self, client: Client, path: str, query: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        after: dict[str, str] = {}
        while True:
            page = self._must(client.call("GET", path, query={**query, **after}))
            yield from page["data"]
            if not page.get("has_more") or not page["data"]:
                return
            after = {"starting_after": page["data"][-1]["id"]}

    def _must(self, answer: Answer) -> dict[str, Any]:
        if not answer.is_success or not isinstance(answer.body, dict):
            raise self.classify(answer)
        return answer.body


class StripeTest(Stripe):
    """Stripe in test mode: a destination of its own, with credentials and mappings of its own."""

    about = known.named("STRIPE_TEST")


def line_key(line: Line) -> str:
    """Return a line's key as short as Stripe's metadata takes it, the same each time."""
    return hashlib.sha256(line.key.encode()).hexdigest()[:24]


def _about(job: Job, invoice: Invoice) -> list[tuple[str, str]]:
    """Return what is the same for a new invoice and one that is there."""
    method = str(job.settings.get("collectionMethod") or MANUAL)
    form = [
        ("collection_method", method),
        ("auto_advance", "false"),
        (f"metadata[{BILL}]", invoice.bill_id),
        (f"metadata[{BILL_VERSION}]", ""),
        ("metadata[billwright_account]", invoice.account.code),
        ("description", _description(invoice)),
    ]
    form += [
        (f"metadata[{name}]", field_mapping.text_of(value)[:500])
        for name, value in field_mapping.of_job(job).items()
    ]
    if method == MANUAL:
        form += _due(job, invoice)
    fields = [
        ("Reference", invoice.external_reference or invoice.number),
        ("Purchase order", invoice.purchase_order),
    ]
    named = [(name, text) for name, text in fields if text]
    for place, (name, text) in enumerate(named):
        form += [(f"custom_fields[{place}][name]", name),
                 (f"custom_fields[{place}][value]", text[:140])]  # fmt: skip
    return form


def _due(job: Job, invoice: Invoice) -> list[tuple[str, str]]:
    """Return when it is due: as the bill says where that is to come, else in some days."""
    if invoice.due_date is not None:
        due = datetime.combine(invoice.due_date, time(23, 59, 59), UTC)
        if due > datetime.now(UTC):
            return [("due_date", str(int(due.timestamp())))]
    days = job.settings.get("daysUntilDue")
    return [("days_until_due", str(30 if days is None else int(days)))]


def _description(invoice: Invoice) -> str:
    return f"{invoice.account.name}, {invoice.start_date} to {invoice.end_date}"[:500]


def _item(invoice: Invoice, line: Line, product: str | None) -> list[tuple[str, str]]:
    """Return what of an item may change. Prices of products cannot be negative in Stripe."""
    start, end = _period(line)
    amount, currency = str(minor_units(line.amount, invoice.places)), invoice.currency.lower()
    priced = [("amount", amount), ("currency", currency)]
    if product and line.amount >= 0:
        priced = [
            ("price_data[currency]", currency),
            ("price_data[product]", product),
            ("price_data[unit_amount]", amount),
            ("quantity", "1"),
        ]
    return [
        *priced,
        ("description", line.description[:500] or line.kinds[0]),
        ("period[start]", str(start)),
        ("period[end]", str(end)),
        ("discountable", "false"),
    ]


def _has_turned(item: Mapping[str, Any], line: Line, products: Mapping[str, str | None]) -> bool:
    """Say whether an item with a product changes its sign, which cannot be changed in place."""
    has_product = bool(products.get(line.product_id or ""))
    return has_product and (item["amount"] < 0) != (line.amount < 0)


def _period(line: Line) -> tuple[int, int]:
    return int(line.starts_at.timestamp()), int(line.ends_at.timestamp())


def _differs(item: Mapping[str, Any], invoice: Invoice, line: Line) -> bool:
    period = item.get("period") or {}
    is_as_wanted = (
        item["amount"] == minor_units(line.amount, invoice.places)
        and item.get("description") == (line.description[:500] or line.kinds[0])
        and (period.get("start"), period.get("end")) == _period(line)
    )
    return not is_as_wanted
