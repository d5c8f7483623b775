"""PURE: do these statements allow this action on this resource, and which one decides?

A statement is a mapping with ``effect``, ``action`` (list) and ``resource`` (list), in the
spelling it was received in (A5.9). Any applying deny wins; without an applying allow the answer
is no; order never matters (A5.13).

``decide`` answers for a type or for one row; ``scope`` answers for all rows of a type at once, as
sets of rows and groups that a query can be narrowed with. Both read a resource through ``parse``,
so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import organizations.policy_words as words
from organizations.kernel.errors import FieldRefused

Statement = Mapping[str, Any]
Reach = Literal["all", "item", "group"]
MOST_STATEMENTS = 500
MOST_WORDS = 1000


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


@dataclass(frozen=True, slots=True)
class Pattern:
    """One resource of a statement: which types, and all rows, one row, or the rows of a group.

    ``id`` is ``*`` for every row or every group.
    """

    service: str
    type: str
    reach: Reach
    id: str

    def is_about(self, service: str, kind: str) -> bool:
        """Return whether rows of the (normal) service and type are meant."""
        if self.type not in {"*", kind}:
            return False
        # config and billing are one service for the five billing types (A5.11).
        either = self.type == "*" and service == "billing" and self.service == "config"
        return either or self.service in {"*", service}


@lru_cache(maxsize=4096)
def parse(resource: str) -> Pattern | None:
    """Return what one resource of a statement means (A5.10), or None when it means nothing."""
    if resource == "*":
        return Pattern("*", "*", "all", "*")
    service, colon, rest = resource.partition(":")
    kind, *selector = rest.split("/")
    known = words.normal_type(service, kind) if colon else None
    if known is None:
        return None
    if selector in ([], ["*"]):
        return Pattern(*known, "all", "*")
    if len(selector) != 2 or not (selector[1] == "*" or words.is_segment(selector[1])):
        return None
    reach, identity = selector[0].lower(), selector[1].lower()
    if reach == "group":
        return Pattern(*known, "group", identity)
    if reach == "item":
        return Pattern(*known, "all" if identity == "*" else "item", identity)
    return None


def action_matches(pattern: str, action: str) -> bool:
    """Return whether one action of a statement covers the action asked for."""
    given, wanted = words.action_parts(pattern), words.action_parts(action)
    if given is None or wanted is None:
        return False
    return given[0] in {"*", wanted[0]} and given[1] in {"*", wanted[1]}


def resource_matches(resource: str, asked: Resource) -> bool:
    """Return whether one resource of a statement covers the resource asked for (A5.10)."""
    pattern, known = parse(resource), words.normal_type(asked.service, asked.type)
    if pattern is None or known is None or not pattern.is_about(*known):
        return False
    if pattern.reach == "all":
        return True
    if pattern.reach == "item":
        return asked.item_id is not None and pattern.id == asked.item_id.lower()
    return bool(asked.group_ids) if pattern.id == "*" else pattern.id in asked.group_ids


def applies(statement: Statement, action: str, asked: Resource) -> bool:
    """Return whether one action and one resource of the statement match (A5.13.2)."""
    return any(action_matches(each, action) for each in statement.get("action") or ()) and any(
        resource_matches(each, asked) for each in statement.get("resource") or ()
    )


def is_same_type(resource: str, other: str) -> bool:
    """Return whether two resource names without row are one type, aliases included."""
    known = words.normal_type(*resource.split(":", 1))
    return known is not None and known == words.normal_type(*other.split(":", 1))


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


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a type: all of them, or those named and those in groups."""

    is_all: bool = False
    items: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    is_any_group: bool = False

    @property
    def is_empty(self) -> bool:
        """Return whether no row could be meant."""
        return not (self.is_all or self.items or self.groups or self.is_any_group)

    @property
    def needs_groups(self) -> bool:
        """Return whether it has to be known which groups hold a row."""
        return bool(self.groups or self.is_any_group)

    def holds(self, item_id: str, groups: frozenset[str]) -> bool:
        """Return whether a row is meant that these groups hold."""
        return self.is_all or item_id.lower() in self.items or self.holds_by_group(groups)

    def holds_by_group(self, groups: frozenset[str]) -> bool:
        """Return whether a row is meant because of the groups that hold it."""
        return bool(groups) if self.is_any_group else not self.groups.isdisjoint(groups)

    def plus(self, pattern: Pattern) -> Rows:
        """Return these rows and those a pattern means."""
        if pattern.reach == "all":
            return replace(self, is_all=True)
        if pattern.reach == "item":
            return replace(self, items=self.items | {pattern.id})
        if pattern.id == "*":
            return replace(self, is_any_group=True)
        return replace(self, groups=self.groups | {pattern.id})


