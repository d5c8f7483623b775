"""NetSuite: an invoice record, upserted by an external id that is made of our bill's (A9).

Who calls proves it by a signed assertion (OAuth 2.0 client credentials): no person gives consent.
The external id ``bill-<id>`` makes one record of a bill whatever happens: writing it twice changes
it. It is found by the stored mapping, else by that id.
"""

import re
import time
import uuid
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from integrations.systems import field_mapping, known
from integrations.systems.base import (
    AlreadyPaid,
    Answer,
    Client,
    Job,
    Machine,
    Mapped,
    NoMapping,
    NotAuthorized,
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
from organizations.kernel import iso4217

RECORDS, QUERIES = "/services/rest/record/v1", "/services/rest/query/v1/suiteql"
TOKEN = "/services/rest/auth/oauth2/v1/token"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 1800
PAGE = 100
LONGEST_TEXT, LONGEST_MEMO, LONGEST_ORDER = 4000, 999, 45
ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}")
_CLOSED = re.compile(
    r"period.{0,80}\b(closed|locked)|\b(closed|locked)\b.{0,80}period", re.I | re.S
)
CUSTOM = re.compile(r"custbody\w{1,60}")
BY_DATE, FIRST_OPEN = "DATE", "FIRST_OPEN"
_REFERENCES = {
    "customForm": "customFormId", "subsidiary": "subsidiaryId", "location": "locationId",
    "department": "departmentId", "class": "classId",
}  # fmt: skip
OPTIONS = (
    Option("itemId", "Item", "live", help="Of lines whose product is not mapped to an Item."),
    Option("customFormId", "Form", help="Internal id; empty is NetSuite's own."),
    Option("subsidiaryId", "Subsidiary", help="Internal id; empty is that of the customer."),
    Option("locationId", "Location", help="Internal id."),
    Option("departmentId", "Department", help="Internal id."),
    Option("classId", "Class", help="Internal id."),
    Option("postingPeriodRule", "Posting period", "choice", default=BY_DATE,
           choices=((BY_DATE, "That of the invoice's date"),
                    (FIRST_OPEN, "The first open one from the invoice's date on"))),
    Option("daysUntilDue", "Days until due", "number", default=30, smallest=0, largest=3650,
           help="Where the bill has no due date."),
)  # fmt: skip


