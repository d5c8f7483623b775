"""Send a bill by e-mail when it is approved: who gets it, the rows, and the worker that sends.

Rows are made in the transaction of the approval and handed out after it. A worker claims a row,
lays the document out and speaks with the mail server outside of any transaction. What the server
has taken is never sent again; where that cannot be known (the connection broke while it answered,
the worker was killed) the row says so, and a person decides.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from kombu.exceptions import OperationalError

from billing.bills import documents, mail_texts
from billing.models import Account, Bill, BillEmail, BillEmailState, BillStatus, ByEmail
from organizations import mail
from organizations.kernel import clock
from organizations.kernel.errors import DomainError
from organizations.kernel.principals import Principal
from organizations.models import Organization

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)
PAUSES = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
HANDED_OUT = 200
NO_MAIL = "No e-mail is set up on this installation, so nothing was sent."
TAKEN_BACK = "The bill was put back, calculated again or deleted before it was sent."
UNCERTAIN = "It is not known whether the mail server has taken it. Ask the recipient first."


class NotSendable(DomainError):
    """The bill cannot be sent now."""

    code = "BILL_NOT_SENDABLE"


def approved(bills: Sequence[Bill], *, by: Principal) -> None:
    """Make the e-mails of bills that are approved in this transaction.

    A bill of a period that is not over is not sent by itself.
    """
    now = clock.now()
    finished = [bill for bill in bills if bill.latest_calculated_at >= bill.end_at <= now]
    if not finished:
        return
    organization = Organization.objects.only("bills_by_email").get(pk=bills[0].organization_id)
    accounts = Account.objects.in_bulk({bill.account_id for bill in finished})
    rows = [
        row
        for bill in finished
        if _is_wanted(accounts[bill.account_id], organization)
        for row in _rows(bill, accounts[bill.account_id], by=by)
    ]
    _save(rows)


def send_again(bill: Bill, *, by: Principal) -> int:
    """Send an approved bill to its recipients once more; returns how many there are."""
    with transaction.atomic():
        current = Bill.objects.select_for_update().get(pk=bill.pk)
        if current.status != BillStatus.APPROVED or current.approved_at is None:
            raise NotSendable("The bill is pending: approve it before it is sent.")
        known = current.emails.filter(approved_at=current.approved_at)
        if known.filter(state__in=[BillEmailState.WAITING, BillEmailState.SENDING]).exists():
            raise NotSendable("The bill is being sent at this moment.")
        newest = known.order_by("-number").first()
        number = newest.number + 1 if newest else 1
        rows = _rows(current, current.account, by=by, number=number)
        if not rows:
            raise NotSendable("The account has no e-mail address.")
        _save(rows)
    return len(rows)


def recipients(bill: Bill, account: Account) -> list[str]:
    """Return who gets a bill: the account's list, else the address that stands on the bill."""
    named = account.bill_email_addresses or [bill.account_email or account.email_address]
    return list(dict.fromkeys(address for address in named if address))


def _is_wanted(account: Account, organization: Organization) -> bool:
    if account.bills_by_email:
        return account.bills_by_email == ByEmail.ON
    return organization.bills_by_email


def _rows(bill: Bill, account: Account, *, by: Principal, number: int = 0) -> list[BillEmail]:
    can_send = mail.is_set_up()
    return [
        BillEmail(
            organization_id=bill.organization_id,
            bill=bill,
            approved_at=bill.approved_at,
            number=number,
            recipient=address,
            state=BillEmailState.WAITING if can_send else BillEmailState.FAILED,
            problem="" if can_send else NO_MAIL,
            created_by=by.id,
        )
        for address in recipients(bill, account)
    ]


def _save(rows: Sequence[BillEmail]) -> None:
    BillEmail.objects.bulk_create(rows)
    waiting = [row.pk for row in rows if row.state == BillEmailState.WAITING]
    if waiting:
        transaction.on_commit(partial(_hand_out, waiting), robust=True)


