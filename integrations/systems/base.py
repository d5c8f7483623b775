"""What a system outside has to say for itself: the one class that every sender is made of.

A sender is a subclass of ``System`` in a module of its own, made known in ``registry``. It decides
what is sent and in which words; when, how often, what is logged and what follows from a failure is
decided around it (``integrations.runs``). It reaches the network through the ``Client`` it is
given and nothing else, reads no database and keeps nothing between two runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

from integrations.systems.invoices import Invoice
from integrations.systems.known import Known

# What a marketplace was told: quantities by dimension and hour (``2026-06-01T14:00:00Z``).
Reported = Mapping[str, Mapping[str, Decimal]]
NOTHING_REPORTED: Reported = MappingProxyType({})

# What a sender may raise ---------------------------------------------------------------------


class SendingFailed(Exception):
    """The run failed for good: ERROR and ``integration.perform.error``.

    ``reported`` is what a marketplace had taken before; a sender sets it where there is some.
    """

    reported: Reported = NOTHING_REPORTED

    status: ClassVar[str] = "ERROR"
    event: ClassVar[str] = "integration.perform.error"
    disables: ClassVar[bool] = False


class Refused(SendingFailed):
    """The data is refused, by our check before any call or by the system."""

    event = "integration.validation.error"


class NoMapping(SendingFailed):
    """Nobody has said what an entity of ours is called in the system."""

    def __init__(self, entity: str, identity: str, table: str, message: str = "") -> None:
        super().__init__(message or f"There is no mapping of {entity} {identity} to a {table}.")
        self.entity, self.identity, self.table = entity, identity, table

    @property
    def about_event(self) -> str:
        """A missing account has an event of its own, which offers to make the mapping."""
        is_account = self.entity.lower() == "account"
        return "integration.missingaccountmapping.error" if is_account else Refused.event


class NotAuthorized(SendingFailed):
    """The credential is refused: AUTH_FAILED, and the configuration is disabled at once."""

    status = "AUTH_FAILED"
    event = "integration.authentication.error"
    disables = True


class PeriodClosed(SendingFailed):
    """The books of the period are closed over there."""

    status = "ACCOUNTING_PERIOD_CLOSED"


class AlreadyPaid(SendingFailed):
    """The invoice over there cannot be changed any more."""

    status = "INVOICE_ALREADY_PAID"


class TryAgain(Exception):
    """A passing failure: connection, timeout, 408, 425, 429, 5xx.

    ``is_throttled`` says the system asked for fewer calls: not counted as an attempt.
    ``retry_after`` is what it said, in seconds. ``reported`` is as for ``SendingFailed``.
    """

    reported: Reported = NOTHING_REPORTED

    def __init__(
        self, message: str, *, is_throttled: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.is_throttled, self.retry_after = is_throttled, retry_after


# What a sender is given ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What the system answered. ``body`` is the decoded JSON, None when it was none."""

    status: int
    body: Any = None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_success(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300


class Client(Protocol):
    """The way to the network: writes every request into the run's log, without secrets.

    Raises ``TryAgain`` where no answer came; every answer, of any status, is returned.
    """

    @property
    def address(self) -> str:
        """The base url, without a slash at its end: for links of systems with one a customer."""

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        form: list[tuple[str, str]] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        retried: bool = True,
    ) -> Answer:
        """Send one request; ``path`` is below the system's base url, or a whole url of its host."""

    def note(self, text: str) -> None:
        """Write a sentence into the run's log."""


class Mappings(Protocol):
    """What entities of ours are called in the system, as the configuration of the run sees it."""

    def one(self, entity: str, identity: str, table: str) -> str:
        """Return the one external id; ``NoMapping`` for none, ``Refused`` for several."""

    def find(self, entity: str, identity: str, table: str) -> str | None:
        """Return the external id if there is exactly one; ``Refused`` for several."""


