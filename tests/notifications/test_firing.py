"""From an event to a notification: which rules fire, and what is remembered of them."""

from datetime import timedelta

import pytest

from integrations import connections, dispatch
from integrations.models import Delivery, IntegrationConfiguration
from notifications.models import NotificationConfiguration, RuleActivity
from organizations.kernel import changes, clock, principals
from organizations.kernel.errors import InUse
from organizations.models import Event
from tests.factories import make_organization, make_product
from tests.integrations.receiving import NOON, make_event
from tests.notifications.made import make_rule, make_webhook

pytestmark = pytest.mark.django_db
PRODUCT = "configuration.product.created"


def told(rule):
    return list(Event.objects.filter(rule_id=rule.pk))


def activity(rule):
    return list(RuleActivity.objects.filter(rule=rule).values_list("fired", "not_fired", "failed"))


def test_a_rule_whose_calculation_is_true_makes_a_notification_once(organization):
    rule = make_rule(organization, calculation='new.name == "Inference"')
    event = make_event(organization)
    make_event(organization, payload={"eventData": {"newDto": {"name": "Training"}}})

    dispatch.dispatch(NOON)
    Event.objects.filter(pk=event.pk).update(dispatched_at=clock.now())  # as after a crash
    dispatch.dispatch(NOON)

    (notification,) = told(rule)
    assert notification.name == f"notification.{rule.code}"
    assert notification.cause_id == event.pk
    assert notification.resource_id == rule.pk
    assert notification.payload["eventData"]["newDto"] == {
        "notificationId": str(rule.pk),
        "code": rule.code,
        "name": rule.name,
        "description": rule.description,
        "eventId": str(event.pk),
        "eventName": PRODUCT,
        "resourceId": None,
        "accountId": None,
        "orgId": str(organization.pk),
    }


@pytest.mark.parametrize(("overrides", "fires"), [
    ({"is_active": False, "always_fires": True}, False),
    ({"event_name": "configuration.product.updated", "always_fires": True}, False),
    ({"calculation": ""}, False),
    ({"calculation": "new.amount >", "always_fires": True}, True),
    ({"event_name": "*", "always_fires": True}, True),
])  # fmt: skip
def test_only_active_rules_of_the_type_fire_and_always_needs_no_calculation(
    organization, overrides, fires
):
    rule = make_rule(organization, **overrides)
    make_event(organization)

    dispatch.dispatch(NOON)

    assert len(told(rule)) == fires


def test_what_happened_before_a_rule_was_activated_does_not_fire(organization):
    rule = make_rule(organization, always_fires=True, active_since=NOON)
    make_event(organization, at=NOON - timedelta(seconds=1))

    dispatch.dispatch(NOON)
    assert told(rule) == []

    make_event(organization, at=NOON)
    dispatch.dispatch(NOON)
    assert len(told(rule)) == 1


def test_activating_a_rule_begins_then_and_changing_it_does_not_begin_anew(organization):
    rule = make_rule(organization, is_active=False)
    by = principals.system(organization.pk)
    with changes.editing(rule, by=by) as row:
        row.is_active = True
    rule.refresh_from_db()
    assert rule.active_since > NOON + timedelta(days=1)
    since = rule.active_since
    with changes.editing(rule, by=by) as row:
        row.calculation = "1 == 1"
    rule.refresh_from_db()
    assert rule.active_since == since


def test_what_rules_did_is_counted_by_day_and_the_last_error_is_kept(organization):
    rule = make_rule(organization, calculation="10 / new.amount > 1")
    for amount in (5, 20, 0, 5):
        event = make_event(organization, payload={"eventData": {"newDto": {"amount": amount}}})
        if amount == 0:
            failed = event
    dispatch.dispatch(NOON)
    make_event(organization, payload={"eventData": {"newDto": {"amount": 5}}})
    dispatch.dispatch(NOON)

    assert activity(rule) == [(3, 1, 1)]
    rule.refresh_from_db()
    assert "zero" in rule.last_error
    assert (rule.last_error_at, rule.last_error_event_id) == (NOON, failed.pk)


def test_rules_of_other_organizations_hear_nothing(organization):
    rule = make_rule(make_organization(), always_fires=True)
    make_rule(organization, always_fires=True)
    make_event(organization)

    dispatch.dispatch(NOON)

    assert told(rule) == []


def test_a_notification_is_sent_to_what_is_connected_with_its_rule_only(organization):
    rule, other = (make_rule(organization, always_fires=True) for _ in range(2))
    first, second, off = (make_webhook(organization) for _ in range(3))
    by = principals.system(organization.pk)
    for destination in (first, second):
        connections.connect(rule, destination, by=by)
    disabled = connections.connect(rule, off, by=by)
    IntegrationConfiguration.objects.update(created_at=NOON)
    IntegrationConfiguration.objects.filter(pk=disabled.pk).update(is_enabled=False)
    event = make_event(organization)

    dispatch.dispatch(NOON)

    assert len(told(other)) == 1
    sent = Delivery.objects.values_list("destination_id", "rule_id", "event_id", "status")
    assert set(sent) == {
        (first.pk, rule.pk, event.pk, "WAITING"),
        (second.pk, rule.pk, event.pk, "WAITING"),
        (off.pk, rule.pk, event.pk, "DISABLED"),
    }


