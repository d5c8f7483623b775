"""Find the one segment a measurement falls into, in SQL (usage.md 10.8).

Among the segments that match, the one with most literal values wins; ties go to the one whose
literals come first in the order of the segmented fields. Segments with literals at the same
places differ in a literal, so at most one of them matches: each such group is one look-up by key,
and a thousand segments cost a measurement no more than a handful.
"""

import json

from psycopg import sql

from billing.usage.store.requests import ANY, Segmentation


def number_of_segment(segmentation: Segmentation) -> sql.Composable:
    """Return the SQL for the place of measurement ``m`` in ``segments``, or NULL."""
    groups: dict[tuple[int, ...], dict[str, int]] = {}
    for number, values in enumerate(segmentation.segments):
        places = tuple(place for place, value in enumerate(values) if value != ANY)
        groups.setdefault(places, {})[_key([values[place] for place in places])] = number
    ranked = sorted(groups, key=lambda places: (-len(places), places))
    lookups = [_lookup(segmentation, places, groups[places]) for places in ranked]
    return sql.SQL("COALESCE({})").format(sql.SQL(", ").join(lookups))


def _lookup(
    segmentation: Segmentation, places: tuple[int, ...], numbers: dict[str, int]
) -> sql.Composable:
    if not places:
        return sql.Literal(numbers[""])
    parts = [
        sql.SQL("length(m.fields ->> {0}) || ':' || (m.fields ->> {0})").format(
            sql.Literal(segmentation.fields[place])
        )
        for place in places
    ]
    return sql.SQL("({numbers}::jsonb ->> ({key}))::int").format(
        numbers=sql.Literal(json.dumps(numbers)), key=sql.SQL(" || ").join(parts)
    )


def _key(literals: list[str]) -> str:
    """Return one text for several values; with their lengths in it no two lists share one."""
    return "".join(f"{len(value)}:{value}" for value in literals)
