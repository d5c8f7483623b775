"""E-mail, Slack, PagerDuty and Opsgenie as destinations: what is said, retries, secrets, limits."""

from datetime import timedelta

import pytest
from django.core import mail

from integrations import channels, connections, delivery, dispatch, notices
from integrations.destinations import DestinationRefused
from integrations.models import Channel, Delivery, DeliveryAttempt, WebhookDestination
from notifications.models import NotificationConfiguration
from organizations.kernel import clock, events, exact_json, principals
from organizations.kernel.errors import FieldRefused
from organizations.models import AuditEntry, Event
from tests import factories
from tests.integrations.fakes.on_call import GENIE_KEY, ROUTING_KEY, SLACK_PATH, FakeOnCall
from tests.integrations.fakes.serving import Answered, serving

pytestmark = pytest.mark.django_db
TO = ("finance@example.com", "ops+billing@example.com")


@pytest.fixture
def fake(settings):
    found = FakeOnCall()
    with serving(found.answer) as address:
        settings.INTEGRATION_ADDRESSES = {"PAGERDUTY": address, "OPSGENIE": address}
        found.address = address
        yield found


def wanted(channel, fake, **more):
    secret = {
        "SLACK": f"{fake.address}{SLACK_PATH}", "PAGERDUTY": ROUTING_KEY, "OPSGENIE": GENIE_KEY,
        "EMAIL": "",
    }[channel]  # fmt: skip
    recipients = TO if channel == "EMAIL" else ()
    return channels.Wanted(
        **{"channel": channel, "name": "People", "recipients": recipients, "secret": secret, **more}
    )


def made(organization, channel, fake):
    by = principals.system(organization.pk)
    return channels.create(organization.pk, wanted(channel, fake), by=by)


def fired(organization, row, name="<Big> & loud *customers*"):
    """Have a rule about accounts fire, and return its delivery."""
    by = principals.system(organization.pk)
    rule = NotificationConfiguration.objects.create(
        organization=organization, name=name, description="Somebody <!channel> grew.",
        code="big", event_name="configuration.account.created", is_active=True, always_fires=True,
    )  # fmt: skip
    connections.connect(rule, row, by=by)
    Event.objects.update(dispatched_at=clock.now())
    account = factories.make_account(organization, code="zürich")
    events.record(
        organization.pk, "configuration.account.created",
        events.data(organization.pk, new={"id": str(account.pk), "name": "Zürich <AG>",
                                          "accountCode": "zürich", "status": "x" * 5000}),
        resource_id=account.pk, account_id=account.pk,
    )  # fmt: skip
    dispatch.dispatch(clock.now())
    return Delivery.objects.get(destination=row)


def attempt(one):
    Delivery.objects.filter(pk=one.pk).update(claimed_until=None)
    one.refresh_from_db()
    delivery.deliver(one.pk, max(clock.now(), one.next_attempt_at))
    one.refresh_from_db()
    return one


@pytest.mark.parametrize("channel", ["SLACK", "PAGERDUTY", "OPSGENIE"])
def test_a_rule_that_fires_is_told_once_and_a_repeat_is_the_same_incident(
    organization, fake, channel
):
    one = fired(organization, made(organization, channel, fake))

    attempt(one)

    assert (one.status, one.error) == ("COMPLETE", "")
    arrived = {"SLACK": fake.messages, "PAGERDUTY": [*fake.incidents.values()],
               "OPSGENIE": [*fake.alerts.values()]}[channel]  # fmt: skip
    assert len(arrived) == 1
    text = exact_json.dumps(arrived[0]).decode()
    assert "Zürich" in text
    # A worker that died before it could write down the success sends the same again.
    Delivery.objects.filter(pk=one.pk).update(
        status="STARTED", finished_at=None, next_attempt_at=clock.now(),
        claimed_until=clock.now() - timedelta(seconds=1),
    )  # fmt: skip
    attempt(one)
    assert len(fake.incidents) == (channel == "PAGERDUTY")
    assert len(fake.alerts) == (channel == "OPSGENIE")


def test_slack_sees_neither_links_nor_mentions_in_names(organization, fake):
    attempt(fired(organization, made(organization, "SLACK", fake)))

    text = exact_json.dumps(fake.messages[0]["blocks"][1]).decode()
    assert "<!channel>" not in text
    assert "&lt;!channel&gt;" in text


def test_a_mail_goes_to_everybody_blind_with_the_id_of_the_delivery(organization, fake):
    one = fired(organization, made(organization, "EMAIL", fake), name="Line\nbreak")

    attempt(one)

    assert one.status == "COMPLETE"
    (message,) = mail.outbox
    assert sorted(message.bcc) == sorted(TO)
    assert message.to == []
    assert message.subject == "Line break: Zürich <AG>"
    assert "accountCode: zürich" in message.body
    assert message.extra_headers["X-Billwright-Delivery"] == str(one.pk)


