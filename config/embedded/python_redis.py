"""A Redis server in pure Python, for machines that have no Redis program: ``fakeredis`` over TCP.

``python -m config.embedded.python_redis CONFIGURATION`` reads ``port``, ``requirepass`` and
``pidfile`` from a configuration file in Redis' own format. It keeps everything in memory: what is
queued is lost when it is killed. Nothing is lost for good by that, because the rows in PostgreSQL
say what is still to be done and the sweeps enqueue it again.
"""

import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from fakeredis import TcpFakeServer
from fakeredis._helpers import SimpleError
from fakeredis.model import AccessControlList

USER = "billwright"
WITHOUT_LOGIN = [[b"auth"], [b"hello"], [b"quit"], [b"client", b"setinfo"]]
NOT_LOGGED_IN = "NOAUTH Authentication required."
WRONG_PASSWORD = "WRONGPASS invalid username-password pair or user is disabled."


class LoginRequired(AccessControlList):
    """Refuse every command of a connection that has not logged in as the one user there is."""

    def __init__(self, password: str) -> None:
        super().__init__()
        self.password = password.encode()
        user = self.get_user_acl(USER.encode())
        user.enabled = True
        user.add_password(self.password)

    def validate_command(self, username: bytes, client_info: Any, fields: list[bytes]) -> None:
        """Raise Redis' own error unless the connection has logged in or is about to."""
        if username == USER.encode():
            return
        words = [field.lower() for field in fields]
        if not any(words[: len(allowed)] == allowed for allowed in WITHOUT_LOGIN):
            raise SimpleError(NOT_LOGGED_IN)
        if words[0] == b"hello" and b"auth" in words:
            # fakeredis reads this login without acting on it.
            at = words.index(b"auth")
            if fields[at + 1 : at + 3] != [USER.encode(), self.password]:
                raise SimpleError(WRONG_PASSWORD)
            client_info["user"] = USER


class Server(TcpFakeServer):
    """The server of one home; its threads end with the process."""

    def __init__(self, port: int, password: str) -> None:
        super().__init__(("127.0.0.1", port), server_type="redis", server_version=(7, 4))
        self.daemon_threads = True
        self.fake_server.acl = LoginRequired(password)


def main(configuration: Path) -> None:
    """Serve until SIGTERM; the file of the process id says that it listens."""
    logging.getLogger("fakeredis").setLevel(logging.ERROR)
    settings = dict(line.split(" ", 1) for line in configuration.read_text().splitlines())
    server = Server(int(settings["port"]), settings["requirepass"])
    pidfile = Path(settings["pidfile"].strip('"'))
    pidfile.write_text(f"{os.getpid()}\n")
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
