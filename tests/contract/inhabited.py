"""Organizations with at least one row of every kind, made once for many tests.

The rows live in a transaction that is rolled back when the tests that share them are done.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection, models, transaction
from django.test import override_settings

from billing.models import Account, BillEmail, MeasurementUpload
from billing.usage import uploads
from integrations import connections, dispatch
from integrations.models import WebhookDestination
from organizations.founding import Founded
from organizations.kernel import clock, files, principals
from organizations.models import Membership
from tests.billing.bills import runners
from tests.clients import ApiClient
from tests.contract import (
    bodies,
    bodies_agreements,
    bodies_exports,
    bodies_lookups,
    bodies_plan_groups,
    documents,
    inhabited_integrations,
    inhabited_late_usage,
)
from tests.factories import make_founded, number

OUR_APPS = ("organizations", "catalog", "billing", "notifications", "integrations")
# Lists of the rows of one other row: the parameter that names it, and where it was made.
LISTS_OF = {"counteradjustments": ("counterId", "counters")}
USED_AT = "2024-10-10T12:00:00Z"
MEASUREMENTS: tuple[dict[str, Any], ...] = (
    {
        "uid": "used",
        "measure": {"tokens": 150},
        "cost": {"spent": 0.5},
        "who": {"user_id": "u"},
        "where": {"region": "eu"},
        "metadata": {"note": "n"},
    },
    {"uid": "broken", "measure": {}},
)


@dataclass(slots=True)
class Inhabited:
    """An organization, a client of it, and what was made in it by address."""

    founded: Founded
    api: ApiClient
    made: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def organization_id(self) -> UUID:
        """Which organization it is."""
        return self.founded.organization.pk

    def needed(self, path: str) -> dict[str, str]:
        """Return the query parameters without which a list is refused."""
        name, of = LISTS_OF.get(path, ("", ""))
        return {name: self.made[of]["id"]} if name else {}

    def ids(self, model: type[models.Model]) -> list[str]:
        """Return the ids of its rows of one kind."""
        rows = model._base_manager.filter(organization_id=self.organization_id)
        # Addresses name a member by the person.
        column = "user_id" if model is Membership else "pk"
        return [str(pk) for pk in rows.order_by("pk").values_list(column, flat=True)]


@contextmanager
def undone() -> Iterator[None]:
    """Undo at the end what was written inside."""
    block = transaction.atomic()
    block._from_testcase = True  # as Django's TestCase does: durable blocks may stand inside
    with block:
        yield
        transaction.set_rollback(True)


@contextmanager
def shared_database(blocker: Any) -> Iterator[None]:
    """Open the database for the tests of a module, and undo at the end what they wrote."""
    with blocker.unblock(), override_settings(WEBHOOK_ALLOW_PRIVATE_TARGETS=True), undone():
        yield


def settle() -> Inhabited:
    """Found an organization and make rows of every kind in it: catalogue, usage, bills, webhooks.

    What the API can make is made over the API, with bodies that use every field.
    """
    founded = make_founded()
    place = Inhabited(founded, ApiClient(founded))
    for path, build in bodies.CREATED:
        answer = place.api.post(path, build(place.made))
        assert answer.status == 200, (path, answer)
        place.made[path] = answer.json
        if path == "plangroups":
            spare = place.api.post(path, bodies_plan_groups.plan_group(place.made))
            place.made[bodies_plan_groups.SPARE] = spare.json
    for word, build in bodies_agreements.BELOW_BALANCE:
        path = f"balances/{place.made['balances']['id']}/{word}"
        answer = place.api.post(path, build(place.made))
        assert answer.status == 200, (path, answer)
    bodies_lookups.fill(place.api, place.made)
    place.api.put("support", {"dtEndSupportUsersAccess": "2031-01-01T00:00:00.000Z"})
    _connect(place)
    _make_the_rest(place)
    _use(place)
    runners.run(founded.organization, "2024-10-31")
    place.api.get("billconfig")  # the first who asks makes it
    bill = place.api.get("bills", pageSize=1).json["data"][0]
    place.api.post("statementjobs", {"billId": bill["id"], "includeCsvFormat": True})
    inhabited_late_usage.late_usage(bill["id"])
    BillEmail.objects.create(
        organization_id=place.organization_id, bill_id=bill["id"],
        approved_at=clock.now(), recipient="ap@acme.example", state="CANCELLED",
    )  # fmt: skip
    _deliver()
    return place


def _make_the_rest(place: Inhabited) -> None:
    """Make a row behind each address no body is written for, out of what its schema requires."""
    for verb, route, operation in documents.our_operations():
        is_plain = route.actions.get("post") == "create" and not route.parameters
        is_empty = route.model is not None and not place.ids(route.model)
        if verb == "POST" and is_plain and is_empty:
            answer = place.api.post(
                route.path, documents.simplest(operation.request, f"x{number()}")
            )
            if answer.status == 200:
                place.made[route.path] = answer.json


def _connect(place: Inhabited) -> None:
    """Have the webhook destinations told of everything."""
    by = principals.system(place.organization_id)
    for row in WebhookDestination.objects.filter(organization_id=place.organization_id):
        connections.connect_with_everything(row, by=by)
    inhabited_integrations.integrate(place.organization_id)


def _use(place: Inhabited) -> None:
    shared = {"meter": place.made["meters"]["code"], "account": place.made["accounts"]["code"]}
    items = [{**shared, "ts": USED_AT, **item} for item in MEASUREMENTS]
    answer = place.api.post("measurements", {"measurements": items})
    assert answer.status == 200, answer
    assert Account.objects.filter(organization_id=place.organization_id).exists()
    _upload(place)
    answer = place.api.post("dataexports/adhoc", bodies_exports.ad_hoc(place.made))
    assert answer.status == 200, answer


def _upload(place: Inhabited) -> None:
    """Upload a file of measurements with a row that is none."""
    about = {"fileName": "f.json", "contentType": "application/json", "contentLength": 3}
    address = place.api.post("fileuploads/measurements/generateUploadUrl", about)
    assert address.status == 200, address
    upload = MeasurementUpload.objects.get(pk=address.json["jobId"])
    files.receive(upload.file_id, io.BytesIO(b"[5]"), length=3)
    uploads.take_in(upload.pk)


def _deliver() -> None:
    dispatch.dispatch(clock.now())


def tables() -> list[str]:
    """Return every table of ours."""
    return sorted(
        model._meta.db_table
        for model in apps.get_models()
        if model._meta.app_label in OUR_APPS and model._meta.managed
    )


def contents() -> dict[str, tuple[int, str]]:
    """Return count and digest of the rows of every table, to tell whether anything changed."""
    names = [*tables(), "billing_measurement", "billing_uidclaim"]
    found = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        there = {row[0] for row in cursor.fetchall()}
        for name in sorted(there & set(names)):
            cursor.execute(
                "SELECT count(*), coalesce(md5(string_agg(r::text, '' ORDER BY r::text)), '') "  # noqa: S608
                f'FROM "{name}" AS r'
            )
            found[name] = cursor.fetchone()
    return found
