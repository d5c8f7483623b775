"""Decide as whom PostgreSQL runs and where its programs and data can be reached.

PostgreSQL refuses to run as root. Started by root (containers, CI) it runs as an existing
ordinary user instead. That user may be unable to enter the checkout (``/root`` is closed to
everybody else); then a copy of the programs and the data go to a folder of their own outside it,
which the home's record remembers. Started by an ordinary user nothing of this is needed.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from config.embedded.binaries import PostgresPrograms
from config.embedded.records import ServerTrouble

USERS_TO_TRY = ["postgres", "nobody", "daemon", "www-data"]
PLACES_TO_TRY = [Path("/var/lib/billwright"), Path("/var/tmp/billwright-root")]


@dataclass(frozen=True, slots=True)
class Runner:
    """The user PostgreSQL runs as; ``uid`` is None for "as we are"."""

    uid: int | None = None
    gid: int | None = None

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a short command as this user, in ``/``; an unreachable program is status 126."""
        try:
            return subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
                user=self.uid,
                group=self.gid,
                extra_groups=None if self.uid is None else [],
            )
        except OSError as error:
            return subprocess.CompletedProcess(command, 126, "", str(error))

    def can_run(self, program: Path) -> bool:
        """Return whether the program starts as this user."""
        return self.run(program, "--version").returncode == 0

    def can_enter(self, folder: Path) -> bool:
        """Return whether this user can pass through an existing folder."""
        return self.run("/bin/sh", "-c", 'cd -- "$1"', "sh", folder).returncode == 0


def runner(data: Path | None) -> Runner:
    """Return the user to run as: ourselves, or for root the owner of the data or the first usable.

    Raises ServerTrouble when root may become nobody else (some sandboxes).
    """
    if os.geteuid() != 0:
        return Runner()
    for entry in _ordinary_users(data):
        candidate = Runner(entry.pw_uid, entry.pw_gid)
        if candidate.run("/bin/sh", "-c", ":").returncode == 0:
            return candidate
    raise ServerTrouble(
        "PostgreSQL does not run as root, and root cannot become"
        f" {', '.join(USERS_TO_TRY)} here: run as an ordinary user, or set DATABASE_URL."
    )


def _ordinary_users(data: Path | None) -> list[pwd.struct_passwd]:
    found = []
    if data is not None and data.exists() and data.stat().st_uid != 0:
        found.append(pwd.getpwuid(data.stat().st_uid))
    for name in USERS_TO_TRY:
        try:
            found.append(pwd.getpwnam(name))
        except KeyError:
            continue
    return found


def programs_for(programs: PostgresPrograms, as_user: Runner) -> Path:
    """Return a folder of the programs that the user can reach, copying them when needed."""
    if as_user.can_run(programs.folder / "postgres"):
        return programs.folder
    if programs.bundle is None:
        raise ServerTrouble(
            f"The user PostgreSQL has to run as cannot start {programs.folder / 'postgres'}: make"
            " it readable by everybody, or set DATABASE_URL."
        )
    copy = _copied(programs, programs.bundle)
    if not as_user.can_run(copy / "postgres"):
        raise ServerTrouble(f"{copy / 'postgres'} does not start: set DATABASE_URL instead.")
    return copy


def _copied(programs: PostgresPrograms, bundle: Path) -> Path:
    """Copy a wheel's programs with their libraries, once per build."""
    built = (programs.folder / "postgres").stat()
    build = hashlib.sha256(f"{built.st_size} {built.st_mtime_ns}".encode()).hexdigest()[:12]
    target = _outside_place() / f"postgresql-{programs.major}-{build}"
    if not target.exists():
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        ignored = shutil.ignore_patterns("include", "doc", "__pycache__")
        shutil.copytree(bundle / "pginstall", draft / bundle.name / "pginstall", ignore=ignored)
        libraries = bundle.with_name(f"{bundle.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        subprocess.run(["chmod", "-R", "a+rX", draft], check=True)
        try:
            draft.rename(target)
        except OSError:  # another home's start was quicker
            shutil.rmtree(draft)
    return target / bundle.name / "pginstall" / "bin"


def data_folder(home: Path, major: int, as_user: Runner) -> Path:
    """Return where new data goes: below the home, or outside when the user cannot get there.

    Creates the parent folder, owned by the user.
    """
    inside = home / "postgres"
    inside.mkdir(mode=0o700, exist_ok=True)
    parent = inside
    if as_user.uid is not None and as_user.gid is not None:
        os.chown(inside, as_user.uid, as_user.gid)
        if not as_user.can_enter(inside):
            name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
            parent = _outside_place() / f"data-{name}"
            parent.mkdir(mode=0o700, exist_ok=True)
            os.chown(parent, as_user.uid, as_user.gid)
    return parent / str(major)


def _outside_place() -> Path:
    """Return a folder of root's that everybody may pass through."""
    for place in PLACES_TO_TRY:
        try:
            place.mkdir(mode=0o711, parents=True, exist_ok=True)
        except OSError:
            continue
        # In a folder open to all, somebody else may have made it first.
        if place.is_symlink() or place.stat().st_uid != 0 or not os.access(place, os.W_OK):
            continue
        place.chmod(0o711)
        return place
    raise ServerTrouble(
        "The user PostgreSQL has to run as cannot enter this folder, and none of"
        f" {', '.join(map(str, PLACES_TO_TRY))} can be made: move the checkout, set"
        " BILLWRIGHT_HOME, or set DATABASE_URL."
    )
