"""From a tree to nested functions, with the types checked as far as they are known.

Every function takes the scope and returns a value. What cannot fit is refused here, all of it at
once; what may or may not fit is checked by the functions when they run.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from types import MappingProxyType
from typing import Any

from catalog.calculations import nodes, numbers, operators
from catalog.calculations.faults import CalculationFailed, CalculationRefused, Fault
from catalog.calculations.functions import FUNCTIONS, Function
from catalog.calculations.limits import LONGEST_TEXT, MOST_FAULTS
from catalog.calculations.names import Found, Names, UnknownName, unknown
from catalog.calculations.nodes import Node
from catalog.calculations.parser import parse
from catalog.calculations.scope import Scope
from catalog.calculations.types import ANY, Type, Value, fits, type_of, words

Run = Callable[[Scope], Any]
NUMERIC = Type.NUMBER | Type.NULL
CONDITION = Type.BOOLEAN | Type.NULL
LOOKUPS = ("Lookup.findNumber", "Lookup.findString")
# An operand that was refused already: nothing more is said about it.
UNKNOWN = ANY


@dataclass(frozen=True, slots=True)
class Calculation:
    """A calculation that may be evaluated any number of times, by several threads.

    ``references`` are the keys of the names it uses, ``types`` their types; ``tables`` are the
    lookup tables that it names in quotes. ``type`` says which types the result may have.
    """

    text: str
    type: Type
    expects: Type
    references: frozenset[str]
    types: Mapping[str, Type]
    tables: frozenset[str]
    run: Run

    def evaluate(self, scope: Scope) -> Value:
        """Return the result; raises ``CalculationFailed``.

        For a NUMBER it is a Decimal or None, for a TEXT a str (made from a number where it is
        one) or None, for a BOOLEAN a bool: null counts as false.
        """
        try:
            result = self.run(scope)
        except CalculationFailed:
            raise
        except (decimal.DecimalException, ZeroDivisionError) as error:
            raise CalculationFailed(numbers.explain(error)) from error
        except TypeError as error:  # quick operators trust the types that names declare
            raise CalculationFailed("a value is not of the type it is known by") from error
        return _fitted(result, self.expects)


def compile_calculation(text: str, names: Names, *, expects: Type = ANY) -> Calculation:
    """Return the calculation; raises ``CalculationRefused`` with all that is wrong with it.

    ``expects`` is the type of the result: one of NUMBER, TEXT and BOOLEAN, or ANY.
    """
    tree = parse(text)
    compiler = _Compiler(names)
    run, kind = compiler.compile(tree)
    allowed = expects | Type.NULL | (Type.NUMBER if expects == Type.TEXT else Type(0))
    if not compiler.faults and not fits(kind, allowed):
        reason = f"the result must be {words(expects)}, this is {words(kind)}"
        compiler.faults.append(Fault(reason, tree.position, len(text) - tree.position))
    if compiler.faults:
        raise CalculationRefused(text, compiler.faults[:MOST_FAULTS])
    references = compiler.references
    return Calculation(
        text,
        kind,
        expects,
        frozenset(references),
        MappingProxyType(references),
        frozenset(compiler.tables),
        run,
    )


def _fitted(result: Any, expects: Type) -> Value:
    """Return the result in the type that is expected of it."""
    if result.__class__ is bool and expects is Type.BOOLEAN:
        return bool(result)  # rules ask very often
    kind = type_of(result)
    if expects == Type.BOOLEAN and kind & CONDITION:
        return bool(result)
    if kind == Type.NULL:
        return None
    if kind == Type.NUMBER and expects & Type.NUMBER:
        return result if isinstance(result, decimal.Decimal) else decimal.Decimal(result)
    if kind == Type.NUMBER and expects == Type.TEXT:
        result, kind = numbers.plain(result), Type.TEXT
    if not kind & expects:
        raise CalculationFailed(f"the result must be {words(expects)}, this is {words(kind)}")
    if kind == Type.TEXT and len(result) > LONGEST_TEXT:
        raise CalculationFailed(f"a text may have at most {LONGEST_TEXT:,} characters")
    value: Value = result
    return value


class _Compiler:
    """Compiles one tree and gathers its faults, references and lookup tables."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self.faults: list[Fault] = []
        self.references: dict[str, Type] = {}
        self.tables: set[str] = set()

    def compile(self, node: Node) -> tuple[Run, Type]:
        """Return the function of a node, and the types it may return."""
        made: tuple[Run, Type] = _BY_KIND[type(node)](self, node)
        return made

    def literal(self, node: nodes.Literal) -> tuple[Run, Type]:
        value = node.value
        return lambda scope: value, type_of(value)

    def name(self, node: nodes.Name) -> tuple[Run, Type]:
        try:
            found = self._names.find(node.path)
        except UnknownName as error:
            self._refuse(str(error), node)
            return lambda scope: None, UNKNOWN
        return self._reference(found), found.type

    def _reference(self, found: Found) -> Run:
        key = found.key
        self.references[key] = found.type
        return lambda scope: scope.values.get(key)

    def signed(self, node: nodes.Signed) -> tuple[Run, Type]:
        run, kind = self.compile(node.operand)
        self._require(kind, NUMERIC, f"{node.sign} needs a number", node)
        apply = operators.signed(node.sign)
        return lambda scope: apply(run(scope)), kind & NUMERIC

    def cast(self, node: nodes.Cast) -> tuple[Run, Type]:
        run, kind = self.compile(node.operand)
        apply, returned = operators.cast(node.target)
        return lambda scope: apply(run(scope)), returned | (kind & Type.NULL)

    def power(self, node: nodes.Power) -> tuple[Run, Type]:
        return self._folded(
            node.base, [nodes.Step("^", node.exponent, node.position)], self._arithmetic
        )

    def chain(self, node: nodes.Chain) -> tuple[Run, Type]:
        operator = node.steps[0].operator
        if operator in operators.ORDER:
            combine = self._ordering
        elif operator in ("==", "!="):
            combine = self._equality
        else:
            combine = self._arithmetic
        return self._folded(node.first, node.steps, combine)

    def _folded(self, first: Node, steps: Any, combine: Any) -> tuple[Run, Type]:
        run, kind = self.compile(first)
        rest = []
        for step in steps:
            operand, other = self.compile(step.operand)
            apply, kind = combine(step, kind, other)
            rest.append((apply, operand))
        if len(rest) == 1:
            [(apply, operand)] = rest
            return lambda scope: apply(run(scope), operand(scope)), kind

        def fold(scope: Scope) -> Any:
            value = run(scope)
            for apply, operand in rest:
                value = apply(value, operand(scope))
            return value

        return fold, kind

    def _arithmetic(self, step: nodes.Step, left: Type, right: Type) -> tuple[Any, Type]:
        operator, both = step.operator, left | right
        fitting = NUMERIC | (Type.TEXT if operator == "+" else Type(0))
        wanted = "numbers or texts" if operator == "+" else "numbers"
        apply = operators.arithmetic(operator, left, right)
        if not (fits(left, fitting) and fits(right, fitting)):
            wrong = right if fits(left, fitting) else left
            self._refuse(f"{operator} needs {wanted}, not {words(wrong)}", step)
            return apply, UNKNOWN
        returned = Type.NUMBER if fits(left, NUMERIC) and fits(right, NUMERIC) else Type(0)
        if operator == "+" and both & Type.TEXT:
            returned |= Type.TEXT
        return apply, (returned & ~Type.NULL) | (both & Type.NULL)

    def _ordering(self, step: nodes.Step, left: Type, right: Type) -> tuple[Any, Type]:
        kinds = [kind & ~Type.NULL for kind in (left, right) if kind != Type.NULL]
        if not reduce(and_, kinds, Type.NUMBER | Type.TEXT):
            reason = f"{step.operator} cannot compare {words(left)} with {words(right)}"
            self._refuse(reason, step)
        return operators.ordering(step.operator, left, right), Type.BOOLEAN

    def _equality(self, step: nodes.Step, left: Type, right: Type) -> tuple[Any, Type]:
        a, b = left & ~Type.NULL, right & ~Type.NULL
        if Type.LIST in (a, b) and a and b:
            self._refuse("a list can only be compared with null", step)
        return operators.equality(step.operator, left, right), Type.BOOLEAN

    def logic(self, node: nodes.Logic) -> tuple[Run, Type]:
        conditions = [self._condition(operand, node.operator) for operand in node.operands]
        if node.operator == "AND":
            return lambda scope: all(condition(scope) for condition in conditions), Type.BOOLEAN
        return lambda scope: any(condition(scope) for condition in conditions), Type.BOOLEAN

    def ternary(self, node: nodes.Ternary) -> tuple[Run, Type]:
        condition = self._condition(node.condition, "?")
        (yes, kind), (no, other) = self.compile(node.yes), self.compile(node.no)
        return lambda scope: yes(scope) if condition(scope) else no(scope), kind | other

    def _condition(self, node: Node, operator: str) -> Run:
        """Return a function that is true or false; null counts as false (usage.md 7.5)."""
        run, kind = self.compile(node)
        self._require(kind, CONDITION, f"{operator} needs a condition", node)
        if kind == Type.BOOLEAN:
            return run

        def checked(scope: Scope) -> bool:
            value = run(scope)
            if value is not None and not isinstance(value, bool):
                raise CalculationFailed(
                    f"{operator} needs a condition, not {words(type_of(value))}"
                )
            return bool(value)

        return checked

    def call(self, node: nodes.Call) -> tuple[Run, Type]:
        function = FUNCTIONS.get(node.function)
        arguments = [self._argument(node, position) for position in range(len(node.arguments))]
        if function is None:
            refusal = unknown(f"function {node.function}", [f"function {one}" for one in FUNCTIONS])
            self._refuse(str(refusal), node)
            return lambda scope: None, UNKNOWN
        if not function.least <= len(arguments) <= function.most:
            given = f"not {len(arguments)}" if arguments else "and has none"
            self._refuse(f"{node.function} takes {function.counted()}, {given}", node)
            return lambda scope: None, UNKNOWN
        for position, (_, kind) in enumerate(arguments):
            wanted = function.argument(position)
            self._require(
                kind, wanted,
                f"argument {position + 1} of {node.function} must be {words(wanted & ~Type.NULL)}",
                node.arguments[position],
            )  # fmt: skip
        kinds = [kind for _, kind in arguments]
        return _called(node.function, function, arguments), _returned(
            node.function, function, kinds
        )

    def _argument(self, node: nodes.Call, position: int) -> tuple[Run, Type]:
        argument = node.arguments[position]
        if node.function in LOOKUPS and isinstance(argument, nodes.Literal):
            text = argument.value
            if position == 0 and isinstance(text, str):
                self.tables.add(text)
            if position >= 3 and isinstance(text, str):
                found = self._names.lookup_key(text)
                if found is not None:
                    return self._reference(found), found.type
        return self.compile(argument)

    def _require(self, kind: Type, wanted: Type, reason: str, node: Node) -> None:
        if not fits(kind, wanted):
            self._refuse(f"{reason}, not {words(kind)}", node)

    def _refuse(self, reason: str, node: Node | nodes.Step) -> None:
        length = node.length if isinstance(node, Node) else len(node.operator)
        self.faults.append(Fault(reason, node.position, length))


