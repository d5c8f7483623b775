"""Real sockets: TLS verified for the name, the environment ignored, receivers that drip."""

import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest

from integrations import sending, targets
from tests.integrations.receiving import receiving

NAME = "hooks.example.com"


@pytest.fixture
def certificate(tmp_path):
    """A certificate for ``hooks.example.com`` that signs itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, so no certificate can be made")
    key, made = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", made, "-days", "2", "-subj", f"/CN={NAME}",
         "-addext", f"subjectAltName=DNS:{NAME}"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    return context, str(made)


@pytest.fixture
def names(monkeypatch):
    """Resolve every name to loopback, once for each request."""
    asked = []
    real = socket.getaddrinfo

    def look_up(host, port, *arguments, **options):
        asked.append(host)
        return real("127.0.0.1", port, *arguments, **options)

    monkeypatch.setattr(targets.socket, "getaddrinfo", look_up)
    return asked


def test_tls_is_verified_for_the_name_though_the_checked_address_is_dialled(certificate, names):
    context, trusted = certificate
    with receiving(context) as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        right = sending.post(f"https://{NAME}:{port}/hook", b"{}", {}, verify=trusted)
        wrong_name = sending.post(f"https://other.example.com:{port}/", b"{}", {}, verify=trusted)
        not_trusted = sending.post(f"https://{NAME}:{port}/hook", b"{}", {})

    assert right.status_code == 200
    assert [r.headers["host"] for r in receiver.requests] == [f"{NAME}:{port}"]
    assert wrong_name.error == not_trusted.error == "The certificate of the receiver is not valid."
    assert NAME in names  # asked by name, and only ``targets`` asked: the rest were addresses
    assert set(names) <= {NAME, "other.example.com", "127.0.0.1"}


def test_proxies_of_the_environment_are_not_used(receiver, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    assert sending.post(receiver.url, b"{}", {}).status_code == 200


@pytest.mark.parametrize("prefix", [b"", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_receiver_that_drips_meets_the_deadline(prefix):
    over = threading.Event()

    def drip(server):
        connection, _ = server.accept()
        with connection:
            try:
                connection.sendall(prefix)
                while not over.wait(0.05):
                    connection.sendall(b"x")
            except OSError:
                pass  # broken off, as it should be

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=drip, args=(server,), daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        started = time.monotonic()
        answer = sending.post(url, b"{}", {}, limit_seconds=0.5)
        took = time.monotonic() - started
        over.set()

    assert not answer.is_success
    assert "within 0.5 seconds" in answer.error
    assert 0.4 < took < 3


def test_a_receiver_that_never_accepts_meets_the_deadline():
    with socket.create_server(("127.0.0.1", 0), backlog=1) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        answer = sending.post(url, b"{}", {}, limit_seconds=0.3)

    assert (answer.status_code, answer.error) == (None, "No answer within 0.3 seconds.")


def test_a_flood_of_answer_is_read_only_to_its_beginning(receiver):
    receiver.answers((200, {}, b"y" * 20_000_000, 0.0))

    answer = sending.post(receiver.url, b"{}", {})

    assert (answer.is_success, len(answer.response_head)) == (True, 4096)


def test_what_is_not_http_is_a_failure():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak():
            connection, _ = server.accept()
            connection.sendall(b"220 mail.example.com ESMTP\r\n")
            connection.close()

        threading.Thread(target=speak, daemon=True).start()
        answer = sending.post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", {})

    assert (answer.is_success, answer.error) == (False, "The connection failed or was closed.")


@pytest.mark.parametrize(
    ("status", "is_success"),
    [(200, True), (204, True), (299, True), (199 + 101, False), (304, False), (404, False)],
)
def test_only_2xx_is_success(receiver, status, is_success):
    receiver.answers(status)

    assert sending.post(receiver.url, b"{}", {}).is_success is is_success
