"""QuickBooks Online, and its sandbox: an invoice with a line for each line (A9).

The whole invoice is one write, so it is there or it is not; its sum is compared before QuickBooks
is asked to mail it. It is found by the stored mapping, else among the customer's invoices by our
bill's id in its private note; what is found is brought to the last content, which may be done
twice.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import quote

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
    TryAgain,
    failure,
)
from integrations.systems.invoices import Invoice, Line
from integrations.systems.known import Known
from organizations.kernel import exact_json, iso4217

MINOR_VERSION = 75
PAGE = 100
LONGEST_NUMBER, LONGEST_TEXT, LONGEST_MEMO = 21, 4000, 1000
NOT_SENT, TO_SEND = "NotSet", "NeedToSend"
# Codes of faults: https://developer.intuit.com (error codes).
NOT_FOUND, STALE, CLOSED, THROTTLED = "610", "5010", {"6200", "6210"}, {"3001", "003001"}
SALES = "SalesItemLineDetail"
# What a setting is chosen from.
_CHOICES = {"itemId": "Item", "termId": "Term", "classId": "Class", "taxCode": "TaxCode"}
OPTIONS = (
    Option("itemId", "Product or service", "live",
           help="For lines whose product is mapped to no item."),
    Option("termId", "Terms", "live", help="Says when it is due where the bill has no due date."),
    Option("classId", "Class", "live"),
    Option("taxCode", "Sales tax code", "live", help="In the United States TAX or NON."),
    Option("emailStatus", "E-mail", "choice", default=NOT_SENT,
           choices=((NOT_SENT, "QuickBooks mails nothing"),
                    (TO_SEND, "QuickBooks mails the invoice to the account"))),
)  # fmt: skip


class QuickBooks(System):
    """QuickBooks Online."""

    about: ClassVar[Known] = known.named("QUICKBOOKS")
    base_url = "https://quickbooks.api.intuit.com"
    page_url: ClassVar[str] = "https://app.qbo.intuit.com"
    options = OPTIONS
    oauth = OAuth(
        authorize_url="https://appcenter.intuit.com/connect/oauth2",
        token_url="https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
        scopes=("com.intuit.quickbooks.accounting",),
        is_basic=True,
        kept=("realmId",),
    )
    most_lines = 750

    def places(self, currency: str) -> int:
        """Return the decimals: amounts have two at most, whatever the currency."""
        return min(2, iso4217.decimals(currency.upper()))

    def base(self, secrets: Mapping[str, str]) -> str:
        """Return the address of the company that was connected."""
        return f"{self.base_url}/v3/company/{quote(secrets.get('realmId', ''), safe='')}"

    def classify(self, answer: Answer) -> Exception:
        """Return what to raise; QuickBooks says what it means in the codes of a fault."""
        codes, said = _faults(answer)
        if STALE in codes:
            return TryAgain(f"Somebody changed the invoice in QuickBooks meanwhile: {said}")
        if THROTTLED & codes:
            return TryAgain(f"QuickBooks asks for fewer calls: {said}", is_throttled=True)
        if CLOSED & codes:
            return PeriodClosed(f"The books are closed in QuickBooks: {said}")
        return failure(self.about.name, answer, said)

    def validate(self, job: Job) -> None:
        """Refuse what invoices of QuickBooks cannot hold."""
        invoice = job.bill
        if len(invoice.currency) != 3:
            raise Refused(f"QuickBooks knows no currency {invoice.currency}.")
        if invoice.total < 0:
            raise Refused(
                f"QuickBooks takes no invoice with a total below zero ({invoice.total:f}); "
                "make a credit memo there."
            )
        if job.settings.get("emailStatus") == TO_SEND and not invoice.account.email:
            raise Refused(f"The account {invoice.account.code} has no e-mail address to mail to.")

    def send(self, job: Job) -> Sent:
        """Bring the bill there as an invoice."""
        invoice = job.bill
        customer = job.mappings.one("Account", invoice.account.identity, "Customer")
        wanted = _body(job, invoice, customer)
        found = self._stored(job, invoice) or self._remembered(job, invoice, customer)
        if found is None and not invoice.lines:
            job.client.note("Every line is of nothing; nothing is sent.")
            return Sent()
        if found is not None and found.get("Balance") != found["TotalAmt"]:
            if not _is(found, wanted):
                raise AlreadyPaid(
                    f"Invoice {found['Id']} is paid in QuickBooks, {found.get('Balance')} of "
                    f"{found['TotalAmt']} are open, and is not changed."
                )
            job.client.note("All of it had arrived already.")
            return self._sent(found, invoice)
        if found is not None:
            wanted |= {"Id": found["Id"], "SyncToken": found["SyncToken"], "sparse": True}
        there = self._write(job, "invoice" if found is None else "update", wanted)
        _compare(invoice, there)
        if job.settings.get("emailStatus") == TO_SEND and there.get("EmailStatus") == NOT_SENT:
            mail = {
                "Id": there["Id"],
                "SyncToken": there["SyncToken"],
                "sparse": True,
                "EmailStatus": TO_SEND,
                "BillEmail": {"Address": invoice.account.email},
            }
            there = self._write(job, "mail", mail)
        return self._sent(there, invoice)

    def records(self, client: Client, table: str) -> list[Record]:
        """Return customers, items or invoices."""
        if table not in self.about.tables:
            return []
        return self._chosen_from(client, table)

    def option_values(self, client: Client, option: str) -> list[Record]:
        """Return items, terms, classes or tax codes."""
        return self._chosen_from(client, _CHOICES[option]) if option in _CHOICES else []

    def try_out(self, client: Client) -> str:
        """Return the name of the company a credential is for."""
        answer = self._must(client.call("GET", "/query", query=_query("select * from CompanyInfo")))
        return str(answer["QueryResponse"]["CompanyInfo"][0]["CompanyName"])

    # Finding the invoice -----------------------------------------------------------------------

    def _stored(self, job: Job, invoice: Invoice) -> dict[str, Any] | None:
        identity = job.mappings.find("Bill", invoice.bill_id, "Invoice")
        if identity is None:
            return None
        path = f"/invoice/{quote(identity, safe='')}"
        answer = job.client.call("GET", path, query={"minorversion": MINOR_VERSION})
        is_gone = answer.status == 404 or NOT_FOUND in _faults(answer)[0]
        found = None if is_gone else self._must(answer)["Invoice"]
        if found is None or _is_void(found):
            job.client.note(f"Invoice {identity} is gone in QuickBooks; another one is made.")
            return None
        return dict(found)

    def _remembered(self, job: Job, invoice: Invoice, customer: str) -> dict[str, Any] | None:
        """Return what an earlier run made whose end we never saw."""
        since = (invoice.created_at or datetime.now(UTC)) - timedelta(days=1)
        told = f"where CustomerRef = {_quoted(customer)} and MetaData.CreateTime >= "
        for row in self._listed(job.client, "Invoice", f"{told}'{since:%Y-%m-%dT%H:%M:%SZ}'"):
            if _note(invoice) in str(row.get("PrivateNote") or "") and not _is_void(row):
                return row
        return None

    # Calls -------------------------------------------------------------------------------------

    def _write(self, job: Job, step: str, body: Mapping[str, Any]) -> dict[str, Any]:
        # A request id is answered with what it was answered before, whatever else comes with it:
        # what is sent is part of it. It has 50 characters at most.
        digest = hashlib.sha256(exact_json.dumps(body)).hexdigest()
        key = f"bill:{job.bill.bill_id}:{job.bill.version}:{step}:{job.attempt_key}:{digest}"
        query = {
            "minorversion": MINOR_VERSION,
            "requestid": hashlib.sha256(key.encode()).hexdigest()[:40],
        }
        answer = job.client.call("POST", "/invoice", query=query, json=body)
        return dict(self._must(answer)["Invoice"])

    def _listed(self, client: Client, table: str, where: str = "") -> Iterator[dict[str, Any]]:
        start = 1
        while True:
            text = f"select * from {table} {where}".strip()  # noqa: S608 - QuickBooks' query words
            page = f"{text} orderby Id startposition {start} maxresults {PAGE}"
            answer = self._must(client.call("GET", "/query", query=_query(page)))
            rows = answer["QueryResponse"].get(table, [])
            yield from rows
            if len(rows) < PAGE:
                return
            start += PAGE

    def _chosen_from(self, client: Client, table: str) -> list[Record]:
        text = f"select * from {table} startposition 1 maxresults {PAGE}"  # noqa: S608 - as above
        answer = client.call("GET", "/query", query=_query(text), retried=False)
        if not answer.is_success:
            return []
        return [
            Record(row["Id"], next((str(row[key]) for key in _NAMES if row.get(key)), ""))
            for row in answer.body["QueryResponse"].get(table, [])
        ]

    def _must(self, answer: Answer) -> dict[str, Any]:
        if not answer.is_success or not isinstance(answer.body, dict) or "Fault" in answer.body:
            raise self.classify(answer)
        return answer.body

    def _sent(self, there: Mapping[str, Any], invoice: Invoice) -> Sent:
        return Sent(
            external_id=there["Id"],
            url=f"{self.page_url}/app/invoice?txnId={there['Id']}",
            mappings=(Mapped("Bill", invoice.bill_id, "Invoice", there["Id"]),),
        )


class QuickBooksSandbox(QuickBooks):
    """A sandbox company: a destination of its own, with credentials and mappings of its own."""

    about = known.named("QUICKBOOKS_SANDBOX")
    base_url = "https://sandbox-quickbooks.api.intuit.com"
    page_url = "https://app.sandbox.qbo.intuit.com"


_NAMES = ("DisplayName", "Name", "DocNumber")


def _query(text: str) -> dict[str, Any]:
    return {"query": text, "minorversion": MINOR_VERSION}


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _note(invoice: Invoice) -> str:
    return f"Billwright bill {invoice.bill_id}"


def _is_void(there: Mapping[str, Any]) -> bool:
    """Say whether an invoice was voided: QuickBooks writes so in front of the note."""
    return str(there.get("PrivateNote") or "").startswith("Voided")


def _body(job: Job, invoice: Invoice, customer: str) -> dict[str, Any]:
    settings = job.settings
    body: dict[str, Any] = {
        "CustomerRef": {"value": customer},
        "CurrencyRef": {"value": invoice.currency.upper()},
        "TxnDate": invoice.invoice_date.isoformat(),
        "PrivateNote": _note(invoice),
        "Line": _lines(job, invoice),
    }
    if invoice.due_date is not None:
        body["DueDate"] = invoice.due_date.isoformat()
    if settings.get("termId"):
        body["SalesTermRef"] = {"value": settings["termId"]}
    memo = []
    if number := invoice.external_reference or invoice.number:
        if len(number) <= LONGEST_NUMBER:
            body["DocNumber"] = number
        else:
            memo.append(f"Invoice {number}")
    if invoice.purchase_order:
        memo.append(f"Purchase order {invoice.purchase_order}")
    if memo:
        body["CustomerMemo"] = {"value": ", ".join(memo)[:LONGEST_MEMO]}
    return body


def _lines(job: Job, invoice: Invoice) -> list[dict[str, Any]]:
    if not invoice.lines:  # it was sent before and nothing is left of it now
        item = job.settings.get("itemId")
        if not item:
            raise Refused("An invoice of nothing needs a product or service in the settings.")
        return [_line(job, "No charges", Decimal(0), str(item))]
    items: dict[str | None, str] = {}
    lines = []
    for line in invoice.lines:
        if line.product_id not in items:
            items[line.product_id] = _item(job, line)
        text = line.description[:LONGEST_TEXT] or line.kinds[0]
        lines.append(_line(job, text, line.amount, items[line.product_id]))
    return lines


def _item(job: Job, line: Line) -> str:
    """Return the item of a line: its product's, else the one of the settings."""
    found = job.mappings.find("Product", line.product_id, "Item") if line.product_id else None
    found = found or job.settings.get("itemId")
    if found:
        return str(found)
    if line.product_id:
        raise NoMapping("Product", line.product_id, "Item",
                        f"{line.description}: the product is mapped to no item.")  # fmt: skip
    raise Refused(f"{line.description}: no item, neither of a product nor of the settings.")


