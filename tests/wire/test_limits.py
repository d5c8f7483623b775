"""The limits of B10 in Redis: what is counted, what a 429 says, and a Redis that is away."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import LazySettings
from django.core.cache import cache

from organizations.kernel import cache as cache_backend
from organizations.kernel.api import limits
from tests.clients import ApiAnswer, ApiClient
from tests.factories import make_founded
from tests.organizations.people_made import make_member
from tests.organizations.test_attempts import ask_for_token, log_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def limited(settings: LazySettings) -> Iterator[None]:
    """Limits are on, and nothing has been counted yet."""
    settings.ARE_RATES_LIMITED = True
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 0)
    limits.forget_connections()
    yield
    limits.forget_connections()
    cache_backend.forget_outage()


@pytest.fixture
def allow(settings: LazySettings) -> Any:
    """``allow(config_per_address=3)`` sets limits; the others stay off."""
    return lambda **rules: settings.RATE_LIMITS.update(rules)


def get(api: ApiClient, path: str = "products", address: str = "192.0.2.1") -> ApiAnswer:
    """GET from an address."""
    return ApiAnswer(
        api.client.get(
            f"/organizations/{api.organization.pk}/{path}",
            headers={"Authorization": f"Bearer {api.token}"},
            REMOTE_ADDR=address,
        )
    )


def wait_for_the_next_second() -> None:
    """Return just after Redis' clock has begun another second."""
    time.sleep(1.005 - time.time() % 1)


def test_all_limits_are_off_unless_switched_on(api, settings, allow):
    settings.ARE_RATES_LIMITED = False
    allow(config_per_address=1)

    answers = [get(api) for _ in range(3)]

    assert {answer.status for answer in answers} == {200}
    assert "X-RateLimit-Limit" not in answers[0].headers


