"""A strict stand-in for Xero's accounting API: invoices, contacts, items, connections.

Requests and answers are held against Xero's own description (``xero_accounting.json``, from
github XeroAPI/Xero-OpenAPI, MIT licence, prose removed); unknown fields are refused. Beyond it:
the tenant header, idempotency keys, states of an invoice, lock dates, unique numbers, currencies
that are subscribed to, two decimals of a line, sixty calls a minute, error shapes.
"""

import json
import time
import uuid
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from organizations.kernel import exact_json
from tests.integrations.fakes.serving import Answered, Asked

CENT = Decimal("0.01")
MOVES = {
    "DRAFT": {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
    "SUBMITTED": {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
    "AUTHORISED": {"AUTHORISED", "VOIDED"},
}
TENANT = "11111111-2222-4333-8444-555555555555"
CONTACT = "0aaaaaaa-2222-4333-8444-555555555555"


class Fault(Exception):
    """An answer that is an error; validation errors come in Xero's shape for them."""

    def __init__(self, *messages: str, status: int = 400, body: Any = None) -> None:
        super().__init__(*messages)
        self.status = status
        self.body = body or {
            "ErrorNumber": 10,
            "Type": "ValidationException",
            "Message": "A validation exception occurred",
            "Elements": [{"ValidationErrors": [{"Message": text} for text in messages]}],
        }


class FakeXero:
    """The books of one organisation."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.tenants = [TENANT]
        self.asked: list[Asked] = []
        self.invoices: dict[str, dict[str, Any]] = {}
        self.contacts = {CONTACT: {"ContactID": CONTACT, "Name": "Acme"}}
        self.items = {"TOK": {"Code": "TOK", "Name": "Tokens"}}
        self.accounts, self.taxes = {"200", "260"}, {"OUTPUT2": Decimal("0.20"), "NONE": Decimal(0)}
        self.tracking = {("Region", "North")}
        self.currencies = {"USD", "EUR", "JPY", "KWD"}
        self.locked_until = "2020-12-31"
        self.kept: dict[str, tuple[Any, Answered]] = {}
        self.fail: list[Answered | None] = []
        self.times: list[float] = []
        self.a_minute = 60

    @property
    def writes(self) -> list[Asked]:
        """The requests that change something."""
        return [asked for asked in self.asked if asked.method != "GET"]

    def answer(self, asked: Asked) -> Answered | None:
        """Answer one request."""
        self.asked.append(asked)
        if self.fail and (planned := self.fail.pop(0)) is not None:
            return planned
        key = asked.headers.get("idempotency-key") if asked.method != "GET" else None
        same = (asked.method, asked.path, asked.body)
        try:
            self._admit(asked, key)
            if key in self.kept:
                before, answered = self.kept[key]
                if before == same:
                    return answered
                raise Fault("The idempotency key was used with a different request body.")
            found = Answered(200, exact_json.dumps(self._routed(asked)))
        except Fault as fault:
            headers = {"Retry-After": "9", "X-Rate-Limit-Problem": "minute"}
            return Answered(
                fault.status,
                json.dumps(fault.body).encode(),
                headers if fault.status == 429 else {},
            )
        if key:
            self.kept[key] = (same, found)
        return found

    def _admit(self, asked: Asked, key: str | None) -> None:
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            body = {"Title": "Unauthorized", "Status": 401, "Detail": "AuthenticationUnsuccessful"}
            raise Fault(status=401, body=body)
        now = time.monotonic()
        self.times = [*(at for at in self.times if at > now - 60), now]
        if len(self.times) > self.a_minute:
            raise Fault(status=429, body={"Title": "Too many requests"})
        if asked.path == "/connections":
            return
        if asked.headers.get("xero-tenant-id") not in self.tenants:
            body = {"Title": "Forbidden", "Status": 403, "Detail": "AuthenticationUnsuccessful"}
            raise Fault(status=403, body=body)
        if key is not None and len(key) > 128:
            raise Fault("The Idempotency-Key has more than 128 characters.")

    def _routed(self, asked: Asked) -> Any:
        if (asked.method, asked.path) == ("GET", "/connections"):
            return [
                {"id": tenant, "tenantId": tenant, "tenantType": "ORGANISATION",
                 "tenantName": f"Books {place}"}
                for place, tenant in enumerate(self.tenants, 1)
            ]  # fmt: skip
        path = asked.path.removeprefix("/api.xro/2.0/")
        noun, _, identity = path.partition("/")
        if asked.method == "GET":
            found = self._read(noun, identity, asked.query)
        elif noun == "Invoices" and (asked.method == "POST" or not identity):
            check("Invoices", body := exact_json.loads(asked.body))
            (sent,) = body["Invoices"]
            if identity and sent.get("InvoiceID", identity) != identity:
                raise Fault("The InvoiceID differs from the one in the address.")
            found = {"Invoices": [self._written(sent, identity, asked.query)]}
        else:
            raise Fault(status=404, body={"Title": "The resource is not found", "Status": 404})
        check(noun if noun != "Organisation" else "Organisations", found)
        return found

    def _read(self, noun: str, identity: str, query: dict[str, str]) -> dict[str, Any]:
        rows: dict[str, list[dict[str, Any]]] = {
            "Invoices": list(self.invoices.values()),
            "Contacts": list(self.contacts.values()),
            "Items": list(self.items.values()),
            "Organisation": [{"Name": "Acme Books", "BaseCurrency": "USD"}],
        }
        if noun not in rows:
            raise Fault(status=404, body={"Title": "The resource is not found", "Status": 404})
        found = rows[noun]
        if identity:
            found = [row for row in found if identity == row.get("InvoiceID")]
            if not found:
                raise Fault(status=404, body={"Title": "The resource is not found"})
        elif where := query.get("where"):
            kind, _, reference = where.partition(" AND ")
            if kind != 'Type=="ACCREC"' or not reference.startswith('Reference=="'):
                raise Fault(f"No such filter: {where}")
            wanted = reference.removeprefix('Reference=="').removesuffix('"')
            found = [row for row in found if row.get("Reference") == wanted]
        return {"Organisations" if noun == "Organisation" else noun: found}

    def _written(
        self, sent: dict[str, Any], identity: str, query: dict[str, str]
    ) -> dict[str, Any]:
        row = self.invoices.get(identity)
        if identity and row is None:
            raise Fault(status=404, body={"Title": "The resource is not found", "Status": 404})
        before = row or {
            "InvoiceID": str(uuid.uuid4()),
            "Status": "DRAFT",
            "AmountPaid": Decimal(0),
            "LineAmountTypes": "Exclusive",
            "LineItems": [],
        }
        status = sent.get("Status", before["Status"])
        if row and (row["AmountPaid"] or status not in MOVES.get(row["Status"], set())):
            raise Fault("Invoice not of valid status for modification")
        made = {**before, **sent, "Status": status}
        faults = self._faults(made, before)
        if "LineItems" in sent:
            made["LineItems"] = [
                self._line(line, query, status, faults) for line in sent["LineItems"]
            ]
        if status == "AUTHORISED":
            faults += [
                "Account code must be specified for the line"
                for line in made["LineItems"]
                if "UnitAmount" in line and not (line.get("AccountCode") or line.get("ItemCode"))
            ]
        self._summed(made)
        if made["Total"] < 0:
            faults.append("The document total cannot be negative")
        if faults:
            raise Fault(*faults)
        self.invoices[made["InvoiceID"]] = made
        return made

    def _faults(self, made: dict[str, Any], before: dict[str, Any]) -> list[str]:
        found = [f"{name} is required" for name in ("Type", "Contact") if not made.get(name)]
        contact = (made.get("Contact") or {}).get("ContactID")
        if contact not in self.contacts:
            found.append("The Contact could not be found")
        if not made.get("LineItems"):
            found.append("One or more line items must be specified")
        if made.get("CurrencyCode", "USD") not in self.currencies:
            found.append("Organisation is not subscribed to currency " + made["CurrencyCode"])
        if made.get("Date", "9999") <= self.locked_until:
            found.append("The document date cannot be before the period lock date")
        if made["Status"] == "AUTHORISED" and not made.get("DueDate"):
            found.append("Invoice due date is required")
        number = made.get("InvoiceNumber")
        if number and any(
            row.get("InvoiceNumber") == number and row["InvoiceID"] != before["InvoiceID"]
            for row in self.invoices.values()
        ):
            found.append("Invoice # must be unique.")
        return found

    def _line(
        self, sent: dict[str, Any], query: dict[str, str], status: str, faults: list[str]
    ) -> dict[str, Any]:
        line = {"LineItemID": str(uuid.uuid4()), **sent}
        if not line.get("Description") or len(line["Description"]) > 4000:
            faults.append("Description needs to be at least 1 char long and at most 4000")
        checks = [("AccountCode", self.accounts), ("ItemCode", self.items), ("TaxType", self.taxes)]
        faults += [
            f"{name} '{line[name]}' is not a valid code for this document"
            for name, codes in checks
            if name in line and line[name] not in codes
        ]
        for one in line.get("Tracking", []):
            if (one.get("Name"), one.get("Option")) not in self.tracking:
                faults.append("Invalid Tracking Category or Option")
        if "UnitAmount" in line:
            places = Decimal(1).scaleb(-int(query.get("unitdp", "2")))
            unit = Decimal(line["UnitAmount"]).quantize(places, ROUND_HALF_UP)
            amount = (unit * Decimal(line.get("Quantity", 1))).quantize(CENT, ROUND_HALF_UP)
            if "LineAmount" in line and Decimal(line["LineAmount"]) != amount:
                faults.append("The line total does not match the expected line total")
            line |= {"UnitAmount": unit, "LineAmount": amount}
        return line

    def _summed(self, made: dict[str, Any]) -> None:
        lines = [line for line in made["LineItems"] if "LineAmount" in line]
        amount = sum((line["LineAmount"] for line in lines), Decimal(0))
        rates = [(line["LineAmount"], self.taxes.get(line.get("TaxType"), Decimal(0)))
                 for line in lines]  # fmt: skip
        if made["LineAmountTypes"] == "Inclusive":
            tax = sum((part - part / (1 + rate) for part, rate in rates), Decimal(0))
            total = amount
        else:
            taxed = made["LineAmountTypes"] == "Exclusive"
            tax = sum((part * rate for part, rate in rates), Decimal(0)) if taxed else Decimal(0)
            total = amount + tax
        tax = tax.quantize(CENT, ROUND_HALF_UP)
        total = amount + tax if made["LineAmountTypes"] != "Inclusive" else total
        made |= {"TotalTax": tax, "Total": total, "SubTotal": total - tax}


@cache
def _description() -> dict[str, Any]:
    path = Path(__file__).with_name("xero_accounting.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@cache
def _validator(name: str) -> Any:
    schema = {"$ref": f"#/components/schemas/{name}", "components": _description()["components"]}
    is_number = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "number", lambda _, value: isinstance(value, (int, Decimal)) and value is not True
    )
    kind = jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=is_number)
    return kind(schema, format_checker=jsonschema.FormatChecker())


def check(name: str, value: Any) -> None:
    """Refuse what the description does not allow, and every field it does not know."""
    faults = [f"{error.json_path}: {error.message[:200]}"
              for error in _validator(name).iter_errors(value)]  # fmt: skip
    faults += [f"{path} is unknown" for path in _unknown({"$ref": f"/{name}"}, value, name)]
    if faults:
        raise Fault(*faults[:5])


def _unknown(schema: dict[str, Any], value: Any, path: str) -> list[str]:
    if "$ref" in schema:
        schemas = _description()["components"]["schemas"]
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    if isinstance(value, list):
        return [
            text
            for place, item in enumerate(value)
            for text in _unknown(schema.get("items", {}), item, f"{path}[{place}]")
        ]
    if not isinstance(value, dict):
        return []
    known = schema.get("properties", {})
    return [f"{path}.{name}" for name in value if name not in known] + [
        text
        for name, item in value.items()
        if name in known
        for text in _unknown(known[name], item, f"{path}.{name}")
    ]
