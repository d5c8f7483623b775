"""PURE: what statements say in English, in their normal form, and what looks like a mistake.

The names of rows and groups are given, by reach and id: ``{("item", "0190..."): "Tokens"}``. An id
without a name is one that no row has (A5.10 accepts those). Statements have passed
``policies.checked``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import organizations.policies as policies
import organizations.policy_words as words
from organizations.policies import Pattern, Statement

Names = Mapping[tuple[str, str], str]
Pair = tuple[str, str]

AREAS = {
    "config": "Configuration and billing",
    "measurements": "Usage",
    "analytics": "Analytics",
    "audit": "Audit trail",
    "exports": "Exports",
    "marketplaceusage": "Marketplace usage",
    "forecast": "Forecasts",
    "healthscores": "Health scores",
    "anomalies": "Anomalies",
}
CRUD = {"create": "create", "retrieve": "read", "update": "change", "delete": "delete"}
OTHERS: dict[Pair, str] = {
    ("config", "export"): "export operational data",
    ("analytics", "query"): "query analytics",
    ("measurements", "upload"): "submit measurements",
    ("measurements", "fileupload"): "upload files of measurements",
    ("measurements", "retrieve"): "read raw and failed measurements",
    ("measurements", "export"): "export usage",
    ("forecast", "retrieve"): "read forecasts",
    ("healthscores", "retrieve"): "read health scores",
    ("anomalies", "retrieve"): "read anomalies",
    ("exports", "download"): "download exports",
    ("marketplaceusage", "create"): "create marketplace usage reports",
    ("marketplaceusage", "retrieve"): "read marketplace usage reports",
    ("audit", "retrieve"): "read the audit trail",
}
RESERVED = frozenset({"forecast", "healthscores", "anomalies"})
NOUNS = {
    "orgUser": "user",
    "orgUserInvitation": "invitation",
    "organizationConfig": "organization setting",
    "customField": "custom field document",
    "support": "support access window",
    "lookupTableData": "row of lookup tables",
    "integrationCredentials": "set of integration credentials",
    "usage": "usage figure",
    "entry": "audit entry",
}
CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Read:
    """One statement, read: its sentence, its resources as phrases, its normal form, warnings."""

    sentence: str
    resources: list[str]
    normal: dict[str, object]
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole policy, read."""

    statements: list[Read]
    warnings: list[str]


def read(statements: Sequence[Statement], names: Names) -> Reading:
    """Return the statements in English, their normal form and what looks like a mistake."""
    normal = [normal_form(statement) for statement in statements]
    return Reading(
        [
            Read(
                sentence(statement, names),
                [_object(policies.parse(text), names) for text in statement["resource"]],
                normal[at],
                list(_warnings(at, statements, normal, names)),
            )
            for at, statement in enumerate(statements)
        ],
        list(_warnings_of_all(statements)),
    )


def targets(statements: Sequence[Statement]) -> Iterator[Pattern]:
    """Yield each pattern that speaks of one row or one group, which have names to look up."""
    for statement in statements:
        for text in statement.get("resource") or ():
            pattern = policies.parse(text)
            if pattern is not None and pattern.reach != "all" and pattern.id != "*":
                yield pattern


def noun(type_name: str) -> str:
    """Return a type as a word: ``billGroupingKey`` is a bill grouping key."""
    return NOUNS.get(type_name) or CAPITAL.sub(" ", type_name).lower()


# Normal form -----------------------------------------------------------------------------------


def normal_form(statement: Statement) -> dict[str, object]:
    """Return the statement in one spelling: sorted, each word once."""
    patterns = [policies.parse(text) for text in statement["resource"]]
    return {
        "effect": policies.effect(statement),
        "action": sorted({_action_text(pair) for pair in _pairs(statement)}),
        "resource": sorted({_resource_text(each) for each in patterns if each is not None}),
    }


def _pairs(statement: Statement) -> list[Pair]:
    found = (words.action_parts(action) for action in statement["action"])
    return [pair for pair in found if pair is not None]


def _action_text(pair: Pair) -> str:
    return "all" if pair == ("*", "*") else ":".join(pair)


def _resource_text(pattern: Pattern) -> str:
    if pattern.service == pattern.type == "*":
        return "*"
    text = f"{pattern.service}:{words.type_name(pattern.service, pattern.type)}"
    return text if pattern.reach == "all" else f"{text}/{pattern.reach}/{pattern.id}"


# English ---------------------------------------------------------------------------------------


def sentence(statement: Statement, names: Names) -> str:
    """Return ``May read and change every meter.`` or ``May never ...``."""
    pairs = list(dict.fromkeys(_pairs(statement)))
    objects = _joined([_object(policies.parse(each), names) for each in statement["resource"]])
    may = "May" if policies.effect(statement) == "allow" else "May never"
    if ("*", "*") in pairs:
        return f"{may} do everything with {objects}."
    simple, others = _verbs(pairs)
    if not others:
        return f"{may} {_joined(simple)} {objects}."
    return f"{may} {_joined([*simple, *others])}, on {objects}."


