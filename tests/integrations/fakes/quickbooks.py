"""A strict stand-in for QuickBooks Online's accounting API: invoices, queries, items, customers.

Written from the public API reference: the company in the address, known and required fields, types,
references that exist, request ids (50 characters; answered with what was answered before, whatever
comes with them), SyncToken, decimals, closed books, currency of the customer, faults with codes.
"""

import itertools
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from organizations.kernel import exact_json
from tests.integrations.fakes.serving import Answered, Asked

COMPANY = "4620816365"
FIELDS = {
    "Id", "SyncToken", "sparse", "CustomerRef", "CurrencyRef", "TxnDate", "DueDate", "PrivateNote",
    "Line", "SalesTermRef", "DocNumber", "CustomerMemo", "EmailStatus", "BillEmail",
}  # fmt: skip
LONGEST = {"DocNumber": 21, "PrivateNote": 4000}
LINE = {"DetailType", "Amount", "Description", "SalesItemLineDetail"}
DETAIL = {"ItemRef", "Qty", "UnitPrice", "TaxCodeRef", "ClassRef", "ServiceDate"}
QUERY = re.compile(
    r"select \* from (\w+)(?: where CustomerRef = '([^']*)' and MetaData\.CreateTime >= '([^']*)')?"
    r"(?: orderby Id)?(?: startposition (\d+) maxresults (\d+))?"
)


class Fault(Exception):
    """An answer that is an error."""

    def __init__(self, code: str, detail: str, *, status: int = 400) -> None:
        super().__init__(detail)
        self.status = status
        kind = "AUTHENTICATION" if status == 401 else "ValidationFault"
        error = {"Message": "An error", "Detail": detail, "code": code, "element": ""}
        self.body = {"Fault": {"Error": [error], "type": kind}, "time": "2026-06-01T00:00:00Z"}


