"""Xero: an accounts receivable invoice, draft or authorised (A9).

The whole invoice is one write, so it is there or it is not. It is made as a draft, its sum is
compared, and only then it is authorised where that is asked for. It is found by the stored
mapping, else by its ``Reference``, which is our bill's id; what is found is brought to the last
content, which may be done twice.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from integrations.systems import known
from integrations.systems.base import (
    AlreadyPaid,
    Answer,
    Client,
    Job,
    Mapped,
    NoMapping,
    OAuth,
    Option,
    PeriodClosed,
    Record,
    Refused,
    Sent,
    System,
    failure,
)
from integrations.systems.invoices import Invoice, Line
from integrations.systems.known import Known
from organizations.kernel import exact_json, iso4217

API = "/api.xro/2.0"
TENANT = "xero-tenant-id"
PAGE = 100
LONGEST_TEXT, LONGEST_NUMBER, LONGEST_CODE = 4000, 255, 10
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
DRAFT, SUBMITTED, AUTHORISED = "DRAFT", "SUBMITTED", "AUTHORISED"
GONE = frozenset({"DELETED", "VOIDED"})
EXCLUSIVE, INCLUSIVE, NO_TAX = "Exclusive", "Inclusive", "NoTax"
OPTIONS = (
    Option("tenantId", "Organisation", "live",
           help="Whose books: needed where the connection reaches more than one."),
    Option("invoiceStatus", "Status of the invoice", "choice", default=DRAFT,
           choices=((DRAFT, "Draft"), (AUTHORISED, "Approved")),
           help="Approved invoices are in the books at once."),
    Option("lineAmountTypes", "Amounts are", "choice", default=EXCLUSIVE,
           choices=((EXCLUSIVE, "Tax exclusive"), (INCLUSIVE, "Tax inclusive"),
                    (NO_TAX, "No tax"))),
    Option("accountCode", "Account code",
           help="Where the product of a line has no account of its own."),
    Option("taxType", "Tax type", help="Where the product of a line has no tax type of its own."),
    Option("daysUntilDue", "Days until due", "number", default=30, smallest=0, largest=3650,
           help="Where the bill has no due date."),
)  # fmt: skip


class Xero(System):
    """Xero's accounting API."""

    about: ClassVar[Known] = known.named("XERO")
    base_url = "https://api.xero.com"
    options = OPTIONS
    oauth = OAuth(
        authorize_url="https://login.xero.com/identity/connect/authorize",
        token_url="https://identity.xero.com/connect/token",
        scopes=(
            "offline_access",
            "accounting.transactions",
            "accounting.contacts.read",
            "accounting.settings.read",
        ),
        is_basic=True,
    )
    # Xero tells no limit; this keeps requests and answers small enough to be quick.
    most_lines = 500

    def places(self, currency: str) -> int:
        """Return the decimals: amounts of lines have two at most, whatever the currency."""
        return min(2, iso4217.decimals(currency.upper()))

    def headers(self, secrets: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, str]:
        """Return the token, and whose books it is about."""
        found = {"Authorization": f"Bearer {secrets.get('accessToken', '')}"}
        if settings.get("tenantId"):
            found[TENANT] = str(settings["tenantId"])
        return found

    def classify(self, answer: Answer) -> Exception:
        """Return what to raise; Xero says what it refuses in sentences."""
        said = _said(answer)
        if answer.status == 400 and "lock date" in said.lower():
            return PeriodClosed(f"The books are locked in Xero: {said}")
        if answer.status == 400 and "not of valid status" in said.lower():
            return AlreadyPaid(f"The invoice cannot be changed in Xero: {said}")
        return failure(self.about.name, answer, said)

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        """Refuse an organisation that is no id, and codes that Xero cannot have."""
        tenant = str(settings.get("tenantId") or "")
        if tenant and not _UUID.fullmatch(tenant):
            raise ValueError("tenantId must be the id of an organisation in Xero, a UUID")
        if len(str(settings.get("accountCode") or "")) > LONGEST_CODE:
            raise ValueError(f"accountCode must have at most {LONGEST_CODE} characters")

    def validate(self, job: Job) -> None:
        """Refuse what Xero's invoices cannot hold."""
        invoice = job.bill
        if len(invoice.currency) != 3:
            raise Refused(f"Xero knows no currency {invoice.currency}.")
        if invoice.total < 0:
            raise Refused(
                f"Xero takes no invoice with a total below zero ({invoice.total:f}); "
                "make a credit note there."
            )
        if len(_number(invoice) or "") > LONGEST_NUMBER:
            raise Refused(f"The invoice number has more than {LONGEST_NUMBER} characters.")

    def send(self, job: Job) -> Sent:
        """Bring the bill there as an invoice."""
        invoice = job.bill
        contact = job.mappings.one("Account", invoice.account.identity, "Contact")
        wanted = _body(job, invoice, contact)
        tenant = self._tenant(job.client, job.settings)
        found = self._stored(job, invoice, tenant) or self._remembered(job, invoice, tenant)
        if found is not None and found["Status"] not in {DRAFT, SUBMITTED} and _is(found, wanted):
            job.client.note("All of it had arrived already.")
            return _sent(found, invoice)
        if found is not None and not _is_open(found):
            raise AlreadyPaid(
                f"Invoice {found['InvoiceID']} is {str(found['Status']).lower()} in Xero, with "
                f"{found.get('AmountPaid', 0)} paid, and cannot be changed."
            )
        if found is None:
            if not invoice.lines:
                job.client.note("Every line is of nothing; nothing is sent.")
                return Sent()
            body = {**wanted, "Status": DRAFT}
            found = self._write(job, "PUT", f"{API}/Invoices", "invoice", body, tenant)
        else:
            body = {**wanted, "InvoiceID": found["InvoiceID"], "Status": found["Status"]}
            path = f"{API}/Invoices/{found['InvoiceID']}"
            found = self._write(job, "POST", path, "update", body, tenant)
        self._compare(invoice, found, wanted["LineAmountTypes"])
        if job.settings.get("invoiceStatus") == AUTHORISED and found["Status"] != AUTHORISED:
            body = {"InvoiceID": found["InvoiceID"], "Status": AUTHORISED}
            path = f"{API}/Invoices/{found['InvoiceID']}"
            found = self._write(job, "POST", path, "authorise", body, tenant)
        return _sent(found, invoice)

    def records(self, client: Client, table: str) -> list[Record]:
        """Return contacts, items or invoices."""
        known_tables = {
            "Contact": ("Contacts", "ContactID", "Name"),
            "LineItem": ("Items", "Code", "Name"),
            "Invoice": ("Invoices", "InvoiceID", "InvoiceNumber"),
        }
        if table not in known_tables:
            return []
        noun, identity, name = known_tables[table]
        query = {} if noun == "Items" else {"page": 1, "pageSize": PAGE, "summaryOnly": "true"}
        answer = client.call(
            "GET", f"{API}/{noun}", query=query, headers=self._tenant(client, {}), retried=False
        )
        if not answer.is_success:
            return []
        return [Record(row[identity], str(row.get(name) or "")) for row in answer.body[noun]]

    def option_values(self, client: Client, option: str) -> list[Record]:
        """Return the organisations a connection reaches."""
        if option != "tenantId":
            return []
        return [
            Record(row["tenantId"], str(row.get("tenantName") or ""))
            for row in self._connections(client)
        ]

    def try_out(self, client: Client) -> str:
        """Return the name of the organisation a credential is for."""
        answer = client.call("GET", f"{API}/Organisation", headers=self._tenant(client, {}))
        if not answer.is_success:
            raise self.classify(answer)
        return str(answer.body["Organisations"][0]["Name"])

    # Whose books -------------------------------------------------------------------------------

    def _tenant(self, client: Client, settings: Mapping[str, Any]) -> dict[str, str]:
        """Return the header that says whose books: nothing where the setting has said it."""
        if settings.get("tenantId"):
            return {}
        found = self._connections(client)
        if not found:
            raise Refused("The connection reaches no organisation in Xero; connect it again.")
        if len(found) > 1:
            names = ", ".join(str(row.get("tenantName")) for row in found[:10])
            raise Refused(f"The connection reaches several organisations, choose one: {names}.")
        return {TENANT: str(found[0]["tenantId"])}

    def _connections(self, client: Client) -> list[dict[str, Any]]:
        answer = client.call("GET", "/connections")
        if not answer.is_success or not isinstance(answer.body, list):
            raise self.classify(answer)
        return [
            row for row in answer.body if row.get("tenantType", "ORGANISATION") == "ORGANISATION"
        ]

    # Finding the invoice -----------------------------------------------------------------------

    def _stored(
        self, job: Job, invoice: Invoice, tenant: Mapping[str, str]
    ) -> dict[str, Any] | None:
        identity = job.mappings.find("Bill", invoice.bill_id, "Invoice")
        if identity is None:
            return None
        answer = job.client.call("GET", f"{API}/Invoices/{identity}", headers=tenant)
        rows = [] if answer.status == 404 else self._rows(answer)
        if not rows or rows[0]["Status"] in GONE:
            job.client.note(f"Invoice {identity} is gone in Xero; another one is made.")
            return None
        return rows[0]

    def _remembered(
        self, job: Job, invoice: Invoice, tenant: Mapping[str, str]
    ) -> dict[str, Any] | None:
        """Return what an earlier run made whose end we never saw."""
        query = {
            "where": f'Type=="ACCREC" AND Reference=="{invoice.bill_id}"',
            "page": 1,
            "pageSize": PAGE,
        }
        answer = job.client.call("GET", f"{API}/Invoices", query=query, headers=tenant)
        for row in self._rows(answer):
            if row.get("Reference") == invoice.bill_id and row["Status"] not in GONE:
                return row
        return None

    # Calls -------------------------------------------------------------------------------------

    def _write(
        self,
        job: Job,
        method: str,
        path: str,
        step: str,
        body: Mapping[str, Any],
        tenant: Mapping[str, str],
    ) -> dict[str, Any]:
        # What is sent is part of the key: Xero refuses a key that comes with another body.
        digest = hashlib.sha256(exact_json.dumps(body)).hexdigest()[:12]
        version = job.bill.version
        key = f"bill:{job.bill.bill_id}:{version}:{step}:{job.attempt_key}:{digest}"
        headers = {"Idempotency-Key": key, **tenant}
        (row,) = self._rows(
            job.client.call(
                method, path, query={"unitdp": 4}, json={"Invoices": [body]}, headers=headers
            )
        )
        return row

    def _rows(self, answer: Answer) -> list[dict[str, Any]]:
        if not answer.is_success or not isinstance(answer.body, Mapping):
            raise self.classify(answer)
        rows: list[dict[str, Any]] = answer.body["Invoices"]
        for row in rows:
            if row.get("HasErrors") or row.get("StatusAttributeString") == "ERROR":
                raise self.classify(Answer(400, {"Elements": [row]}))
        return rows

    def _compare(self, invoice: Invoice, there: Mapping[str, Any], kind: str) -> None:
        """Refuse a sum that is not the bill's; tax that Xero adds is not part of it."""
        total = Decimal(there["Total" if kind == INCLUSIVE else "SubTotal"])
        if total != invoice.total:
            raise Refused(
                f"Invoice {there['InvoiceID']} adds up to {total:f} in Xero, the bill to "
                f"{invoice.total:f}."
            )


