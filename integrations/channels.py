"""Channels that people look at: e-mail, Slack, PagerDuty, Opsgenie.

They are destinations like webhooks, with the same rows, retries, pauses, log and disabling. What
differs is how an attempt is made, and what is asked for when one is set up. The secret (a key, or
Slack's whole address) is sealed, never shown, and taken out of what a receiver says.
"""

import re
import time
from dataclasses import dataclass
from datetime import datetime
from smtplib import SMTPException
from urllib.parse import quote, unquote, urlsplit
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email

from integrations import claims, destinations, notices, sending, targets
from integrations.models import Channel, WebhookDestination
from integrations.models.webhooks import SEALED_FOR
from organizations.kernel import changes, exact_json, sealing
from organizations.kernel.errors import FieldError, FieldRefused
from organizations.kernel.principals import Principal

SOURCE = "Billwright"
ADDRESSES = {
    Channel.PAGERDUTY: "https://events.pagerduty.com",
    Channel.OPSGENIE: "https://api.opsgenie.com",
}
PATHS = {Channel.PAGERDUTY: "/v2/enqueue", Channel.OPSGENIE: "/v2/alerts"}
EUROPE = "https://api.eu.opsgenie.com"
KEYS = {
    Channel.PAGERDUTY: re.compile(r"[A-Za-z0-9_+-]{20,40}"),
    Channel.OPSGENIE: re.compile(r"[A-Za-z0-9-]{30,60}"),
}
MOST_RECIPIENTS = 50
MAILTO, HIDDEN = "mailto:", "[hidden]"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a channel is to be. ``secret`` may be empty in a change: it stays, then."""

    channel: str
    name: str
    recipients: tuple[str, ...] = ()
    secret: str = ""
    code: str | None = None
    is_active: bool = True
    is_in_europe: bool = False

    def __repr__(self) -> str:
        """Leave the secret out of logs and tracebacks."""
        return f"Wanted({self.name!r}, {self.channel!r})"


# Set up ----------------------------------------------------------------------------------------


def create(
    organization_id: UUID, wanted: Wanted, *, by: Principal, is_resolved: bool = False
) -> WebhookDestination:
    """Make a channel; raises ``DestinationRefused`` with every fault.

    ``is_resolved``: the caller works in a transaction and has called ``check_target`` before it.
    """
    _check(wanted, is_new=True)
    if not is_resolved:
        check_target(wanted.channel, wanted.secret)
    row = WebhookDestination(organization_id=organization_id, channel=wanted.channel)
    row.secret = wanted.secret or "none"
    _set(row, wanted)
    return changes.create(row, by=by)


def update(
    row: WebhookDestination,
    wanted: Wanted,
    *,
    by: Principal,
    version: int | None,
    at: datetime,
    is_resolved: bool = False,
) -> WebhookDestination:
    """Change a channel; an empty secret keeps the one it has."""
    _check(wanted, is_new=False)
    if not is_resolved:
        check_target(wanted.channel, wanted.secret)
    with changes.editing(row, by=by, version=version) as kept:
        was_active = kept.is_active
        if wanted.secret:
            kept.secret = wanted.secret
        _set(kept, wanted)
        destinations.after_activation(kept, was_active, at)
    return kept


def check_target(channel: str, secret: str) -> None:
    """Ask the network whether Slack's address may be called; never inside a transaction."""
    if channel != Channel.SLACK or not secret:
        return
    try:
        targets.resolve(targets.parse(secret))
    except targets.TargetRefused as refusal:
        raise FieldRefused("secret", f"The address {refusal}") from refusal


def recipients(row: WebhookDestination) -> list[str]:
    """Return the addresses of a channel that mails."""
    if not row.url.startswith(MAILTO):
        return []
    return [unquote(one) for one in row.url.removeprefix(MAILTO).split(",")]


def _set(row: WebhookDestination, wanted: Wanted) -> None:
    row.name, row.code, row.is_active = wanted.name, wanted.code, wanted.is_active
    row.description = f"{Channel(wanted.channel).label} channel"
    row.api_key = ""
    if wanted.channel == Channel.EMAIL:
        row.url = MAILTO + ",".join(quote(one, safe="@+") for one in wanted.recipients)
    elif wanted.channel == Channel.SLACK:
        if wanted.secret:
            row.url = f"https://{urlsplit(wanted.secret).hostname}"
    elif wanted.channel == Channel.OPSGENIE and wanted.is_in_europe:
        row.url = EUROPE
    else:
        row.url = ADDRESSES[Channel(wanted.channel)]


