"""Clients that send half a request and fall silent stop nobody else, whatever they ask for."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests

from tests.survival.stack import Stack

ROUTES = ("/oauth/token", "/admin/login/", "/organizations/{organization}/products")
HALF_BODY = (
    "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Authorization: Bearer x\r\nContent-Length: 1000\r\n\r\n{{"
)
HALF_HEADERS = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Never"
BODIES, HEADERS = 200, 3000
WITHIN_SECONDS = 2.0


@pytest.fixture(scope="module")
def facts(running: Stack) -> dict[str, str]:
    """A new organization: its id, and a key with its secret."""
    words = ["--name", "Quick", "--admin-email", "quick@example.com", "--json"]
    return json.loads(running.manage("create_org", *words))


@pytest.fixture
def silent(stack: Stack, facts: dict[str, str]) -> Iterator[list[socket.socket]]:
    """200 connections with half a body on three routes, and 3,000 with half a header."""
    with ExitStack() as held:

        def connect() -> socket.socket:
            return held.enter_context(socket.create_connection(("127.0.0.1", stack.port), 10))

        sockets = [connect() for _ in range(BODIES + HEADERS)]
        for number, one in enumerate(sockets[:BODIES]):
            path = ROUTES[number % 3].format(organization=facts["orgId"])
            one.sendall(HALF_BODY.format(path=path).encode())
        for one in sockets[BODIES:]:
            one.sendall(HALF_HEADERS)
        time.sleep(1)  # all of them have been taken in
        yield sockets


def test_others_are_answered_within_two_seconds(stack: Stack, facts, silent):
    began = time.monotonic()
    health = requests.get(f"{stack.url}/health", timeout=WITHIN_SECONDS)
    token = requests.post(
        f"{stack.url}/oauth/token",
        json={"grant_type": "client_credentials"},
        auth=(facts["accessKeyId"], facts["apiSecret"]),
        timeout=WITHIN_SECONDS,
    )
    products = requests.get(
        f"{stack.url}/organizations/{facts['orgId']}/products",
        headers={"Authorization": f"Bearer {token.json()['access_token']}"},
        timeout=WITHIN_SECONDS,
    )

    assert (health.status_code, token.status_code, products.status_code) == (200, 200, 200)
    assert time.monotonic() - began < 3 * WITHIN_SECONDS


def test_a_body_that_does_not_come_is_given_up(silent):
    one = silent[0]
    one.settimeout(30)

    assert one.recv(100).startswith(b"HTTP/1.1 408 ")
