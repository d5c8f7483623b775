"""What the demonstration reaches outside of itself: a receiver of webhooks and a sandbox of Stripe.

Both are served by threads of this process on a loopback port while the demonstration is made. The
receiver believes nothing that is not signed, as docs/webhooks.md tells receivers to do.
"""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from config.demonstration.stripe_sandbox import StripeSandbox

OLDEST_SECONDS = 300
HOOK = "/hook"


@dataclass
class Receiver:
    """Takes webhooks whose signature is genuine; others are answered 401 and counted."""

    secret: str = ""
    received: dict[str, Any] = field(default_factory=dict)
    refused: int = 0

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """Return the status of the answer."""
        if not self._is_genuine(headers, body):
            self.refused += 1
            return 401
        # Arriving twice is no harm: the id is the same.
        self.received[headers["webhook-id"]] = json.loads(body)
        return 204

    def _is_genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        sent = headers.get("webhook-timestamp", "")
        if not self.secret or not sent.isdigit() or abs(time.time() - int(sent)) > OLDEST_SECONDS:
            return False
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        signed = f"{headers.get('webhook-id', '')}.{sent}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        given = headers.get("webhook-signature", "").split()
        return any(hmac.compare_digest(expected, one) for one in given)


@dataclass
class Outside:
    """Both, and where they are."""

    receiver: Receiver = field(default_factory=Receiver)
    stripe: StripeSandbox = field(default_factory=StripeSandbox)
    address: str = ""

    @property
    def environ(self) -> dict[str, str]:
        """What the sender has to know to find them; nobody else may call private addresses."""
        return {
            "WEBHOOK_ALLOW_PRIVATE_TARGETS": "1",
            "INTEGRATION_ADDRESSES": f"STRIPE_TEST={self.address}",
        }


@contextmanager
def open_outside() -> Iterator[Outside]:
    """Serve both inside the block."""
    outside = Outside()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(outside))
    server.daemon_threads = True
    outside.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    try:
        yield outside
    finally:
        server.shutdown()
        server.server_close()


def _handler(outside: Outside) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found: Any = None
            if parts.path == HOOK:
                status = outside.receiver.take(headers, body)
            else:
                asked = dict(parse_qsl(parts.query))
                form = dict(parse_qsl(body.decode(), keep_blank_values=True))
                status, found = outside.stripe.answer(
                    self.command, parts.path, asked, form, headers
                )
            content = b"" if found is None else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _answer

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing: progress is what is printed."""

    return Handler
