"""What clients and people are told while PostgreSQL or Redis is away, and that it passes."""

import json
import os
import signal
import time

import pytest
import requests

from tests.survival.api import Api
from tests.survival.stack import Stack

pytestmark = pytest.mark.kill

PRODUCT = {"name": "Storage", "code": "storage"}
BROWSER = {"Accept": "text/html", "Cookie": "sessionid=abcdefghijklmnopqrstuvwxyz012345"}


@pytest.fixture(scope="module")
def facts(running: Stack) -> dict[str, str]:
    """Id, key and secret of an organization of this module."""
    words = ["--name", "Calm", "--admin-email", "calm@example.com", "--json"]
    found: dict[str, str] = json.loads(running.manage("create_org", *words))
    return found


def ask_for_token(stack: Stack, facts: dict[str, str]) -> requests.Response:
    """Ask for a token."""
    return requests.post(
        f"{stack.url}/oauth/token",
        json={"grant_type": "client_credentials"},
        auth=(facts["accessKeyId"], facts["apiSecret"]),
        timeout=10,
    )


def test_while_postgresql_is_away_everybody_is_told_to_come_again(
    stack: Stack, facts: dict[str, str]
) -> None:
    api = Api(stack.url, facts)
    headers = {**api.headers, "Idempotency-Key": "once"}
    assert api.get("products").status == 200

    with stack.unattended():
        os.kill(stack.postgres_pid(), signal.SIGKILL)
        stack.wait(lambda: not stack.postgres_pid(), "without PostgreSQL")
        # Its processes end by themselves; one that was busy may answer once more.
        stack.wait(lambda: api.get("products").status == 503, "without the last of its processes")
        began = time.monotonic()
        answers = [
            requests.get(f"{api.base}/products", headers=headers, timeout=10),
            requests.post(f"{api.base}/products", json=PRODUCT, headers=headers, timeout=10),
            requests.put(f"{api.base}/organizationconfig", json={}, headers=headers, timeout=10),
            requests.post(f"{api.base}/measurements", headers=headers, timeout=10,
                          json={"measurements": [{"uid": "1", "meter": "m", "account": "a",
                                                  "ts": "2024-06-01T00:00:00Z"}]}),
            ask_for_token(stack, facts),
        ]  # fmt: skip
        page = requests.get(f"{stack.url}/admin/", headers=BROWSER, timeout=10)
        took = time.monotonic() - began

    assert [answer.status_code for answer in answers] == [503] * 5
    for answer in answers:
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Retry-After"] == "5"
        assert answer.json()["requestId"] == answer.headers["X-Request-Id"]
        assert answer.json()["status"] == 503
    assert page.status_code == 503
    assert "Back in a moment" in page.text
    assert page.headers["Content-Type"].startswith("text/html")
    assert took < 5

    stack.wait_until_healthy()
    again = [
        requests.post(f"{api.base}/products", json=PRODUCT, headers=headers, timeout=10)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in again] == [200, 200]
    assert again[0].content == again[1].content
    assert [row["code"] for row in api.get("products").json["data"]] == ["storage"]


def test_without_redis_tokens_logins_and_the_api_go_on(stack: Stack, facts: dict[str, str]) -> None:
    api = Api(stack.url, facts)

    with stack.unattended():
        os.kill(stack.redis_pid(), signal.SIGKILL)
        stack.wait(lambda: not stack.redis_pid(), "without Redis")

        token = ask_for_token(stack, facts)
        refused = ask_for_token(stack, {**facts, "apiSecret": "wrong"})
        made = api.post("products", {"name": "Without Redis", "code": "without-redis"})
        page = requests.get(f"{stack.url}/admin/login/", timeout=10)

    assert [token.status_code, refused.status_code] == [200, 401]
    assert made.status == 200
    assert page.status_code == 200
    stack.wait_until_healthy()
