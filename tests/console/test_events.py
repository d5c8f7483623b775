"""Events that somebody follows up: they leave the list, and come back."""

import pytest

from notifications.models import NotificationConfiguration
from organizations.kernel import clock
from organizations.models import AuditEntry, Event
from tests.console.clients import Console, address, make_person
from tests.integrations.receiving import make_event
from tests.notifications.made import make_rule

pytestmark = pytest.mark.django_db
FAILURE = "integration.perform.error"


def listed(console, **query):
    return console.text(console.get(Event, **query))


def test_what_is_marked_as_actioned_leaves_the_list_until_it_is_undone(console, founded, api):
    event = make_event(founded.organization, name=FAILURE, at=clock.now())
    assert FAILURE in listed(console)

    console.post(Event, "changelist", action="mark_as_actioned", _selected_action=[str(event.pk)])

    event.refresh_from_db()
    assert event.actioned_at is not None
    assert FAILURE not in listed(console)
    assert FAILURE in listed(console, actioned="yes")
    assert FAILURE in listed(console, actioned="all")
    assert str(event.pk) not in str(api.get("events", eventName=FAILURE).json)
    (row,) = api.get("events", eventName=FAILURE, includeActioned="true").json["data"]
    assert row["dtActioned"] is not None
    assert AuditEntry.objects.filter(action="markActioned", entity_id=event.pk).exists()

    console.client.post(
        address(Event, "changelist") + "?actioned=yes",
        {"action": "undo_actioned", "_selected_action": [str(event.pk)]},
    )
    assert FAILURE in listed(console)
    assert api.get("events", eventName=FAILURE).json["data"][0]["dtActioned"] is None


def test_readers_mark_nothing(founded):
    event = make_event(founded.organization, name=FAILURE, at=clock.now())
    reader = Console(make_person(founded, "ReadOnly"))

    reader.post(Event, "changelist", action="mark_as_actioned", _selected_action=[str(event.pk)])

    event.refresh_from_db()
    assert event.actioned_at is None


def test_kinds_are_told_apart(console, founded, api):
    organization = founded.organization
    rule = make_rule(organization, always_fires=True)
    for name in (FAILURE, "ingest.validation.failure", f"notification.{rule.code}"):
        make_event(organization, name=name, at=clock.now())
    Event.objects.filter(name__startswith="notification.").update(rule_id=rule.pk)

    for kind, name in {
        "IntegrationEvent": FAILURE,
        "IngestValidationFailure": "ingest.validation.failure",
        "Notification": f"notification.{rule.code}",
    }.items():
        found = api.get("events", eventType=kind).json["data"]
        assert [row["eventName"] for row in found] == [name]
        assert name in listed(console, kind=kind)
    assert FAILURE not in listed(console, kind="Notification")


def test_the_page_of_a_rule_tries_calculations_on_the_latest_events(console, founded):
    organization = founded.organization
    rule = make_rule(organization, calculation='new.name == "Inference"')
    make_event(organization, at=clock.now())
    make_event(organization, at=clock.now(), payload={"eventData": {"newDto": {"name": "No"}}})

    page = listed_rule(console, rule)
    assert ">fired<" in page and ">not fired<" in page

    other = listed_rule(console, rule, **{"try": "1 / 0 == 1"})
    assert ">failed<" in other and ">fired<" not in other
    wrong = listed_rule(console, rule, **{"try": "new.nosuch == 1"})
    assert "new.nosuch" in wrong and "character 1" in wrong
    rule.refresh_from_db()
    assert rule.calculation == 'new.name == "Inference"'


def listed_rule(console, rule, **query):
    return console.text(console.get(NotificationConfiguration, "change", rule, **query))


def test_a_rule_is_made_in_the_console_and_one_that_never_fires_is_told(console, founded):
    fields = {
        "name": "New", "code": "new", "description": "d", "is_active": "on",
        "event_name": "configuration.product.created",
    }  # fmt: skip
    refused = console.post(
        NotificationConfiguration, "add", **fields, calculation="new.nosuch == 1"
    )
    assert refused.status_code == 200 and "new.nosuch" in console.text(refused)
    assert not NotificationConfiguration.objects.exists()

    made = console.post(NotificationConfiguration, "add", **fields, calculation="")
    assert made.status_code == 302
    assert "never fires" in console.text(console.get(NotificationConfiguration))