class FakeQuickBooks:
    """The books of one company."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.asked: list[Asked] = []
        self.invoices: dict[str, dict[str, Any]] = {}
        self.currency = "USD"
        self.rows: dict[str, list[dict[str, Any]]] = {
            "Customer": [{"Id": "58", "DisplayName": "Acme"}],
            "Item": [{"Id": "1", "Name": "Usage"}, {"Id": "7", "Name": "Tokens"}],
            "Term": [{"Id": "3", "Name": "Net 30"}],
            "Class": [{"Id": "200", "Name": "North"}],
            "TaxCode": [{"Id": "TAX", "Name": "TAX"}, {"Id": "NON", "Name": "NON"}],
            "CompanyInfo": [{"Id": "1", "CompanyName": "Acme Books"}],
        }
        self.closed_until = "2020-12-31"
        self.kept: dict[str, Answered] = {}
        self.fail: list[Answered | None] = []
        self.mailed: list[str] = []
        self._ids = itertools.count(100)

    @property
    def writes(self) -> list[Asked]:
        """The requests that change something."""
        return [asked for asked in self.asked if asked.method != "GET"]

    def answer(self, asked: Asked) -> Answered | None:
        """Answer one request."""
        self.asked.append(asked)
        if self.fail and (planned := self.fail.pop(0)) is not None:
            return planned
        key = asked.query.get("requestid") if asked.method == "POST" else None
        try:
            if asked.headers.get("authorization") != f"Bearer {self.token}":
                raise Fault("3200", "Token expired or refused", status=401)
            if not asked.path.startswith(f"/v3/company/{COMPANY}/"):
                raise Fault("3100", "The application is not authorized", status=403)
            if key in self.kept:
                return self.kept[key]
            if len(key or "") > 50:
                raise Fault("2010", "requestid has more than 50 characters")
            found = Answered(200, exact_json.dumps(self._routed(asked)))
        except Fault as fault:
            return Answered(fault.status, json.dumps(fault.body).encode())
        if key:
            self.kept[key] = found
        return found

    def _routed(self, asked: Asked) -> dict[str, Any]:
        path = asked.path.removeprefix(f"/v3/company/{COMPANY}/")
        if (asked.method, path) == ("GET", "query"):
            return self._queried(asked.query["query"])
        if asked.method == "GET" and path.startswith("invoice/"):
            if path.removeprefix("invoice/") not in self.invoices:
                raise Fault("610", "Object Not Found")
            return {"Invoice": self.invoices[path.removeprefix("invoice/")]}
        if (asked.method, path) == ("POST", "invoice"):
            return {"Invoice": self._written(exact_json.loads(asked.body))}
        raise Fault("120", "Unsupported operation", status=404)

    def _queried(self, text: str) -> dict[str, Any]:
        parts = QUERY.fullmatch(text)
        if parts is None or (parts[1] != "Invoice" and parts[1] not in self.rows):
            raise Fault("4000", f"QueryParserError: {text}")
        table, customer, since, start, most = parts.groups()
        rows = list(self.invoices.values()) if table == "Invoice" else self.rows[table]
        if customer is not None:
            at = datetime.fromisoformat(since)
            rows = [
                row
                for row in rows
                if row["CustomerRef"]["value"] == customer
                and datetime.fromisoformat(row["MetaData"]["CreateTime"]) >= at
            ]
        if int(most or 100) > 1000:
            raise Fault("4001", "maxresults is 1000 at most")
        first = int(start or 1) - 1
        rows = rows[first : first + int(most or 100)]
        return {"QueryResponse": {table: rows} if rows else {}, "time": "2026-06-01T00:00:00Z"}

    def _written(self, sent: dict[str, Any]) -> dict[str, Any]:
        _known(sent, FIELDS, "Invoice")
        row: dict[str, Any] = {}
        if "Id" in sent:
            if sent["Id"] not in self.invoices:
                raise Fault("610", "Object Not Found")
            row = self.invoices[sent["Id"]]
            if sent.get("SyncToken") != row["SyncToken"]:
                raise Fault("5010", "Stale Object Error")
        made = {**row, **sent} if sent.get("sparse") or not row else {**sent}
        made.pop("sparse", None)
        for name in ("CustomerRef", "Line"):
            if not made.get(name):
                raise Fault("2020", f"Required parameter {name} is missing in the request")
        self._check(made)
        if "Line" in sent:
            made["Line"] = [self._line(line) for line in sent["Line"]]
            if len(made["Line"]) > 750:
                raise Fault("6000", "An invoice has 750 lines at most")
        self._sum(made)
        if made.get("EmailStatus", "NotSet") == "NeedToSend":
            if not (made.get("BillEmail") or {}).get("Address"):
                raise Fault("6000", "An e-mail address is required")
            self.mailed.append(str(made["TotalAmt"]))
            made["EmailStatus"] = "EmailSent"
        made.setdefault("EmailStatus", "NotSet")
        made.setdefault("Id", str(next(self._ids)))
        made.setdefault("MetaData", {"CreateTime": datetime.now(UTC).isoformat()})
        made["SyncToken"] = str(int(row.get("SyncToken", "-1")) + 1)
        self.invoices[made["Id"]] = made
        return made

    def _check(self, made: dict[str, Any]) -> None:
        self._refers(made, "CustomerRef", "Customer")
        self._refers(made, "SalesTermRef", "Term")
        for name, most in LONGEST.items():
            if len(made.get(name, "")) > most:
                raise Fault("2050", f"{name} has more than {most} characters")
        if len(made.get("CustomerMemo", {}).get("value", "")) > 1000:
            raise Fault("2050", "CustomerMemo has more than 1000 characters")
        if made.get("CurrencyRef", {}).get("value") != self.currency:
            raise Fault("6000", "The currency of the invoice is not the customer's")
        for name in ("TxnDate", "DueDate"):
            if name in made and not re.fullmatch(r"\d{4}-\d\d-\d\d", made[name]):
                raise Fault("2030", f"Invalid date {name}")
        if made.get("TxnDate", "9999") <= self.closed_until:
            raise Fault("6200", "Account Period Closed, Cannot Update Through Services API")

    def _refers(self, value: dict[str, Any], name: str, table: str) -> None:
        if name not in value:
            return
        _known(value[name], {"value", "name"}, name)
        if value[name].get("value") not in {row["Id"] for row in self.rows[table]}:
            raise Fault("2500", f"Invalid Reference Id: {name}")

    def _line(self, sent: dict[str, Any]) -> dict[str, Any]:
        if sent.get("DetailType") == "SubTotalLineDetail":
            return sent
        _known(sent, LINE, "Line")
        detail = sent.get("SalesItemLineDetail")
        if sent.get("DetailType") != "SalesItemLineDetail" or not isinstance(detail, dict):
            raise Fault("2020", "Required parameter DetailType is missing")
        _known(detail, DETAIL, "SalesItemLineDetail")
        for name, table in [("ItemRef", "Item"), ("ClassRef", "Class"), ("TaxCodeRef", "TaxCode")]:
            self._refers(detail, name, table)
        amount = sent.get("Amount")
        if isinstance(amount, bool) or not isinstance(amount, (int, Decimal)):
            raise Fault("2090", "Invalid Number: Amount")
        if Decimal(amount) != Decimal(amount).quantize(Decimal("0.01")):
            raise Fault("2090", "Amount has more than two decimals")
        if "UnitPrice" in detail and detail["UnitPrice"] * detail.get("Qty", 1) != amount:
            raise Fault("6070", "Amount calculation incorrect in the request")
        if not 0 < len(sent.get("Description", "-")) <= 4000:
            raise Fault("2050", "Description has more than 4000 characters")
        return {"Id": str(next(self._ids)), **sent}

    def _sum(self, made: dict[str, Any]) -> None:
        lines = [line for line in made["Line"] if line["DetailType"] == "SalesItemLineDetail"]
        amount = sum((Decimal(line["Amount"]) for line in lines), Decimal(0))
        if amount < 0:
            raise Fault("6000", "Transaction amount must be 0 or greater")
        taxed = [
            Decimal(line["Amount"])
            for line in lines
            if line["SalesItemLineDetail"].get("TaxCodeRef", {}).get("value") == "TAX"
        ]
        tax = (sum(taxed, Decimal(0)) / 10).quantize(Decimal("0.01"))
        made["Line"] = [
            *lines,
            {"DetailType": "SubTotalLineDetail", "Amount": amount, "SubTotalLineDetail": {}},
        ]
        made |= {
            "TotalAmt": amount + tax,
            "Balance": amount + tax,
            "TxnTaxDetail": {"TotalTax": tax},
        }


def _known(value: Any, names: set[str], where: str) -> None:
    if not isinstance(value, dict):
        raise Fault("2010", f"{where} is no object")
    for name in value:
        if name not in names and not (where == "Line" and name == "Id"):
            raise Fault("2010", f"Request has invalid or unsupported property: {where}.{name}")