def _sent(there: Mapping[str, Any], invoice: Invoice) -> Sent:
    identity = there["InvoiceID"]
    return Sent(
        external_id=identity,
        url=f"https://go.xero.com/AccountsReceivable/View.aspx?InvoiceID={identity}",
        mappings=(Mapped("Bill", invoice.bill_id, "Invoice", identity),),
    )


def _number(invoice: Invoice) -> str | None:
    return invoice.external_reference or invoice.number or None


def _body(job: Job, invoice: Invoice, contact: str) -> dict[str, Any]:
    """Return the invoice without its status."""
    days = job.settings.get("daysUntilDue")
    due = invoice.due_date or invoice.invoice_date + timedelta(days=30 if days is None else days)
    body = {
        "Type": "ACCREC",
        "Contact": {"ContactID": contact},
        "Date": invoice.invoice_date.isoformat(),
        "DueDate": due.isoformat(),
        "LineAmountTypes": str(job.settings.get("lineAmountTypes") or EXCLUSIVE),
        "CurrencyCode": invoice.currency.upper(),
        "Reference": invoice.bill_id,
        "LineItems": _lines(job, invoice),
    }
    if number := _number(invoice):
        body["InvoiceNumber"] = number
    return body


def _lines(job: Job, invoice: Invoice) -> list[dict[str, Any]]:
    products: dict[str, dict[str, Any]] = {}
    lines = []
    for line in invoice.lines:
        product = line.product_id or ""
        if product not in products:
            products[product] = _of_product(job, line)
        lines.append({
            "Description": line.description[:LONGEST_TEXT] or line.kinds[0],
            "Quantity": 1,
            "UnitAmount": line.amount,
            **products[product],
        })  # fmt: skip
    if invoice.purchase_order:
        # Invoices have no field for it: a line of nothing but text is what Xero offers.
        lines.append({"Description": f"Purchase order {invoice.purchase_order}"[:LONGEST_TEXT]})
    # An invoice has a line at least; it was sent before and nothing is left of it now.
    return lines or [{"Description": "No charges", "Quantity": 1, "UnitAmount": Decimal(0)}]


