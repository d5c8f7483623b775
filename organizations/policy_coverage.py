"""PURE: whether some statements give more than others do.

The answer errs to the careful side: what cannot be compared without looking at rows (whether a
group holds a row, say) counts as more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

import organizations.policies as policies
import organizations.policy_words as words

Right = tuple[tuple[str, str], policies.Pattern]  # area and verb of an action, and a resource


def covers(held: Iterable[policies.Statement], given: Iterable[policies.Statement]) -> bool:
    """Return whether whoever holds ``held`` has all that ``given`` would give (A5.12)."""
    held, given = list(held), list(given)
    allows = list(_rights(held, "allow"))
    # A deny that is given along with the rights takes away the same as one that is held.
    denies_given = list(_rights(given, "deny"))
    denies = [
        deny
        for deny in _rights(held, "deny")
        if not any(_includes(other, deny) for other in denies_given)
    ]
    return all(
        any(_includes(allow, wanted) for allow in allows)
        and not any(_meets(deny, wanted) for deny in denies)
        for wanted in _rights(given, "allow")
    )


def gained(
    before: list[policies.Statement], after: list[policies.Statement]
) -> list[policies.Statement]:
    """Return what a change of statements gives: new allows, and what denies kept away until now."""
    added = [one for one in after if one not in before]
    removed = [one for one in before if one not in after and policies.effect(one) == "deny"]
    return [*added, *freed(removed)]


def freed(statements: Iterable[policies.Statement]) -> list[policies.Statement]:
    """Return what taking these statements away gives: all that their denies kept away."""
    return [{**one, "effect": "allow"} for one in statements if policies.effect(one) == "deny"]


def _rights(statements: list[policies.Statement], effect: str) -> Iterator[Right]:
    for statement in statements:
        if policies.effect(statement) != effect:
            continue
        actions = [words.action_parts(one) for one in statement.get("action") or ()]
        patterns = [policies.parse(one) for one in statement.get("resource") or ()]
        for action, pattern in product(actions, patterns):
            if action is not None and pattern is not None:
                yield action, pattern


def _includes(wide: Right, narrow: Right) -> bool:
    """Return whether one right is at least another one."""
    (area, verb), pattern = wide
    (other_area, other_verb), other = narrow
    return (
        area in {"*", other_area}
        and verb in {"*", other_verb}
        and pattern.is_about(other.service, other.type)
        and (
            pattern.reach == "all"
            or (pattern.reach == other.reach and pattern.id in {"*", other.id})
        )
    )


def _meets(one: Right, other: Right) -> bool:
    """Return whether two rights could be about the same action on the same row."""
    (area, verb), pattern = one
    (other_area, other_verb), against = other
    is_same_action = all(
        "*" in pair or pair[0] == pair[1] for pair in ((area, other_area), (verb, other_verb))
    )
    is_same_type = pattern.is_about(against.service, against.type) or against.is_about(
        pattern.service, pattern.type
    )
    # ``config:*`` and ``*:plan`` meet in ``config:plan``, though neither includes the other.
    is_crossing = "*" in {pattern.type, against.type} and "*" in {pattern.service, against.service}
    is_other_row = pattern.reach == against.reach == "item" and pattern.id != against.id
    return is_same_action and (is_same_type or is_crossing) and not is_other_row