class NetSuite(System):
    """NetSuite's REST records."""

    about: ClassVar[Known] = known.named("NETSUITE")
    base_url = "https://{account}.suitetalk.api.netsuite.com"
    options = OPTIONS
    machine = Machine(TOKEN)
    takes_fields = True
    # NetSuite slows down with long records; this keeps a write within its deadline.
    most_lines = 500

    def places(self, currency: str) -> int:
        """Return the decimals: currencies of NetSuite have two or none."""
        return min(2, iso4217.decimals(currency.upper()))

    def base(self, secrets: Mapping[str, str]) -> str:
        """Return the address of the account; of a sandbox ``1234_SB1`` it is ``1234-sb1``."""
        account = secrets.get("externalCustomerId", "")
        if not ACCOUNT.fullmatch(account):
            raise Refused("The account id of the credential is not one of NetSuite's.")
        return self.base_url.format(account=account.lower().replace("_", "-"))

    def token_form(self, secrets: Mapping[str, str], url: str) -> dict[str, str]:
        """Return the signed assertion that is exchanged for a token."""
        now = int(time.time())
        try:
            key, algorithm = _key(secrets.get("privateKey", ""))
            assertion = jwt.encode(
                {"typ": "JWT", "alg": algorithm, "kid": secrets.get("keyId", "")},
                {
                    "iss": secrets.get("clientId", ""),
                    "scope": ["rest_webservices"],
                    "aud": url,
                    "iat": now,
                    "exp": now + ASSERTION_SECONDS,
                    "jti": str(uuid.uuid4()),
                },
                key,
                algorithms=[algorithm],
            )
        except (JoseError, ValueError, TypeError):
            raise NotAuthorized("The private key of the credential cannot be read.") from None
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": JWT_BEARER,
            "client_assertion": assertion,
        }

    def classify(self, answer: Answer) -> Exception:
        """Return what to raise; NetSuite says in words that a period is closed."""
        said = _said(answer)
        if answer.status == 400 and _CLOSED.search(said):
            return PeriodClosed(f"The posting period is closed in NetSuite: {said}")
        return failure(self.about.name, answer, said)

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        """Refuse mapped fields that are not custom fields of a transaction."""
        for name in field_mapping.names(settings):
            if not CUSTOM.fullmatch(name):
                raise ValueError(f"{field_mapping.KEY}: {name} is no custom field (custbody_...)")

    def validate(self, job: Job) -> None:
        """Refuse what an invoice of NetSuite cannot hold, and lines without an item."""
        invoice = job.bill
        if len(invoice.currency) != 3:
            raise Refused(f"NetSuite knows no currency {invoice.currency}.")
        if invoice.total < 0:
            raise Refused(
                f"NetSuite takes no invoice with a total below zero ({invoice.total:f}); "
                "make a credit memo there."
            )
        for line in invoice.lines:
            _item_of(job, line)

    def send(self, job: Job) -> Sent:
        """Bring the bill there as an invoice."""
        invoice = job.bill
        customer = job.mappings.one("Account", invoice.account.identity, "Customer")
        external = f"bill-{invoice.bill_id}"
        found = self._stored(job, invoice) or self._read(job.client, f"eid:{external}")
        if found is None and not invoice.lines:
            job.client.note("Every line is of nothing; nothing is sent.")
            return Sent()
        body = {
            **_body(job, invoice, customer),
            "externalId": external,
            "currency": {"id": self._currency(job.client, invoice.currency)},
        }
        if found is not None and _is_paid(found):
            if _is(found, invoice):
                job.client.note("All of it had arrived already.")
                return self._sent(job, found, invoice)
            raise AlreadyPaid(
                f"Invoice {found.get('tranId') or found['id']} has a payment on it in NetSuite "
                "and is not changed."
            )
        if job.settings.get("postingPeriodRule") == FIRST_OPEN:
            body["postingPeriod"] = {"id": self._period(job.client, invoice)}
        self._write(job, found, external, body)
        there = self._read(job.client, f"eid:{external}")
        if there is None:
            raise Refused(f"NetSuite keeps no invoice with the external id {external}.")
        self._compare(invoice, there)
        return self._sent(job, there, invoice)

    def records(self, client: Client, table: str) -> list[Record]:
        """Return customers, items or invoices."""
        queries = {
            "Customer": "SELECT id, entityid AS name FROM customer WHERE isinactive = 'F'",
            "Item": "SELECT id, itemid AS name FROM item WHERE isinactive = 'F'",
            "Invoice": "SELECT id, tranid AS name FROM transaction WHERE type = 'CustInvc'",
        }
        if table not in queries:
            return []
        return [
            Record(str(row["id"]), str(row.get("name") or ""))
            for row in self._asked(client, queries[table])
        ]

    def option_values(self, client: Client, option: str) -> list[Record]:
        """Return the items."""
        return self.records(client, "Item") if option == "itemId" else []

    def try_out(self, client: Client) -> str:
        """Ask for one currency: the name of a company is not told."""
        self._asked(client, "SELECT symbol FROM currency")
        return "The key is accepted"

    # Calls -------------------------------------------------------------------------------------

    def _stored(self, job: Job, invoice: Invoice) -> dict[str, Any] | None:
        identity = job.mappings.find("Bill", invoice.bill_id, "Invoice")
        found = None if identity is None else self._read(job.client, identity)
        if identity is not None and found is None:
            job.client.note(f"Invoice {identity} is gone in NetSuite; another one is made.")
        return found

    def _read(self, client: Client, identity: str) -> dict[str, Any] | None:
        query = {"expandSubResources": "true"}
        answer = client.call("GET", f"{RECORDS}/invoice/{identity}", query=query)
        if answer.status == 404:
            return None
        if not answer.is_success or not isinstance(answer.body, dict):
            raise self.classify(answer)
        return answer.body

    def _write(
        self, job: Job, found: Mapping[str, Any] | None, external: str, body: Mapping[str, Any]
    ) -> None:
        # Named by the external id it may be written twice; all lines are replaced, not added.
        method, identity = ("PATCH", found["id"]) if found else ("PUT", f"eid:{external}")
        answer = job.client.call(
            method,
            f"{RECORDS}/invoice/{identity}",
            query={"replace": "item"},
            json=body,
            headers={"X-NetSuite-PropertyNameValidation": "Error"},
        )
        if not answer.is_success:
            raise self.classify(answer)

    def _asked(self, client: Client, query: str, *, limit: int = PAGE) -> list[dict[str, Any]]:
        answer = client.call(
            "POST", QUERIES, query={"limit": limit}, json={"q": query},
            headers={"Prefer": "transient"},
        )  # fmt: skip
        if not answer.is_success or not isinstance(answer.body, Mapping):
            raise self.classify(answer)
        return list(answer.body["items"])

    def _currency(self, client: Client, code: str) -> str:
        if not code.isalnum():
            raise Refused(f"NetSuite knows no currency {code}.")
        query = f"SELECT id FROM currency WHERE symbol = '{code.upper()}'"  # noqa: S608
        rows = self._asked(client, query)
        if not rows:
            raise Refused(f"There is no currency {code} in NetSuite.")
        return str(rows[0]["id"])

    def _period(self, client: Client, invoice: Invoice) -> str:
        day = invoice.invoice_date.isoformat()
        query = (
            "SELECT id FROM accountingperiod WHERE isquarter = 'F' AND isyear = 'F' AND "  # noqa: S608
            f"closed = 'F' AND arlocked = 'F' AND enddate >= TO_DATE('{day}', 'YYYY-MM-DD') "
            "ORDER BY startdate"
        )
        rows = self._asked(client, query, limit=1)
        if not rows:
            raise PeriodClosed(f"There is no open posting period from {day} on in NetSuite.")
        return str(rows[0]["id"])

    def _compare(self, invoice: Invoice, there: Mapping[str, Any]) -> None:
        """Refuse a sum that is not the bill's; tax that NetSuite adds is not part of it."""
        if _net(there) != invoice.total:
            raise Refused(
                f"Invoice {there['id']} adds up to {_net(there):f} in NetSuite, the bill to "
                f"{invoice.total:f}."
            )

    def _sent(self, job: Job, there: Mapping[str, Any], invoice: Invoice) -> Sent:
        identity = str(there["id"])
        site = job.client.address.replace(".suitetalk.api.", ".app.")
        return Sent(
            external_id=identity,
            url=f"{site}/app/accounting/transactions/custinvc.nl?id={identity}",
            mappings=(Mapped("Bill", invoice.bill_id, "Invoice", identity),),
        )


