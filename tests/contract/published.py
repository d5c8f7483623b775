"""The public contract: where it is, and how an answer is held against it."""

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, FormatChecker

from tests.contract import documents
from tests.contract.documents import Document, Operation

# Outside of the repository: CONTRACT names the file.
DEFAULT = Path(__file__).resolve().parents[2] / ".." / "shared" / "api" / "openapi.json"
NULL = {"type": "null"}
# Absent is null here too, although the contract requires the field (the specification's README).
ALSO_NULL = {"dtActioned"}
formats = FormatChecker(formats=())


@cache
def contract() -> Document:
    """Return the public contract, or skip the test that asks."""
    path = Path(os.environ.get("CONTRACT", DEFAULT))
    if not path.is_file():
        pytest.skip("the public contract is not here: set CONTRACT to the path of openapi.json")
    document: Document = json.loads(path.read_text())
    return document


def served() -> Iterator[tuple[str, str, Operation, Operation]]:
    """Yield verb, path below the organization, the contract's operation and ours."""
    published = documents.operations(contract())
    for verb, route, operation in documents.our_operations():
        key = (verb, documents.shape("/organizations/{}/" + route.path))
        if key in published:
            yield verb, route.path, published[key], operation


def operation(verb: str, path: str) -> Operation | None:
    """Return the contract's operation for an address below an organization, if it is its."""
    published = documents.operations(contract())
    exact = published.get((verb, documents.shape("/organizations/{}/" + path)))
    if exact is not None:
        return exact
    for (other, shape), found in published.items():
        pattern = re.escape(shape).replace(re.escape("{}"), "[^/]+")
        if other == verb and re.fullmatch(pattern, f"/organizations/x/{path}"):
            return found
    return None


def names(document: Document, schema: dict[str, Any]) -> set[str]:
    """Return the dotted names of every field of a schema."""
    found = documents.fields(document, schema)
    return {".".join(path) for path, _ in found if path[-1] != "[]"}


@formats.checks("date-time")
def is_instant(value: Any) -> bool:
    """Return whether an instant is written as B6.5 says; no text is another rule's business."""
    return not isinstance(value, str) or bool(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value)
    )


@formats.checks("date")
def is_day(value: Any) -> bool:
    """Return whether a date is written as B6.5 says."""
    return not isinstance(value, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value))


def deviations(operation: Operation, body: Any) -> list[str]:
    """Return where an answer differs from the contract's schema, missing fields included."""
    schema = _nullable(operation.document, operation.response, ())
    validator = Draft4Validator(schema, format_checker=formats)
    return [_told(error) for error in validator.iter_errors(body)]


def _told(error: Any) -> str:
    """Return place and reason of an error, looking behind "null would do too"."""
    while parts := [part for part in error.context if part.schema != NULL]:
        error = parts[0]
    return f"{'.'.join(map(str, error.absolute_path))}: {error.message:.200}"


def _nullable(document: Document, schema: dict[str, Any], seen: tuple[str, ...]) -> dict[str, Any]:
    """Return the schema with references put in, every field there and any optional one nullable.

    The contract declares nothing nullable; what is absent is sent as null (B6.8).
    """
    name = schema.get("$ref", "")
    if name in seen:
        return {}
    seen = (*seen, name) if name else seen
    result = dict(documents.resolved(document, schema))
    if "items" in result:
        result["items"] = _nullable(document, result["items"], seen)
    if isinstance(result.get("additionalProperties"), dict):
        one = _nullable(document, result["additionalProperties"], seen)
        result["additionalProperties"] = {"anyOf": [one, NULL]}
    if "anyOf" in result:
        result["anyOf"] = [_nullable(document, one, seen) for one in result["anyOf"]]
    if properties := result.get("properties"):
        required = set(result.get("required", ())) - ALSO_NULL
        result["properties"] = {
            key: one if key in required else {"anyOf": [one, NULL]}
            for key, value in properties.items()
            for one in [_nullable(document, value, seen)]
        }
        result["required"] = sorted(properties)
    return result
