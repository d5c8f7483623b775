"""Make, change, activate and delete webhook destinations (C1, C4).

The network is asked (does the host resolve to public addresses?) before any transaction begins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from integrations import claims, signing, targets
from integrations.models import WebhookDestination
from integrations.representations import MASK
from organizations.kernel import changes, ids, sealing
from organizations.kernel.errors import DomainError, FieldError, FieldRefused
from organizations.kernel.principals import Principal

# How long the old secret signs beside a new one.
OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(hours=168)
LENGTHS = {"name": 200, "description": 500, "code": 80, "credentials.name": 200}
API_KEY_LENGTH = 200
SECRET_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a destination is to be. ``secret`` may be the mask in an update: it stays, then."""

    name: str
    description: str
    url: str
    api_key: str
    secret: str
    code: str | None = None
    is_active: bool = True
    credentials_name: str | None = None
    header_names: Mapping[str, str] | None = None  # None: as they are

    def __repr__(self) -> str:
        """Leave the secret out of logs and tracebacks."""
        return f"Wanted({self.name!r}, {self.url!r})"


class DestinationRefused(DomainError):
    """One or more fields of a destination break a rule."""

    code = "VALIDATION"

    def __init__(self, errors: list[FieldError]) -> None:
        first = errors[0]
        super().__init__(f"{first.field}: {first.message}", errors=errors)


def create(
    organization_id: UUID, wanted: Wanted, *, by: Principal, is_resolved: bool = False
) -> WebhookDestination:
    """Make a destination; it receives what happens from now on. Raises ``DestinationRefused``.

    ``is_resolved``: the caller works in a transaction and has called ``check_target`` before it.
    """
    _check(wanted)
    if wanted.secret == MASK:
        raise FieldRefused("credentials.secret", "is the mask, not a secret")
    if not is_resolved:
        check_target(wanted.url)
    row = WebhookDestination(organization_id=organization_id)
    row.secret = wanted.secret
    _set(row, wanted)
    return changes.create(row, by=by)


def update(
    destination: WebhookDestination,
    wanted: Wanted,
    *,
    by: Principal,
    version: int | None,
    at: datetime,
    overlap: timedelta = OVERLAP,
    is_resolved: bool = False,
) -> WebhookDestination:
    """Replace every field. A new secret signs at once and the old one beside it for ``overlap``.

    Raises ``DestinationRefused``, ``VersionMismatch`` or ``NotFound``; ``is_resolved`` as for
    ``create``.
    """
    _check(wanted)
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise FieldRefused("overlap", "must be between 0 and 168 hours")
    if not is_resolved:
        check_target(wanted.url)
    with changes.editing(destination, by=by, version=version) as row:
        was_active = row.is_active
        _set(row, wanted)
        _rotate(row, wanted.secret, at, overlap)
        after_activation(row, was_active, at)
    return row


def activate(
    destination: WebhookDestination, *, active: bool, by: Principal, at: datetime
) -> WebhookDestination:
    """Switch a destination on or off. Off ends what waits for it; on sends nothing old (C5.8)."""
    with changes.editing(destination, by=by) as row:
        was_active = row.is_active
        row.is_active = active
        after_activation(row, was_active, at)
    return row


def delete(destination: WebhookDestination, *, by: Principal) -> WebhookDestination:
    """Delete a destination with its deliveries; returns it as it was. Raises ``InUse``."""
    with transaction.atomic():
        return changes.delete(destination, by=by)


def _set(row: WebhookDestination, wanted: Wanted) -> None:
    row.name = wanted.name
    row.description = wanted.description
    row.url = wanted.url
    row.code = wanted.code
    row.is_active = wanted.is_active
    row.api_key = wanted.api_key
    row.credentials_name = wanted.credentials_name
    if wanted.header_names is not None:
        row.header_names = dict(wanted.header_names)


