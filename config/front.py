"""What the web server calls: takes in a request whole before a thread works for it.

Whoever sends a body slowly, or not at all, occupies a few bytes here and no thread: the event loop
reads bodies, with a deadline, and hands the finished request to one of ``WEB_THREADS`` threads that
run Django. An answer that is streamed keeps its thread until it is read, with a deadline a piece.
Files are too large for that: they are read while they arrive, by threads of their own
(``WEB_UPLOAD_THREADS``), with a deadline a piece and a pace to keep.
"""

import asyncio
import io
import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from config.wsgi import application
from organizations.kernel import exact_json

BODY_SECONDS = float(os.environ.get("WEB_BODY_SECONDS", "20"))
# Longer bodies are refused unread; what may be as long as this is up to Django (B9.4).
LONGEST_BODY = 4 * 1024 * 1024
# All bodies that are on their way to this process, together.
MOST_BUFFERED = 128 * 1024 * 1024
PIECE_SECONDS = 30
UPLOADS = "/files/upload/"
GRACE_SECONDS, BYTES_A_SECOND = 30, 4096  # how slow a file may arrive
_PLAIN = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


class Slow(Exception):
    """The body was not there in time."""


class Full(Exception):
    """Other bodies take up all the room there is."""


class Front:
    """An RSGI application around the WSGI application of Django."""

    def __init__(self) -> None:
        self.buffered = 0
        self.threads: ThreadPoolExecutor | None = None
        self.uploads: ThreadPoolExecutor | None = None

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the threads; they stay, for each keeps its database connection."""
        count = int(os.environ.get("WEB_THREADS", "4"))
        self.threads = ThreadPoolExecutor(count, thread_name_prefix="web")
        count = int(os.environ.get("WEB_UPLOAD_THREADS", "4"))
        self.uploads = ThreadPoolExecutor(count, thread_name_prefix="upload")

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the threads finish."""
        for threads in filter(None, (self.threads, self.uploads)):
            threads.shutdown(wait=False, cancel_futures=True)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer one request."""
        environ = environ_of(scope)
        length = environ.get("CONTENT_LENGTH", "")
        if is_file(environ, length):
            await self._take_in(environ, protocol)
            return
        if length in {"", "0"} and "HTTP_TRANSFER_ENCODING" not in environ:
            await self._answer(environ, b"", protocol)
            return
        is_usage = environ["PATH_INFO"].endswith("/measurements")
        if not length.isdecimal() or (is_usage and int(length) > LONGEST_BODY):
            # In chunks, or too much usage: Django refuses it in its own words, without reading.
            await self._answer(environ, b"", protocol)
            return
        if int(length) > LONGEST_BODY:
            refuse(protocol, 413, "BODY_TOO_LARGE", "The body of the request is too large.")
            return
        room = int(length)
        try:
            if self.buffered + room > MOST_BUFFERED:
                raise Full
            self.buffered += room
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await protocol()
            except TimeoutError as error:
                raise Slow from error
            finally:
                self.buffered -= room
        except Slow:
            refuse(protocol, 408, "REQUEST_TIMEOUT", "The body of the request did not arrive.")
        except Full:
            refuse(protocol, 503, "UNAVAILABLE", "Too much is being sent. Try again soon.")
        else:
            await self._answer(environ, body, protocol)

    async def _take_in(self, environ: dict[str, Any], protocol: Any) -> None:
        loop = asyncio.get_running_loop()
        environ["wsgi.input"] = io.BufferedReader(Arriving(protocol, loop))
        await loop.run_in_executor(self.uploads, respond, environ, protocol, loop)

    async def _answer(self, environ: dict[str, Any], body: bytes, protocol: Any) -> None:
        loop = asyncio.get_running_loop()
        environ["wsgi.input"] = io.BytesIO(body)
        await loop.run_in_executor(self.threads, respond, environ, protocol, loop)


class Arriving(io.RawIOBase):
    """A body that is read while it arrives; one that comes too slowly ends with an ``OSError``."""

    def __init__(self, protocol: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.protocol, self.loop = protocol, loop
        self.pieces: Any = None
        self.left = b""
        self.count, self.began = 0, time.monotonic()

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for the next piece and hand out what fits; 0 at the end."""
        if not self.left:
            waiting = asyncio.run_coroutine_threadsafe(self._next(), self.loop)
            try:
                self.left = waiting.result(PIECE_SECONDS)
            except TimeoutError as error:
                waiting.cancel()
                raise OSError("The body of the request did not arrive.") from error
            self.count += len(self.left)
            late = time.monotonic() - self.began - GRACE_SECONDS
            if self.left and self.count < late * BYTES_A_SECOND:
                raise OSError("The body of the request arrives too slowly.")
        taken = self.left[: len(buffer)]
        buffer[: len(taken)] = taken
        self.left = self.left[len(taken) :]
        return len(taken)

    async def _next(self) -> bytes:
        if self.pieces is None:
            self.pieces = aiter(self.protocol)
        while (piece := await anext(self.pieces, None)) is not None:
            if piece:
                return bytes(piece)
        return b""


