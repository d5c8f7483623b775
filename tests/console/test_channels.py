"""The page of channels: each kind asks for its own, a key is never shown, rules are connected."""

import pytest
from django.urls import reverse

from integrations.models import (
    Delivery,
    IntegrationConfiguration,
    NotificationChannel,
    WebhookDestination,
)
from notifications.models import EVERY_EVENT, NotificationConfiguration
from tests.console.clients import Console, errors_of, make_person

pytestmark = pytest.mark.django_db
KEY = "plantedroutingkey00000000000000f"


@pytest.fixture
def console(founded):
    return Console(make_person(founded, "Administrator"))


def test_a_channel_by_mail_is_made_changed_and_tried(console, organization):
    console.post(NotificationChannel, "add", name="Finance", channel="EMAIL", is_active="on",
                 recipients="a@example.com\n b@example.com\n")  # fmt: skip
    row = WebhookDestination.objects.get()
    assert (row.channel, row.url) == ("EMAIL", "mailto:a@example.com,b@example.com")

    refused = console.post(NotificationChannel, "change", row, name="Finance", is_active="on",
                           version="1", recipients="a@example.com\nnobody")  # fmt: skip
    assert "obody: no e-mail address" in errors_of(refused)["recipients"][0]
    console.post(NotificationChannel, "change", row, name="Finance", is_active="on", version="1",
                 recipients="c+d@example.com")  # fmt: skip
    text = console.text(console.get(NotificationChannel))

    assert "c+d@example.com" in text
    url = reverse("admin:integrations_notificationchannel_send_test", args=[row.pk])
    assert "A test is on its way." in console.text(console.client.get(url, follow=True))
    assert Delivery.objects.get().destination == row


def test_a_key_is_asked_for_and_never_shown(console, organization):
    refused = console.post(NotificationChannel, "add", name="On call", channel="PAGERDUTY",
                           is_active="on", secret="short")  # fmt: skip
    assert "no key of PagerDuty" in errors_of(refused)["secret"][0]
    assert not WebhookDestination.objects.exists()

    console.post(NotificationChannel, "add", name="On call", channel="PAGERDUTY", is_active="on",
                 secret=KEY)  # fmt: skip

    row = WebhookDestination.objects.get()
    assert row.secret == KEY
    for verb in ("change", "changelist"):
        page = console.get(NotificationChannel, verb, row if verb == "change" else None)
        assert KEY not in console.text(page)


def test_a_rule_is_connected_with_a_channel(console, organization):
    console.post(NotificationChannel, "add", name="On call", channel="PAGERDUTY", is_active="on",
                 secret=KEY)  # fmt: skip
    row = WebhookDestination.objects.get()
    rule = NotificationConfiguration.objects.create(
        organization=organization, name="All", description="x", code="all",
        event_name=EVERY_EVENT, is_active=True, always_fires=True,
    )  # fmt: skip
    assert "On call" in console.text(console.get(IntegrationConfiguration, "add"))

    console.post(IntegrationConfiguration, "add", entity_id=str(rule.pk), is_enabled="on",
                 destination_id=str(row.pk))  # fmt: skip

    made = IntegrationConfiguration.objects.get()
    assert (made.entity_id, made.destination_id, made.name) == (rule.pk, row.pk, "All to On call")


def test_channels_and_webhooks_do_not_mix_in_their_lists(console, organization):
    console.post(NotificationChannel, "add", name="On call", channel="PAGERDUTY", is_active="on",
                 secret=KEY)  # fmt: skip

    console.get(NotificationChannel)  # tells that it was added
    assert "On call" not in console.text(console.get(WebhookDestination))
    assert "On call" in console.text(console.get(NotificationChannel))
