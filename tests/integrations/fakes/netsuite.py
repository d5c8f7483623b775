"""A strict stand-in for NetSuite: tokens by a signed assertion, invoice records, SuiteQL.

Written from the public help pages: header and claims of the assertion, upsert by external id with
204 and a Location, ``replace`` of sublists, refusal of unknown fields where asked for, references
by internal id, closed periods, error shapes.
"""

import itertools
import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.integrations.fakes.serving import Answered, Asked

_PRIVATE = rsa.generate_private_key(65537, 2048)
PEM = _PRIVATE.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
).decode()
CLIENT = "client-of-the-integration-record"
FIELDS = {
    "entity", "tranDate", "dueDate", "memo", "item", "otherRefNum", "externalId", "currency",
    "customForm", "subsidiary", "location", "department", "class", "postingPeriod",
}  # fmt: skip
LINE = {"item", "description", "quantity", "rate", "amount"}
DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Fault(Exception):
    """An answer that is an error."""

    def __init__(self, detail: str, *, status: int = 400, code: str = "USER_ERROR") -> None:
        super().__init__(detail)
        self.status = status
        self.body = {
            "title": "Error", "status": status,
            "o:errorDetails": [{"detail": detail, "o:errorCode": code}],
        }  # fmt: skip


class FakeNetSuite:
    """The state of one company. ``key`` is the id of the certificate that it knows."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.token = f"{key}-token"
        self.asked: list[Asked] = []
        self.tokens_asked = 0
        self.fail: list[Answered | None] = []
        self.invoices: dict[str, dict[str, Any]] = {}
        self.customers = {"51": "Acme"}
        self.items = {"7": "Tokens", "8": "Seats"}
        self.currencies = {"USD": "1", "JPY": "4", "KWD": "9", "EUR": "3"}
        self.periods = [{"id": "120", "ends": "2026-06-30", "closed": False},
                        {"id": "121", "ends": "2026-07-31", "closed": False}]  # fmt: skip
        self._ids = itertools.count(900)

    def answer(self, asked: Asked) -> Answered | None:
        """Answer one request."""
        if asked.path == "/services/rest/auth/oauth2/v1/token":
            self.tokens_asked += 1
            return self._token(asked)
        self.asked.append(asked)
        if self.fail:
            return self.fail.pop(0)
        try:
            if asked.headers.get("authorization") != f"Bearer {self.token}":
                raise Fault("Invalid login attempt.", status=401, code="INVALID_LOGIN")
            return self._routed(asked)
        except Fault as fault:
            return Answered(fault.status, json.dumps(fault.body).encode())

    @property
    def writes(self) -> list[Asked]:
        """The requests that change something."""
        return [asked for asked in self.asked if asked.method in {"PUT", "PATCH", "DELETE"}]

    def forget(self, row: dict[str, Any]) -> None:
        """Delete an invoice, as a person does."""
        del self.invoices[row["id"]]

    def _token(self, asked: Asked) -> Answered:
        form = asked.form
        try:
            assert form["grant_type"] == "client_credentials"
            assert form["client_assertion_type"].endswith("jwt-bearer")
            key = RSAKey.import_key(_PRIVATE.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo,
            ))  # fmt: skip
            token = jwt.decode(form["client_assertion"], key, algorithms=["PS256"])
            claims = token.claims
            assert token.header["kid"] == self.key
            assert claims["iss"] == CLIENT
            assert "rest_webservices" in claims["scope"]
            assert claims["aud"] == (
                "https://td123-sb1.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token"
            )
            assert 0 < claims["exp"] - claims["iat"] <= 3600
        except (AssertionError, KeyError, ValueError):
            return Answered(401, b'{"error": "invalid_client"}')
        answer = {"access_token": self.token, "expires_in": "3600", "token_type": "bearer"}
        return Answered(200, json.dumps(answer).encode())

    def _routed(self, asked: Asked) -> Answered:
        if asked.path == "/services/rest/query/v1/suiteql" and asked.method == "POST":
            if asked.headers.get("prefer") != "transient":
                raise Fault("The required request header 'Prefer' is missing or invalid.")
            rows = self._query(json.loads(asked.body)["q"])
            limit = int(asked.query.get("limit", "1000"))
            return Answered(200, json.dumps({"items": rows[:limit]}).encode())
        prefix = "/services/rest/record/v1/invoice/"
        if not asked.path.startswith(prefix):
            raise Fault("Record type does not exist.", status=404, code="NONEXISTENT_RECORD_TYPE")
        identity = unquote(asked.path.removeprefix(prefix))
        row = self._found(identity)
        if asked.method == "GET":
            if row is None:
                raise Fault("The record instance does not exist.", status=404)
            return Answered(200, json.dumps(self._shown(row), default=str).encode())
        if asked.headers.get("x-netsuite-propertynamevalidation") != "Error":
            raise AssertionError("fields that nobody knows would be ignored")
        if asked.method == "PUT" and identity.startswith("eid:"):
            body = json.loads(asked.body, parse_float=Decimal)
            return self._written(row, body, asked, identity.removeprefix("eid:"))
        if asked.method == "PATCH" and row is not None:
            return self._written(row, json.loads(asked.body, parse_float=Decimal), asked, None)
        raise Fault("The record instance does not exist.", status=404)

    def _found(self, identity: str) -> dict[str, Any] | None:
        if identity.startswith("eid:"):
            wanted = identity.removeprefix("eid:")
            return next((r for r in self.invoices.values() if r["externalId"] == wanted), None)
        return self.invoices.get(identity)

    def _written(
        self, row: dict[str, Any] | None, body: dict[str, Any], asked: Asked, external: str | None
    ) -> Answered:
        self._check(body)
        if row is None:
            row = {"id": str(next(self._ids)), "amountPaid": 0, "externalId": external, "item": []}
        if row["amountPaid"]:
            raise Fault("This transaction has payments applied and cannot be changed.")
        lines = body.pop("item")["items"]
        kept = [] if asked.query.get("replace") == "item" else row["item"]
        self.invoices[row["id"]] = row
        row |= {**body, "item": [*kept, *lines]}
        location = f"http://x/services/rest/record/v1/invoice/{row['id']}"
        return Answered(204, b"", {"Location": location})

    def _check(self, body: dict[str, Any]) -> None:
        _only(body, FIELDS)
        _reference(body, "entity", self.customers)
        _reference(body, "currency", set(self.currencies.values()))
        for name in ("tranDate", "dueDate"):
            if not DAY.fullmatch(body[name]):
                raise Fault(f"Invalid value for {name}.")
        if len(body.get("otherRefNum", "")) > 45 or len(body.get("memo", "")) > 999:
            raise Fault("The field contained more than the maximum number of characters.")
        chosen = body.get("postingPeriod", {}).get("id")
        fits = [p for p in self.periods
                if (p["id"] == chosen if chosen else p["ends"] >= body["tranDate"])]  # fmt: skip
        period = fits[0] if fits else None
        if period is None or period["closed"]:
            raise Fault("You cannot create or edit a transaction in a posting period that is "
                        "closed.")  # fmt: skip
        rows = body["item"]["items"]
        if not rows:
            raise Fault("Please enter at least one line item.")
        for line in rows:
            _only(line, LINE)
            _reference(line, "item", self.items)
            amount = Decimal(str(line["amount"]))
            if amount != round(amount, 2) or amount != Decimal(str(line["rate"])):
                raise Fault("Invalid amount.")
        if sum(Decimal(str(line["amount"])) for line in rows) < 0:
            raise Fault("The total of an invoice must not be below zero.")

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        total = sum((Decimal(str(line["amount"])) for line in row["item"]), Decimal(0))
        lines = {"items": row["item"]}
        return {**row, "item": lines, "subtotal": total, "total": total, "taxTotal": 0}

    def _query(self, query: str) -> list[dict[str, Any]]:
        if match := re.search(r"FROM currency WHERE symbol = '(\w+)'", query):
            code = match.group(1)
            return [{"id": self.currencies[code]}] if code in self.currencies else []
        if match := re.search(r"FROM accountingperiod .*TO_DATE\('([\d-]+)'", query):
            return [{"id": p["id"]} for p in self.periods
                    if p["ends"] >= match.group(1) and not p["closed"]]  # fmt: skip
        if "FROM item" in query:
            return [{"id": identity, "name": name} for identity, name in self.items.items()]
        if "FROM customer" in query:
            return [{"id": identity, "name": name} for identity, name in self.customers.items()]
        return [{"symbol": code} for code in self.currencies]


def _only(body: dict[str, Any], names: set[str]) -> None:
    if unknown := sorted(body.keys() - names):
        raise Fault(f"Unknown reference or field: {unknown[0]}.", code="INVALID_CONTENT")


def _reference(body: dict[str, Any], name: str, known: Any) -> None:
    if body.get(name, {}).get("id") not in known:
        raise Fault(f"Invalid reference key for {name}.", code="INVALID_KEY_OR_REF")
