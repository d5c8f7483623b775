"""Command line of the embedded servers: ``python -m config.embedded start|stop|status|env|run``.

``run -- COMMAND ...`` has the servers running while the command runs and answers with its exit
status; the last such command to end stops them. ``env`` prints lines for a shell to evaluate.
``remove`` deletes all data of the home.
"""

import argparse
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from config import embedded


def main(arguments: list[str]) -> int:
    """Do what the words say; 0 when it worked, 1 with one line on stderr when not."""
    parser = argparse.ArgumentParser(prog="python -m config.embedded")
    parser.add_argument("action", choices=["start", "stop", "status", "env", "run", "remove"])
    parser.add_argument("--home", type=Path, default=embedded.default_home())
    split = arguments.index("--") if "--" in arguments else len(arguments)
    chosen = parser.parse_args(arguments[:split])
    home: Path = chosen.home.resolve()
    try:
        if chosen.action == "run":
            return _run(home, arguments[split + 1 :])
        return _act(home, chosen.action)
    except embedded.ServerTrouble as trouble:
        sys.stderr.write(f"{trouble}\n")
    return 1


def _act(home: Path, action: str) -> int:
    if action == "start":
        embedded.start(home, say=_say)
        sys.stdout.write(f"PostgreSQL and Redis run; their addresses are in {home}/*.url.\n")
    elif action == "env":
        servers = embedded.start(home, say=_say)
        for name, url in [
            ("DATABASE_URL", servers.database_url),
            ("REDIS_URL", servers.redis_url),
        ]:
            sys.stdout.write(f"export {name}={shlex.quote(url)}\n")
    elif action == "stop":
        embedded.stop(home)
    elif action == "remove":
        embedded.remove(home)
    else:
        is_alive = embedded.is_alive(home)
        sys.stdout.write("running\n" if is_alive else "not running\n")
        return 0 if is_alive else 3
    return 0


def _run(home: Path, words: list[str]) -> int:
    if not words:
        raise embedded.ServerTrouble("Name a command after run --.")
    with embedded.running(home, say=_say):
        # Ctrl-C reaches the command as well; it decides how to end, and we follow it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        child = subprocess.Popen(words, preexec_fn=_listen_to_interrupts)
        signal.signal(signal.SIGTERM, lambda number, frame: child.send_signal(number))
        status = child.wait()
    return status if status >= 0 else 128 - status


def _listen_to_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
