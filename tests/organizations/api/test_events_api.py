"""Events are there for 28 days: not an hour longer, deleted or not (B1)."""

from datetime import timedelta

import pytest

from config import environment
from organizations import tasks
from organizations.kernel import clock, events
from organizations.models import Event
from tests.console.clients import Console, attach, make_person
from tests.factories import make_founded
from tests.organizations.api.test_nested_addresses import EVERYTHING
from tests.organizations.test_grants import allow, deny, make_policy

pytestmark = pytest.mark.django_db
YOUNG, OLD = timedelta(days=27, hours=23), timedelta(days=28, hours=1)


def make_event(organization, age, name="configuration.product.created"):
    """Make an event of a time ago."""
    return events.record(organization.pk, name, {}, at=clock.now() - age)


def test_an_event_older_than_28_days_is_neither_listed_nor_read(api, organization, founded):
    young, old = make_event(organization, YOUNG), make_event(organization, OLD)

    listed = [row["id"] for row in api.get("events", eventName=young.name).json["data"]]
    named = api.get("events", ids=f"{old.pk},{young.pk}").json["data"]
    console = Console(make_person(founded, "Administrator"))
    pages = [console.get(Event, "change", row).status_code for row in (young, old)]

    assert listed == [str(young.pk)]
    assert [row["id"] for row in named] == [str(young.pk)]
    assert (api.get(f"events/{young.pk}").status, api.get(f"events/{old.pk}").status) == (200, 404)
    assert pages == [200, 302]


def test_beat_deletes_old_events_of_every_organization_and_no_others(organization, monkeypatch):
    monkeypatch.setattr(events, "DELETED_AT_ONCE", 2)
    other = make_founded().organization
    kept = [make_event(organization, YOUNG), make_event(other, YOUNG)]
    for _ in range(5):
        make_event(organization, OLD)
    make_event(other, OLD)
    before = Event.objects.count()

    tasks.delete_old_events()

    assert Event.objects.count() == before - 6
    assert Event.objects.filter(pk__in=[event.pk for event in kept]).count() == 2
    assert "organizations.delete_old_events" in environment.beat_schedule(sweep_chunks_seconds=1)


def copies(answer):
    """Return the copies of rows in the events of a page."""
    return [row["m3terEvent"]["eventData"]["newDto"] for row in answer.json["data"]]


def test_an_event_tells_of_a_row_one_may_not_read_only_which_it_is(api, acting):
    account = api.post(
        "accounts", {"name": "Acme", "code": "acme", "emailAddress": "secret@example.com"}
    ).json
    called = {"id": account["id"]}

    for denied in ("config:account", f"config:account/item/{account['id']}"):
        barred = acting(EVERYTHING, deny(denied))
        page = barred.get("events", resourceId=account["id"])
        single = barred.get(f"events/{page.json['data'][0]['id']}").json
        assert copies(page) == [called] == [single["m3terEvent"]["eventData"]["newDto"]]
    [full] = copies(acting(EVERYTHING).get("events", resourceId=account["id"]))
    assert full["emailAddress"] == "secret@example.com"


def test_whoever_may_read_events_only_is_told_which_rows_they_are_about(api, acting):
    api.post("products", {"name": "Storage", "code": "storage"})

    page = acting(allow("config:event")).get("events", eventName="configuration.product.created")

    assert [set(copy) for copy in copies(page)] == [{"id"}]


def test_a_page_of_events_costs_a_query_for_each_kind_that_is_not_all_readable(
    api, acting, django_assert_max_num_queries
):
    made = [api.post("products", {"name": "P", "code": f"p{n}"}).json["id"] for n in range(8)]
    barred = acting(EVERYTHING, deny(f"config:product/item/{made[0]}"))
    barred.get("events")

    with django_assert_max_num_queries(6):
        page = copies(barred.get("events", eventName="configuration.product.created"))

    assert [copy.get("version") for copy in page] == [1] * 7 + [None]


def test_the_console_shows_no_more_of_an_event(founded, organization, api):
    account = api.post(
        "accounts", {"name": "Acme", "code": "acme", "emailAddress": "secret@example.com"}
    ).json
    event = Event.objects.get(resource_id=account["id"])
    person = make_person(founded, None)
    attach(founded, person, make_policy(organization, EVERYTHING, deny("config:account")))

    page = Console(person).get(Event, "change", event).content.decode()

    assert account["id"] in page and "acme" not in page and "secret@example.com" not in page
