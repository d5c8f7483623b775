"""PURE: do these statements allow this action on this resource, and which one decides?

A statement is a mapping with ``effect``, ``action`` (list) and ``resource`` (list), in the
spelling it was received in (A5.9). Any applying deny wins; without an applying allow the answer
is no; order never matters (A5.13).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Statement = Mapping[str, Any]

EVERYTHING = frozenset({"all", "*", "**"})
BILLING_TYPES = frozenset({"bill", "billlineitem", "billjob", "billconfig", "statementjob"})
TYPE_ALIASES = {"user": "orguser"}


@dataclass(frozen=True, slots=True)
class Resource:
    """What is acted on: a type, or one row of it and the groups that hold the row."""

    service: str
    type: str
    item_id: str | None = None
    group_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, and the statement that decided (None: nothing allows it)."""

    is_allowed: bool
    statement: Statement | None = None


def normal_action(action: str) -> str:
    """Return lower case without ``:``, ``_`` and ``-``; CONFIG_CREATE = config:create."""
    return action.lower().replace(":", "").replace("_", "").replace("-", "")


def action_matches(pattern: str, action: str) -> bool:
    """Return whether one action of a statement covers the action asked for."""
    wanted, given = normal_action(action), normal_action(pattern)
    if given in EVERYTHING:
        return True
    if given.startswith("*"):
        return wanted.endswith(given[1:])
    return wanted.startswith(given[:-1]) if given.endswith("*") else wanted == given


def _same_type(service: str, kind: str, asked: Resource) -> bool:
    kind = TYPE_ALIASES.get(kind.lower(), kind.lower())
    wanted = TYPE_ALIASES.get(asked.type.lower(), asked.type.lower())
    if kind not in {"*", wanted}:
        return False
    asked_service = asked.service.lower()
    if service.lower() in {"*", asked_service}:
        return True
    # config and billing are one service for the five billing types (A5.11).
    return wanted in BILLING_TYPES and {service.lower(), asked_service} <= {"config", "billing"}


def resource_matches(pattern: str, asked: Resource) -> bool:
    """Return whether one resource of a statement covers the resource asked for (A5.10)."""
    if pattern == "*":
        return True
    service, _, rest = pattern.partition(":")
    kind, _, selector = rest.partition("/")
    if not _same_type(service, kind, asked):
        return False
    item_type, _, wanted_id = selector.partition("/")
    if item_type == "group":
        return bool(asked.group_ids) if wanted_id == "*" else wanted_id in asked.group_ids
    if item_type == "item" and wanted_id != "*":
        return asked.item_id is not None and wanted_id == asked.item_id
    return True


def applies(statement: Statement, action: str, asked: Resource) -> bool:
    """Return whether one action and one resource of the statement match (A5.13.2)."""
    return any(action_matches(each, action) for each in statement.get("action") or ()) and any(
        resource_matches(each, asked) for each in statement.get("resource") or ()
    )


def effect(statement: Statement) -> Literal["allow", "deny"]:
    """Return the normal form of the effect."""
    return "deny" if str(statement.get("effect", "")).lower() == "deny" else "allow"


def decide(statements: Iterable[Statement], action: str, asked: Resource) -> Decision:
    """Return the decision over all statements of a principal."""
    allowing: Statement | None = None
    for statement in statements:
        if not applies(statement, action, asked):
            continue
        if effect(statement) == "deny":
            return Decision(False, statement)
        allowing = allowing or statement
    return Decision(allowing is not None, allowing)


ADMINISTRATOR: Sequence[Statement] = ({"effect": "allow", "action": ["all"], "resource": ["*"]},)
READ_ONLY: Sequence[Statement] = (
    {"effect": "allow", "action": ["*:retrieve", "analytics:query"], "resource": ["*"]},
)
