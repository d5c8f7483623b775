"""Mail people what they need to get in: an invitation, a temporary password, a link for a new one.

Passwords and links are made in the worker, just before they are sent: neither the database nor
the queue ever holds one in clear. A task that runs twice sends a newer secret, and only the
newest one works.
"""

import logging

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def is_set_up() -> bool:
    """Return whether mails leave the installation; without ``EMAIL_URL`` they go to the log."""
    return not settings.EMAIL_BACKEND.endswith("console.EmailBackend")


def send(template: str, *, to: str, subject: str, **context: object) -> None:
    """Send one mail as text and HTML; ``template`` is a name below ``organizations/mail``."""
    line = " ".join(subject.split())
    text, html = (
        render_to_string(f"organizations/mail/{template}.{kind}", {**context, "subject": line})
        for kind in ("txt", "html")
    )
    message = EmailMultiAlternatives(line, text, settings.DEFAULT_FROM_EMAIL, [to])
    message.attach_alternative(html, "text/html")
    message.send()


def enqueue(task: object, **ids: str) -> None:
    """Hand a task to the workers once what it needs is committed; without a broker say so."""

    def hand_out() -> None:
        try:
            task.apply_async(kwargs=ids, retry=False)  # type: ignore[attr-defined]
        except OperationalError:
            logger.exception("No mail was sent: the broker is away. Send it again later.")

    transaction.on_commit(hand_out)
