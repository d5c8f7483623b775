"""Make a PostgreSQL data folder: initdb, settings sized to the machine, the owner's role.

The login role handed out is *not* a superuser. It owns the database and may create databases
(tests) and roles (the application's role); extensions that need more are not used.
"""

import os
import shutil
from pathlib import Path

import psycopg
from psycopg import sql

from config.embedded.placement import Runner
from config.embedded.records import ServerTrouble

SUPERUSER = "postgres"
OWNER = "billwright"
DATABASE = "billwright"
MEGABYTE = 1024 * 1024


def initialise(programs: Path, major: int, data: Path, as_user: Runner, password: str) -> None:
    """Create the data folder with a superuser who logs in with ``password``.

    It is made beside its place and moved there at the end, so a killed start leaves nothing
    that looks finished.
    """
    draft, secret = data.with_name(f"{data.name}.new"), data.with_name("password.new")
    shutil.rmtree(draft, ignore_errors=True)
    secret.unlink(missing_ok=True)
    secret.touch(mode=0o600)
    secret.write_text(password)
    if as_user.uid is not None and as_user.gid is not None:
        os.chown(secret, as_user.uid, as_user.gid)
    command: list[str | Path] = [
        programs / "initdb",
        f"--pgdata={draft}",
        f"--username={SUPERUSER}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
    ]
    try:
        # Sorts by code point on every system, yet knows upper and lower case beyond ASCII.
        builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        outcome = as_user.run(*command, *(builtin if major >= 17 else ["--locale=C.UTF-8"]))
        if outcome.returncode != 0:
            shutil.rmtree(draft, ignore_errors=True)
            outcome = as_user.run(*command, "--locale=C")
    finally:
        secret.unlink()
    if outcome.returncode != 0:
        reason = (outcome.stderr.strip().splitlines() or ["no message"])[0]
        raise ServerTrouble(f"PostgreSQL could not make its data folder {data}: {reason}")
    with (draft / "postgresql.conf").open("a") as file:
        file.write(_settings())
    draft.rename(data)


def _settings() -> str:
    """Return the settings for this machine; whoever runs it may edit postgresql.conf later."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MEGABYTE
    settings = {
        "unix_socket_directories": "''",
        "max_connections": "200",
        "shared_buffers": f"{min(max(memory // 8, 64), 1024)}MB",
        "effective_cache_size": f"{max(memory // 2, 128)}MB",
        "work_mem": f"{min(max(memory // 256, 4), 32)}MB",
        "maintenance_work_mem": f"{min(max(memory // 16, 64), 256)}MB",
        "synchronous_commit": "on",
        "max_wal_size": "2GB",
        "min_wal_size": "128MB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",  # compiling costs more than it gains on queries of our size
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "log_line_prefix": "'%m [%p] %q%u@%d '",
        # Containers often have a /dev/shm of 64 MB, too small for parallel queries.
        "dynamic_shared_memory_type": _shared_memory(),
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    return "\n# Billwright: written once, edit as you like\n" + "\n".join(lines) + "\n"


def _shared_memory() -> str:
    try:
        space = os.statvfs("/dev/shm")
    except OSError:
        return "posix"
    return "posix" if space.f_frsize * space.f_blocks >= 256 * MEGABYTE else "mmap"


def ensure_owner(superuser: "psycopg.Connection[tuple[object, ...]]", password: str) -> None:
    """Make the owner's role and database, or bring the role's password up to date."""
    role, name = sql.Identifier(OWNER), sql.Identifier(DATABASE)
    if not _exists(superuser, "SELECT 1 FROM pg_roles WHERE rolname = %s", OWNER):
        superuser.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE").format(role))
    superuser.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(password)))
    if not _exists(superuser, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
        superuser.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, role))


def _exists(superuser: "psycopg.Connection[tuple[object, ...]]", question: str, name: str) -> bool:
    return superuser.execute(question, [name]).fetchone() is not None