def _verbs(pairs: Sequence[Pair]) -> tuple[list[str], list[str]]:
    """Return the verbs that take an object (read, change), and the other phrases."""
    config = {verb for area, verb in pairs if area == "config"}
    simple = [word for verb, word in CRUD.items() if {verb, "*"} & config]
    others = [OTHERS["config", "export"]] if {"export", "*"} & config else []
    for area, verb in pairs:
        if area == "*":
            others.append(f"take every action called {verb}")
        elif area != "config" and verb == "*":
            others.extend(text for (one, _), text in OTHERS.items() if one == area)
        elif area != "config":
            others.append(OTHERS[area, verb])
    return simple, others


def _object(pattern: Pattern | None, names: Names) -> str:
    if pattern is None:
        return "something unknown"
    if pattern.type == "*":
        place = "" if pattern.service == "*" else f" in {pattern.service}"
        return {"all": f"everything{place}", "item": f"{pattern.id}{place}"}.get(
            pattern.reach, f"everything{place} that is in {_group(pattern, names)}"
        )
    one = noun(words.type_name(pattern.service, pattern.type))
    if pattern.reach == "all":
        return f"every {one}"
    if pattern.reach == "group":
        return f"every {one} in {_group(pattern, names)}"
    name = names.get(("item", pattern.id))
    return f"the {one} “{name}”" if name else f"the unknown {one} {pattern.id}"


def _group(pattern: Pattern, names: Names) -> str:
    if pattern.id == "*":
        return "any group"
    name = names.get(("group", pattern.id))
    return f"the group “{name}”" if name else f"the unknown group {pattern.id}"


def _joined(phrases: Sequence[str]) -> str:
    parts = list(dict.fromkeys(phrases))
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


# Warnings --------------------------------------------------------------------------------------


def _warnings(
    at: int, statements: Sequence[Statement], normal: Sequence[dict[str, object]], names: Names
) -> Iterator[str]:
    statement = statements[at]
    if normal[at] in normal[:at]:
        yield f"Says the same as statement {normal.index(normal[at]) + 1}."
    if policies.effect(statement) == "deny":
        yield from _emptied(statement, names)
    elif undoing := _undone_by(statement, statements):
        yield f"Has no effect: statement {undoing} denies all of it."
    for pattern in targets([statement]):
        if (pattern.reach, pattern.id) not in names:
            what = "group" if pattern.reach == "group" else "row"
            yield f"No {what} has the id {pattern.id}: it matches nothing until one has."
    if reserved := sorted({area for area, _ in _pairs(statement)} & RESERVED):
        yield f"Nothing uses {_joined([AREAS[area].lower() for area in reserved])} yet."


def _emptied(statement: Statement, names: Names) -> Iterator[str]:
    """Say which whole areas a deny makes invisible."""
    if not any(verb in {"*", "retrieve"} for _, verb in _pairs(statement)):
        return
    whole = [
        pattern
        for text in statement["resource"]
        if (pattern := policies.parse(text)) is not None and pattern.reach == "all"
    ]
    if any(each.type == "*" and each.service == "*" for each in whole):
        yield "Empties the whole console: whoever holds this sees nothing, whatever else allows it."
    elif whole:
        seen = _joined([_object(each, names) for each in whole])
        yield f"Empties a whole area: hides {seen}, whatever else allows it."


def _warnings_of_all(statements: Sequence[Statement]) -> Iterator[str]:
    allowing = [one for one in statements if policies.effect(one) == "allow"]
    if all(_undone_by(one, statements) for one in allowing):
        yield "Allows nothing by itself: it only takes away what other policies allow."


def _undone_by(statement: Statement, statements: Sequence[Statement]) -> int:
    """Return the number of a deny that covers all of an allowing statement, or 0."""
    for number, other in enumerate(statements, 1):
        if policies.effect(other) == "deny" and _covers(other, statement):
            return number
    return 0


def _covers(deny: Statement, allow: Statement) -> bool:
    denied, patterns = _pairs(deny), [policies.parse(text) for text in deny["resource"]]
    return all(
        any(one[0] in {"*", pair[0]} and one[1] in {"*", pair[1]} for one in denied)
        for pair in _pairs(allow)
    ) and all(
        any(_pattern_covers(one, policies.parse(text)) for one in patterns)
        for text in allow["resource"]
    )


def _pattern_covers(wide: Pattern | None, narrow: Pattern | None) -> bool:
    if wide is None or narrow is None:
        return False
    if wide.service not in {"*", narrow.service} or wide.type not in {"*", narrow.type}:
        return False
    if wide.reach == "all" or wide == narrow:
        return True
    return wide.reach == narrow.reach == "group" and wide.id == "*"
