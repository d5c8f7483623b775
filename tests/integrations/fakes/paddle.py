"""A strict stand-in for Paddle Billing: transactions, customers, prices, products.

Written from the public API reference: required and unknown fields, types, prices that are not
negative, currencies of invoices, states of a transaction (without an address it stays a draft),
at most 100 items, pages of 30, error shapes. There are no keys of idempotency.
"""

import itertools
import json
from datetime import UTC, datetime
from typing import Any

from tests.integrations.fakes.serving import Answered, Asked

FIELDS = {
    "customer_id", "address_id", "business_id", "custom_data", "currency_code", "collection_mode",
    "billing_details", "billing_period", "items", "status", "discount_id", "checkout",
}  # fmt: skip
PRICE = {"name", "description", "tax_mode", "unit_price", "quantity", "product_id", "product",
         "billing_cycle", "custom_data"}  # fmt: skip
DETAILS = {"enable_checkout", "payment_terms", "purchase_order_number", "additional_information"}
INVOICED = {"USD", "EUR", "GBP"}


class Fault(Exception):
    """An answer that is an error."""

    def __init__(self, code: str, detail: str, *, status: int = 400, field: str = "") -> None:
        super().__init__(detail)
        self.status = status
        error: dict[str, Any] = {"type": "request_error", "code": code, "detail": detail}
        if field:
            error["errors"] = [{"field": field, "message": detail}]
        self.body = {"error": error, "meta": {"request_id": "b15ec92e"}}