def _rotate(row: WebhookDestination, secret: str, at: datetime, overlap: timedelta) -> None:
    """Sign with another secret from now on; the mask and the same one change nothing."""
    try:
        before: str | None = row.secret
    except sealing.Unreadable:
        before = None  # SECRET_KEY has changed: this is how the destination comes back to life
    if secret in {MASK, before}:
        return
    overlaps = bool(overlap) and before is not None
    row.sealed_previous_secret = row.sealed_secret if overlaps else None
    row.previous_secret_ends_at = at + overlap if overlaps else None
    row.secret = secret


def after_activation(row: WebhookDestination, was_active: bool, at: datetime) -> None:
    """End what waits for a destination that was switched off; begin anew where switched on."""
    if was_active and not row.is_active:
        claims.end_as_disabled(row.deliveries.all(), at)
    if row.is_active and not was_active:
        # A fresh start: failures of the time before do not count any more.
        row.disabled_reason = None
        row.failing_since = row.disable_clock_at = None
        row.paused_until = row.paused_except_id = None


def _check(wanted: Wanted) -> None:
    """Refuse what a destination cannot be, naming every field at fault by the wire's name."""
    errors = [
        *_check_texts(wanted),
        *_check_code(wanted.code),
        *_check_api_key(wanted.api_key),
        *_check_secret(wanted.secret),
        *_check_header_names(wanted.header_names or {}),
    ]
    try:
        targets.parse(wanted.url)
    except targets.TargetRefused as refusal:
        errors.append(FieldError("url", str(refusal)))
    if errors:
        raise DestinationRefused(errors)


def check_target(url: str) -> None:
    """Ask the network whether the host may be called; never inside a transaction."""
    try:
        targets.resolve(targets.parse(url))
    except targets.TargetRefused as refusal:
        raise FieldRefused("url", str(refusal)) from refusal


def _check_texts(wanted: Wanted) -> list[FieldError]:
    texts = {
        "name": wanted.name,
        "description": wanted.description,
        "code": wanted.code or "",
        "credentials.name": wanted.credentials_name or "",
    }
    errors = [
        FieldError(field, "must not be empty")
        for field in ("name", "description")
        if not texts[field].strip()
    ]
    for field, text in texts.items():
        if len(text) > LENGTHS[field]:
            errors.append(FieldError(field, f"must not be longer than {LENGTHS[field]} characters"))
        if "\x00" in text:
            errors.append(FieldError(field, "must not hold a NUL character"))
    return errors


def _check_code(code: str | None) -> list[FieldError]:
    if code is None or ids.RELAXED_CODE.match(code):
        return []
    return [FieldError("code", str(ids.relaxed_code.message))]


def _check_api_key(api_key: str) -> list[FieldError]:
    # It is sent as a header, which holds neither line breaks nor characters outside of ASCII.
    if not api_key or len(api_key) > API_KEY_LENGTH:
        return [FieldError("credentials.apiKey", f"must have 1 to {API_KEY_LENGTH} characters")]
    if not api_key.isascii() or not api_key.isprintable() or api_key != api_key.strip():
        return [FieldError("credentials.apiKey", "must be printable ASCII without outer spaces")]
    return []


def _check_secret(secret: str) -> list[FieldError]:
    if not secret or len(secret) > SECRET_LENGTH or "\x00" in secret:
        return [FieldError("credentials.secret", f"must have 1 to {SECRET_LENGTH} characters")]
    try:
        signing.key_of(secret)
    except signing.SecretMalformed as error:
        return [FieldError("credentials.secret", str(error))]
    return []


def is_short(secret: str) -> bool:
    """Return whether a secret is so short that a signature could be guessed."""
    return len(signing.key_of(secret)) < signing.ENOUGH_BYTES


def _check_header_names(names: Mapping[str, str]) -> list[FieldError]:
    try:
        signing.check_names(names)
    except signing.NameRefused as refusal:
        return [FieldError(f"headerNames.{refusal.header}", str(refusal))]
    return []
