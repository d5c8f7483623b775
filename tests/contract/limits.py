"""For a field of the contract: values just inside its bounds, and just outside of them."""

from collections.abc import Iterator
from typing import Any

RELAXED = "^[^\\s"
ANOTHER_TYPE: dict[str, Any] = {
    "string": {}, "integer": "1", "number": "1", "boolean": "true", "array": {}, "object": [],
}  # fmt: skip


def outside(schema: dict[str, Any], value: Any, *, required: bool) -> Iterator[Any]:
    """Yield values the contract does not allow; ``value`` is one it does."""
    if (kind := schema.get("type")) in ANOTHER_TYPE:
        yield ANOTHER_TYPE[kind]
    if "enum" in schema:
        yield from ("NOT_ONE_OF_THEM", schema["enum"][0].lower())
    if "pattern" in schema:
        yield from (" x", "x ", "x\ty") if schema["pattern"].startswith(RELAXED) else ("1x", "x y")
    yield from _too_long_or_short(schema, value, required)
    if "minimum" in schema:
        yield schema["minimum"] - (0 if schema.get("exclusiveMinimum") else 1)
    if "maximum" in schema:
        yield schema["maximum"] + 1


def _too_long_or_short(schema: dict[str, Any], value: Any, required: bool) -> Iterator[Any]:
    if "maxLength" in schema:
        yield "x" * (schema["maxLength"] + 1)
    if schema.get("minLength", 0) > 1:
        yield "x" * (schema["minLength"] - 1)
    if "maxItems" in schema and schema.get("type") == "array" and value:
        yield [value[0]] * (schema["maxItems"] + 1)
    # Where a text is optional, an empty one counts as absent (B4.6); an empty list never does.
    if required and schema.get("minLength"):
        yield ""
    if schema.get("minItems"):
        yield []


def inside(schema: dict[str, Any], value: Any) -> Iterator[Any]:
    """Yield values at the bounds that the contract allows."""
    is_id = schema.get("minLength", 0) == schema.get("maxLength", -1)
    yield from schema.get("enum", ())
    if "maxLength" in schema and not is_id:
        yield "x" * schema["maxLength"]
    if schema.get("minLength") == 1:
        yield "x"
    if "minimum" in schema:
        yield schema["minimum"] + (1 if schema.get("exclusiveMinimum") else 0)
    if "maximum" in schema:
        yield schema["maximum"]
