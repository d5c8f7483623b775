"""Events are there for 28 days: not an hour longer, deleted or not (B1)."""

from datetime import timedelta

import pytest

from config import environment
from organizations import tasks
from organizations.kernel import clock, events
from organizations.models import Event
from tests.console.clients import Console, make_person
from tests.factories import make_founded

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