def is_file(environ: dict[str, Any], length: str) -> bool:
    """Return whether the body is a file, which is read while it arrives."""
    if environ["PATH_INFO"].startswith(UPLOADS):
        return True
    is_form = environ.get("CONTENT_TYPE", "").startswith("multipart/form-data")
    return is_form and length.isdecimal() and int(length) > LONGEST_BODY


def respond(environ: dict[str, Any], protocol: Any, loop: asyncio.AbstractEventLoop) -> None:
    """Run Django and send its answer; in a thread."""
    started: list[Any] = [500, []]

    def start_response(status: str, headers: list[tuple[str, str]], *_info: Any) -> None:
        started[:] = int(status[:3]), headers

    response = application(environ, start_response)
    try:
        if getattr(response, "streaming", False) or not hasattr(response, "content"):
            _stream(response, started, protocol, loop)
        else:
            protocol.response_bytes(started[0], started[1], response.content)
    finally:
        response.close()


def _stream(
    pieces: Iterable[bytes], started: list[Any], protocol: Any, loop: asyncio.AbstractEventLoop
) -> None:
    """Send piece by piece; a receiver that does not read one in time is given up."""
    transport = None
    for piece in pieces:
        if transport is None:
            transport = protocol.response_stream(started[0], started[1])
        if piece:
            sending = asyncio.run_coroutine_threadsafe(_sent(transport, piece), loop)
            try:
                sending.result(PIECE_SECONDS)
            except Exception:  # gone, or asleep: nobody is left to be told
                sending.cancel()
                return
    if transport is None:
        protocol.response_empty(started[0], started[1])


async def _sent(transport: Any, piece: bytes) -> None:
    await transport.send_bytes(piece)


def refuse(protocol: Any, status: int, code: str, message: str) -> None:
    """Answer in the shape of every refusal, without Django."""
    content = {"message": message, "code": code, "status": status, "requestId": ""}
    headers = [("content-type", "application/json"), ("connection", "close")]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append(("retry-after", "1"))
    protocol.response_bytes(status, headers, exact_json.dumps(content))


def environ_of(scope: Any) -> dict[str, Any]:
    """Return what WSGI calls the environment of a request, without its body."""
    host, _, port = scope.server.rpartition(":")
    environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        key = _PLAIN.get(name) or f"HTTP_{name.replace('-', '_').upper()}"
        if "_" in name:
            continue  # indistinguishable from a name with a hyphen, which a proxy may have set
        if key in environ:
            value = f"{environ[key]}{'; ' if name == 'cookie' else ','}{value}"
        environ[key] = value
    if scope.authority and "HTTP_HOST" not in environ:
        environ["HTTP_HOST"] = scope.authority
    return environ


front = Front()
