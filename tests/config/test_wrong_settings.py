"""Wrong settings are one line that says what to do, never a traceback."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def complaint(*command: str, **settings: str) -> tuple[int, str]:
    """Return the exit status of a command with these settings, and what it complains of."""
    environment = {**os.environ, **settings}
    done = subprocess.run(
        [sys.executable, *(command or ("manage.py", "up"))],
        cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stderr.strip()


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1", "80.5"])
def test_a_port_that_is_none_is_named(port: str, tmp_path: Path) -> None:
    assert complaint(PORT=port, BILLWRIGHT_HOME=str(tmp_path)) == (
        1,
        f"PORT must be a port from 1 to 65535, not {port!r}.",
    )


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    home = str(tmp_path / "file" / "home")

    status, said = complaint(BILLWRIGHT_HOME=home, SECRET_KEY="")

    assert status == 1
    assert said.splitlines() == [said]
    assert said.startswith(f"The data folder {home} cannot be used")
    assert "BILLWRIGHT_HOME" in said


def test_the_embedded_servers_name_such_a_folder_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    home = str(tmp_path / "file" / "home")

    status, said = complaint("-m", "config.embedded", "run", "--", "true", BILLWRIGHT_HOME=home)

    assert status == 1
    assert said.splitlines() == [said]
    assert said.startswith(f"The data folder {home} cannot be used")


def test_a_database_that_does_not_answer_is_told_of(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    status, said = complaint(
        PORT=str(port),
        DATABASE_URL="postgresql://nobody:x@127.0.0.1:1/nothing",
        BILLWRIGHT_HOME=str(tmp_path),  # not that of the tests: ending, `up` stops what it holds
    )

    assert status == 1
    assert said.splitlines()[-1].startswith("No database answers.")
    assert "Traceback" not in said
