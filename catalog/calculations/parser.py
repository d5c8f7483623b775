"""From text to a tree, or to the place and the reason why not. Each text is parsed once.

The parser keeps its own stack, so no text, however deep, exhausts Python's.
"""

import decimal
import re
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from catalog.calculations import nodes
from catalog.calculations.faults import CalculationRefused, Fault
from catalog.calculations.limits import DEEPEST, DEEPEST_BRACKETS, DIGITS, LONGEST
from catalog.calculations.nodes import Node
from catalog.calculations.numbers import CONTEXT
from catalog.calculations.types import Value

GRAMMAR = Path(__file__).with_name("grammar.lark")
CONSTANTS: dict[str, Value] = {
    "null": None,
    "true": True,
    "false": False,
    "Math.PI": Decimal("3.141592653589793238462643383279503"),
    "DateTime.TS_FMT": "yyyy-MM-dd'T'HH:mm:ss.SSSX",
}
MOST_KEPT = 4096
_BRACKETS = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|[()]', re.DOTALL)
_ESCAPE = re.compile(r"\\([\\\"'])")


@lru_cache(maxsize=MOST_KEPT)
def parse(text: str) -> Node:
    """Return the tree; raises ``CalculationRefused``."""
    if len(text) > LONGEST:
        reason = f"a calculation may have at most {LONGEST:,} characters, this has {len(text):,}"
        raise CalculationRefused(text, [Fault(reason, LONGEST)])
    if not text.strip():
        raise CalculationRefused(text, [Fault("there is no calculation", 0)])
    _check_brackets(text)
    try:
        tree: Node = _parser().parse(text)  # type: ignore[assignment]
    except _At as error:
        raise CalculationRefused(text, [error.fault]) from None
    except UnexpectedInput as error:
        raise CalculationRefused(text, [_explained(text, error)]) from None
    return tree


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR.read_text(), parser="lalr", transformer=_Tree(), maybe_placeholders=False)


class _At(Exception):
    def __init__(self, reason: str, position: int, length: int = 1) -> None:
        self.fault = Fault(reason, position, length)


def _check_brackets(text: str) -> None:
    depth = 0
    for found in _BRACKETS.finditer(text):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth > DEEPEST_BRACKETS:
            reason = f"brackets may stand {DEEPEST_BRACKETS} deep at most"
            raise CalculationRefused(text, [Fault(reason, found.start())])


class _Tree(Transformer[Token, Node]):
    """Makes nodes while the text is parsed."""

    def start(self, found: list[Node]) -> Node:
        return found[0]

    def number(self, found: list[Token]) -> Node:
        [token] = found
        try:
            value = CONTEXT.plus(Decimal(token))
            # The digits are counted: rounding one that was written would not be exact.
            is_exact = value == Decimal(token)
        except decimal.DecimalException:
            raise _at("this number is too large", token) from None
        if not is_exact:
            raise _at(f"a number may have at most {DIGITS} digits", token)
        return nodes.Literal(*_place(token), value)

    def text(self, found: list[Token]) -> Node:
        [token] = found
        return nodes.Literal(*_place(token), _unquoted(token))

    def path(self, found: list[Token]) -> Node:
        path = tuple(_unquoted(token) if token.type == "STRING" else str(token) for token in found)
        start, end = found[0].start_pos or 0, found[-1].end_pos or 0
        return nodes.Name(start, end - start, path)

    def name(self, found: list[nodes.Name]) -> Node:
        [name] = found
        constant = ".".join(name.path)
        if constant in CONSTANTS:
            return nodes.Literal(name.position, name.length, CONSTANTS[constant])
        return name

    def arguments(self, found: list[Node]) -> list[Node]:
        return found

    def call(self, found: list[object]) -> Node:
        name, *rest = found
        assert isinstance(name, nodes.Name)
        arguments: list[Node] = rest[0] if rest else []  # type: ignore[assignment]
        return _call(".".join(name.path), arguments, name.position, name.length)

    def membership(self, found: list[object]) -> Node:
        token, arguments = found
        assert isinstance(token, Token)
        return _call("IN", arguments, *_place(token))  # type: ignore[arg-type]

    def signed(self, found: list[object]) -> Node:
        token, operand = found
        return _prefixed(nodes.Signed, token, operand, str(token))

    def cast(self, found: list[object]) -> Node:
        token, operand = found
        return _prefixed(nodes.Cast, token, operand, str(token).strip("() \t\r\n"))

    def raised(self, found: list[Node]) -> Node:
        base, exponent = found
        height = _height(base.position, base, exponent)
        return nodes.Power(base.position, base.length, base, exponent, height=height)

    def ternary(self, found: list[Node]) -> Node:
        condition, yes, no = found
        height = _height(condition.position, condition, yes, no)
        return nodes.Ternary(
            condition.position, condition.length, condition, yes, no, height=height
        )

    def disjunction(self, found: list[Node]) -> Node:
        return _logic("OR", found)

    def conjunction(self, found: list[Node]) -> Node:
        return _logic("AND", found)

    def equality(self, found: list[object]) -> Node:
        return _chain(found)

    def relation(self, found: list[object]) -> Node:
        """Comparisons and ``x IN (a, b)``, from left to right."""
        if not any(isinstance(one, list) for one in found):
            return _chain(found)
        left, *rest = found
        for token, right in zip(rest[::2], rest[1::2], strict=True):
            if isinstance(right, list):
                assert isinstance(left, Node)
                left = _call("IN", [left, *right], left.position, left.length)
            else:
                left = _chain([left, token, right])
        assert isinstance(left, Node)
        return left

    def sum(self, found: list[object]) -> Node:
        return _chain(found)

    def product(self, found: list[object]) -> Node:
        return _chain(found)


