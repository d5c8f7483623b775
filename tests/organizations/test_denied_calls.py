"""Refused calls stand in the trail: ingest, the console, the way to another organization (A9.7)."""

import pytest
from django.core.cache import cache
from django.urls import reverse

from catalog.models import Product
from organizations import audit, tokens
from organizations.kernel import principals
from organizations.models import AuditEntry
from tests.clients import ApiClient
from tests.console.clients import Console, make_person
from tests.factories import make_founded, make_product
from tests.organizations.test_grants import allow, make_robot


def entries(organization):
    """Return action, resource, row and difference of refusals, oldest first."""
    rows = AuditEntry.objects.for_organization(organization).filter(is_allowed=False)
    fields = ("action", "resource", "entity_id", "difference")
    return list(rows.order_by("pk").values_list(*fields))


@pytest.fixture
def lonely(founded, organization):
    """A client of a service user that may read products."""
    robot, _ = make_robot(organization, allow("config:product"))
    key, _ = tokens.make_key(robot, created_by=robot.pk)
    return ApiClient(founded, tokens.token_for(key))


def test_refused_usage_is_audited_once_a_minute_with_the_number_of_repetitions(
    lonely, organization
):
    body = {"measurements": []}
    statuses = [lonely.post("measurements", body).status for _ in range(4)]
    first = entries(organization)
    _let_a_minute_pass()

    lonely.post("measurements", body)

    assert statuses == [403] * 4
    one = ("measurements:upload", "data:measurement", None, {})
    assert first == [one]
    assert entries(organization) == [one, (*one[:3], {"repeated": [None, 3]})]


def _let_a_minute_pass():
    """Forget when refusals were written, not how many there were since."""
    client = cache._cache.get_client()
    for key in client.keys("*denied:*"):
        if not key.endswith(b":count"):
            client.delete(key)


def test_the_failed_usage_of_others_is_refused_and_audited(lonely, organization):
    assert lonely.get("measurements/failedIngest/getDownloadUrl", file="x").status == 403

    assert entries(organization) == [("measurements:retrieve", "data:measurement", None, {})]


def test_the_way_to_another_organization_is_in_the_callers_own_trail(lonely, organization):
    other = make_founded().organization
    lonely.organization = other

    assert [lonely.get("products").status for _ in range(3)] == [403] * 3

    assert entries(organization) == [("other organization", "config:organizationConfig", None, {})]
    assert entries(other) == []


def test_a_refused_page_of_the_console_is_audited_with_page_and_row(founded, organization):
    row = make_product(organization)
    console = Console(make_person(founded, "Ingest only"))

    statuses = [
        console.get(Product).status_code,
        console.get(Product, "change", row).status_code,
        console.post(Product, "delete", row, post="yes").status_code,
        console.client.get(reverse("admin:permission_decision")).status_code,
    ]

    path = f"/admin/catalog/product/{row.pk}"
    assert statuses == [403] * 4
    assert entries(organization) == [
        ("config:retrieve", "config:product", None,
         {"request": [None, "GET /admin/catalog/product/"]}),
        ("config:retrieve", "config:product", row.pk, {"request": [None, f"GET {path}/change/"]}),
        ("config:delete", "config:product", row.pk, {"request": [None, f"POST {path}/delete/"]}),
        ("config:retrieve", "console", None,
         {"request": [None, "GET /admin/organizations/permissionpolicy/decision/"]}),
    ]  # fmt: skip


def test_without_redis_every_refusal_is_written(organization, monkeypatch):
    import redis

    def gone(*_args, **_options):
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(audit.cache, "add", gone)
    by = principals.system(organization.pk)

    audit.denied(by, "config:update", "config:plan")
    audit.denied(by, "config:update", "config:plan")
    audit._breaker.forget()

    assert [entry[0] for entry in entries(organization)] == ["config:update"] * 2
