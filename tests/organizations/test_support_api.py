"""Support access over the API (A7)."""

import pytest
import time_machine

from organizations.models import OrganizationConfig, SupportAccess
from tests.clients import ApiClient
from tests.organizations.people_made import READ_METERS

pytestmark = pytest.mark.django_db
FAR = "2031-05-01T00:00:00.000Z"


def test_before_the_first_window_the_answer_is_empty(api, organization):
    assert api.get("support").json == {
        "id": str(organization.pk),
        "version": 1,
        "dtEndSupportUsersAccess": None,
        "supportUsersPermissionPolicy": [],
    }


@pytest.mark.parametrize("version", [{}, {"version": 1}])
def test_the_first_window_needs_no_version(api, organization, version):
    body = {"dtEndSupportUsersAccess": FAR, "supportUsersPermissionPolicy": [READ_METERS]}

    answer = api.put("support", {**body, **version})

    assert (answer.status, answer.json) == (200, {"id": str(organization.pk), "version": 2, **body})
    assert api.get("support").json == answer.json


def test_a_later_window_replaces_the_one_before(api):
    api.put(
        "support", {"dtEndSupportUsersAccess": FAR, "supportUsersPermissionPolicy": [READ_METERS]}
    )

    answer = api.put("support", {"dtEndSupportUsersAccess": "2032-01-01", "version": 2})

    assert answer.json["version"] == 3
    assert answer.json["dtEndSupportUsersAccess"] == "2032-01-01T00:00:00.000Z"
    assert answer.json["supportUsersPermissionPolicy"] == []


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "dtEndSupportUsersAccess"),
        ({"dtEndSupportUsersAccess": "2026-01-01T00:00:00Z"}, 400, "dtEndSupportUsersAccess"),
        ({"dtEndSupportUsersAccess": FAR, "version": 7}, 409, None),
        (
            {"dtEndSupportUsersAccess": FAR, "supportUsersPermissionPolicy": [{"effect": "allow"}]},
            400,
            "supportUsersPermissionPolicy[0].action",
        ),
    ],
)
def test_a_refused_window_is_not_stored(api, body, status, field):
    answer = api.put("support", body)

    assert answer.status == status
    assert [error["field"] for error in answer.json.get("errors", [])] == ([field] if field else [])
    assert SupportAccess.objects.count() == 0


def test_a_window_needs_the_version_once_there_is_one(api):
    api.put("support", {"dtEndSupportUsersAccess": FAR})

    missing = api.put("support", {"dtEndSupportUsersAccess": "2032-01-01T00:00:00Z"})
    stale = api.put("support", {"dtEndSupportUsersAccess": "2032-01-01T00:00:00Z", "version": 1})

    assert (missing.status, stale.status) == (400, 409)
    assert stale.headers["x-should-retry"] == "false"
    assert api.get("support").json["dtEndSupportUsersAccess"] == FAR


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("2026-06-15T22:00:00Z", 200),  # midnight in Paris
        ("2026-06-16", 200),
        ("2026-06-15T21:59:59.999Z", 400),
        ("2026-06-15", 400),
    ],
)
def test_a_window_lasts_for_the_rest_of_the_organizations_day(founded, end, status):
    OrganizationConfig.objects.filter(organization=founded.organization).update(
        timezone="Europe/Paris"
    )
    with time_machine.travel("2026-06-15T12:00:00Z", tick=False):
        answer = ApiClient(founded).put("support", {"dtEndSupportUsersAccess": end})

    assert answer.status == status
    assert SupportAccess.objects.count() == (1 if status == 200 else 0)