def _place(token: Token) -> tuple[int, int]:
    return token.start_pos or 0, len(token)


def _at(reason: str, token: Token) -> _At:
    return _At(reason, *_place(token))


def _height(position: int, *below: Node) -> int:
    height = nodes.above(below)
    if height > DEEPEST:
        raise _At("the calculation is nested too deeply here", position)
    return height


def _prefixed(kind: type, token: object, operand: object, prefix: str) -> Node:
    assert isinstance(token, Token) and isinstance(operand, Node)
    position, length = _place(token)
    made: Node = kind(position, length, prefix, operand, height=_height(position, operand))
    return made


def _call(function: str, arguments: list[Node], position: int, length: int) -> Node:
    height = _height(position, *arguments)
    return nodes.Call(position, length, function, tuple(arguments), height=height)


def _logic(operator: str, operands: list[Node]) -> Node:
    first = operands[0]
    height = _height(first.position, *operands)
    return nodes.Logic(first.position, first.length, operator, tuple(operands), height=height)


def _chain(found: list[object]) -> Node:
    first, *rest = found
    assert isinstance(first, Node)
    steps = tuple(
        nodes.Step(str(token), operand, token.start_pos or 0)
        for token, operand in zip(rest[::2], rest[1::2], strict=True)
        if isinstance(token, Token) and isinstance(operand, Node)
    )
    height = _height(first.position, first, *(step.operand for step in steps))
    return nodes.Chain(first.position, first.length, first, steps, height=height)


def _unquoted(token: str) -> str:
    return _ESCAPE.sub(r"\1", token[1:-1])


_WRONG_SIGNS = {
    "=": "= does not compare; write ==",
    "&": "& is not available; write AND",
    "|": "| is not available; write OR",
    "!": "! is not available; write == false",
    '"': "the text that begins here has no closing quote",
    "'": "the text that begins here has no closing quote",
}


def _explained(text: str, error: UnexpectedInput) -> Fault:
    """Return the parser's complaint in words."""
    position = error.pos_in_stream if error.pos_in_stream is not None else len(text)
    if isinstance(error, UnexpectedCharacters):
        sign = text[position]
        return Fault(_WRONG_SIGNS.get(sign, f"{sign} has no meaning here"), position)
    if not isinstance(error, UnexpectedToken):
        return Fault("this cannot be read", position)
    token: Token = error.token
    wanted = error.expected
    if token.type == "$END":
        what = "a value" if "NUMBER" in wanted else "a closing bracket"
        if "NUMBER" not in wanted and "RPAR" not in wanted:
            what = ": and a value" if "COLON" in wanted else "more"
        return Fault(f"the calculation ends where {what} is expected", len(text.rstrip()))
    if token.type == "WORD" and position and re.search(r"\bNOT\s*$", text[:position], re.I):
        return Fault("NOT is not available; write == false", position, len(token))
    what = "a value" if "NUMBER" in wanted else "an operator"
    return Fault(f"{what} is expected instead of {token}", position, max(len(token), 1))
