"""Send one request as bytes, as a client writes it to its connection, and read the answer.

The bytes are read as a server reads them and handed to the WSGI application; no Django client
stands between, so headers, double slashes and bodies arrive as they were written.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote_to_bytes

from django.core import signals
from django.core.handlers.wsgi import WSGIHandler
from django.db import close_old_connections

from organizations.kernel import exact_json


class WireAnswer:
    """Status, headers (lower-case names) and body as they would be written to the connection."""

    def __init__(self, status: str, headers: list[tuple[str, str]], raw: bytes) -> None:
        self.status = int(status.split(" ", 1)[0])
        self.headers = {name.lower(): value for name, value in headers}
        self.raw = raw
        is_json = "json" in self.headers.get("content-type", "")
        self.json: Any = exact_json.loads(raw) if is_json and raw else None

    def __repr__(self) -> str:
        return f"{self.status} {self.raw[:500]!r}"


def send(request: bytes, *, peer: str = "198.51.100.7") -> WireAnswer:
    """Answer the bytes of one request with a connection from ``peer``."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, target, version = first.split(b" ")
    path, _, query = target.partition(b"?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method.decode(),
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_PROTOCOL": version.decode(),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "REMOTE_ADDR": peer,
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
    }
    for line in lines:
        name, _, value = line.decode("latin-1").partition(":")
        key = name.upper().replace("-", "_")
        plain = {"CONTENT_TYPE", "CONTENT_LENGTH"}
        environ[key if key in plain else f"HTTP_{key}"] = value.strip()
    begun: list[Any] = []
    with _keeping_connections():
        answer = WSGIHandler()(environ, lambda *about: begun.extend(about[:2]))
        raw = b"".join(answer)
        answer.close()
    return WireAnswer(begun[0], begun[1], raw)


@contextmanager
def _keeping_connections() -> Iterator[None]:
    """Leave the connection to the database open: the test's transaction is on it."""
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (signals.request_started, signals.request_finished):
            signal.connect(close_old_connections)


def request(
    method: str, target: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> bytes:
    """Return the bytes of a request; a body brings its Content-Length along."""
    lines = [f"{method} {target} HTTP/1.1"]
    about = {"Host": "127.0.0.1:8000", **(headers or {})}
    if body is not None:
        about.setdefault("Content-Length", str(len(body)))
    lines += [f"{name}: {value}" for name, value in about.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")
