"""What a bill's page says of e-mails with it, and sending it again."""

from typing import Any

from django.http import HttpRequest

from billing.bills import mailing, periods_over
from billing.models import Bill
from billing.statements import visible
from organizations import mail
from organizations.kernel import clock
from organizations.kernel.console import show
from organizations.kernel.errors import Forbidden
from organizations.kernel.wording import counted

COLOURS = {
    "WAITING": "busy", "SENDING": "busy", "SENT": "good", "FAILED": "bad", "UNCERTAIN": "warn",
    "CANCELLED": "plain",
}  # fmt: skip
MOST_SHOWN = 50


def context_of(request: HttpRequest, bill: Bill) -> dict[str, Any]:
    """Return the log of what was sent, newest first, and to whom it would be sent now."""
    rows = bill.emails.order_by("-created_at", "recipient")[:MOST_SHOWN]
    addresses = mailing.recipients(bill, bill.account)
    return {
        "emails": [
            {
                "recipient": row.recipient,
                "state": show.label(row.get_state_display(), COLOURS[row.state]),
                "at": show.instant(row.sent_at or row.created_at),
                "problem": row.problem,
            }
            for row in rows
        ],
        "email_to": ", ".join(addresses) if _may_send(request, bill) else "",
        "is_mail_set_up": mail.is_set_up(),
    }


def send(request: HttpRequest, bill: Bill) -> str:
    """Send the bill to its recipients; the page has asked before."""
    if not _may_send(request, bill):
        raise Forbidden("You may not read every line of this bill, so you may not send it.")
    is_unfinished = periods_over.is_so_far(bill) or bill.end_at > clock.now()
    if is_unfinished and request.POST.get("unfinished") != "yes":
        raise mailing.NotSendable("The bill shows what was used so far: confirm that it is sent.")
    count = mailing.send_again(bill, by=request.principal)
    if not mail.is_set_up():
        return mailing.NO_MAIL
    return f"The bill is being sent to {counted(count, 'recipients')}."


def _may_send(request: HttpRequest, bill: Bill) -> bool:
    """The document has every line of the bill."""
    return bill.pk in visible.whole(request.permissions, [bill])
