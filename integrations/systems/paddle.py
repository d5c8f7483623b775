"""Paddle: a transaction that is collected by invoice, as a draft (A9).

Paddle has no keys of idempotency, no negative prices and no more than two decimals. So a bill with
a negative line is refused before any call, amounts are whole minor units by us, and a transaction
is looked for before one is made: by the stored mapping, else among those of the customer, by our
bill's id in its custom data. Making one and changing one are one write each, which may be repeated.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from integrations.systems import field_mapping, known
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
    failure,
)
from integrations.systems.invoices import Invoice, Line, minor_units
from integrations.systems.known import Known
from organizations.kernel import iso4217

# A transaction that somebody pays by invoice is in one of these.
CURRENCIES = ("USD", "EUR", "GBP")
BILL, VERSION = "billwright_bill", "billwright_bill_version"
PAGE = 30
LONGEST_NAME, LONGEST_PRODUCT, LONGEST_TEXT, LONGEST_ORDER = 150, 200, 500, 100
OPEN, GONE = frozenset({"draft", "ready"}), frozenset({"canceled"})
EXTERNAL, INTERNAL = "external", "internal"
OPTIONS = (
    Option("productId", "Product", "live",
           help="Where the product of a line has no price mapped; empty makes one of its name."),
    Option("taxCategory", "Tax category", default="standard",
           help="Of products that are made of their name."),
    Option("taxMode", "Tax", "choice", default=EXTERNAL,
           choices=((EXTERNAL, "Is added to the amounts"), (INTERNAL, "Is part of the amounts"))),
    Option("daysUntilDue", "Days until due", "number", default=30, smallest=0, largest=3650,
           help="Where the bill has no due date."),
    Option("enableCheckout", "Can be paid by card", "flag", default=False),
)  # fmt: skip


class Paddle(System):
    """Paddle Billing's transactions."""

    about: ClassVar[Known] = known.named("PADDLE")
    base_url = "https://api.paddle.com"
    dashboard = "https://vendors.paddle.com"
    options = OPTIONS
    takes_fields = True
    most_lines = 100

    def places(self, currency: str) -> int:
        """Return the decimals, two at most: Paddle rounds what has more, and not as we do."""
        return min(2, iso4217.decimals(currency.upper()))

    def headers(self, secrets: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, str]:
        """Return the key, and the version of the API that this was written for."""
        token = secrets.get("vendorAuthCode") or secrets.get("apiKey", "")
        return {"Authorization": f"Bearer {token}", "Paddle-Version": "1"}

    def classify(self, answer: Answer) -> Exception:
        """Return what to raise; Paddle names the fields that it refuses."""
        code, said = _said(answer)
        if code in {"transaction_immutable", "transaction_status_change"}:
            return AlreadyPaid(f"The transaction cannot be changed in Paddle: {said}")
        return failure(self.about.name, answer, said)

    def validate(self, job: Job) -> None:
        """Refuse negative lines and currencies nobody is invoiced in, all of it at once."""
        invoice, found = job.bill, []
        if invoice.currency.upper() not in CURRENCIES:
            found.append(
                f"Paddle makes no invoice in {invoice.currency}, but in {', '.join(CURRENCIES)}."
            )
        negative = [line for line in invoice.lines if line.amount < 0]
        if negative:
            named = ", ".join(f"{line.description} ({line.amount:f})" for line in negative[:5])
            more = f" and {len(negative) - 5} more" if len(negative) > 5 else ""
            found.append(f"Paddle takes no negative line: {named}{more}.")
        if len(invoice.purchase_order or "") > LONGEST_ORDER:
            found.append(f"The purchase order has more than {LONGEST_ORDER} characters.")
        if found:
            raise Refused(" ".join(found))

    def send(self, job: Job) -> Sent:
        """Bring the bill there as a transaction."""
        invoice = job.bill
        customer = job.mappings.one("Account", invoice.account.identity, "Customer")
        products = self._products(job, invoice)
        found = self._stored(job, invoice) or self._remembered(job, invoice, customer)
        if not invoice.lines:
            if found is None:
                job.client.note("Every line is of nothing; nothing is sent.")
                return Sent()
            raise Refused(
                "Nothing is left of the bill, and a transaction has a line at least: cancel "
                f"{found['id']} in Paddle."
            )
        wanted = _body(job, invoice, customer, products)
        if found is None:
            found = self._must(job.client.call("POST", "/transactions", json=wanted))
        elif found["status"] in OPEN:
            if found["currency_code"] != invoice.currency.upper():
                raise Refused(f"Transaction {found['id']} is in {found['currency_code']}.")
            path = f"/transactions/{found['id']}"
            found = self._must(job.client.call("PATCH", path, json=wanted))
        elif (found.get("custom_data") or {}).get(VERSION) == str(invoice.version):
            job.client.note("All of it had arrived already.")
        else:
            raise AlreadyPaid(
                f"Transaction {found['id']} is {found['status']} in Paddle and cannot be changed."
            )
        self._compare(job, invoice, found)
        return self._sent(found, invoice)

    def records(self, client: Client, table: str) -> list[Record]:
        """Return customers, prices, subscriptions or transactions."""
        tables = {
            "Customer": ("customers", ("name", "email")),
            "Price": ("prices", ("name", "description")),
            "Subscription": ("subscriptions", ("status",)),
            "Transaction": ("transactions", ("invoice_number", "status")),
        }
        if table not in tables:
            return []
        noun, names = tables[table]
        return self._records(client, noun, names)

    def option_values(self, client: Client, option: str) -> list[Record]:
        """Return the products."""
        return self._records(client, "products", ("name",)) if option == "productId" else []

    def try_out(self, client: Client) -> str:
        """Ask for one event type: Paddle tells nobody's name."""
        self._must(client.call("GET", "/event-types"), list)
        return "The key is accepted"

    def _records(self, client: Client, noun: str, names: tuple[str, ...]) -> list[Record]:
        answer = client.call("GET", f"/{noun}", query={"per_page": PAGE}, retried=False)
        if not answer.is_success:
            return []
        return [
            Record(row["id"], str(next((row[name] for name in names if row.get(name)), "")))
            for row in answer.body["data"]
        ]

    # Finding what is there ---------------------------------------------------------------------

    def _products(self, job: Job, invoice: Invoice) -> dict[str, str | None]:
        """Return Paddle's product for each of ours: that of the price which is mapped."""
        found: dict[str, str | None] = {}
        for line in invoice.lines:
            product = line.product_id or ""
            if product in found:
                continue
            price = job.mappings.find("Product", product, "Price") if product else None
            found[product] = str(job.settings.get("productId") or "") or None
            if price:
                row = self._must(job.client.call("GET", f"/prices/{price}"))
                found[product] = str(row["product_id"])
        return found

    def _stored(self, job: Job, invoice: Invoice) -> dict[str, Any] | None:
        identity = job.mappings.find("Bill", invoice.bill_id, "Transaction")
        if identity is None:
            return None
        answer = job.client.call("GET", f"/transactions/{identity}")
        row = None if answer.status == 404 else self._must(answer)
        if row is None or row["status"] in GONE:
            job.client.note(f"Transaction {identity} is gone in Paddle; another one is made.")
            return None
        return row

    def _remembered(self, job: Job, invoice: Invoice, customer: str) -> dict[str, Any] | None:
        """Return what an earlier run made whose end we never saw."""
        since = (invoice.created_at or datetime.now(UTC)) - timedelta(days=1)
        query = {
            "customer_id": customer,
            "created_at[GTE]": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "per_page": PAGE,
        }
        for row in self._listed(job.client, "/transactions", query):
            is_ours = (row.get("custom_data") or {}).get(BILL) == invoice.bill_id
            if is_ours and row["status"] not in GONE:
                return row
        return None

    def _listed(
        self, client: Client, path: str, query: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        after: dict[str, str] = {}
        while True:
            answer = client.call("GET", path, query={**query, **after})
            rows = self._must(answer, list)
            yield from rows
            if not answer.body["meta"]["pagination"]["has_more"] or not rows:
                return
            after = {"after": rows[-1]["id"]}

    # What came of it ---------------------------------------------------------------------------

    def _compare(self, job: Job, invoice: Invoice, there: Mapping[str, Any]) -> None:
        """Refuse a sum that is not the bill's; tax that Paddle adds is not part of it."""
        totals = there["details"]["totals"]
        added = int(totals["subtotal"]) - int(totals.get("discount") or 0)
        if job.settings.get("taxMode") == INTERNAL:
            added += int(totals["tax"])
        if added != minor_units(invoice.total, invoice.places):
            raise Refused(
                f"Transaction {there['id']} adds up to {added} in Paddle, the bill to "
                f"{minor_units(invoice.total, invoice.places)}."
            )

    def _sent(self, there: Mapping[str, Any], invoice: Invoice) -> Sent:
        return Sent(
            external_id=there["id"],
            url=f"{self.dashboard}/transactions-v2/{there['id']}",
            mappings=(Mapped("Bill", invoice.bill_id, "Transaction", there["id"]),),
        )

    def _must(self, answer: Answer, kind: type = dict) -> Any:
        body = answer.body if isinstance(answer.body, Mapping) else {}
        if not answer.is_success or not isinstance(body.get("data"), kind):
            raise self.classify(answer)
        return body["data"]


class PaddleSandbox(Paddle):
    """Paddle's sandbox: a destination of its own, with credentials and mappings of its own."""

    about = known.named("PADDLE_SANDBOX")
    base_url = "https://sandbox-api.paddle.com"
    dashboard = "https://sandbox-vendors.paddle.com"


def _body(
    job: Job, invoice: Invoice, customer: str, products: Mapping[str, str | None]
) -> dict[str, Any]:
    """Return the whole transaction; without an address it stays a draft."""
    details: dict[str, Any] = {
        "enable_checkout": bool(job.settings.get("enableCheckout", False)),
        "payment_terms": {"interval": "day", "frequency": _days(job, invoice)},
    }
    if invoice.purchase_order:
        details["purchase_order_number"] = invoice.purchase_order
    if number := invoice.external_reference or invoice.number:
        details["additional_information"] = f"Reference {number}"[:1500]
    return {
        "customer_id": customer,
        "currency_code": invoice.currency.upper(),
        "collection_mode": "manual",
        "billing_details": details,
        "billing_period": _period(invoice),
        "custom_data": {
            **field_mapping.of_job(job),
            BILL: invoice.bill_id,
            VERSION: str(invoice.version),
            "billwright_account": invoice.account.code,
        },
        "items": [
            _item(job, invoice, line, products.get(line.product_id or "")) for line in invoice.lines
        ],
    }


def _days(job: Job, invoice: Invoice) -> int:
    """Return the terms of payment in days: what the bill says, else the setting."""
    if invoice.due_date is not None:
        return max(0, (invoice.due_date - invoice.invoice_date).days)
    days = job.settings.get("daysUntilDue")
    return 30 if days is None else int(days)


def _period(invoice: Invoice) -> dict[str, str]:
    return {
        "starts_at": f"{invoice.start_date.isoformat()}T00:00:00Z",
        "ends_at": f"{invoice.end_date.isoformat()}T00:00:00Z",
    }


def _item(job: Job, invoice: Invoice, line: Line, product: str | None) -> dict[str, Any]:
    """Return a line as a price of its own, of which one is bought."""
    text = line.description or line.kinds[0]
    price: dict[str, Any] = {
        "name": text[:LONGEST_NAME],
        "description": text[:LONGEST_TEXT].ljust(2, "."),
        "tax_mode": str(job.settings.get("taxMode") or EXTERNAL),
        "unit_price": {
            "amount": str(minor_units(line.amount, invoice.places)),
            "currency_code": invoice.currency.upper(),
        },
        "quantity": {"minimum": 1, "maximum": 1},
    }
    if product:
        price["product_id"] = product
    else:
        price["product"] = {
            "name": (line.product_name or text)[:LONGEST_PRODUCT],
            "tax_category": str(job.settings.get("taxCategory") or "standard"),
        }
    return {"quantity": 1, "price": price}


def _said(answer: Answer) -> tuple[str, str]:
    """Return the code and the sentences of an error."""
    body = answer.body if isinstance(answer.body, Mapping) else {}
    error = body.get("error") if isinstance(body.get("error"), Mapping) else {}
    assert isinstance(error, Mapping)
    parts = [str(error.get("detail") or "")]
    parts += [f"{one.get('field')}: {one.get('message')}" for one in error.get("errors") or []]
    return str(error.get("code") or ""), " ".join(part for part in parts if part)[:500]
