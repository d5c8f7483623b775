"""Bills by e-mail: who gets them, once an approval, what is tried again and what is not."""

import smtplib
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.core.mail.backends.locmem import EmailBackend

from billing.bills import lifecycle, mail_texts, mailing
from billing.models import BillEmail
from organizations.kernel import clock, ids
from organizations.kernel.errors import FieldRefused
from organizations.kernel.principals import Principal
from organizations.models import Organization
from tests import factories
from tests.billing.bills.printed_bills import JUNE, make_bill, make_line

pytestmark = pytest.mark.django_db
AT = JUNE[1] + timedelta(days=1)


class Place:
    """An organization that sends its bills, and a pending bill of June."""

    def __init__(self, **account) -> None:
        self.organization = factories.make_organization()
        Organization.objects.filter(pk=self.organization.pk).update(bills_by_email=True)
        self.by = Principal(ids.new_id(), "USER", self.organization.pk)
        self.account = factories.make_account(self.organization, **account)
        self.bill = make_bill(self.organization, account=self.account)
        make_line(self.bill)

    def approve(self):
        self.bill = lifecycle.approve(self.bill, by=self.by, at=AT)
        return list(self.bill.emails.order_by("recipient"))


def states(bill):
    rows = bill.emails.order_by("number", "recipient")
    return list(rows.values_list("recipient", "number", "state"))


def test_an_approved_bill_is_sent_once_to_each_address_of_the_account():
    place = Place(bill_email_addresses=["a@acme.example", "b@acme.example", "a@acme.example"])

    for row in place.approve():
        mailing.work_off(row.pk)
        mailing.work_off(row.pk)

    assert [one.to for one in outbox.outbox] == [["a@acme.example"], ["b@acme.example"]]
    (document,) = outbox.outbox[0].attachments
    assert document[0] == "INVOICE-101.pdf"
    assert document[1].startswith(b"%PDF")
    assert states(place.bill) == [("a@acme.example", 0, "SENT"), ("b@acme.example", 0, "SENT")]


def test_without_a_list_the_address_on_the_bill_gets_it():
    (row,) = Place().approve()

    assert row.recipient == "ap@acme.example"


@pytest.mark.parametrize(("organization", "account", "count"), [
    (False, "", 0), (False, "ON", 1), (True, "", 1), (True, "OFF", 0),
])  # fmt: skip
def test_the_account_may_say_otherwise_than_the_organization(organization, account, count):
    place = Place(bills_by_email=account)
    Organization.objects.update(bills_by_email=organization)

    assert len(place.approve()) == count


def test_many_bills_approved_together_are_sent_too():
    place = Place()

    lifecycle.approve_many(place.organization, bill_ids=[place.bill.pk], by=place.by, at=AT)

    assert states(place.bill) == [("ap@acme.example", 0, "WAITING")]


def test_a_bill_of_a_period_that_goes_on_is_not_sent_by_itself():
    place = Place()
    place.bill.latest_calculated_at = JUNE[1] - timedelta(days=1)
    place.bill.save()

    assert place.approve() == []


def test_a_bill_put_back_before_it_was_sent_stays_here():
    place = Place()
    (row,) = place.approve()
    lifecycle.put_back(place.bill, by=place.by, at=AT)

    mailing.work_off(row.pk)

    assert outbox.outbox == []
    assert states(place.bill) == [("ap@acme.example", 0, "CANCELLED")]


def test_without_mail_the_row_says_so_and_nothing_is_sent(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

    (row,) = Place().approve()

    assert (row.state, row.problem) == ("FAILED", mailing.NO_MAIL)


def test_a_server_that_is_away_is_tried_again_after_a_minute(monkeypatch, time_machine):
    time_machine.move_to(AT, tick=False)
    place = Place()
    (row,) = place.approve()

    def away(backend):
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(EmailBackend, "open", away)
    mailing.work_off(row.pk)

    row.refresh_from_db()
    assert (row.state, row.attempts) == ("WAITING", 1)
    assert row.due_at == clock.now() + timedelta(minutes=1)
    assert "nobody listens" in row.problem

    monkeypatch.undo()
    mailing.work_off(row.pk)
    row.refresh_from_db()
    assert (row.state, len(outbox.outbox)) == ("SENT", 1)


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (smtplib.SMTPRecipientsRefused({"x": (550, b"no such user")}), "FAILED"),
        (smtplib.SMTPRecipientsRefused({"x": (450, b"busy")}), "WAITING"),
        (smtplib.SMTPDataError(554, b"spam"), "FAILED"),
        (TimeoutError("no answer"), "UNCERTAIN"),
        (smtplib.SMTPServerDisconnected("gone"), "UNCERTAIN"),
    ],
)
def test_what_the_server_answered_decides_what_is_done(monkeypatch, error, state):
    place = Place()
    (row,) = place.approve()

    def answer(backend, messages):
        raise error

    monkeypatch.setattr(EmailBackend, "send_messages", answer)
    mailing.work_off(row.pk)

    assert states(place.bill) == [("ap@acme.example", 0, state)]


def test_what_a_killed_worker_was_sending_is_never_sent_again_by_itself(time_machine):
    time_machine.move_to(AT, tick=False)
    place = Place()
    (row,) = place.approve()
    BillEmail.objects.filter(pk=row.pk).update(state="SENDING", leased_until=AT)

    time_machine.move_to(AT + timedelta(minutes=11), tick=False)
    mailing.sweep()
    mailing.work_off(row.pk)

    assert states(place.bill) == [("ap@acme.example", 0, "UNCERTAIN")]
    assert outbox.outbox == []


def test_a_person_sends_it_again_and_a_second_approval_sends_anew():
    place = Place()
    for row in place.approve():
        mailing.work_off(row.pk)
    with pytest.raises(mailing.NotSendable):
        pending = make_bill(place.organization, invoice_reference="INVOICE-102")
        mailing.send_again(pending, by=place.by)

    assert mailing.send_again(place.bill, by=place.by) == 1
    with pytest.raises(mailing.NotSendable):
        mailing.send_again(place.bill, by=place.by)

    assert states(place.bill) == [
        ("ap@acme.example", 0, "SENT"), ("ap@acme.example", 1, "WAITING"),
    ]  # fmt: skip
    lifecycle.put_back(place.bill, by=place.by, at=AT)
    lifecycle.approve(place.bill, by=place.by, at=AT + timedelta(hours=1))
    assert place.bill.emails.filter(number=0).count() == 2


def test_the_words_are_the_organizations_else_ours_in_the_language_of_the_bill():
    place = Place(document_language="de")
    organization = place.organization
    organization.name = "Nimbus"

    subject, text = mail_texts.written(place.bill, organization)

    assert subject == "Nimbus: Rechnung INVOICE-101"
    assert "1. Juni 2024" in text

    organization.bill_email_subject = "{reference} of {account}"
    assert mail_texts.written(place.bill, organization)[0] == "INVOICE-101 of Acme Robotics Ltd"
    with pytest.raises(FieldRefused, match=r"there is no \{password\}"):
        mail_texts.check("text", "Hello {password}")
