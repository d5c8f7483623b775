"""The layer between web server and Django: what reaches Django, and what is refused before it."""

import asyncio
import io
from types import SimpleNamespace
from typing import Any

import pytest

from config import front as fronts

pytestmark = pytest.mark.django_db(transaction=True)


class Protocol:
    """Stands for granian's: a body that may not come, and the answer that was sent."""

    def __init__(self, body: bytes | None = b"") -> None:
        self.body, self.answer, self.pieces = body, None, []

    async def __call__(self) -> bytes:
        if self.body is None:
            await asyncio.sleep(60)
        return self.body or b""

    def response_bytes(self, status: int, headers: Any, body: bytes) -> None:
        self.answer = (status, {name.lower(): value for name, value in headers}, body)

    def response_empty(self, status: int, headers: Any) -> None:
        self.response_bytes(status, headers, b"")


def scope(method: str = "GET", path: str = "/health", **headers: str) -> Any:
    """Return what granian says of a request."""
    return SimpleNamespace(
        method=method, path=path, query_string="a=1", http_version="1.1", scheme="http",
        server="127.0.0.1:8000", client="10.0.0.9:5555", authority="example.com",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )  # fmt: skip


def ask(protocol: Protocol, asked: Any, front: fronts.Front | None = None) -> Any:
    """Answer one request and return status, headers and body."""
    front = front or fronts.Front()

    async def run() -> None:
        front.__rsgi_init__(asyncio.get_running_loop())
        await front.__rsgi__(asked, protocol)
        front.__rsgi_del__(asyncio.get_running_loop())

    asyncio.run(run())
    return protocol.answer


def test_a_body_reaches_django_whole():
    body = b'{"grant_type":"password"}'
    asked = scope(
        "POST", "/oauth/token", content_type="application/json", content_length=str(len(body))
    )

    status, headers, answer = ask(Protocol(body), asked)

    assert status == 400 and b"client_credentials" in answer
    assert headers["content-type"] == "application/json"


def test_a_body_that_does_not_come_is_answered_408_without_a_thread(monkeypatch):
    monkeypatch.setattr(fronts, "BODY_SECONDS", 0.05)
    front = fronts.Front()

    status, headers, _ = ask(
        Protocol(None), scope("POST", "/oauth/token", content_length="1000"), front
    )

    assert status == 408 and headers["connection"] == "close"
    assert front.buffered == 0


def test_a_body_without_room_is_answered_503(monkeypatch):
    monkeypatch.setattr(fronts, "MOST_BUFFERED", 999)

    status, headers, _ = ask(Protocol(b"x"), scope("POST", "/x", content_length="1000"))

    assert status == 503 and headers["retry-after"] == "1"


def test_a_body_far_too_long_is_refused_unread():
    asked = scope(
        "POST", "/oauth/token", content_type="application/json", content_length="99999999999"
    )

    assert ask(Protocol(None), asked)[0] == 413


def test_a_body_in_chunks_is_refused_unread():
    asked = scope("POST", "/oauth/token", transfer_encoding="chunked")

    assert ask(Protocol(None), asked)[0] == 411


def test_the_environment_is_what_wsgi_says():
    asked = scope("GET", "/é/x", cookie="a=b", host="example.com")
    asked.headers["x_forwarded_for"] = "9.9.9.9"

    environ = fronts.environ_of(asked)

    assert environ["PATH_INFO"].encode("latin-1").decode() == "/é/x"
    assert (environ["REMOTE_ADDR"], environ["SERVER_PORT"]) == ("10.0.0.9", "8000")
    assert (environ["HTTP_COOKIE"], environ["HTTP_HOST"]) == ("a=b", "example.com")
    assert "HTTP_X_FORWARDED_FOR" not in environ


class Pieces(Protocol):
    """A body that comes in pieces; None stands for a silence."""

    def __init__(self, *pieces: bytes | None) -> None:
        super().__init__()
        self.coming: list[bytes | None] | None = list(pieces)

    def __aiter__(self) -> Any:
        assert self.coming is not None, "granian's body can be iterated once"
        coming, self.coming = self.coming, None
        return self._pieces(coming)

    async def _pieces(self, coming: list[bytes | None]) -> Any:
        for piece in coming:
            if piece is None:
                await asyncio.sleep(60)
            else:
                yield piece


def read(protocol: Protocol) -> bytes:
    """Read a body in a thread while it arrives."""

    async def run() -> bytes:
        loop = asyncio.get_running_loop()
        stream = io.BufferedReader(fronts.Arriving(protocol, loop))
        return await loop.run_in_executor(None, stream.read)

    return asyncio.run(run())


def test_a_file_is_read_while_it_arrives():
    assert read(Pieces(b"a" * 300_000, b"", b"bc")) == b"a" * 300_000 + b"bc"


def test_a_file_that_stops_arriving_is_given_up(monkeypatch):
    monkeypatch.setattr(fronts, "PIECE_SECONDS", 0.05)

    with pytest.raises(OSError, match="did not arrive"):
        read(Pieces(b"a", None))


def test_a_file_that_trickles_is_given_up(monkeypatch):
    monkeypatch.setattr(fronts, "GRACE_SECONDS", -10)

    with pytest.raises(OSError, match="too slowly"):
        read(Pieces(b"a", b"b"))


@pytest.mark.parametrize(
    ("path", "kind", "length", "is_one"),
    [
        ("/files/upload/x", "text/csv", "10", True),
        ("/admin/x/", "multipart/form-data; boundary=b", "5000000", True),
        ("/admin/x/", "multipart/form-data; boundary=b", "500", False),
        ("/organizations/x", "application/json", "5000000", False),
    ],
)
def test_what_a_file_is(path, kind, length, is_one):
    environ = {"PATH_INFO": path, "CONTENT_TYPE": kind}

    assert fronts.is_file(environ, length) is is_one


def test_too_much_usage_is_refused_as_usage_is():
    asked = scope(
        "POST", "/organizations/x/measurements", content_length="5000000",
        content_type="application/json",
    )  # fmt: skip

    assert ask(Protocol(None), asked)[0] in {401, 403}