def _key(text: str) -> tuple[RSAKey | ECKey, str]:
    """Return the key and how it signs."""
    try:
        return RSAKey.import_key(text), "PS256"
    except (JoseError, ValueError, TypeError):
        key = ECKey.import_key(text)
        return key, {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[key.curve_name]


def _item_of(job: Job, line: Line) -> str:
    mapped = job.mappings.find("Product", line.product_id, "Item") if line.product_id else None
    found = mapped or str(job.settings.get("itemId") or "")
    if found:
        return found
    sentence = f"{line.description}: a line of an invoice needs an item in NetSuite"
    if line.product_id:
        raise NoMapping("Product", line.product_id, "Item", f"{sentence}; its product has none.")
    raise Refused(f"{sentence}; choose one in the settings.")


def _body(job: Job, invoice: Invoice, customer: str) -> dict[str, Any]:
    """Return the invoice without its currency and period."""
    days = job.settings.get("daysUntilDue")
    due = invoice.due_date or invoice.invoice_date + timedelta(days=30 if days is None else days)
    body: dict[str, Any] = {
        **field_mapping.of_job(job),
        "entity": {"id": customer},
        "tranDate": invoice.invoice_date.isoformat(),
        "dueDate": due.isoformat(),
        "memo": _memo(invoice),
        "item": {"items": _lines(job, invoice)},
    }
    if invoice.purchase_order:
        body["otherRefNum"] = invoice.purchase_order[:LONGEST_ORDER]
    for name, key in _REFERENCES.items():
        if job.settings.get(key):
            body[name] = {"id": str(job.settings[key])}
    return body


def _memo(invoice: Invoice) -> str:
    number = invoice.external_reference or invoice.number
    parts = [f"Reference {number}"] if number else []
    if len(invoice.purchase_order or "") > LONGEST_ORDER:
        parts.append(f"Purchase order {invoice.purchase_order}")
    parts.append(f"{invoice.start_date} to {invoice.end_date}")
    return ", ".join(parts)[:LONGEST_MEMO]


def _lines(job: Job, invoice: Invoice) -> list[dict[str, Any]]:
    lines = [
        {
            "item": {"id": _item_of(job, line)},
            "description": line.description[:LONGEST_TEXT] or line.kinds[0],
            "quantity": 1,
            "rate": line.amount,
            "amount": line.amount,
        }
        for line in invoice.lines
    ]
    if lines:
        return lines
    # It was sent before and nothing is left of it now; an invoice has a line at least.
    item = str(job.settings.get("itemId") or "")
    if not item:
        raise Refused("Nothing is left of the bill: delete its invoice in NetSuite.")
    return [{"item": {"id": item}, "description": "No charges", "quantity": 1,
             "rate": Decimal(0), "amount": Decimal(0)}]  # fmt: skip


def _is_paid(there: Mapping[str, Any]) -> bool:
    return bool(Decimal(str(there.get("amountPaid") or 0)))


def _is(there: Mapping[str, Any], invoice: Invoice) -> bool:
    """Say whether an invoice has the amounts already."""
    rows = (there.get("item") or {}).get("items") or []
    amounts = [Decimal(str(row.get("amount") or 0)) for row in rows]
    return _net(there) == invoice.total and amounts == [line.amount for line in invoice.lines]


def _net(there: Mapping[str, Any]) -> Decimal:
    return Decimal(str(there["total"])) - Decimal(str(there.get("taxTotal") or 0))


def _said(answer: Answer) -> str:
    """Return the sentences of an error."""
    body = answer.body if isinstance(answer.body, Mapping) else {}
    found = [str(one.get("detail") or "") for one in body.get("o:errorDetails") or []]
    return " ".join(part for part in found or [str(body.get("title") or "")] if part)[:500]
