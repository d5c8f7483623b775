"""PURE: what the allows of statements are called as permissions, and which names answer a question.

On the organization a permission is an action and a type, ``config:create@config:plan``; on a row
it is the action alone. Both are in normal form, as policies compare them. A wildcard stays one
name (``*:*@*:*``), whatever types there are or will be: a question asks for every name that covers
it, sixteen at most.

Denies and statements about groups have no name here: they are asked of the statements.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import organizations.policies as policies
import organizations.policy_words as words

LONGEST = 100  # characters, of the column that stores a name


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the allows of some statements say of whole types, and of single rows.

    ``rows`` maps service and type (``*`` for every) and the id of a row to names.
    """

    types: set[str] = field(default_factory=set)
    rows: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)


def allowed(statements: Iterable[policies.Statement]) -> Allowed:
    """Return what the statements allow, groups and denies left out."""
    found = Allowed()
    for statement in statements:
        if policies.effect(statement) == "deny":
            continue
        actions = set(_actions(statement))
        for text in statement.get("resource") or ():
            pattern = policies.parse(text)
            if pattern is None or pattern.reach == "group":
                continue
            if pattern.reach == "all":
                of_type = f"{pattern.service}:{pattern.type}"
                found.types.update(f"{action}@{of_type}" for action in actions)
            else:
                key = (pattern.service, pattern.type, pattern.id)
                found.rows.setdefault(key, set()).update(actions)
    return found


def of_type(action: str, service: str, kind: str) -> list[str]:
    """Return every name that allows the action on all rows of a type."""
    known = words.normal_type(service, kind)
    if known is None:
        return []
    service, kind = known
    types = {f"{service}:{kind}", f"*:{kind}", f"{service}:*", "*:*"}
    if service == "billing":  # one service with config (A5.11)
        types.add("config:*")
    return [f"{verb}@{one}" for verb in of_row(action) for one in sorted(types)]


def of_row(action: str) -> list[str]:
    """Return every name that allows the action on the row it is granted on."""
    parts = words.action_parts(action)
    if parts is None:
        return []
    area, verb = parts
    return sorted({f"{area}:{verb}", f"{area}:*", f"*:{verb}", "*:*"})


def _actions(statement: policies.Statement) -> Iterator[str]:
    for action in statement.get("action") or ():
        parts = words.action_parts(action)
        if parts is not None:
            yield ":".join(parts)
