"""A sandbox that speaks as much of Stripe's API as sending bills needs, in memory.

Customers are there as soon as they are named. Everything else is as strict as the sender relies on:
the key, the version, idempotency keys, drafts, whole amounts.
"""

import itertools
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

KEY = "sk_test_nimbarra_demonstration"
MOST_ITEMS = 250
Answer = tuple[int, dict[str, Any]]


class Fault(Exception):
    """An answer that is an error."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class StripeSandbox:
    """The state of one account in test mode."""

    def __init__(self) -> None:
        self.invoices: dict[str, dict[str, Any]] = {}
        self.items: dict[str, dict[str, Any]] = {}
        self._kept: dict[str, tuple[Any, Answer]] = {}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def total(self, invoice: str) -> int:
        """Return what an invoice adds up to, in the smallest unit of its currency."""
        return sum(item["amount"] for item in self._of(invoice))

    def answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        form: dict[str, str],
        headers: Mapping[str, str],
    ) -> Answer:
        """Answer one request; one after another."""
        key, asked = headers.get("idempotency-key", ""), (method, path, form)
        with self._lock:
            if method == "POST" and key in self._kept:
                before, answered = self._kept[key]
                return answered if before == asked else _error("The key came with other fields")
            try:
                _authorize(headers)
                found: Answer = (200, self._routed(method, path, query, _nested(form)))
            except Fault as fault:
                found = _error(str(fault), fault.status)
            if method == "POST" and key:
                self._kept[key] = (asked, found)
            return found

    def _routed(
        self, method: str, path: str, query: Mapping[str, str], form: dict[str, Any]
    ) -> dict[str, Any]:
        words = re.fullmatch(r"/v1/(invoices|invoiceitems)(?:/(\w+))?", path)
        if words is None:
            raise Fault(f"Unrecognized request URL ({method}: {path})", 404)
        noun, identity = words.groups()
        rows = self.invoices if noun == "invoices" else self.items
        row = rows.get(identity) if identity else None
        if identity and row is None:
            raise Fault(f"No such object: {identity}", 404)
        if method == "GET":
            return self._shown(row) if row else self._page(rows, query)
        if method == "DELETE":
            if row is None or noun != "invoiceitems":
                raise Fault("Not here", 404)
            return {**rows.pop(row["id"]), "deleted": True}
        return self._invoice(row, form) if noun == "invoices" else self._item(row, form)

    def _invoice(self, row: dict[str, Any] | None, form: dict[str, Any]) -> dict[str, Any]:
        if row is None:
            if not {"customer", "currency"} <= form.keys():
                raise Fault("Missing required param: customer and currency")
            row = {"object": "invoice", "id": f"in_{next(self._ids)}", "status": "draft",
                   "metadata": {}, "created": int(time.time())}  # fmt: skip
            self.invoices[row["id"]] = row
        metadata = {**row["metadata"], **form.pop("metadata", {})}
        row |= {**form, "metadata": {name: text for name, text in metadata.items() if text}}
        return self._shown(row)

    def _item(self, row: dict[str, Any] | None, form: dict[str, Any]) -> dict[str, Any]:
        if row is None:
            if form.get("invoice") not in self.invoices:
                raise Fault("No such invoice", 404)
            if len(self._of(form["invoice"])) >= MOST_ITEMS:
                raise Fault(f"An invoice can have at most {MOST_ITEMS} items")
            row = {"object": "invoiceitem", "id": f"ii_{next(self._ids)}", "metadata": {}}
        if not re.fullmatch(r"-?\d{1,12}", form.get("amount", "")):
            raise Fault("Invalid integer: amount")
        form["amount"] = int(form["amount"])
        form["period"] = {name: int(text) for name, text in form.get("period", {}).items()}
        row |= {**form, "metadata": {**row["metadata"], **form.get("metadata", {})}}
        self.items[row["id"]] = row
        return row

    def _page(self, rows: dict[str, dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
        wanted = {name: query[name] for name in ("customer", "invoice") if name in query}
        found = [
            self._shown(row)
            for row in reversed(rows.values())
            if all(row.get(name) == value for name, value in wanted.items())
        ]
        ids = [row["id"] for row in found]
        after = ids.index(query["starting_after"]) + 1 if query.get("starting_after") in ids else 0
        end = after + int(query.get("limit", "10"))
        return {"object": "list", "data": found[after:end], "has_more": end < len(found)}

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        if row["object"] != "invoice":
            return row
        total = self.total(row["id"])
        return {**row, "subtotal": total, "total": total}

    def _of(self, invoice: str) -> list[dict[str, Any]]:
        return [item for item in self.items.values() if item["invoice"] == invoice]


def _authorize(headers: Mapping[str, str]) -> None:
    if headers.get("authorization") != f"Bearer {KEY}":
        raise Fault("Invalid API Key provided", 401)
    if not headers.get("stripe-version"):
        raise Fault("Say which version of the API is meant")


def _error(message: str, status: int = 400) -> Answer:
    return status, {"error": {"type": "invalid_request_error", "message": message}}


def _nested(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a form; ``metadata[name]`` stands in ``metadata``."""
    found: dict[str, Any] = {}
    for name, value in form.items():
        head, _, rest = name.partition("[")
        if rest:
            found.setdefault(head, {})[rest.removesuffix("]")] = value
        else:
            found[head] = value
    return found
