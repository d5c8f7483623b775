"""Queries that people write for CUSTOM_SQL aggregations: what is allowed, and how it is run.

A query is parsed, every part of it must be on the list below, and what runs is written again from
the tree: nothing of the text itself reaches the database (usage.md 9.8). The database role that
runs it is the second wall (billing/usage/store/custom_sql.py).
"""

import logging
from functools import lru_cache
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

# What cannot be parsed is refused here; the library would also log the text.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

LONGEST: Final = 2048
DEEPEST: Final = 40
TABLE: Final = "measurements"
COLUMNS: Final = ("account_id", "meter_id", "uid", "ts", "ets", "received_at")

_STRUCTURE = (
    exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered,
    exp.Limit, exp.Offset, exp.Distinct, exp.Subquery, exp.CTE, exp.With, exp.Table,
    exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Paren, exp.Filter,
    exp.Window, exp.WindowSpec, exp.WithinGroup, exp.Union, exp.Tuple,
)  # fmt: skip
_VALUES = (
    exp.Literal, exp.Boolean, exp.Null, exp.Case, exp.If, exp.Cast, exp.DataType, exp.Interval,
    exp.Var, exp.DataTypeParam, exp.IntervalSpan,
)  # fmt: skip
_OPERATORS = (
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.EQ, exp.NEQ, exp.GT, exp.GTE,
    exp.LT, exp.LTE, exp.And, exp.Or, exp.Not, exp.Is, exp.In, exp.Between, exp.Like, exp.ILike,
    exp.Exists,
)  # fmt: skip
_FUNCTIONS = (
    exp.Sum, exp.Count, exp.Min, exp.Max, exp.Avg, exp.StddevPop, exp.StddevSamp, exp.Stddev,
    exp.PercentileCont, exp.PercentileDisc, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag,
    exp.Lead, exp.FirstValue, exp.LastValue, exp.Abs, exp.Ceil, exp.Floor, exp.Round,
    exp.Greatest, exp.Least, exp.Coalesce, exp.Nullif, exp.Extract, exp.TimestampTrunc, exp.Lower,
    exp.Upper, exp.Length,
)  # fmt: skip
_ALLOWED: Final = frozenset((*_STRUCTURE, *_VALUES, *_OPERATORS, *_FUNCTIONS))
_TYPES: Final = frozenset(
    {
        exp.DataType.Type.DECIMAL, exp.DataType.Type.INT, exp.DataType.Type.BIGINT,
        exp.DataType.Type.TEXT, exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP,
        exp.DataType.Type.TIMESTAMPTZ, exp.DataType.Type.BOOLEAN, exp.DataType.Type.INTERVAL,
    }
)  # fmt: skip
# Words that stand in a tree as they were written: units of time.
_UNITS: Final = frozenset(
    {"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "DOW", "ISODOW",
     "DOY", "EPOCH"}
)  # fmt: skip


class QueryRefused(ValueError):
    """The query is not one that may be run; the text says why."""


def checked(text: str) -> str:
    """Return the query as it may be run; raises ``QueryRefused``."""
    if len(text) > LONGEST:
        raise QueryRefused(f"must have at most {LONGEST:,} characters")
    return _checked(text)


@lru_cache(maxsize=512)
def _checked(text: str) -> str:
    query = _parsed(text)
    _check_shape(query)
    known = {TABLE}
    for cte in query.ctes:
        _check_nodes(cte, known)
        known.add(cte.alias_or_name)
    _check_nodes(query, known)
    return query.sql(dialect="postgres", identify=True, comments=False)


def _parsed(text: str) -> exp.Expression:
    if "\0" in text:
        raise QueryRefused("must not contain NUL")
    try:
        statements = [one for one in sqlglot.parse(text, read="postgres") if one is not None]
        if len(statements) != 1:
            raise QueryRefused("must be one SELECT")
        query = normalize_identifiers(statements[0], dialect="postgres")
    except (SqlglotError, RecursionError) as error:
        raise QueryRefused(f"cannot be read as SQL{_place(error)}") from error
    if not isinstance(query, exp.Select):
        raise QueryRefused("must be one SELECT")
    return query


def _place(error: Exception) -> str:
    """Return where the text cannot be read, as far as the parser says."""
    for one in getattr(error, "errors", ()):
        if one.get("line"):
            return f": line {one['line']}, column {one['col']}"
    return ""


def _check_shape(query: exp.Select) -> None:
    columns = [column.unalias() for column in query.expressions]
    is_star = any(column.is_star and not isinstance(column, exp.Count) for column in columns)
    if len(columns) != 1 or is_star:
        raise QueryRefused("must select one column, a number")


def _check_nodes(query: exp.Expression, known: set[str]) -> None:
    """A query of WITH is known to those after it, so that its name never means another table."""
    for node in query.walk(prune=lambda node: isinstance(node, exp.With) and node.parent is query):
        _check_node(node, known)


def _check_node(node: exp.Expression, known: set[str]) -> None:
    if type(node) not in _ALLOWED:
        raise QueryRefused(f"{_called(node)} cannot be used")
    if node.depth > DEEPEST:
        raise QueryRefused(f"must not be nested deeper than {DEEPEST}")
    if isinstance(node, exp.Table):
        _check_table(node, known)
    elif isinstance(node, exp.Column) and (node.args.get("db") or node.args.get("catalog")):
        raise QueryRefused("a column is named by itself or with its table")
    elif isinstance(node, exp.Select) and any(node.args.get(part) for part in _NOT_OF_SELECT):
        raise QueryRefused("SELECT may not lock, write into a table or use other special clauses")
    elif isinstance(node, exp.With):
        _check_with(node)
    elif isinstance(node, exp.DataType) and node.this not in _TYPES:
        raise QueryRefused(f"type {node.sql(dialect='postgres')[:80]} cannot be used")
    elif isinstance(node, exp.Var) and node.name.upper() not in _UNITS:
        raise QueryRefused(f"{node.name[:80]} cannot be used")
    elif isinstance(node, exp.CTE) and node.alias_or_name == TABLE:
        raise QueryRefused(f"WITH may not name a query {TABLE}")


_NOT_OF_SELECT: Final = (
    "into", "locks", "hint", "kind", "laterals", "connect", "sample", "settings", "format",
    "options", "operation_modifiers", "pivots", "match", "prewhere", "cluster", "distribute",
    "sort",
)  # fmt: skip


def _check_table(table: exp.Table, known: set[str]) -> None:
    is_plain = isinstance(table.this, exp.Identifier) and not (
        table.args.get("db") or table.args.get("catalog")
    )
    if not is_plain or table.name not in known:
        raise QueryRefused(f"only the table {TABLE} can be read")
    if any(value for key, value in table.args.items() if key not in ("this", "alias")):
        raise QueryRefused(f"{TABLE} is read as it is, without further clauses")


def _check_with(node: exp.With) -> None:
    if node.args.get("recursive"):
        raise QueryRefused("WITH RECURSIVE cannot be used")
    if node.parent is None or node.parent.parent is not None:
        raise QueryRefused("WITH stands only in front of the whole query")


def _called(node: exp.Expression) -> str:
    """Return what a part of a query is called by whoever wrote it."""
    if isinstance(node, exp.Anonymous):
        return f"{str(node.this)[:80]}()"
    if isinstance(node, exp.Func):
        return f"{node.sql_name()}()"
    return f"{type(node).key.upper()} here"
