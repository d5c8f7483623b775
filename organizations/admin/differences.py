"""A change, field by field: what an audit entry's difference says, down to the parts of lists."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from organizations.kernel import exact_json
from organizations.kernel.console import show

DEEPEST = 6
# What changes with every change; told last, in grey.
ROUTINE = ("version", "dtLastModified", "lastModifiedBy", "dtCreated", "createdBy")


@dataclass(frozen=True, slots=True)
class Line:
    """One field before and after; ``kind`` is added, removed or changed."""

    field: str
    before: str
    after: str
    kind: str
    is_routine: bool = False


def lines(difference: dict[str, Any]) -> list[Line]:
    """Return a line for every part that differs, routine fields last."""
    found = [
        line
        for field, pair in difference.items()
        for line in _compared(field, *_pair(pair), depth=0)
    ]
    return sorted(found, key=lambda line: line.is_routine)


def _pair(pair: Any) -> tuple[Any, Any]:
    is_pair = isinstance(pair, list) and len(pair) == 2
    return (pair[0], pair[1]) if is_pair else (None, pair)


def _compared(path: str, before: Any, after: Any, *, depth: int) -> Iterator[Line]:
    if before == after:
        return
    if depth < DEEPEST and isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            yield from _compared(f"{path}.{key}", before.get(key), after.get(key), depth=depth + 1)
    elif depth < DEEPEST and isinstance(before, list) and isinstance(after, list):
        for at in range(max(len(before), len(after))):
            old = before[at] if at < len(before) else None
            new = after[at] if at < len(after) else None
            yield from _compared(f"{path}[{at}]", old, new, depth=depth + 1)
    else:
        yield Line(path, _text(before), _text(after), _kind(before, after), path in ROUTINE)


def _kind(before: Any, after: Any) -> str:
    if before in (None, "", [], {}):
        return "added"
    return "removed" if after in (None, "", [], {}) else "changed"


def _text(value: Any) -> str:
    if value is None or value == "":
        return show.NOTHING
    return value if isinstance(value, str) else exact_json.dumps(value).decode()