def test_an_address_gets_no_further_than_its_limit_and_another_one_does(api, allow):
    allow(config_per_address=3)

    answers = [get(api) for _ in range(5)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == [
        "2", "1", "0", "0", "0",
    ]  # fmt: skip
    assert get(api, address="192.0.2.2").status == 200


def test_a_429_has_our_shape_and_says_when_to_come_again(api, allow):
    allow(config_per_address=1)
    get(api)

    answer = get(api)

    assert answer.headers["Content-Type"] == "application/json"
    assert (answer.json["status"], answer.json["code"]) == (429, "TOO_MANY_REQUESTS")
    assert answer.json["message"] == "Too many requests of this address."
    assert answer.json["requestId"] == answer.headers["X-Request-Id"]
    # Five minutes are left, and no client waits longer than a minute when it is told so.
    assert answer.headers["Retry-After"] == "60"
    assert "retry-after-ms" not in answer.headers
    assert answer.headers["X-RateLimit-Limit"] == "1"
    assert 290 <= int(answer.headers["X-RateLimit-Reset"]) <= 305


def test_an_organization_has_a_limit_a_second_over_all_addresses(api, allow):
    allow(config_per_organization=2)
    wait_for_the_next_second()

    answers = [get(api, address=f"192.0.2.{n}") for n in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    refused = answers[-1].headers
    assert refused["Retry-After"] == "1"
    assert 1 <= int(refused["retry-after-ms"]) <= 1000
    time.sleep(int(refused["retry-after-ms"]) / 1000)
    assert get(api).status == 200


def test_organizations_do_not_use_up_each_others_limit(api, allow):
    allow(config_per_organization=1)
    other = ApiClient(make_founded())
    wait_for_the_next_second()

    assert [get(api).status, get(other).status] == [200, 200]


def test_without_a_token_nobody_uses_up_what_an_organization_may_ask(api, allow):
    allow(config_per_organization=1)
    stranger = ApiClient(make_founded())
    stranger.organization = api.organization
    wait_for_the_next_second()

    assert {get(stranger).status for _ in range(3)} == {403}
    assert get(api).status == 200


def test_refused_callers_count_for_their_address(api, allow):
    allow(config_per_address=2)
    forged = ApiClient(api.founded, token="x" * 80)

    assert [get(forged).status for _ in range(3)] == [403, 403, 429]


def test_what_is_refused_by_one_rule_counts_for_none(api, allow):
    allow(config_per_address=2, config_per_organization=1)
    wait_for_the_next_second()
    assert [get(api).status for _ in range(4)] == [200, 429, 429, 429]
    wait_for_the_next_second()

    # Had the refused ones counted, the address would be used up by now.
    assert get(api).status == 200


def test_measurements_count_by_their_route_apart_from_the_rest(api, allow):
    allow(ingest_per_address=1, config_per_address=1)

    def send() -> int:
        return api.post("measurements", {"measurements": []}).status

    assert [send(), send()] == [400, 429]
    assert api.get("products").status == 200
    assert api.get("products").status == 429


def test_the_data_explorer_has_a_bucket_of_ten_times_its_limit_a_second(api, allow):
    allow(explorer_per_organization=2)

    answers = [get(api, "dataexplorer/bills") for _ in range(21)]

    assert [answer.status for answer in answers[:20]].count(429) == 0
    assert answers[20].status == 429
    assert 1 <= int(answers[20].headers["retry-after-ms"]) <= 500
    time.sleep(int(answers[20].headers["retry-after-ms"]) / 1000)
    assert get(api, "dataexplorer/bills").status != 429


def test_addresses_of_one_ipv6_network_count_as_one(api, allow):
    allow(config_per_address=1)

    assert get(api, address="2001:db8:1:2::1").status == 200
    assert get(api, address="2001:db8:1:2:ffff::9").status == 429
    assert get(api, address="2001:db8:1:3::1").status == 200


def test_tokens_have_a_bucket_of_their_own_for_each_key(founded, api, allow):
    allow(tokens_per_key=2, config_per_organization=1, config_per_address=1)
    other = make_founded()

    began = time.monotonic()
    statuses = [ask_for_token(founded, founded.api_secret) for _ in range(12)]
    refilled = 2 * (time.monotonic() - began)

    assert statuses[:2] == [200, 200]
    assert statuses.count(200) <= 2 + refilled
    assert set(statuses) == {200, 429} or refilled >= 9
    assert ask_for_token(other, other.api_secret) == 200
    assert get(api).status == 200  # tokens count for nothing else (B10.3)


def test_wrong_secrets_do_not_use_up_the_tokens_of_a_key(founded, allow):
    allow(tokens_per_key=1)

    assert {ask_for_token(founded, "wrong") for _ in range(5)} == {401}
    assert ask_for_token(founded, founded.api_secret) == 200


def test_of_many_at_the_same_time_exactly_the_limit_passes(allow):
    allow(config_per_organization=1_000_000, config_per_address=50)
    gate, passed = threading.Barrier(8), []

    def ask() -> None:
        gate.wait(10)
        for _ in range(20):
            rules = [(limits.CONFIG_PER_ADDRESS, "a"), (limits.CONFIG_PER_ORGANIZATION, "o")]
            passed.append(not limits.count(rules).is_refused)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(passed), sum(passed)) == (160, 50)


def test_a_rolling_window_lets_in_again_what_has_left_it(allow):
    allow(config_per_address=5)
    rule = limits.Rule("config_per_address", "rolling", 600, "address")  # slots of 10 ms

    first = [limits.count([(rule, "x")]).is_refused for _ in range(6)]
    time.sleep(0.7)
    later = [limits.count([(rule, "x")]).is_refused for _ in range(6)]

    assert first == later == [False] * 5 + [True]


@pytest.fixture
def hanging(settings: LazySettings) -> Iterator[None]:
    """A Redis that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}"
        limits.forget_connections()
        yield


def test_while_redis_hangs_requests_are_served_almost_at_once_and_one_line_says_so(
    api, allow, hanging, caplog
):
    allow(config_per_address=1)
    get(api)  # whatever else is slow the first time
    limits.breaker.forget()
    caplog.clear()
    started = time.perf_counter()

    statuses = {get(api).status for _ in range(20)}

    assert statuses == {200}
    assert time.perf_counter() - started < 1.0
    warnings = [record for record in caplog.records if "Redis is away" in record.message]
    assert [record.levelname for record in warnings] == ["WARNING"]


def test_failed_logins_are_counted_while_redis_is_away(organization, monkeypatch):
    def fail(*_: Any, **__: Any) -> None:
        raise redis.ConnectionError("refused")

    for operation in ("add", "incr", "get_many", "delete_many"):
        monkeypatch.setattr(f"django.core.cache.backends.redis.RedisCache.{operation}", fail)
    cache_backend.forget_outage()
    email = make_member(organization).user.email
    for _ in range(10):
        assert not log_in(email, "wrong")

    assert not log_in(email, "a-long-password")
    cache.memory.clear()
    assert log_in(email, "a-long-password")
