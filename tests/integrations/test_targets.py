"""Which addresses a webhook may go to."""

import socket
import threading
import time

import pytest

from integrations import sending, targets
from organizations.kernel import ids, isolation


@pytest.fixture(autouse=True)
def _only_public_targets(settings):
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = False


@pytest.fixture
def resolver(monkeypatch):
    """A resolver that answers what the test says."""
    answers = {}

    def look_up(host, port, **_options):
        if host not in answers:
            raise socket.gaierror("unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in answers[host]]

    monkeypatch.setattr(targets.socket, "getaddrinfo", look_up)
    return answers


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "ftp://example.com/hook",
        "example.com/hook",
        "https://",
        "https:///hook",
        "https://user@example.com/hook",
        "https://user:secret@example.com/hook",
        "https://example.com/hook#part",
        "https://example.com/hook#",
        "https://example.com:0/hook",
        "https://example.com:99999/hook",
        "https://example.com\\@10.0.0.1/",
        "https://exa mple.com/",
        "https://example.com/\n",
        "https://b\u00fccher.example/",
        "https://192.0.2.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://2130706433/",
        "https://127.1/",
        "https://0x7f.0x1/",
        "https://0x7f000001/",
        "https://example.com/" + "a" * 2029,
    ],
)
def test_a_url_that_is_not_plain_https_to_a_name_is_refused(url):
    with pytest.raises(targets.TargetRefused):
        targets.parse(url)


def test_a_url_of_2048_characters_with_port_and_query_is_accepted():
    url = "https://hooks.example.com:8443/in?tenant=7&x=" + "a" * 2003
    assert len(url) == 2048

    assert targets.parse(url) == targets.Target(url, "hooks.example.com", 8443)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.0.192",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "not an address",
    ],
)
def test_an_address_that_is_not_public_is_not_called(address):
    assert not targets.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111"])
def test_a_public_address_may_be_called(address):
    assert targets.is_public(address)


@pytest.mark.parametrize("found", [["127.0.0.1"], ["93.184.216.34", "169.254.169.254"]])
def test_a_name_with_any_private_address_is_refused_without_telling_the_address(resolver, found):
    resolver["hooks.example.com"] = found

    with pytest.raises(targets.TargetRefused) as refusal:
        targets.resolve(targets.parse("https://hooks.example.com/"))

    assert str(refusal.value) == "has a host that is not on the public network"


def test_a_name_nobody_knows_is_refused(resolver):
    with pytest.raises(targets.TargetRefused, match="cannot be resolved"):
        targets.resolve(targets.parse("https://hooks.example.com/"))


def test_a_resolver_that_never_answers_is_not_waited_for(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(targets, "RESOLVE_SECONDS", 0.1)
    monkeypatch.setattr(targets.socket, "getaddrinfo", lambda *_a, **_k: over.wait(10) and [])

    with pytest.raises(targets.TargetRefused, match="cannot be resolved"):
        targets.resolve(targets.parse("https://hooks.example.com/"))
    over.set()


def test_slow_names_of_one_organization_hold_up_no_other(monkeypatch):
    over, slow = threading.Event(), targets.parse("https://slow.example.com/")

    def look_up(host, port, **_options):
        if host == "slow.example.com":
            over.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", port))]

    monkeypatch.setattr(targets, "RESOLVE_SECONDS", 0.05)
    monkeypatch.setattr(targets.socket, "getaddrinfo", look_up)
    slow_one, other = ids.new_id(), ids.new_id()
    try:
        with isolation.within(slow_one):
            for _ in range(targets.THREADS + 1):
                with pytest.raises(targets.TargetRefused, match="cannot be resolved"):
                    targets.resolve(slow)
        monkeypatch.setattr(targets, "RESOLVE_SECONDS", 10)
        with isolation.within(other):
            quick = targets.resolve(targets.parse("https://hooks.example.com/"))
    finally:
        over.set()

    assert quick == ["8.8.8.8"]
    deadline = time.monotonic() + 10
    while str(slow_one) in targets._asked and time.monotonic() < deadline:
        time.sleep(0.01)
    with isolation.within(slow_one):
        assert targets.resolve(slow) == ["8.8.8.8"]


def test_each_request_resolves_again_and_connects_only_to_what_was_checked(
    resolver, receiver, monkeypatch
):
    connected = []
    monkeypatch.setattr(
        socket, "create_connection", lambda address, **_o: connected.append(address)
    )
    resolver["hooks.example.com"] = ["10.0.0.8"]

    answer = sending.post("https://hooks.example.com/in", b"{}", {})

    assert answer.error == "The url has a host that is not on the public network."
    assert (answer.status_code, connected, receiver.requests) == (None, [], [])