def _hand_out(row_ids: Iterable[UUID]) -> None:
    from billing.tasks import send_bill_email

    try:
        for row_id in row_ids:
            send_bill_email.apply_async(kwargs={"email_id": str(row_id)}, retry=False)
    except OperationalError:
        logger.warning("The broker is away: bills are sent by e-mail at the next sweep.")


def sweep() -> None:
    """Hand out what is due, and mark what a worker has left while it was sending."""
    now = clock.now()
    BillEmail.objects.filter(state=BillEmailState.SENDING, leased_until__lt=now).update(
        state=BillEmailState.UNCERTAIN, problem=UNCERTAIN, leased_until=None
    )
    due = BillEmail.objects.filter(state=BillEmailState.WAITING, due_at__lte=now)
    _hand_out(list(due.order_by("due_at").values_list("pk", flat=True)[:HANDED_OUT]))


def work_off(email_id: UUID) -> None:
    """Send one e-mail; does nothing for one that another worker has, or that is done."""
    row = _claim(email_id)
    if row is None:
        return
    try:
        message = _message(row)
        connection = get_connection()
        connection.open()
    except Exception as error:  # nothing has left yet: it may be tried again
        logger.warning("Bill e-mail %s was not sent: %s", row.pk, error)
        _failed(row, f"It could not be handed to the mail server: {_words(error)}")
        return
    try:
        connection.send_messages([message])
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as error:
        _failed(row, f"The mail server refused it: {_words(error)}", again=_is_temporary(error))
    except Exception as error:
        logger.warning("Bill e-mail %s: %s", row.pk, error)
        _end(row, BillEmailState.UNCERTAIN, UNCERTAIN)
    else:
        _end(row, BillEmailState.SENT)
    finally:
        connection.close()


def _claim(email_id: UUID) -> BillEmail | None:
    now = clock.now()
    with transaction.atomic():
        row = BillEmail.objects.select_for_update().filter(pk=email_id).first()
        if row is None or row.state != BillEmailState.WAITING:
            return None
        bill = Bill.objects.filter(pk=row.bill_id).first()
        is_same = bill is not None and bill.approved_at == row.approved_at
        if bill is None or not is_same or bill.status != BillStatus.APPROVED:
            row.state, row.problem = BillEmailState.CANCELLED, TAKEN_BACK
        else:
            row.state, row.leased_until = BillEmailState.SENDING, now + LEASE
            row.attempts += 1
        row.save(update_fields=["state", "problem", "leased_until", "attempts"])
    return row if row.state == BillEmailState.SENDING else None


def _message(row: BillEmail) -> EmailMessage:
    bill = Bill.objects.select_related("account").get(pk=row.bill_id)
    organization = Organization.objects.get(pk=row.organization_id)
    subject, text = mail_texts.written(bill, organization)
    # The same for every try, so that a mail that came twice is seen as one.
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    message = EmailMessage(
        subject,
        text,
        settings.DEFAULT_FROM_EMAIL,
        [row.recipient],
        headers={"Message-ID": f"<bill-{row.pk}@{domain}>"},
    )
    message.attach(documents.file_name(bill), documents.pdf(bill), "application/pdf")
    return message


def _failed(row: BillEmail, problem: str, *, again: bool = True) -> None:
    if not again or row.attempts > len(PAUSES):
        _end(row, BillEmailState.FAILED, problem)
        return
    _end(row, BillEmailState.WAITING, problem, pause=PAUSES[row.attempts - 1])


def _end(
    row: BillEmail, state: BillEmailState, problem: str = "", *, pause: timedelta = timedelta()
) -> None:
    now = clock.now()
    BillEmail.objects.filter(pk=row.pk, state=BillEmailState.SENDING).update(
        state=state,
        problem=problem,
        leased_until=None,
        due_at=now + pause,
        sent_at=now if state == BillEmailState.SENT else None,
    )


def _is_temporary(error: Exception) -> bool:
    """Whether the server's answer (4xx) asks to try again later."""
    if isinstance(error, smtplib.SMTPResponseException):
        return 400 <= error.smtp_code < 500
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(400 <= code < 500 for code, _ in error.recipients.values())
    return False


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
