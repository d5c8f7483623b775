"""The OpenAPI document generated from our own views, and what its operations declare."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.contract.routes import BELOW, Route, routes

METHODS = ("get", "post", "put", "delete", "patch")
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of an OpenAPI document, its schemas not resolved yet."""

    document: Document
    name: str
    query: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    request: dict[str, Any] = field(default_factory=dict)
    response: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return self.name


@cache
def ours() -> Document:
    """Return the generated document."""
    from drf_spectacular.generators import SchemaGenerator

    document: Document = SchemaGenerator().get_schema(request=None, public=True)
    return document


def shape(path: str) -> str:
    """Return the path with the names of its parameters blanked."""
    return re.sub(r"\{[^}]+\}", "{}", path).rstrip("/")


def operations(document: Document) -> dict[tuple[str, str], Operation]:
    """Return the operations of a document by verb and shape of the path."""
    return {
        (method.upper(), shape(path)): _operation(
            document, f"{method.upper()} {path}", item[method]
        )
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    }


def _operation(document: Document, name: str, declared: dict[str, Any]) -> Operation:
    answers = declared.get("responses", {})
    good = next((answers[code] for code in answers if str(code).startswith("2")), {})
    query = {
        parameter["name"]: parameter.get("schema", {})
        for parameter in declared.get("parameters", [])
        if parameter.get("in") == "query"
    }
    request = _schema(declared.get("requestBody", {}))
    return Operation(document, name, query, request, _schema(resolved(document, good)))


def _schema(holder: dict[str, Any]) -> dict[str, Any]:
    content = holder.get("content") or {}
    found: dict[str, Any] = next(iter(content.values()), {}).get("schema", {})
    return found


def resolved(document: Document, schema: dict[str, Any]) -> dict[str, Any]:
    """Return what a ``$ref`` (or one alone in ``allOf``) stands for."""
    while True:
        if "$ref" in schema:
            target: Any = document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            schema = target
        elif len(schema.get("allOf", ())) == 1:
            schema = schema["allOf"][0]
        else:
            return schema


def our_operations() -> Iterator[tuple[str, Route, Operation]]:
    """Yield verb, route and operation of everything below an organization."""
    described = operations(ours())
    for route in routes():
        address = shape("/" + BELOW.replace("<str:orgId>", "{orgId}") + route.path)
        for method in METHODS:
            operation = described.get((method.upper(), address))
            if operation is not None:
                yield method.upper(), route, operation


def fields(
    document: Document, schema: dict[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield the path and schema of every field; ``[]`` stands for the items of a list."""
    schema = resolved(document, schema)
    if len(path) > 8:
        return
    for name, one in schema.get("properties", {}).items():
        yield (*path, name), resolved(document, one)
        yield from fields(document, one, (*path, name))
    if "items" in schema:
        yield (*path, "[]"), resolved(document, schema["items"])
        yield from fields(document, schema["items"], (*path, "[]"))


def id_fields(operation_schema: Any) -> Iterator[tuple[str, ...]]:
    """Yield the fields of our document's request schema that hold ids."""
    for path, schema in fields(ours(), operation_schema):
        if schema.get("format") == "uuid" and not schema.get("readOnly"):
            yield path


def nest(path: tuple[str, ...], value: Any) -> Any:
    """Return the smallest body that has a value at a path."""
    for step in reversed(path):
        value = [value] if step == "[]" else {step: value}
    return value


def simplest(schema: dict[str, Any], label: str) -> Any:
    """Return a value of our document's schema with the required fields only."""
    schema = resolved(ours(), schema)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {
            name: simplest(schema["properties"][name], label)
            for name in schema.get("required", ())
            if not schema["properties"][name].get("readOnly")
        }
    return {"array": [], "number": 1, "integer": 1, "boolean": False}.get(str(kind), label)