def _line(job: Job, description: str, amount: Decimal, item: str) -> dict[str, Any]:
    detail: dict[str, Any] = {"ItemRef": {"value": item}, "Qty": 1, "UnitPrice": amount}
    for key, name in [("taxCode", "TaxCodeRef"), ("classId", "ClassRef")]:
        if job.settings.get(key):
            detail[name] = {"value": job.settings[key]}
    return {"DetailType": SALES, "Amount": amount, "Description": description, SALES: detail}


def _compare(invoice: Invoice, there: Mapping[str, Any]) -> None:
    """Refuse a sum that is not the bill's; sales tax that QuickBooks adds is not part of it."""
    tax = (there.get("TxnTaxDetail") or {}).get("TotalTax") or 0
    total = Decimal(there["TotalAmt"]) - Decimal(tax)
    if total != invoice.total:
        raise Refused(
            f"Invoice {there['Id']} adds up to {total:f} in QuickBooks, the bill to "
            f"{invoice.total:f}."
        )


def _is(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Say whether an invoice has the content already."""
    return there["CustomerRef"]["value"] == wanted["CustomerRef"]["value"] and [
        (line.get("Description"), line["Amount"])
        for line in there["Line"]
        if line["DetailType"] == SALES
    ] == [(line["Description"], line["Amount"]) for line in wanted["Line"]]


def _faults(answer: Answer) -> tuple[set[str], str]:
    """Return the codes of a fault, and its sentences."""
    body = answer.body if isinstance(answer.body, Mapping) else {}
    fault = body.get("Fault") or body.get("fault") or {}
    errors = fault.get("Error") or fault.get("error") or []
    said = [str(error.get("Detail") or error.get("Message") or "") for error in errors]
    codes = {str(error.get("code") or "") for error in errors}
    return codes, " ".join(dict.fromkeys(said))[:500]
