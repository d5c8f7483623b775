"""A strict stand-in for Stripe's API: invoices, invoice items, customers, products, OAuth.

Written from the public API reference: required and unknown parameters, types, idempotency keys
(the same key with another body is refused, the same body is answered with what was answered
before), states of an invoice, 250 items at most, error shapes.
"""

import itertools
import json
import re
import time
from typing import Any

from tests.integrations.fakes.serving import Answered, Asked

INVOICE_FIELDS = {
    "customer", "currency", "pending_invoice_items_behavior", "collection_method", "auto_advance",
    "description", "days_until_due", "due_date", "metadata", "custom_fields",
}  # fmt: skip
NEVER_CHANGED = {"customer", "currency", "pending_invoice_items_behavior"}
ITEM_FIELDS = {
    "customer", "invoice", "currency", "amount", "description", "period", "discountable",
    "metadata", "price_data", "quantity",
}  # fmt: skip
NEVER_CHANGED_OF_ITEMS = {"customer", "invoice", "currency"}
THREE_DECIMALS = {"bhd", "jod", "kwd", "omr", "tnd"}


class Fault(Exception):
    """An answer that is an error."""

    def __init__(self, message: str, *, status: int = 400, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": "invalid_request_error", "message": message, **more}}


class FakeStripe:
    """The state of one account. ``before`` may answer instead, or raise; ``after`` sees writes."""

    def __init__(self, key: str = "sk_test_planted_key") -> None:
        self.key = key
        self.asked: list[Asked] = []
        self.invoices: dict[str, dict[str, Any]] = {}
        self.items: dict[str, dict[str, Any]] = {}
        self.customers = {"cus_1": {"id": "cus_1", "name": "Acme", "email": "a@example.com"}}
        self.products = {"prod_1": {"id": "prod_1", "name": "Tokens"}}
        self.kept: dict[str, tuple[Any, Answered]] = {}
        self.fail: list[Answered | None] = []
        self.after: Any = None
        self._ids = itertools.count(1)

    def answer(self, asked: Asked) -> Answered | None:
        """Answer one request."""
        self.asked.append(asked)
        if self.fail:
            return self.fail.pop(0)
        key = asked.headers.get("idempotency-key") if asked.method == "POST" else None
        same = (asked.method, asked.path, asked.body)
        if key in self.kept:
            before, answered = self.kept[key]
            if before == same:
                return answered
            return _error(
                Fault(
                    "Keys for idempotent requests can only be used with the same "
                    "parameters they were first used with.",
                    type="idempotency_error",
                )
            )
        try:
            self._authorize(asked)
            found = Answered(200, json.dumps(self._routed(asked)).encode())
        except Fault as fault:
            found = _error(fault)
        if key and found.status < 500:
            self.kept[key] = (same, found)
        if asked.method != "GET" and self.after is not None:
            self.after(asked)
        return found

    @property
    def writes(self) -> list[Asked]:
        """The requests that change something."""
        return [asked for asked in self.asked if asked.method != "GET"]

    def total(self, identity: str) -> int:
        """What an invoice adds up to."""
        return sum(item["amount"] for item in self._of(identity))

    def _authorize(self, asked: Asked) -> None:
        if asked.headers.get("authorization") != f"Bearer {self.key}":
            raise Fault("Invalid API Key provided", status=401)
        if asked.headers.get("stripe-version") != "2024-06-20":
            raise Fault("Invalid Stripe API version")

    def _routed(self, asked: Asked) -> dict[str, Any]:
        parts = asked.path.strip("/").split("/")
        if parts[0] != "v1" or len(parts) not in (2, 3):
            raise Fault(f"Unrecognized request URL ({asked.method}: {asked.path})", status=404)
        noun, identity = parts[1], parts[2] if len(parts) == 3 else None
        if noun == "account":
            return {"id": "acct_1", "business_profile": {"name": "Acme Books"}}
        rows = {
            "invoices": self.invoices,
            "invoiceitems": self.items,
            "customers": self.customers,
            "products": self.products,
        }[noun]
        if asked.method == "GET" and identity is None:
            return self._page(noun, rows, asked.query)
        if identity is not None and identity not in rows:
            raise Fault(f"No such {noun[:-1]}: '{identity}'", status=404, code="resource_missing")
        if asked.method == "GET":
            return self._shown(noun, rows[identity])
        if noun == "invoices":
            return self._invoice(identity, asked)
        if noun == "invoiceitems":
            return self._item(identity, asked)
        raise Fault("Not here", status=404)

    def _page(self, noun: str, rows: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        limit = int(query.get("limit", "10"))
        if not 1 <= limit <= 100:
            raise Fault("limit must be from 1 to 100")
        found = [
            row
            for row in reversed(rows.values())
            if all(
                row.get(name) == query[name] for name in ("customer", "invoice") if name in query
            )
            and row.get("created", 0) >= int(query.get("created[gte]", 0))
        ]
        if after := query.get("starting_after"):
            places = [i for i, row in enumerate(found) if row["id"] == after]
            if not places:
                raise Fault(f"No such object: '{after}'")
            found = found[places[0] + 1 :]
        return {
            "object": "list",
            "data": [self._shown(noun, row) for row in found[:limit]],
            "has_more": len(found) > limit,
        }

    def _shown(self, noun: str, row: dict[str, Any]) -> dict[str, Any]:
        if noun != "invoices":
            return row
        return {**row, "subtotal": self.total(row["id"]), "total": self.total(row["id"])}

    def _of(self, invoice: str) -> list[dict[str, Any]]:
        return [item for item in self.items.values() if item["invoice"] == invoice]

    def _invoice(self, identity: str | None, asked: Asked) -> dict[str, Any]:  # noqa: C901
        form = _nested(asked.form)
        _known(form, INVOICE_FIELDS)
        row = self.invoices.get(identity or "")
        if row is None:
            self._customer(form)
            row = {
                "id": f"in_{next(self._ids)}",
                "object": "invoice",
                "status": "draft",
                "metadata": {},
                "created": int(time.time()),
                "customer": form["customer"],
                "currency": form.get("currency", "usd"),
            }
        else:
            _refuse_changes(form, NEVER_CHANGED)
            if row["status"] != "draft" and set(form) - {"metadata", "auto_advance"}:
                raise Fault("Finalized invoices can't be updated in this way")
        if form.get("collection_method", row.get("collection_method")) == "send_invoice":
            if not ({"days_until_due", "due_date"} & (form.keys() | row.keys())):
                raise Fault("days_until_due or due_date is required with send_invoice")
            if "days_until_due" in form and "due_date" in form:
                raise Fault("You may only specify one of days_until_due, due_date")
        elif {"days_until_due", "due_date"} & form.keys():
            raise Fault("due_date can only be set with send_invoice")
        if "due_date" in form and int(form["due_date"]) <= time.time():
            raise Fault("due_date must be in the future")
        if len(form.get("custom_fields", {})) > 4:
            raise Fault("custom_fields: at most 4")
        for name in ("auto_advance",):
            if name in form and form[name] not in ("true", "false"):
                raise Fault(f"Invalid boolean: {form[name]}")
        metadata = {**row["metadata"], **form.pop("metadata", {})}
        row |= form | {"metadata": {key: value for key, value in metadata.items() if value}}
        self.invoices[row["id"]] = row
        return self._shown("invoices", row)

    def _item(self, identity: str | None, asked: Asked) -> dict[str, Any]:  # noqa: C901
        row = self.items.get(identity or "")
        owner = self.invoices.get(row["invoice"]) if row else None
        if owner is not None and owner["status"] != "draft":
            raise Fault("This invoice is no longer editable")
        if asked.method == "DELETE":
            assert row is not None
            del self.items[row["id"]]
            return {"id": row["id"], "deleted": True}
        form = _nested(asked.form)
        _known(form, ITEM_FIELDS)
        if row is None:
            self._customer(form)
            if form.get("invoice") not in self.invoices:
                raise Fault("No such invoice", status=404)
            if self.invoices[form["invoice"]]["status"] != "draft":
                raise Fault("You can only add invoice items to a draft invoice")
            if len(self._of(form["invoice"])) >= 250:
                raise Fault("An invoice can have at most 250 items")
            row = {"id": f"ii_{next(self._ids)}", "object": "invoiceitem", "metadata": {}}
        else:
            _refuse_changes(form, NEVER_CHANGED_OF_ITEMS)
        row |= self._amounts(form, row)
        if "period" in form:
            period = {key: int(value) for key, value in form.pop("period").items()}
            if period["end"] < period["start"]:
                raise Fault("period end must not be before start")
            row["period"] = period
        if len(form.get("description", "")) > 5000 or form.get("description") == "":
            raise Fault("description is invalid")
        row["metadata"] = {**row["metadata"], **form.pop("metadata", {})}
        if any(len(key) > 40 or len(value) > 500 for key, value in row["metadata"].items()):
            raise Fault("metadata is too long")
        row |= {key: form[key] for key in form.keys() - {"amount", "price_data", "quantity"}}
        self.items[row["id"]] = row
        return row

    def _amounts(self, form: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        if "price_data" in form:
            price = form["price_data"]
            if "amount" in form or {"currency", "product", "unit_amount"} - price.keys():
                raise Fault("price_data needs currency, product and unit_amount, and no amount")
            if price["product"] not in self.products:
                raise Fault("No such product", status=404)
            amount = _whole(price["unit_amount"]) * int(form.get("quantity", "1"))
            if amount < 0:
                raise Fault("Invalid non-negative integer")
            currency = price["currency"]
        elif "amount" in form:
            amount, currency = _whole(form["amount"]), form.get("currency", row.get("currency"))
            if "currency" not in form and not row.get("currency"):
                raise Fault("Missing required param: currency.")
        else:
            return {}
        if currency in THREE_DECIMALS and amount % 10:
            raise Fault("Amounts of this currency must be divisible by 10")
        return {"amount": amount, "currency": currency}

    def _customer(self, form: dict[str, Any]) -> None:
        if "customer" not in form:
            raise Fault("Missing required param: customer.", param="customer")
        if form["customer"] not in self.customers:
            raise Fault(f"No such customer: '{form['customer']}'", code="resource_missing")


def _whole(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,12}", text):
        raise Fault(f"Invalid integer: {text}")
    return int(text)


def _known(form: dict[str, Any], names: set[str]) -> None:
    for name in form:
        if name not in names:
            raise Fault(f"Received unknown parameter: {name}", param=name, code="parameter_unknown")


def _refuse_changes(form: dict[str, Any], names: set[str]) -> None:
    for name in names & form.keys():
        raise Fault(f"Received unknown parameter: {name}", param=name, code="parameter_unknown")


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
