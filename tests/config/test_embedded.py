"""The embedded servers start, are found again, and survive what is done to them."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from config import embedded
from config.embedded import (
    binaries,
    placement,
    postgres_server,
    processes,
    records,
    redis_server,
)

NOTHING_GIVEN: dict[str, str] = {}
IS_PYTHON_REDIS = binaries.is_python_redis(binaries.redis())


def start(home: Path) -> embedded.Servers:
    return embedded.start(home, environ=NOTHING_GIVEN)


def query(servers: embedded.Servers, *statements: str) -> list[tuple[object, ...]]:
    with psycopg.connect(servers.database_url) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def data_folder(home: Path) -> Path:
    return home / json.loads((home / "postgres.json").read_text())["data"]


def test_the_login_owns_the_database_and_is_no_superuser(home: Path) -> None:
    servers = start(home)

    assert query(
        servers,
        "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles"
        " WHERE rolname = current_user",
    ) == [("billwright", False, True, True)]
    assert query(
        servers,
        "SELECT datname, pg_get_userbyid(datdba) FROM pg_database"
        " WHERE datname = current_database()",
    ) == [("billwright", "billwright")]
    assert query(servers, "SELECT lower('ÄÖ'), 'Z' < 'a'") == [("äö", True)]


def test_a_wrong_password_is_refused_by_both_servers(home: Path) -> None:
    servers = start(home)
    port = redis_server.records.read(home / "redis.json")["port"]

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(servers.database_url, password="wrong")
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=port).ping()


def test_files_with_passwords_are_readable_by_their_owner_only(home: Path) -> None:
    start(home)

    names = ["postgres.json", "postgres.url", "redis.json", "redis.url", "redis/redis.conf"]
    assert {name: (home / name).stat().st_mode & 0o077 for name in names} == dict.fromkeys(names, 0)


def test_starting_again_finds_the_running_servers(home: Path) -> None:
    first = start(home)
    pids = postgres_server.running_pid(home), redis_server.running_pid(home)

    second = start(home)

    assert second == first
    assert (postgres_server.running_pid(home), redis_server.running_pid(home)) == pids


def test_a_server_whose_address_is_given_is_not_started(home: Path) -> None:
    given = {"DATABASE_URL": "postgresql://there/db", "REDIS_URL": "redis://there"}

    servers = embedded.start(home, environ=given)

    assert servers == embedded.Servers("postgresql://there/db", "redis://there")
    assert [path.name for path in home.iterdir()] == ["start.lock"]


def test_stopping_forgets_the_addresses_and_keeps_data_and_ports(home: Path) -> None:
    servers = start(home)
    query(servers, "CREATE TABLE kept AS SELECT 7 AS number")

    embedded.stop(home)

    assert not embedded.is_alive(home, environ=NOTHING_GIVEN)
    assert not list(home.glob("*.url"))
    again = start(home)
    assert again == servers
    assert query(again, "SELECT number FROM kept") == [(7,)]


def test_the_last_user_of_the_servers_stops_them(home: Path) -> None:
    with embedded.running(home, environ=NOTHING_GIVEN):
        with embedded.running(home, environ=NOTHING_GIVEN):
            pass

        assert embedded.is_alive(home, environ=NOTHING_GIVEN)

    assert not embedded.is_alive(home, environ=NOTHING_GIVEN)


def test_two_starters_at_once_share_one_server(home: Path) -> None:
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "REDIS_URL"}
    }
    command = [sys.executable, "-m", "config.embedded", "start", "--home", str(home)]

    starters = [subprocess.Popen(command, env=environ) for _ in range(2)]
    statuses = [starter.wait(60) for starter in starters]

    assert statuses == [0, 0]
    commands = [processes.command_line(int(folder.name)) for folder in Path("/proc").glob("[0-9]*")]
    assert sum(f"-D {data_folder(home)}" in command for command in commands) == 1


@pytest.mark.kill
def test_after_kill_9_of_postgresql_committed_rows_are_there(home: Path) -> None:
    servers = start(home)
    query(servers, "CREATE TABLE kept (number int)")

    for insert in (
        "INSERT INTO kept VALUES (1)",
        "INSERT INTO kept VALUES (2)",
        "INSERT INTO kept VALUES (3)",
    ):
        query(servers, insert)
        pid = postgres_server.running_pid(home)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert start(home) == servers

    assert query(servers, "SELECT number FROM kept ORDER BY number") == [(1,), (2,), (3,)]


@pytest.mark.kill
@pytest.mark.skipif(IS_PYTHON_REDIS, reason="The server in pure Python keeps no file.")
def test_after_kill_9_of_redis_queued_messages_are_there(home: Path) -> None:
    servers = start(home)

    for number in range(3):
        with redis.Redis.from_url(servers.redis_url) as client:
            client.rpush("queue", number)
        pid = redis_server.running_pid(home)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert start(home) == servers

    with redis.Redis.from_url(servers.redis_url) as client:
        assert client.lrange("queue", 0, -1) == [b"0", b"1", b"2"]


@pytest.mark.kill
def test_lock_files_naming_an_unrelated_process_do_not_stop_a_start(home: Path) -> None:
    servers = start(home)
    lock = data_folder(home) / "postmaster.pid"
    left_behind = lock.read_text().split("\n", 1)[1]
    embedded.stop(home)
    runner = placement.runner(data_folder(home))
    stranger = subprocess.Popen(["sleep", "60"], cwd="/", user=runner.uid)
    owner = data_folder(home).stat()
    lock.write_text(f"{stranger.pid}\n{left_behind}")
    os.chown(lock, owner.st_uid, owner.st_gid)
    lock.chmod(0o600)
    (home / "redis" / "redis.pid").write_text(f"{stranger.pid}\n")

    try:
        again = start(home)

        assert again == servers
        assert query(again, "SELECT 1") == [(1,)]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_port_taken_meanwhile_is_replaced_and_the_data_kept(home: Path) -> None:
    servers = start(home)
    query(servers, "CREATE TABLE kept AS SELECT 7 AS number")
    port = json.loads((home / "postgres.json").read_text())["port"]
    embedded.stop(home)

    with socket.create_server(("127.0.0.1", port)):
        again = start(home)

    assert again.database_url != servers.database_url
    assert query(again, "SELECT number FROM kept") == [(7,)]


def test_a_folder_half_made_by_a_killed_start_is_made_anew(home: Path) -> None:
    start(home)
    embedded.stop(home)
    data = data_folder(home)
    data.rename(data.with_name(f"{data.name}.new"))
    (data.with_name("password.new")).write_text("left behind")

    servers = start(home)

    assert query(servers, "SELECT 1") == [(1,)]
    assert sorted(path.name for path in data.parent.iterdir()) == [data.name]


def test_data_without_its_passwords_is_refused_and_left_alone(home: Path) -> None:
    start(home)
    embedded.stop(home)
    record = home / "postgres.json"
    hidden = record.rename(home / "hidden.json")

    with pytest.raises(embedded.ServerTrouble, match=r"postgres\.json with its passwords"):
        start(home)

    assert not record.exists()
    hidden.rename(record)
    assert query(start(home), "SELECT 1") == [(1,)]


def test_data_of_a_version_that_is_not_installed_is_refused(home: Path) -> None:
    start(home)
    embedded.stop(home)
    version = data_folder(home) / "PG_VERSION"
    real = version.read_text()
    version.write_text("9\n")

    with pytest.raises(embedded.ServerTrouble, match="made by PostgreSQL 9, which is not"):
        start(home)

    version.write_text(real)
    assert query(start(home), "SELECT 1") == [(1,)]


@pytest.mark.skipif(IS_PYTHON_REDIS, reason="The server in pure Python keeps no file.")
def test_a_damaged_append_only_file_is_set_aside(home: Path) -> None:
    servers = start(home)
    with redis.Redis.from_url(servers.redis_url) as client:
        for number in range(100):
            client.rpush("queue", number)
    embedded.stop(home)
    file = next((home / "redis" / "appendonlydir").glob("*.incr.aof"))
    content = file.read_bytes()
    file.write_bytes(content[:200] + b"\0" * 50 + content[250:])

    again = start(home)

    with redis.Redis.from_url(again.redis_url) as client:
        assert client.dbsize() == 0
    assert (home / "redis" / "appendonly.damaged").exists()


def test_without_a_redis_program_a_server_in_pure_python_takes_its_place(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        binaries, "_package_folder", lambda name: Path() if name == "fakeredis" else None
    )
    monkeypatch.setattr(binaries.shutil, "which", lambda name: None)
    heard: list[str] = []

    address = redis_server.start(home_made(home), say=heard.append)

    assert heard == [
        "Starting a Redis server in pure Python, which keeps no file: no Valkey was found ..."
    ]
    with redis.Redis.from_url(address) as client:
        client.rpush("queue", "task")
        assert client.brpop("queue", 1) == (b"queue", b"task")
        port = client.connection_pool.connection_kwargs["port"]
    for wrong in (
        redis.Redis(port=port),
        redis.Redis(port=port, protocol=2),
        redis.Redis(port=port, username="billwright", password="wrong"),
        redis.Redis(port=port, username="billwright", password="wrong", protocol=2),
    ):
        with pytest.raises(redis.AuthenticationError):
            wrong.ping()
    pid = redis_server.running_pid(home)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert redis_server.start(home, say=heard.append) == address


def home_made(home: Path) -> Path:
    records.make_home(home)
    return home
