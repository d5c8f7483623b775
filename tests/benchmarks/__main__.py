"""Run all benchmarks, or those named: ``python -m tests.benchmarks ingest``.

Needs ``DATABASE_URL`` and ``REDIS_URL``, or embedded servers (``make bench`` starts its own).
The database is filled with usage; give it one that may be thrown away.
"""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType


def main(names: list[str]) -> int:
    """Print the ratios of every benchmark as they come."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    import django

    django.setup()
    from django.core.management import call_command

    from organizations.kernel import isolation

    call_command("migrate", verbosity=0)
    held = True
    # Only to make and to look at rows; what is measured enters an organization of its own.
    with isolation.everywhere():
        for module in _benchmarks(names):
            _say(f"\n{module.__name__.rpartition('.')[2]}: {_first_line(module)}")
            for ratio in module.run():
                _say(str(ratio))
                held = held and ratio.is_held
    return 0 if held else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _benchmarks(names: list[str]) -> Iterator[ModuleType]:
    """Yield the modules that have a ``run``; others beside them are parts of benchmarks."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if "\ndef run(" in path.read_text() and (not names or path.stem in names):
            yield importlib.import_module(f"tests.benchmarks.{path.stem}")


def _first_line(module: ModuleType) -> str:
    return (module.__doc__ or "").strip().partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
