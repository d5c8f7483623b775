"""Connections that go to a checked address and end at a deadline, for ``requests``.

A host name is resolved and checked once by the caller; asking the resolver again when connecting
would let a second, different answer through. The name is still what TLS verifies and what the
``Host`` header says.
"""

import contextlib
import functools
import socket
import threading
import time
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError


class Deadline:
    """Breaks the watched connection off when its time is over.

    The timeouts of sockets start anew with each byte, so a receiver that drips would never meet
    them. Use as a context manager; the time runs from entering it.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_over = False
        self._ends = 0.0
        self._watched: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._break_off)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._ends = time.monotonic() + self.seconds
        self._timer.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()
        with self._lock:
            for handle in self._watched:
                handle.close()
            self._watched.clear()

    @property
    def left(self) -> float:
        """Seconds until the deadline, a little above zero when it has passed."""
        return max(0.01, self._ends - time.monotonic())

    def watch(self, connected: socket.socket) -> None:
        """Have this connection broken off at the deadline."""
        # A handle of its own: the connection's one is wrapped, closed and reused by TLS.
        with self._lock:
            self._watched.append(connected.dup())
            if self.is_over:
                self._shut()

    def _break_off(self) -> None:
        with self._lock:
            self.is_over = True
            self._shut()

    def _shut(self) -> None:
        for handle in self._watched:
            with contextlib.suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)


class PinnedAdapter(HTTPAdapter):
    """Sends to one of the given addresses, whatever the host name would resolve to now."""

    def __init__(self, addresses: list[str], deadline: Deadline) -> None:
        super().__init__(max_retries=0)
        self._addresses = addresses
        self._deadline = deadline

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Return the library's pool, which from now on makes pinned connections."""
        pool = super().get_connection_with_tls_context(request, verify, proxies={}, cert=cert)
        kind = _PinnedHTTPS if pool.scheme == "https" else _PinnedHTTP
        pool.ConnectionCls = functools.partial(
            kind, addresses=self._addresses, deadline=self._deadline
        )
        return pool


class _Pinned:
    """The part both kinds of connection share: how the socket is made."""

    port: int
    timeout: Any

    def __init__(
        self, *args: Any, addresses: list[str], deadline: Deadline, **options: Any
    ) -> None:
        self._addresses = addresses
        self._deadline = deadline
        super().__init__(*args, **options)

    def _new_conn(self) -> socket.socket:
        # Connecting gets one budget for all addresses of the host, not one for each.
        ends = time.monotonic() + min(float(self.timeout or 5), self._deadline.left)
        trouble: OSError = OSError("no address")
        for address in self._addresses:
            left = ends - time.monotonic()
            if left <= 0:
                break
            try:
                made = socket.create_connection((address, self.port), timeout=left)
            except OSError as error:
                trouble = error
                continue
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._deadline.watch(made)
            return made
        if isinstance(trouble, TimeoutError):
            raise ConnectTimeoutError(self, "connecting took too long") from trouble
        raise NewConnectionError(self, "no address could be reached") from trouble  # type: ignore[arg-type]


class _PinnedHTTP(_Pinned, HTTPConnection):
    """Plain HTTP to a checked address."""


class _PinnedHTTPS(_Pinned, HTTPSConnection):
    """HTTPS to a checked address, verified for the host's name."""
