"""The way to a system outside: one session for a run, every request in its log, no secrets.

The connection goes to an address ``targets`` has checked; redirects are not followed; 30 seconds
for an answer, 10 minutes for everything. Never used inside a transaction.
"""

import json as standard_json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests
from django.conf import settings
from urllib3.exceptions import HTTPError

from integrations import targets
from integrations.systems.base import Answer, SendingFailed, System, TryAgain
from organizations.kernel import exact_json
from organizations.kernel.connecting import Deadline, PinnedAdapter

ANSWER_SECONDS = 30.0
CONNECT_SECONDS = 5.0
RUN_SECONDS = 600.0
READ_LIMIT = 4 * 1024 * 1024
LOGGED_LIMIT = 256 * 1024
SHOWN_HEADERS = frozenset({
    "chargebee-idempotency-key", "content-type", "idempotency-key", "request-id", "retry-after",
    "stripe-version", "x-request-id",
})  # fmt: skip
HIDDEN = "[hidden]"
# Names of values that are secrets wherever they stand.
_SECRET_NAMES = re.compile(
    r'("?(?:access_?token|refresh_?token|client_?secret|api_?key|password|id_token|assertion|code)'
    r'"?\s*[:=]\s*"?)([^"&\s,}]+)',
    re.IGNORECASE,
)
_SCHEMES = re.compile(r"^(?:Bearer|Basic|Token|GenieKey|OAuth) ")

Note = Callable[[str], None]


class HttpClient:
    """See ``base.Client``. Use as a context manager."""

    def __init__(
        self,
        system: System,
        secrets: Mapping[str, str],
        options: Mapping[str, Any],
        note: Note,
        *,
        still_ours: Callable[[], bool] = lambda: True,
    ) -> None:
        self._system, self._note, self._still_ours = system, note, still_ours
        self._base = base_of(system, secrets)
        self._headers = system.headers(secrets, options)
        self._secrets = secrets
        self._hidden = [value for value in [*secrets.values(), *self._headers.values()]
                        if len(value) >= 6]  # fmt: skip
        # What stands behind the word of the scheme is the secret itself.
        self._hidden += [_SCHEMES.sub("", value) for value in self._hidden
                         if len(_SCHEMES.sub("", value)) >= 6]  # fmt: skip
        # Each line of a private key as well.
        self._hidden += [line for value in secrets.values() if "\n" in value
                         for line in value.splitlines() if len(line) >= 20]  # fmt: skip
        self._hidden.sort(key=len, reverse=True)
        self._deadline = Deadline(RUN_SECONDS)
        self._session: requests.Session | None = None

    def __repr__(self) -> str:
        """Say where it leads; it holds secrets."""
        return f"HttpClient({self._base})"

    def __enter__(self) -> "HttpClient":
        self._deadline.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._session is not None:
            self._session.close()
        self._deadline.__exit__(*error)

    @property
    def address(self) -> str:
        """Return the base url of the system."""
        return self._base

    def note(self, text: str) -> None:
        """Write a sentence into the log."""
        self._note(self.hidden(text))

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
        """Send one request and return the answer, whatever its status."""
        if not self._still_ours():
            raise TryAgain("Another worker has taken over.")
        url = path if path.startswith(self._base) else f"{self._base}{path}"
        if query:
            url = f"{url}?{urlencode({k: str(v) for k, v in query.items()}, quote_via=quote)}"
        body: bytes | None = None
        sent = {"User-Agent": self._system.user_agent, "Accept": "application/json",
                **self._headers, **(headers or {})}  # fmt: skip
        if form is not None:
            body = urlencode(form).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        elif json is not None:
            body = exact_json.dumps(json)
            sent.setdefault("Content-Type", "application/json")
        signed = self._system.sign(self._secrets, method, url, sent, body)
        return self._exchange(method, url, body, {**sent, **signed})

    def _exchange(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        started = time.monotonic()
        shown = {name: value for name, value in headers.items() if name.lower() in SHOWN_HEADERS}
        asked = f"{method} {url} {shown or ''}\n{_text(body)}".rstrip()
        try:
            answer = self._answer(method, url, body, headers)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            reason = _describe(self._system.about.name, error)
            self.note(f"{asked}\n=> {reason}")
            raise TryAgain(reason) from None
        took = round((time.monotonic() - started) * 1000)
        seen = {name: value for name, value in answer.headers.items() if name in SHOWN_HEADERS}
        text = answer.text[:LOGGED_LIMIT]
        self.note(f"{asked}\n=> {answer.status} in {took} ms {seen or ''}\n{text}".rstrip())
        return answer

    def _answer(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        with self._opened(url).request(
            method,
            url,
            data=body,
            headers=dict(headers),
            timeout=(CONNECT_SECONDS, min(ANSWER_SECONDS, self._deadline.left)),
            allow_redirects=False,
            stream=True,
        ) as response:
            raw = response.raw.read(READ_LIMIT, decode_content=True)
            found = {name.lower(): value for name, value in response.headers.items()}
            text = raw.decode("utf-8", "replace").replace("\x00", "\ufffd")
            return Answer(response.status_code, _decoded(raw), text, found)

    def _opened(self, url: str) -> requests.Session:
        if self._session is None:
            try:
                addresses = targets.resolve(targets.parse(url))
            except targets.TargetRefused as refusal:
                raise SendingFailed(
                    f"The address of {self._system.about.name} {refusal}."
                ) from None
            self._session = requests.Session()
            self._session.trust_env = False
            adapter = PinnedAdapter(addresses, self._deadline)
            self._session.mount("https://", adapter)
            self._session.mount("http://", adapter)
        return self._session

    def hidden(self, text: str) -> str:
        """Return the text without the values of secrets."""
        for value in self._hidden:
            text = text.replace(value, HIDDEN).replace(quote(value), HIDDEN)
        return _SECRET_NAMES.sub(rf"\1{HIDDEN}", text)


def base_of(system: System, secrets: Mapping[str, str]) -> str:
    """Return where a system is: its own address, or another one for tests."""
    given: Mapping[str, str] = settings.INTEGRATION_ADDRESSES
    return (given.get(system.about.identifier) or system.base(secrets)).rstrip("/")


def host(url: str) -> str:
    """Return the host of an address."""
    return urlsplit(url).hostname or ""


def _text(body: bytes | None) -> str:
    return (body or b"")[:LOGGED_LIMIT].decode("utf-8", "replace")


def _decoded(raw: bytes) -> Any:
    try:
        return exact_json.loads(raw)
    except (ValueError, standard_json.JSONDecodeError):
        return None


def _describe(name: str, error: Exception) -> str:
    """Return a sentence for people; texts of libraries hold object addresses."""
    kinds: list[tuple[type[Exception], str]] = [
        (requests.exceptions.SSLError, f"The certificate of {name} is not valid."),
        (requests.exceptions.ConnectTimeout, f"{name} could not be reached in 5 seconds."),
        (requests.exceptions.Timeout, f"{name} did not answer in time."),
        (requests.exceptions.ConnectionError, f"The connection to {name} failed or was closed."),
    ]
    for kind, sentence in kinds:
        if isinstance(error, kind):
            return sentence
    return f"The request to {name} failed ({type(error).__name__})."