def test_a_mail_that_is_not_taken_is_tried_again(organization, fake, settings):
    one = fired(organization, made(organization, "EMAIL", fake))
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    attempt(one)

    assert (one.status, one.attempts_made) == ("AWAITING_RETRY", 1)
    assert one.error == "The mail was not taken (ConnectionRefusedError)."
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert attempt(one).status == "COMPLETE"


@pytest.mark.parametrize(
    ("answer", "status", "is_active"),
    [
        (Answered(500, b"oops"), "AWAITING_RETRY", True),
        (Answered(429, b"slow"), "RATE_LIMIT_RETRY", True),
        (Answered(410, b"channel_is_archived"), "DISABLED", False),
    ],
)
def test_retries_pauses_and_ends_are_those_of_webhooks(
    organization, fake, answer, status, is_active
):
    row = made(organization, "SLACK", fake)
    one = fired(organization, row)
    fake.fail = [answer]

    attempt(one)

    row.refresh_from_db()
    assert (one.status, row.is_active) == (status, is_active)


@pytest.mark.parametrize("channel", ["SLACK", "PAGERDUTY", "OPSGENIE"])
def test_the_secret_is_nowhere_but_sealed(organization, fake, channel):
    row = made(organization, channel, fake)
    secret = row.secret
    one = fired(organization, row)
    fake.fail = [Answered(400, f"bad {secret}".encode())]
    attempt(one)

    kept = [
        *map(str, WebhookDestination.objects.values()),
        *map(str, Delivery.objects.values()),
        *(bytes(body).decode() for body in Delivery.objects.values_list("body", flat=True)),
        *map(str, DeliveryAttempt.objects.values()),
        *(str(event.payload) for event in Event.objects.all()),
        *(str(entry.difference) for entry in AuditEntry.objects.all()),
    ]
    assert "[hidden]" in DeliveryAttempt.objects.get().response_head
    assert not [text for text in kept if secret in text]


@pytest.mark.parametrize(
    ("channel", "more", "field"),
    [
        ("EMAIL", {"recipients": ()}, "recipients"),
        ("EMAIL", {"recipients": ("a@example.com", "nobody")}, "recipients"),
        ("EMAIL", {"recipients": tuple(f"a{n}@example.com" for n in range(51))}, "recipients"),
        ("SLACK", {"secret": "ftp://hooks.slack.com/x"}, "secret"),
        ("SLACK", {"secret": ""}, "secret"),
        ("PAGERDUTY", {"secret": "short"}, "secret"),
        ("OPSGENIE", {"secret": "has spaces in it, and is rather long"}, "secret"),
        ("SLACK", {"name": " "}, "name"),
    ],
)
def test_what_cannot_work_is_refused_by_name_and_nothing_is_made(
    organization, fake, channel, more, field
):
    with pytest.raises(DestinationRefused) as refused:
        channels.create(
            organization.pk, wanted(channel, fake, **more), by=principals.system(organization.pk)
        )

    assert [error.field for error in refused.value.errors] == [field]
    assert not WebhookDestination.objects.exists()


def test_slacks_address_has_to_be_public(organization, fake, settings):
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = False
    row = wanted("SLACK", fake, secret="https://localhost/services/x")

    with pytest.raises(FieldRefused, match="not on the public network"):
        channels.create(organization.pk, row, by=principals.system(organization.pk))


def test_an_empty_secret_keeps_the_one_there_is(organization, fake):
    row = made(organization, "PAGERDUTY", fake)

    changed = channels.update(
        row, wanted("PAGERDUTY", fake, name="Others", secret=""),
        by=principals.system(organization.pk), version=row.version, at=clock.now(),
    )  # fmt: skip

    assert (changed.name, changed.secret, changed.version) == ("Others", ROUTING_KEY, 2)


def test_channels_are_no_webhooks_of_the_api(api, organization, fake):
    row = made(organization, "PAGERDUTY", fake)

    assert api.get("integrationdestinations/webhooks").json["data"] == []
    assert api.get(f"integrationdestinations/webhooks/{row.pk}").status == 404


@pytest.mark.parametrize("channel", [word for word in Channel.values if word != "WEBHOOK"])
def test_a_test_of_a_channel_arrives(organization, fake, channel):
    row = made(organization, channel, fake)

    one = dispatch.send_test(row, by=principals.system(organization.pk), at=clock.now())

    assert attempt(one).status == "COMPLETE"


def test_bodies_without_anything_are_said_too():
    for body in (b"{}", b'{"event": {"m3terEvent": {"eventData": {"newDto": []}}}}'):
        notice = notices.read(body, "key")

        assert notice.title == "A test of this channel"
        assert notices.slack(notice)["text"]
        assert notices.opsgenie(notice, "us")["message"]