def test_the_same_pair_is_not_connected_twice_and_a_destination_in_use_stays(organization):
    rule, destination = make_rule(organization), make_webhook(organization)
    by = principals.system(organization.pk)
    connections.connect(rule, destination, by=by)

    with pytest.raises(changes.ConstraintRefused):
        connections.connect(rule, destination, by=by)
    with pytest.raises(InUse):
        changes.delete(destination, by=by)

    # Deleting the rule deletes the connection, and then nothing is in the way.
    changes.delete(rule, by=by)
    assert not IntegrationConfiguration.objects.exists()
    changes.delete(destination, by=by)


def test_events_are_found_by_the_rule_they_fired(api, organization):
    rule = make_rule(organization, calculation='new.name == "Inference"')
    event = make_event(organization, at=clock.now())
    make_event(
        organization, at=clock.now(), payload={"eventData": {"newDto": {"name": "Training"}}}
    )
    dispatch.dispatch(event.created_at)
    (notification,) = told(rule)

    def found(**query):
        return [row["id"] for row in api.get("events", **query).json["data"]]

    for query in ({"notificationId": str(rule.pk)}, {"notificationCode": rule.code}):
        assert found(**query) == [str(event.pk)]
        assert found(**query, eventType="Notification") == [str(notification.pk)]
    assert found(notificationCode="nosuch") == []
    assert found(notificationId="nosuch") == []


def test_rules_are_refused_with_the_place_of_what_is_wrong(api):
    good = {
        "name": "n", "description": "d", "code": "c", "eventName": PRODUCT,
        "calculation": 'new.name == "x"',
    }  # fmt: skip
    for field, body in {
        "calculation": {**good, "calculation": "new.nosuch == 1"},
        "character 12": {**good, "calculation": 'new.name ==== "x"'},
        "eventName": {**good, "eventName": "nosuch.event"},
        "alwaysFireEvent": {**good, "eventName": "*"},
        "code": {key: value for key, value in good.items() if key != "code"},
        "description": {**good, "description": ""},
    }.items():
        answer = api.post("notifications/configurations", body)
        assert answer.status == 400
        assert field in answer.json["message"]
    assert not NotificationConfiguration.objects.exists()

    # What fires always is not checked, and is when it no longer does.
    broken = {**good, "calculation": "new.amount >", "alwaysFireEvent": True}
    made = api.post("notifications/configurations", broken)
    assert made.status == 200 and made.json["active"] is False
    again = api.put(
        f"notifications/configurations/{made.json['id']}",
        {**broken, "alwaysFireEvent": False, "version": 1},
    )
    assert again.status == 400 and "calculation" in again.json["message"]
    assert api.post("notifications/configurations", good).status == 400  # the code is taken


def test_rules_are_found_by_event_and_whether_they_are_active(api, organization):
    one = make_rule(organization)
    make_rule(organization, is_active=False, event_name="configuration.product.updated")

    for query in ({"active": "true"}, {"eventName": PRODUCT}, {"ids": str(one.pk)}):
        listed = api.get("notifications/configurations", **query).json["data"]
        assert [row["id"] for row in listed] == [str(one.pk)]


def test_a_calculation_is_tried_on_a_type_or_an_event_and_nothing_fires(api, organization):
    event = make_event(
        organization, at=clock.now(), payload={"eventData": {"newDto": {"name": None}}}
    )

    def tried(**body):
        return api.post("notifications/evaluate", body)

    assert tried(eventName=PRODUCT, calculation='new.name == "x"').json == {"success": True}
    assert tried(eventId=str(event.pk), calculation='new.name == "x"').json == {"success": True}
    for body in (
        {"eventName": PRODUCT, "calculation": "new.name"},
        {"eventName": PRODUCT, "calculation": "new.nosuch == 1"},
        {"eventName": PRODUCT},
        {"eventId": str(event.pk), "calculation": "1 / 0 == 1"},
        {"eventId": str(event.pk), "calculation": "old.name == null"},
        # The type wins: the event is not even looked for.
        {"eventName": PRODUCT, "eventId": str(organization.pk), "calculation": "new.name ="},
    ):
        answer = tried(**body)
        assert answer.status == 200
        assert answer.json["success"] is False and answer.json["errorMessage"]
    assert tried(calculation="1 == 1").status == 400
    assert tried(eventName="nosuch", calculation="1 == 1").status == 400
    assert tried(eventId=str(organization.pk), calculation="1 == 1").status == 404
    assert not Event.objects.filter(rule_id__isnull=False).exists()


def test_a_scheduled_event_that_a_rule_is_about_stays(api, organization):
    made = api.post(
        "scheduledevents/configurations",
        {"name": "scheduled.bill.x", "entity": "Bill", "field": "dueDate", "offset": 1},
    ).json
    rule = api.post(
        "notifications/configurations",
        {
            "name": "n", "description": "d", "code": "c", "eventName": "scheduled.bill.x",
            "calculation": "new.billTotal > 5",
        },
    )  # fmt: skip
    assert rule.status == 200

    path = f"scheduledevents/configurations/{made['id']}"
    assert api.delete(path).status == 400
    renamed = api.put(path, {**made, "name": "scheduled.bill.y"})
    assert renamed.status == 400 and "name" in renamed.json["message"]
    assert api.delete(f"notifications/configurations/{rule.json['id']}").status == 200
    assert api.delete(path).status == 200


def test_a_real_change_fires(api, organization):
    rule = make_rule(organization, calculation='new.name == "Zap"')
    product = make_product(organization)
    with changes.editing(product, by=principals.system(organization.pk)) as row:
        row.name = "Zap"
    NotificationConfiguration.objects.update(event_name="configuration.product.updated")

    dispatch.dispatch(NOON)

    assert told(rule)[0].payload["eventData"]["newDto"]["resourceId"] == str(product.pk)
