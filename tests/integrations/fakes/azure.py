"""A strict stand-in for Azure Marketplace's metering service: tokens, subscriptions, usage events.

Written from the public API reference: client credentials, one event for a resource, dimension and
hour of the last 24, duplicates with what was accepted, at most 25 events a call.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integrations.fakes.serving import Answered, Asked

CLIENT, TENANT = "client-1", "11111111-2222-3333-4444-555555555555"


class FakeAzure:
    """What is metered of one publisher's subscriptions: by subscription, dimension and hour."""

    def __init__(self, key: str) -> None:
        self.key = key  # the client secret
        self.token = f"{key}-token"
        self.asked: list[Asked] = []
        self.fail: list[Answered | None] = []
        self.metered: dict[tuple[str, str, str], int] = {}
        self.subscriptions = {
            "sub-1": {"id": "sub-1", "name": "Acme", "planId": "silver"},
            "sub-2": {"id": "sub-2", "name": "Other", "planId": "gold"},
        }
        self.dimensions = {"units", "seats"}

    def answer(self, asked: Asked) -> Answered | None:
        """Answer one request."""
        if asked.path.endswith("/oauth2/v2.0/token"):
            return self._token(asked)
        self.asked.append(asked)
        if self.fail:
            return self.fail.pop(0)
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return Answered(401, b'{"message": "unauthorized"}')
        if asked.query.get("api-version") != "2018-08-31":
            return Answered(400, b'{"message": "api-version"}')
        if asked.path == "/api/batchUsageEvent" and asked.method == "POST":
            return self._events(json.loads(asked.body)["request"])
        if asked.path == "/api/saas/subscriptions":
            return _json({"subscriptions": list(self.subscriptions.values())})
        found = self.subscriptions.get(asked.path.removeprefix("/api/saas/subscriptions/"))
        return _json(found) if found else Answered(404, b"{}")

    def total(self) -> int:
        """Everything that was metered."""
        return sum(self.metered.values())

    def know(self, customer: str, dimension: str, hour: datetime, quantity: int) -> None:
        """Have an hour from somebody else."""
        self.metered[customer, dimension, f"{hour:%Y-%m-%dT%H}"] = quantity

    def _token(self, asked: Asked) -> Answered:
        expected = {
            "grant_type": "client_credentials", "client_id": CLIENT, "client_secret": self.key,
            "scope": "20e940b3-4c77-4b0b-9a53-9e16a1b010a7/.default",
        }  # fmt: skip
        if asked.path != f"/{TENANT}/oauth2/v2.0/token" or asked.form != expected:
            return Answered(401, b'{"error": "invalid_client"}')
        return _json({"access_token": self.token, "expires_in": 3599, "token_type": "Bearer"})

    def _events(self, events: list[dict[str, Any]]) -> Answered:
        if not 1 <= len(events) <= 25:
            return Answered(400, b'{"message": "1 to 25 events"}')
        results = [self._one(event) for event in events]
        return _json({"count": len(results), "result": results, "success": True})

    def _one(self, event: dict[str, Any]) -> dict[str, Any]:
        if set(event) != {"resourceId", "planId", "dimension", "quantity", "effectiveStartTime"}:
            return {**event, "status": "BadArgument"}
        at = datetime.fromisoformat(event["effectiveStartTime"]).replace(tzinfo=UTC)
        subscription = self.subscriptions.get(event["resourceId"])
        if subscription is None:
            return {**event, "status": "ResourceNotFound"}
        if event["planId"] != subscription["planId"] or event["dimension"] not in self.dimensions:
            return {**event, "status": "InvalidDimension", "error": {"message": "no such"}}
        if not timedelta(0) <= datetime.now(UTC) - at <= timedelta(hours=24):
            return {**event, "status": "Expired"}
        if not event["quantity"] > 0:
            return {**event, "status": "InvalidQuantity"}
        where = (event["resourceId"], event["dimension"], f"{at:%Y-%m-%dT%H}")
        if where in self.metered:
            accepted = {**event, "quantity": self.metered[where], "status": "Duplicate"}
            error = {"code": "Conflict", "additionalInfo": {"acceptedMessage": accepted}}
            return {**event, "status": "Duplicate", "error": error}
        self.metered[where] = event["quantity"]
        return {**event, "usageEventId": f"e-{len(self.metered)}", "status": "Accepted"}


def _json(body: Any) -> Answered:
    return Answered(200, json.dumps(body).encode())