def is_everything_allowed(statements: Iterable[Statement]) -> bool:
    """Return whether the statements keep nothing at all from whom they speak of."""
    statements = list(statements)
    if any(effect(statement) == "deny" for statement in statements):
        return False
    return any(
        "*" in (statement.get("resource") or ())
        and ("*", "*") in map(words.action_parts, statement.get("action") or ())
        for statement in statements
    )


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows of one type an action is allowed on: those allowed and not denied."""

    allowed: Rows
    denied: Rows

    @property
    def is_nothing(self) -> bool:
        """Return whether no row could be allowed, whatever rows there are (A5.13.9)."""
        return self.allowed.is_empty or self.denied.is_all

    @property
    def is_everything(self) -> bool:
        """Return whether every row is allowed."""
        return self.allowed.is_all and self.denied.is_empty


def scope(statements: Iterable[Statement], action: str, service: str, kind: str) -> Scope:
    """Return which rows of a type the statements allow the action on."""
    known = words.normal_type(service, kind)
    rows = {"allow": Rows(), "deny": Rows()}
    for statement in statements if known else ():
        if not any(action_matches(each, action) for each in statement.get("action") or ()):
            continue
        verdict = effect(statement)
        for each in statement.get("resource") or ():
            pattern = parse(each)
            if pattern is not None and known is not None and pattern.is_about(*known):
                rows[verdict] = rows[verdict].plus(pattern)
    return Scope(rows["allow"], rows["deny"])


# Checking what a caller wrote ------------------------------------------------------------------


def checked(statements: object, field: str = "permissionPolicy") -> list[dict[str, Any]]:
    """Return the statements with every text as received, or raise ``FieldRefused`` naming it.

    Keys that no statement has are left out.
    """
    if not isinstance(statements, list) or not statements:
        raise FieldRefused(field, "must be a list of at least one statement")
    if len(statements) > MOST_STATEMENTS:
        raise FieldRefused(field, f"may hold at most {MOST_STATEMENTS} statements")
    return [_checked_one(one, f"{field}[{at}]") for at, one in enumerate(statements)]


def _checked_one(statement: object, field: str) -> dict[str, Any]:
    if not isinstance(statement, dict):
        raise FieldRefused(field, "must be an object with effect, action and resource")
    verdict = statement.get("effect")
    if not isinstance(verdict, str) or verdict.lower() not in {"allow", "deny"}:
        raise FieldRefused(f"{field}.effect", f"{_shown(verdict)} is neither allow nor deny")
    actions = _texts(statement.get("action"), f"{field}.action")
    for at, action in enumerate(actions):
        if words.action_parts(action) is None:
            raise FieldRefused(f"{field}.action[{at}]", f"{_shown(action)} is not a known action")
    resources = _texts(statement.get("resource"), f"{field}.resource")
    for at, resource in enumerate(resources):
        if parse(resource) is None:
            raise FieldRefused(
                f"{field}.resource[{at}]", f"{_shown(resource)} is not a known resource"
            )
    return {"effect": verdict, "action": actions, "resource": resources}


def _texts(value: object, field: str) -> list[str]:
    if not isinstance(value, list) or not value:
        raise FieldRefused(field, "must be a list of at least one string")
    if len(value) > MOST_WORDS:
        raise FieldRefused(field, f"may hold at most {MOST_WORDS} strings")
    for at, text in enumerate(value):
        if not isinstance(text, str):
            raise FieldRefused(f"{field}[{at}]", "must be a string")
    return value


def _shown(value: object) -> str:
    """Return the offending text, short enough for a sentence."""
    return repr(value[:120]) if isinstance(value, str) else "the value"


ADMINISTRATOR: Sequence[Statement] = ({"effect": "allow", "action": ["all"], "resource": ["*"]},)
READ_ONLY: Sequence[Statement] = (
    {"effect": "allow", "action": ["*:retrieve", "analytics:query"], "resource": ["*"]},
)