def _of_product(job: Job, line: Line) -> dict[str, Any]:
    """Return how a product is booked: as mapped, else as the settings say."""
    product = line.product_id

    def mapped(table: str) -> str | None:
        return job.mappings.find("Product", product, table) if product else None

    item = mapped("LineItem")
    found: dict[str, Any] = {
        "ItemCode": item,
        "AccountCode": mapped("AccountCode") or job.settings.get("accountCode"),
        "TaxType": mapped("TaxType") or job.settings.get("taxType"),
    }
    if tracking := mapped("TrackingCategory"):
        name, slash, option = tracking.partition("/")
        if not slash:
            raise Refused(f"A tracking category is mapped as Name/Option, not {tracking}.")
        found["Tracking"] = [{"Name": name, "Option": option}]
    if job.settings.get("invoiceStatus") == AUTHORISED and not (item or found["AccountCode"]):
        if product:
            sentence = f"{line.description}: an approved invoice needs an account code"
            raise NoMapping(
                "Product", product, "AccountCode", f"{sentence}; the product has none mapped."
            )
        raise Refused(f"{line.description}: an approved invoice needs an account code.")
    return {name: value for name, value in found.items() if value}


def _is_open(there: Mapping[str, Any]) -> bool:
    """Say whether an invoice can be changed: nothing is paid or credited."""
    used = (there.get("AmountPaid") or 0, there.get("AmountCredited") or 0)
    return there["Status"] in {DRAFT, SUBMITTED, AUTHORISED} and not any(used)


def _is(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Say whether an invoice has the content already."""
    return (
        there.get("CurrencyCode") == wanted["CurrencyCode"]
        and there["Contact"].get("ContactID") == wanted["Contact"]["ContactID"]
        and [_content(line) for line in there.get("LineItems", [])]
        == [_content(line) for line in wanted["LineItems"]]
    )


def _content(line: Mapping[str, Any]) -> tuple[str, Decimal]:
    amount = line.get("UnitAmount") or 0
    return str(line.get("Description") or ""), Decimal(amount)


def _said(answer: Answer) -> str:
    """Return the sentences of an error, put together."""
    body = answer.body if isinstance(answer.body, Mapping) else {}
    found = [
        str(error.get("Message"))
        for element in body.get("Elements") or []
        for error in element.get("ValidationErrors") or []
    ]
    found = found or [str(body.get(key)) for key in ("Detail", "Message", "Title") if body.get(key)]
    return " ".join(dict.fromkeys(found))[:500]
