"""Azure Marketplace: metered usage of a subscription, an event for each dimension and hour (A10).

An hour is kept for the bill before the call; Azure answers an hour that it knows with what it took,
so a call that is repeated counts once. Who calls proves it by client credentials.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import quote

from integrations.systems import known, metering
from integrations.systems.base import (
    Answer,
    Client,
    Job,
    Machine,
    Metered,
    NotAuthorized,
    Record,
    Refused,
    Sent,
    System,
    failure,
)
from integrations.systems.known import Known

VERSION = {"api-version": "2018-08-31"}
# The application id of the marketplace's own API.
RESOURCE = "20e940b3-4c77-4b0b-9a53-9e16a1b010a7"
HOURS = 23  # "within the past 24 hours"; the last one may pass under way
ACCEPTED, DUPLICATE = "Accepted", "Duplicate"


class Azure(System):
    """Azure Marketplace's metering service."""

    about: ClassVar[Known] = known.named("AZURE")
    base_url = "https://marketplaceapi.microsoft.com"
    options = (metering.DIMENSION,)
    machine = Machine("https://login.microsoftonline.com/{tenantId}/oauth2/v2.0/token")

    def token_form(self, secrets: Mapping[str, str], url: str) -> dict[str, str]:
        """Return the client's credentials; the tenant is part of the address."""
        return {
            "grant_type": "client_credentials",
            "client_id": secrets.get("clientId", ""),
            "client_secret": secrets.get("clientSecret", ""),
            "scope": f"{RESOURCE}/.default",
        }

    def classify(self, answer: Answer) -> Exception:
        """Return what to raise."""
        return failure(self.about.name, answer)

    def validate(self, job: Job) -> None:
        """Refuse bills that cannot be metered, before any call."""
        metering.check(job, self.about.name)
        metering.more(metering.wanted(job), job.reported, job.meter.pending())

    def send(self, job: Job) -> Sent:
        """Meter what Azure does not know of the bill."""
        account = job.bill.account.identity
        subscription = job.mappings.one("Account", account, "Subscription")
        wanted = metering.wanted(job)
        plan = self._plan(job.client, subscription)
        taken = metering.tell(
            job, subscription, wanted, HOURS, lambda some: self._told(job, plan, some)
        )
        if not taken:
            job.client.note("Azure knows all of it already.")
        return Sent(external_id=subscription, reported=metering.reported(taken))

    def records(self, client: Client, table: str) -> list[Record]:
        """Return the subscriptions of customers."""
        if table != "Subscription":
            return []
        answer = client.call("GET", "/api/saas/subscriptions", query=VERSION, retried=False)
        if not answer.is_success:
            return []
        return [
            Record(row["id"], f"{row.get('name') or ''} ({row.get('planId')})")
            for row in answer.body["subscriptions"]
        ]

    def try_out(self, client: Client) -> str:
        """Ask for the subscriptions: Azure tells nobody's name."""
        answer = client.call("GET", "/api/saas/subscriptions", query=VERSION)
        if not answer.is_success:
            raise self.classify(answer)
        return "The client is accepted"

    def _plan(self, client: Client, subscription: str) -> str:
        path = f"/api/saas/subscriptions/{quote(subscription, safe='')}"
        answer = client.call("GET", path, query=VERSION)
        if answer.status == 404:
            raise Refused(f"There is no subscription {subscription} in Azure.")
        if not answer.is_success or not isinstance(answer.body, Mapping):
            raise self.classify(answer)
        return str(answer.body["planId"])

    def _told(self, job: Job, plan: str, some: Sequence[Metered]) -> list[metering.Fate]:
        body = {"request": [_event(one, plan) for one in some]}
        answer = job.client.call("POST", "/api/batchUsageEvent", query=VERSION, json=body)
        if not answer.is_success or not isinstance(answer.body, Mapping):
            raise self.classify(answer)
        return [_fate(one, result) for one, result in zip(some, answer.body["result"], strict=True)]


def _event(one: Metered, plan: str) -> dict[str, Any]:
    return {
        "resourceId": one.customer,
        "planId": plan,
        "dimension": one.dimension,
        "quantity": int(one.quantity),
        "effectiveStartTime": f"{one.hour.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
    }


def _fate(one: Metered, result: Mapping[str, Any]) -> metering.Fate:
    """Return what became of an event; a duplicate tells what it is a duplicate of."""
    status, error = result["status"], result.get("error") or {}
    if status == ACCEPTED:
        return metering.TAKEN
    if status == DUPLICATE:
        accepted = (error.get("additionalInfo") or {}).get("acceptedMessage") or {}
        is_ours = Decimal(str(accepted.get("quantity", -1))) == one.quantity
        return metering.TAKEN if is_ours else metering.ELSEWHERE
    said = str(error.get("message") or "")[:300]
    sentence = f"Azure refused {one.dimension} of {one.hour:%Y-%m-%d %H:00} UTC: {status}. {said}"
    kinds = {"ResourceNotAuthorized": NotAuthorized, "Expired": metering.TooLate}
    return kinds.get(status, Refused)(sentence.strip())
