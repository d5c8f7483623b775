"""Send prepared requests over a number of kept connections, as cheaply as possible.

The sender shares the machine with what it measures, so it writes bytes that are ready and looks
at no more of an answer than its first line and its length.
"""

import socket
import threading
import time
from collections.abc import Sequence

ACCEPTED = b"HTTP/1.1 200"


def seconds_to_send(port: int, requests: Sequence[bytes], connections: int) -> float:
    """Return how long it takes until every request is answered with 200."""
    gate = threading.Barrier(connections + 1)
    refused: list[bytes] = []
    shares = [requests[n::connections] for n in range(connections)]
    threads = [
        threading.Thread(target=_send, args=(port, share, gate, refused)) for share in shares
    ]
    for thread in threads:
        thread.start()
    gate.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    if refused:
        raise RuntimeError(f"{len(refused)} requests were refused: {refused[0][:500]!r}")
    return time.perf_counter() - begun


def request(path: str, token: str, body: bytes) -> bytes:
    """Return the bytes of one POST."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _send(
    port: int, requests: Sequence[bytes], gate: threading.Barrier, refused: list[bytes]
) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        gate.wait()
        for data in requests:
            connection.sendall(data)
            received = answer(connection)
            if not received.startswith(ACCEPTED):
                refused.append(received)


def answer(connection: socket.socket) -> bytes:
    """Return the bytes of one answer."""
    received = b""
    while True:
        received += connection.recv(65536)
        head, found, body = received.partition(b"\r\n\r\n")
        if found and len(body) >= _length(head):
            return received
        if not received:
            raise RuntimeError("The server closed the connection.")


def _length(head: bytes) -> int:
    lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return int(next(value for name, _, value in lines if name == b"content-length"))
