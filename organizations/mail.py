"""Mail people what they need to get in: a temporary password, an invitation.

Passwords and links are made in the worker, just before they are sent: neither the database nor
the queue ever holds one in clear. A task that runs twice sends a newer secret, and only the
newest one works.
"""

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def send(template: str, *, to: str, subject: str, **context: object) -> None:
    """Send one plain-text mail; ``template`` is a name below ``organizations/mail``."""
    body = render_to_string(f"organizations/mail/{template}.txt", context)
    send_mail(subject.replace("\n", " "), body, settings.DEFAULT_FROM_EMAIL, [to])


def enqueue(task: object, **ids: str) -> None:
    """Hand a task to the workers once what it needs is committed; without a broker say so."""

    def hand_out() -> None:
        try:
            task.delay(**ids)  # type: ignore[attr-defined]
        except OperationalError:
            logger.exception("No mail was sent: the broker is away. Send it again later.")

    transaction.on_commit(hand_out)
