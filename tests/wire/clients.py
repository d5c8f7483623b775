"""Requests in the form of the official clients, header by header (B11)."""

import base64
import json
from typing import Any

from tests.clients import ApiClient
from tests.wire.sending import WireAnswer, request, send

PYTHON = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
    "User-Agent": "M3ter/Python 0.9.0",
    "X-Stainless-Lang": "python",
    "X-Stainless-Package-Version": "0.9.0",
    "X-Stainless-OS": "Linux",
    "X-Stainless-Arch": "x64",
    "X-Stainless-Runtime": "CPython",
    "X-Stainless-Runtime-Version": "3.11.9",
    "X-Stainless-Async": "false",
    "x-stainless-retry-count": "0",
    "x-stainless-read-timeout": "60",
}
TYPESCRIPT = {
    "Accept": "application/json",
    "User-Agent": "M3ter/JS 0.5.0",
    "X-Stainless-Retry-Count": "0",
    "X-Stainless-Timeout": "60",
    "X-Stainless-Lang": "js",
    "X-Stainless-Package-Version": "0.5.0",
    "X-Stainless-OS": "Linux",
    "X-Stainless-Arch": "x64",
    "X-Stainless-Runtime": "node",
    "X-Stainless-Runtime-Version": "v20.20.2",
    "accept-language": "*",
    "sec-fetch-mode": "cors",
    "accept-encoding": "br, gzip, deflate",
}
GO = {
    "Accept": "application/json",
    "User-Agent": "M3ter/Go 0.1.0",
    "X-Stainless-Lang": "go",
    "X-Stainless-Package-Version": "0.1.0",
    "X-Stainless-OS": "Linux",
    "X-Stainless-Arch": "x64",
    "X-Stainless-Runtime": "go",
    "X-Stainless-Runtime-Version": "go1.22.0",
    "X-Stainless-Retry-Count": "0",
    "X-Stainless-Timeout": "60",
    "Accept-Encoding": "gzip",
}
TERRAFORM = {**GO, "User-Agent": "M3ter/Go 0.1.0", "X-Stainless-Lang": "Terraform"}
CLIENTS = {"python": PYTHON, "typescript": TYPESCRIPT, "go": GO, "terraform": TERRAFORM}


def ask_for_token(
    key: str, secret: str, headers: dict[str, str], body: bytes, kind: str, target: str
) -> WireAnswer:
    """Send a token request as a client words it."""
    basic = base64.b64encode(f"{key}:{secret}".encode()).decode()
    about = {**headers, "Authorization": f"Basic {basic}", "Content-Type": kind}
    return send(request("POST", target, about, body))


class WireClient:
    """One official client of an organization; bodies are JSON as that client writes it."""

    def __init__(self, api: ApiClient, kind: str = "python", *, host: str = "127.0.0.1:8000"):
        self.api, self.headers, self.host = api, CLIENTS[kind], host
        self.prefix = f"/organizations/{api.organization.pk}/"

    def call(
        self, method: str, path: str, body: Any = None, *, slashes: str = "", **headers: str
    ) -> WireAnswer:
        """Send one request; a GET has no body, another verb without one an empty body."""
        about = {"Host": self.host, **self.headers, "Authorization": f"Bearer {self.api.token}"}
        about |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else None if body is None else _written(body)
        if data is not None:
            about["Content-Type"] = "application/json"
        elif method in {"POST", "PUT"}:
            about["Content-Length"] = "0"
        return send(request(method, slashes + self.prefix + path, about, data))


def _written(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, default=float).encode()
