"""A strict stand-in for Chargebee's API v2: invoices of charges, unbilled charges, customers.

Written from the public API reference: forms with places in brackets, required and unknown
parameters, amounts from 1 of the minor unit, keys of idempotency by header, voiding, pages with an
offset, error shapes. Invoices cannot be changed.
"""

import base64
import itertools
import json
import re
import time
from typing import Any

from tests.integrations.fakes.serving import Answered, Asked

INVOICE = {"customer_id", "subscription_id", "currency_code", "auto_collection", "invoice_date",
           "net_term_days", "po_number", "invoice_note", "charges", "item_prices",
           "discounts"}  # fmt: skip
CHARGE = {"amount", "description", "date_from", "date_to"}
PRICED = {"item_price_id", "quantity", "unit_price", "date_from", "date_to"}
DISCOUNT = {"apply_on", "amount"}


class Fault(Exception):
    """An answer that is an error."""

    def __init__(self, message: str, *, status: int = 400, param: str = "", code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "message": message,
            "type": "invalid_request",
            "api_error_code": code or "param_wrong_value",
            "param": param,
            "http_status_code": status,
        }


class FakeChargebee:
    """The state of one site."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.asked: list[Asked] = []
        self.fail: list[Answered | None] = []
        self.kept: dict[str, tuple[Any, Answered]] = {}
        self.invoices: dict[str, dict[str, Any]] = {}
        self.unbilled: dict[str, dict[str, Any]] = {}
        self.customers = {"cb_1": {"id": "cb_1", "company": "Acme"}}
        self.subscriptions = {"sub_1": {"id": "sub_1", "customer_id": "cb_1"}}
        self.item_prices = {"tokens-USD": {"id": "tokens-USD", "name": "Tokens"}}
        self._ids = itertools.count(1)

    def answer(self, asked: Asked) -> Answered | None:
        """Answer one request."""
        self.asked.append(asked)
        if self.fail:
            return self.fail.pop(0)
        key = asked.headers.get("chargebee-idempotency-key") if asked.method == "POST" else None
        if key in self.kept:
            before, answered = self.kept[key]
            if before == (asked.path, asked.body):
                return answered
            return _error(Fault("The key was used with other parameters", status=409,
                                code="idempotency_key_mismatch"))  # fmt: skip
        try:
            self._authorize(asked)
            found = Answered(200, json.dumps(self._routed(asked)).encode())
        except Fault as fault:
            found = _error(fault)
        if key and found.status < 500:
            self.kept[key] = ((asked.path, asked.body), found)
        return found

    @property
    def writes(self) -> list[Asked]:
        """The requests that change something."""
        return [asked for asked in self.asked if asked.method != "GET"]

    def forget(self, row: dict[str, Any]) -> None:
        """Void an invoice, as a person does."""
        row["status"] = "voided"

    def bill_subscription(self) -> None:
        """Put what waits on an invoice of the subscription."""
        lines = [{"description": row["description"]} for row in self.unbilled.values()]
        self._keep({"customer_id": "cb_1", "subscription_id": "sub_1", "line_items": lines,
                    "notes": [], "sub_total": 0, "discounts": []})  # fmt: skip
        self.unbilled.clear()

    def _authorize(self, asked: Asked) -> None:
        token = base64.b64encode(f"{self.key}:".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {token}":
            raise Fault("Sorry, authentication failed. Invalid api key", status=401,
                        code="api_authentication_failed")  # fmt: skip

    def _routed(self, asked: Asked) -> dict[str, Any]:
        match = re.fullmatch(r"/api/v2/(\w+)(?:/([\w.-]+))?(?:/(\w+))?", asked.path)
        if match is None:
            raise Fault("Sorry, we could not find that", status=404, code="site_not_found")
        noun, identity, action = match.groups()
        nouns = {"invoices": self.invoices, "unbilled_charges": self.unbilled,
                 "customers": self.customers, "subscriptions": self.subscriptions,
                 "item_prices": self.item_prices}  # fmt: skip
        if noun not in nouns:
            raise Fault("Sorry, we could not find that", status=404, code="resource_not_found")
        rows, inner = nouns[noun], noun[:-1]
        if asked.method == "GET":
            if identity is None:
                return self._page(rows, inner, asked.query)
            return {inner: self._known(rows, identity)}
        form = _nested(asked.form)
        if noun == "invoices" and identity == "create_for_charge_items_and_charges":
            return {"invoice": self._invoice(form)}
        if noun == "invoices" and action == "void":
            return {"invoice": self._voided(self._known(rows, identity), form)}
        if noun == "unbilled_charges" and identity is None:
            return {"unbilled_charges": self._waiting(form)}
        if noun == "unbilled_charges" and action == "delete":
            return {"unbilled_charge": rows.pop(self._known(rows, identity)["id"])}
        raise Fault("No such operation", status=404, code="resource_not_found")

    def _known(self, rows: dict[str, Any], identity: str | None) -> dict[str, Any]:
        if identity not in rows:
            raise Fault(f"{identity} not found", status=404, code="resource_not_found")
        found: dict[str, Any] = rows[identity]
        return found

    def _page(self, rows: dict[str, Any], inner: str, query: dict[str, str]) -> dict[str, Any]:
        allowed = {"limit", "offset", "customer_id[is]", "subscription_id[is]", "updated_at[after]"}
        if unknown := sorted(query.keys() - allowed):
            raise Fault(f"unknown filter {unknown[0]}", param=unknown[0])
        limit = int(query.get("limit", "10"))
        if not 1 <= limit <= 100:
            raise Fault("limit must be from 1 to 100", param="limit")
        found = [
            row
            for row in reversed(rows.values())
            if all(row.get(name[:-4]) == wanted for name, wanted in query.items() if "[is]" in name)
            and row.get("updated_at", time.time()) >= int(query.get("updated_at[after]", 0))
        ]
        start = int(json.loads(query["offset"])[0]) if "offset" in query else 0
        page: dict[str, Any] = {"list": [{inner: row} for row in found[start : start + limit]]}
        if len(found) > start + limit:
            page["next_offset"] = json.dumps([start + limit])
        return page

    def _invoice(self, form: dict[str, Any]) -> dict[str, Any]:
        _only(form, INVOICE)
        if form.get("customer_id") not in self.customers:
            raise Fault("customer not found", status=404, param="customer_id",
                        code="resource_not_found")  # fmt: skip
        if not re.fullmatch(r"[A-Z]{3}", form.get("currency_code", "")):
            raise Fault("invalid currency", param="currency_code")
        if len(form.get("invoice_note", "")) > 2000 or len(form.get("po_number", "")) > 100:
            raise Fault("too long", param="invoice_note")
        lines = [_charge(row) for row in _rows(form, "charges", CHARGE)]
        lines += [self._priced(row) for row in _rows(form, "item_prices", PRICED)]
        if not lines:
            raise Fault("an invoice needs a charge", param="charges")
        discounts = []
        for row in _rows(form, "discounts", DISCOUNT):
            if row.get("apply_on") != "invoice_amount":
                raise Fault("apply_on", param="discounts[apply_on]")
            discounts.append({"entity_type": "document_level_discount",
                              "amount": _positive(row, "amount")})  # fmt: skip
        total = sum(line["amount"] for line in lines) - sum(one["amount"] for one in discounts)
        if total < 0:
            raise Fault("discount exceeds the invoice", param="discounts[amount]")
        return self._keep({
            "customer_id": form["customer_id"],
            "currency_code": form["currency_code"],
            "po_number": form.get("po_number"),
            "net_term_days": int(form.get("net_term_days", "0")),
            "notes": [{"note": form.get("invoice_note", "")}],
            "line_items": lines,
            "discounts": discounts,
            "sub_total": sum(line["amount"] for line in lines),
            "total": total,
        })  # fmt: skip

    def _keep(self, row: dict[str, Any]) -> dict[str, Any]:
        found = {"id": f"inv_{next(self._ids)}", "status": "payment_due", "amount_paid": 0,
                 "updated_at": int(time.time()), **row}  # fmt: skip
        self.invoices[found["id"]] = found
        return found

    def _voided(self, row: dict[str, Any], form: dict[str, Any]) -> dict[str, Any]:
        _only(form, {"comment"})
        if row["status"] in {"voided", "paid"} or row["amount_paid"]:
            raise Fault("cannot be voided in its state", status=409,
                        code="invalid_state_for_request")  # fmt: skip
        row["status"] = "voided"
        return row

    def _waiting(self, form: dict[str, Any]) -> list[dict[str, Any]]:
        _only(form, {"subscription_id", "customer_id", "currency_code", "charges", "item_prices"})
        if form.get("subscription_id") not in self.subscriptions:
            raise Fault("subscription not found", status=404, code="resource_not_found")
        made = []
        for row in _rows(form, "charges", CHARGE):
            found = {"id": f"li_{next(self._ids)}", "subscription_id": "sub_1", **_charge(row)}
            self.unbilled[found["id"]] = found
            made.append(found)
        return made

    def _priced(self, row: dict[str, str]) -> dict[str, Any]:
        if row.get("item_price_id") not in self.item_prices:
            raise Fault("item price not found", status=404, code="resource_not_found")
        amount = _positive(row, "unit_price", smallest=0) * int(row.get("quantity", "1"))
        return {"amount": amount, "entity_id": row["item_price_id"], "description": ""}


def _charge(row: dict[str, str]) -> dict[str, Any]:
    if not 1 <= len(row.get("description", "")) <= 250:
        raise Fault("1 to 250 characters", param="charges[description]")
    if int(row["date_to"]) < int(row["date_from"]):
        raise Fault("date_to is before date_from", param="charges[date_to]")
    return {"amount": _positive(row, "amount"), "description": row["description"]}


def _positive(row: dict[str, str], name: str, smallest: int = 1) -> int:
    if not re.fullmatch(r"\d{1,12}", row.get(name, "")) or int(row[name]) < smallest:
        raise Fault(f"{name} must be a whole number from {smallest}", param=name)
    return int(row[name])


def _rows(form: dict[str, Any], name: str, keys: set[str]) -> list[dict[str, str]]:
    """Return the rows of ``name[key][place]``; every key in brackets, every place from 0."""
    columns = form.get(name) or {}
    _only(columns, keys)
    places = sorted({int(place) for column in columns.values() for place in column})
    if places != list(range(len(places))):
        raise Fault("places must follow each other", param=name)
    return [
        {key: column[str(place)] for key, column in columns.items() if str(place) in column}
        for place in places
    ]


def _only(form: dict[str, Any], names: set[str]) -> None:
    if unknown := sorted(form.keys() - names):
        raise Fault(f"unknown parameter {unknown[0]}", param=unknown[0])


def _nested(form: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in form.items():
        head, *tail = re.findall(r"[^\[\]]+", name)
        if not tail:
            found[head] = value
            continue
        inner = found.setdefault(head, {})
        for part in tail[:-1]:
            inner = inner.setdefault(part, {})
        inner[tail[-1]] = value
    return found


def _error(fault: Fault) -> Answered:
    return Answered(fault.status, json.dumps(fault.body).encode())