class FakePaddle:
    """The state of one seller."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.asked: list[Asked] = []
        self.fail: list[Answered | None] = []
        self.transactions: dict[str, dict[str, Any]] = {}
        self.customers = {"ctm_1": {"id": "ctm_1", "name": "Acme", "email": "a@example.com"}}
        self.products = {"pro_1": {"id": "pro_1", "name": "Tokens"}}
        self.prices = {"pri_1": {"id": "pri_1", "name": "Token", "product_id": "pro_1"}}
        self._ids = itertools.count(1)

    def answer(self, asked: Asked) -> Answered | None:
        """Answer one request."""
        self.asked.append(asked)
        if self.fail:
            return self.fail.pop(0)
        try:
            self._authorize(asked)
            status, found = self._routed(asked)
        except Fault as fault:
            return Answered(fault.status, json.dumps(fault.body).encode())
        return Answered(status, json.dumps(found).encode())

    @property
    def writes(self) -> list[Asked]:
        """The requests that change something."""
        return [asked for asked in self.asked if asked.method != "GET"]

    def forget(self, row: dict[str, Any]) -> None:
        """Cancel a transaction; they are never deleted."""
        row["status"] = "canceled"

    def _authorize(self, asked: Asked) -> None:
        if asked.headers.get("authorization") != f"Bearer {self.key}":
            raise Fault("forbidden", "You do not have access to this resource", status=403)
        if asked.headers.get("paddle-version") != "1":
            raise Fault("invalid_version", "Invalid Paddle-Version")

    def _routed(self, asked: Asked) -> tuple[int, dict[str, Any]]:
        noun, _, identity = asked.path.strip("/").partition("/")
        if noun == "event-types" and asked.method == "GET":
            return 200, {"data": [{"name": "transaction.created"}], "meta": {}}
        rows: dict[str, Any] | None = {
            "transactions": self.transactions, "customers": self.customers,
            "products": self.products, "prices": self.prices,
        }.get(noun)  # fmt: skip
        if rows is None or (identity and identity not in rows):
            raise Fault("not_found", f"Entity {identity} not found", status=404)
        if asked.method == "GET":
            if identity:
                return 200, {"data": self._shown(rows[identity]), "meta": {}}
            return 200, self._page(rows, asked.query)
        if noun != "transactions":
            raise Fault("method_not_allowed", "Not allowed", status=405)
        body = json.loads(asked.body)
        if asked.method == "POST" and not identity:
            return 201, {"data": self._made(body), "meta": {}}
        if asked.method == "PATCH" and identity:
            return 200, {"data": self._changed(rows[identity], body), "meta": {}}
        raise Fault("method_not_allowed", "Not allowed", status=405)

    def _page(self, rows: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        limit = int(query.get("per_page", "30"))
        if not 1 <= limit <= 200:
            raise Fault("bad_request", "per_page must be from 1 to 200")
        unknown = query.keys() - {"per_page", "after", "customer_id", "created_at[GTE]", "status"}
        if unknown:
            raise Fault("bad_request", f"unknown parameter {unknown}")
        found = [
            row
            for row in reversed(rows.values())
            if row.get("customer_id") == query.get("customer_id", row.get("customer_id"))
            and row.get("created_at", "9") >= query.get("created_at[GTE]", "")
        ]
        if after := query.get("after"):
            found = found[[row["id"] for row in found].index(after) + 1 :]
        more = len(found) > limit
        return {
            "data": [self._shown(row) for row in found[:limit]],
            "meta": {"pagination": {"per_page": limit, "has_more": more, "next": ""}},
        }

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        if not str(row["id"]).startswith("txn_"):
            return row
        subtotal = sum(int(one["price"]["unit_price"]["amount"]) * one["quantity"]
                       for one in row["items"])  # fmt: skip
        totals = {"subtotal": str(subtotal), "discount": "0", "tax": "0", "total": str(subtotal)}
        return {**row, "details": {"totals": totals}}

    def _made(self, body: dict[str, Any]) -> dict[str, Any]:
        self._check(body, is_new=True)
        row = {
            "id": f"txn_{next(self._ids)}",
            "created_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            **body,
            "status": "ready" if body.get("address_id") else "draft",
        }
        self.transactions[row["id"]] = row
        return self._shown(row)

    def _changed(self, row: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        if row["status"] not in {"draft", "ready"}:
            raise Fault("transaction_immutable", "cannot be changed once it is billed")
        self._check({**{k: v for k, v in row.items() if k in FIELDS - {"status"}}, **body})
        row |= body
        return self._shown(row)

    def _check(self, body: dict[str, Any], *, is_new: bool = False) -> None:
        _only(body, FIELDS)
        if not isinstance(body.get("items"), list) or not 1 <= len(body["items"]) <= 100:
            raise Fault("bad_request", "items must have 1 to 100 entries", field="items")
        if body.get("customer_id") not in self.customers:
            raise Fault("transaction_customer_not_found", "no such customer", status=404)
        if body.get("collection_mode") == "manual":
            if not isinstance(body.get("billing_details"), dict):
                raise Fault("transaction_billing_details_object_required", "billing_details")
            if body.get("currency_code") not in INVOICED:
                raise Fault("transaction_currency_code_not_valid_for_manual", "USD, EUR or GBP")
            _only(body["billing_details"], DETAILS)
            terms = body["billing_details"].get("payment_terms") or {}
            if terms.get("interval") != "day" or not isinstance(terms.get("frequency"), int):
                raise Fault("bad_request", "payment_terms", field="billing_details")
            if len(body["billing_details"].get("purchase_order_number", "")) > 100:
                raise Fault("bad_request", "too long", field="purchase_order_number")
        period = body.get("billing_period")
        if period and period["ends_at"] <= period["starts_at"]:
            raise Fault("bad_request", "ends_at must be after starts_at", field="billing_period")
        for item in body["items"]:
            self._item(item, body["currency_code"])

    def _item(self, item: dict[str, Any], currency: str) -> None:
        _only(item, {"quantity", "price", "price_id"})
        price = item["price"]
        _only(price, PRICE)
        amount = price["unit_price"]["amount"]
        if not isinstance(amount, str) or not amount.isdigit():
            raise Fault("bad_request", "amount must be a whole number from 0", field="amount")
        if price["unit_price"]["currency_code"] != currency:
            raise Fault("transaction_item_currency", "currency of an item differs")
        if not 2 <= len(price.get("description", "")) <= 500:
            raise Fault("bad_request", "2 to 500 characters", field="description")
        if len(price.get("name") or "") > 150:
            raise Fault("bad_request", "at most 150 characters", field="name")
        if ("product_id" in price) == ("product" in price):
            raise Fault("bad_request", "one of product_id and product", field="product")
        if "product_id" in price and price["product_id"] not in self.products:
            raise Fault("transaction_product_not_found", "no such product", status=404)
        if "product" in price:
            _only(price["product"], {"name", "tax_category", "description"})
            if not 1 <= len(price["product"]["name"]) <= 200:
                raise Fault("bad_request", "1 to 200 characters", field="product.name")
            if price["product"]["tax_category"] not in {"standard", "saas", "digital-goods"}:
                raise Fault("bad_request", "no such tax category", field="tax_category")


def _only(body: dict[str, Any], names: set[str]) -> None:
    if unknown := sorted(body.keys() - names):
        raise Fault("bad_request", f"unknown field {unknown[0]}", field=unknown[0])