@dataclass(frozen=True, slots=True)
class Metered:
    """A quantity of a customer's dimension in one hour, as a marketplace is told of it."""

    customer: str
    dimension: str
    hour: datetime
    quantity: Decimal


class Meter(Protocol):
    """Hours kept for a bill before a marketplace is told of them, so that none counts twice."""

    def pending(self) -> list[Metered]:
        """Return what was kept and is not known to have arrived."""

    def keep(self, customer: str, quantities: Mapping[str, Decimal], hours: int) -> list[Metered]:
        """Keep an hour for each dimension, the latest of so many that is free."""

    def release(self, metered: Iterable[Metered]) -> None:
        """Free hours that have certainly not been taken."""

    def give_up(self, metered: Iterable[Metered]) -> None:
        """Leave hours that the marketplace knows with another quantity."""


class NoMeter:
    """The meter of what is no bill: nothing is kept."""

    def pending(self) -> list[Metered]:
        """Return nothing."""
        return []

    def keep(self, customer: str, quantities: Mapping[str, Decimal], hours: int) -> list[Metered]:
        """Refuse: only bills are metered."""
        raise Refused("Only bills are metered.")

    def release(self, metered: Iterable[Metered]) -> None:
        """Do nothing."""

    def give_up(self, metered: Iterable[Metered]) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to send. ``settings`` is the configuration's ``configData``.

    ``invoice`` is set for bills, ``record`` (its representation) for every other entity.
    """

    entity_type: str
    entity_id: str
    settings: Mapping[str, Any]
    mappings: Mappings
    client: Client
    invoice: Invoice | None = None
    record: Mapping[str, Any] = field(default_factory=dict)
    # What expressions may speak of: the entity by its name, the account and contract it belongs to.
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # The same for every attempt of one run: part of the keys of idempotency, so that a run asked
    # for by a person is not answered with what an earlier one made and somebody deleted.
    attempt_key: str = ""
    # For marketplaces: what this one was told of the bill by runs before and attempts before this
    # one, and the hour to meter for: the same for every attempt of a run, so that a call whose
    # answer got lost is the same call again.
    reported: Reported = field(default_factory=dict)
    hour: datetime | None = None
    meter: Meter = field(default_factory=NoMeter)

    @property
    def bill(self) -> Invoice:
        """The bill as an invoice; for senders of bills."""
        if self.invoice is None:
            raise Refused(f"{self.entity_type} is not a bill.")
        return self.invoice


@dataclass(frozen=True, slots=True)
class Mapped:
    """A mapping to be stored with the end of the run: what our entity is called from now on."""

    entity: str
    identity: str
    table: str
    external_id: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of it. ``reported`` is for marketplaces: what was metered by this attempt."""

    external_id: str | None = None
    url: str | None = None
    mappings: tuple[Mapped, ...] = ()
    reported: Reported = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a system, to choose from: its id there, and what people call it."""

    identity: str
    name: str


# What a sender tells about itself ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of the system: its key in ``configData`` and how it is asked for.

    ``kind`` is text, number, flag, choice or live (a choice fetched from the system).
    """

    key: str
    label: str
    kind: str = "text"
    choices: tuple[tuple[str, str], ...] = ()
    default: Any = None
    help: str = ""
    smallest: int | None = None
    largest: int | None = None


