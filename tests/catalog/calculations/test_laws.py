"""Random calculations against a second evaluator, written from the rules and nothing else."""

from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)

from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.calculations import (
    CalculationFailed,
    CalculationRefused,
    FixedNames,
    Scope,
    compile_calculation,
)

CONTEXT = Context(
    prec=34, rounding=ROUND_HALF_EVEN, Emax=6144, Emin=-6143,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)  # fmt: skip
# usage.md 7.2, low to high; a right operand of the same level needs brackets but for ? : and ^.
LEVELS = {"?": 0, "OR": 1, "AND": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "+": 5,
          "-": 5, "*": 6, "/": 6, "%": 6, "neg": 7, "^": 8, "leaf": 9}  # fmt: skip
FAILED = "failed"


class Wrong(Exception):
    """The second evaluator found an error."""


def naive(tree):
    """Evaluate a tree of tuples by the rules."""
    kind, *rest = tree
    if kind == "leaf":
        return rest[0]
    if kind == "neg":
        value = number(naive(rest[0]))
        return None if value is None else CONTEXT.minus(value)
    if kind == "?":
        return naive(rest[1]) if condition(naive(rest[0])) else naive(rest[2])
    if kind == "AND":
        return condition(naive(rest[0])) and condition(naive(rest[1]))
    if kind == "OR":
        return condition(naive(rest[0])) or condition(naive(rest[1]))
    left, right = naive(rest[0]), naive(rest[1])
    if kind in ("==", "!="):
        return (type(left) is type(right) and left == right) == (kind == "==")
    if kind in ("<", ">", "<=", ">="):
        return compared(kind, left, right)
    return calculated(kind, number(left), number(right))


def number(value):
    if value is not None and not isinstance(value, Decimal):
        raise Wrong
    return value


def condition(value):
    if value is not None and not isinstance(value, bool):
        raise Wrong
    return bool(value)


def compared(kind, left, right):
    if isinstance(left, bool) or isinstance(right, bool):
        raise Wrong
    if left is None or right is None:
        return False
    return {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[kind]


def calculated(kind, left, right):
    if left is None or right is None:
        return None
    if kind in "/%" and right == 0:
        raise Wrong
    if kind == "^" and right == 0:
        return Decimal(1)
    operations = {
        "+": CONTEXT.add, "-": CONTEXT.subtract, "*": CONTEXT.multiply, "/": CONTEXT.divide,
        "%": CONTEXT.remainder, "^": CONTEXT.power,
    }  # fmt: skip
    try:
        return operations[kind](left, right)
    except DecimalException as error:
        raise Wrong from error


def written(tree, least=0):
    """Write a tree with no brackets but those that are needed."""
    kind, *rest = tree
    level = LEVELS[kind]
    if kind == "leaf":
        return rest[1]
    if kind == "neg":
        text = "-" + written(rest[0], level)
    elif kind == "?":
        condition_, yes, no = rest
        text = f"{written(condition_, 1)} ? {written(yes)} : {written(no)}"
    elif kind == "^":
        text = f"{written(rest[0], 9)} ^ {written(rest[1], 7)}"
    else:
        text = f"{written(rest[0], level)} {kind} {written(rest[1], level + 1)}"
    return f"({text})" if level < least else text


small = st.decimals(min_value=0, max_value=1000, places=2).map(
    lambda value: ("leaf", value, format(value, "f"))
)
field = st.sampled_from(["x", "y", "z"])
VALUES = {"x": Decimal("2.5"), "y": Decimal(3), "z": None}
leaves = st.one_of(
    small,
    st.sampled_from([("leaf", True, "true"), ("leaf", False, "false"), ("leaf", None, "null")]),
    field.map(lambda name: ("leaf", VALUES[name], f"m.{name}")),
)
OPERATORS = [kind for kind in LEVELS if kind not in ("leaf", "neg", "?")]


def bigger(inner):
    return st.one_of(
        st.tuples(st.sampled_from(OPERATORS), inner, inner),
        st.tuples(st.just("neg"), inner),
        st.tuples(st.just("?"), inner, inner, inner),
    )


trees = st.recursive(leaves, bigger, max_leaves=12)
# Members of a map have no known type: everything is checked while it runs.
NAMES = FixedNames({}, maps=["m"])
SCOPE = Scope({f"m.{name}": value for name, value in VALUES.items()})


def outcome_of(text, names=NAMES):
    try:
        return compile_calculation(text, names).evaluate(SCOPE)
    except CalculationFailed:
        return FAILED


@settings(max_examples=400, deadline=None)
@given(trees)
def test_a_calculation_and_the_second_evaluator_agree(tree):
    text = written(tree)
    try:
        expected = naive(tree)
    except Wrong:
        expected = FAILED

    try:
        found = outcome_of(text)
    except CalculationRefused:
        # Refused for its types: then it fails, or an operand that lazy evaluation skips would.
        return

    assert type(found) is type(expected) and found == expected, text


@settings(max_examples=200, deadline=None)
@given(trees)
def test_brackets_around_everything_change_nothing(tree):
    def bracketed(one):
        kind, *rest = one
        if kind == "leaf":
            return f"({rest[1]})"
        if kind == "neg":
            return f"(-{bracketed(rest[0])})"
        if kind == "?":
            return "({} ? {} : {})".format(*map(bracketed, rest))
        return f"({bracketed(rest[0])} {kind} {bracketed(rest[1])})"

    def tried(text):
        try:
            return outcome_of(text)
        except CalculationRefused as refusal:
            return len(refusal.faults)

    assert tried(bracketed(tree)) == tried(written(tree))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab1.,+-*/%^()<>=!?:\"'\\ ANDORIN$_[]{}\n\t9eE", max_size=60))
def test_any_text_is_refused_or_evaluated(text):
    try:
        compile_calculation(text, NAMES).evaluate(SCOPE)
    except (CalculationRefused, CalculationFailed) as refusal:
        assert str(refusal)