def _check(wanted: Wanted, *, is_new: bool) -> None:
    errors = []
    if not wanted.name.strip() or len(wanted.name) > 200:
        errors.append(FieldError("name", "must have 1 to 200 characters"))
    if wanted.channel == Channel.EMAIL:
        errors += _recipient_errors(wanted.recipients)
    elif wanted.secret or is_new:
        errors += _secret_errors(wanted)
    if errors:
        raise destinations.DestinationRefused(errors)


def _recipient_errors(given: tuple[str, ...]) -> list[FieldError]:
    if not 1 <= len(given) <= MOST_RECIPIENTS:
        return [FieldError("recipients", f"must be 1 to {MOST_RECIPIENTS} addresses")]
    wrong = []
    for one in given:
        try:
            validate_email(one)
        except ValidationError:
            wrong.append(one)
    if wrong:
        return [FieldError("recipients", f"{', '.join(wrong[:10])}: no e-mail address")]
    length = sum(len(quote(one, safe="@+")) + 1 for one in given) + len(MAILTO)
    too_long = FieldError("recipients", "are too long together")
    return [too_long] if length > targets.URL_LIMIT else []


def _secret_errors(wanted: Wanted) -> list[FieldError]:
    if wanted.channel == Channel.SLACK:
        try:
            targets.parse(wanted.secret)
        except targets.TargetRefused as refusal:
            return [FieldError("secret", f"The address {refusal}")]
        return []
    if not KEYS[Channel(wanted.channel)].fullmatch(wanted.secret):
        label = Channel(wanted.channel).label
        return [FieldError("secret", f"is no key of {label}")]
    return []


# Send ------------------------------------------------------------------------------------------


def send(assignment: claims.Assignment) -> sending.Answer:
    """Make one attempt; what a receiver says is told without the secret."""
    secret = sealing.unseal(assignment.sealed_secrets[0], purpose=SEALED_FOR)
    notice = notices.read(assignment.body, str(assignment.delivery_id))
    if assignment.channel == Channel.EMAIL:
        return _mailed(assignment, notice)
    url, body, headers = _request(assignment, notice, secret)
    answer = sending.post(url, exact_json.dumps(body), headers)
    return sending.Answer(
        duration_ms=answer.duration_ms,
        status_code=answer.status_code,
        error=_hidden(answer.error, secret),
        response_head=_hidden(answer.response_head, secret),
        retry_after=answer.retry_after,
    )


def _request(
    assignment: claims.Assignment, notice: notices.Notice, secret: str
) -> tuple[str, object, dict[str, str]]:
    channel = Channel(assignment.channel)
    if channel == Channel.SLACK:
        return secret, notices.slack(notice), {}
    given = settings.INTEGRATION_ADDRESSES.get(channel.value)
    url = f"{given or assignment.url}{PATHS[channel]}"
    if channel == Channel.PAGERDUTY:
        return url, notices.pagerduty(notice, secret, SOURCE), {}
    headers = {"Authorization": f"GenieKey {secret}"}
    return url, notices.opsgenie(notice, SOURCE), headers


def _mailed(assignment: claims.Assignment, notice: notices.Notice) -> sending.Answer:
    """Mail it to everybody at once, each blind to the others; the id tells repeats apart."""
    started = time.monotonic()
    subject, text = notices.mail(notice)
    addresses = [unquote(one) for one in assignment.url.removeprefix(MAILTO).split(",")]
    message = EmailMessage(
        subject,
        text,
        settings.DEFAULT_FROM_EMAIL,
        bcc=addresses,
        headers={"X-Billwright-Delivery": notice.key},
    )
    try:
        message.send()
    except (SMTPException, OSError, ValueError) as error:
        taken = round((time.monotonic() - started) * 1000)
        reason = f"The mail was not taken ({type(error).__name__})."
        return sending.Answer(taken, error=reason)
    return sending.Answer(round((time.monotonic() - started) * 1000), 200)


def _hidden(text: str, secret: str) -> str:
    return text.replace(secret, HIDDEN)