@dataclass(frozen=True, slots=True)
class OAuth:
    """Where the OAuth code flow of a system goes ("connect")."""

    authorize_url: str
    token_url: str
    scopes: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    # How the client tells the token address who it is: in the body, or by HTTP basic.
    is_basic: bool = False
    # How long a token lasts where the answer does not say.
    lasts: timedelta | None = None
    # Keys of the token answer that are kept beside the tokens (realmId, stripe_user_id).
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a token is asked for that nobody gives consent to (OAuth 2.0 client credentials).

    ``token_url`` may be a path below the system's base url, and may name details of the credential
    in braces, which are quoted.
    """

    token_url: str


class System:
    """A system outside. Subclasses say what differs; what they leave out is as told here."""

    about: ClassVar[Known]
    base_url: ClassVar[str] = ""
    options: ClassVar[tuple[Option, ...]] = ()
    oauth: ClassVar[OAuth | None] = None
    machine: ClassVar[Machine | None] = None
    # More lines than this the system does not take; the bill is rolled up further then.
    most_lines: ClassVar[int | None] = None
    # Whether settings may map fields of it to expressions (A9, rule 6).
    takes_fields: ClassVar[bool] = False
    user_agent: ClassVar[str] = "Billwright-Integrations/1"

    def places(self, currency: str) -> int:
        """Return how many decimals the system takes for a currency."""
        return 2

    def headers(self, secrets: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, str]:
        """Return what proves who calls; the values of secrets never reach a log."""
        return {"Authorization": f"Bearer {secrets.get('accessToken', '')}"}

    def sign(
        self,
        secrets: Mapping[str, str],
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Mapping[str, str]:
        """Return the headers of a request's own signature; never logged."""
        return {}

    def fresh(self, secrets: Mapping[str, str]) -> Mapping[str, str]:
        """Return the secrets of a run, such as those of a role that is assumed for it.

        Called before each run, in no transaction. Raises ``NotAuthorized`` or ``TryAgain``.
        """
        return secrets

    def base(self, secrets: Mapping[str, str]) -> str:
        """Return the base url; of systems with an address for each customer, theirs."""
        return self.base_url

    def token_form(self, secrets: Mapping[str, str], url: str) -> Mapping[str, str]:
        """Return what a token is asked for with, at an address; for systems with a ``machine``.

        Raises ``NotAuthorized`` where the credential cannot do it.
        """
        raise NotImplementedError

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        """Refuse settings beyond what ``options`` says; raises ``ValueError`` with a sentence."""

    def validate(self, job: Job) -> None:
        """Refuse what the system would refuse, before any call; raises ``Refused``."""

    def send(self, job: Job) -> Sent:
        """Bring one entity there, safe to repeat: a second call finds what a first one made.

        The rule for every key of idempotency: entity, version, step. Where the worker died between
        the write and our commit, the record is found by the key or by a reference to our id.
        """
        raise NotImplementedError

    def records(self, client: Client, table: str) -> list[Record]:
        """Return the records of a table, for mappings; [] where the system cannot be asked."""
        return []

    def option_values(self, client: Client, option: str) -> list[Record]:
        """Return the choices for a setting of kind ``live``."""
        return []

    def try_out(self, client: Client) -> str:
        """Make one harmless call with the credential; return whose account it is."""
        raise NotImplementedError

    def classify(self, answer: Answer) -> Exception:
        """Return what to raise for an answer that is no success; see ``failure``."""
        return failure(self.about.name, answer)


PASSING = frozenset({408, 425, 429})
TOO_MANY = 429


def failure(name: str, answer: Answer, message: str = "") -> Exception:
    """Return the usual error for a status: try again, not authorized, or refused."""
    said = message or _said(answer)
    sentence = f"{name} answered {answer.status}{': ' + said if said else ''}"
    if answer.status in PASSING or answer.status >= 500:
        return TryAgain(
            sentence,
            is_throttled=answer.status == TOO_MANY,
            retry_after=seconds(answer.headers.get("retry-after")),
        )
    if answer.status in {401, 403}:
        return NotAuthorized(sentence)
    if answer.status in {400, 402, 404, 409, 412, 422}:
        return Refused(sentence)
    return SendingFailed(sentence)


def seconds(text: str | None) -> float | None:
    """Return a Retry-After in seconds; dates and nonsense are left to our own schedule."""
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if 0 <= found <= 86_400 else None


def _said(answer: Answer) -> str:
    body = answer.body
    if isinstance(body, Mapping):
        for key in ("message", "error_description", "detail", "error"):
            if isinstance(body.get(key), str):
                return str(body[key])[:500]
    return ""