def _called(name: str, function: Function, arguments: list[tuple[Run, Type]]) -> Run:
    call = function.call
    runs = [run for run, _ in arguments]
    wanted = [function.argument(position) for position in range(len(runs))]
    is_certain = all(not kind & ~want for (_, kind), want in zip(arguments, wanted, strict=True))
    may_be_null = function.has_null and any(kind & Type.NULL for _, kind in arguments)
    if is_certain and not may_be_null:
        return lambda scope: call(scope, *[run(scope) for run in runs])

    def checked(scope: Scope) -> Any:
        values = [run(scope) for run in runs]
        for position, (value, want) in enumerate(zip(values, wanted, strict=True), 1):
            if not type_of(value) & want:
                raise CalculationFailed(
                    f"argument {position} of {name} must be {words(want & ~Type.NULL)}, "
                    f"not {words(type_of(value))}"
                )
        if function.has_null and None in values:
            return None
        return call(scope, *values)

    return checked


def _returned(name: str, function: Function, kinds: list[Type]) -> Type:
    if name == "isnull":
        first, second = kinds
        return (first & ~Type.NULL) | second if first & Type.NULL else first
    if function.has_null:
        return function.returns | (reduce(or_, kinds) & Type.NULL)
    return function.returns


_BY_KIND: dict[type, Any] = {
    nodes.Literal: _Compiler.literal,
    nodes.Name: _Compiler.name,
    nodes.Signed: _Compiler.signed,
    nodes.Cast: _Compiler.cast,
    nodes.Power: _Compiler.power,
    nodes.Chain: _Compiler.chain,
    nodes.Logic: _Compiler.logic,
    nodes.Ternary: _Compiler.ternary,
    nodes.Call: _Compiler.call,
}
