"""Every method the SDK has for catalogue and usage is called by a test of this folder.

What is called is read from the tests' source: calls that begin at ``client``, names given to
parts of it, and the resources that ``test_resources`` walks by name.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from m3ter import M3ter

from tests.official_client.test_resources import RESOURCES

GROUPS = (
    "products", "meters", "aggregations", "compound_aggregations", "plan_templates", "plans",
    "plan_groups", "plan_group_links", "pricings", "counters", "counter_pricings",
    "counter_adjustments", "lookup_tables", "usage",
)  # fmt: skip
# Of other groups, not called yet: this list only becomes shorter.
NOT_YET = {
    "accounts.end_date_billing_entities", "commitments.search",
    "contracts.end_date_billing_entities", "resource_groups.list_contents",
    "statements.statement_definitions.retrieve",
    "permission_policies.add_to_service_user", "permission_policies.add_to_user",
    "permission_policies.add_to_user_group", "permission_policies.remove_from_service_user",
    "permission_policies.remove_from_user", "permission_policies.remove_from_user_group",
}  # fmt: skip
PARTS_NOT_YET = (
    "balances.charge_schedules.", "balances.transaction_schedules.", "bills.credit_line_items.",
    "bills.debit_line_items.", "external_mappings.", "integration_configurations.",
)  # fmt: skip
WALKED = ("create", "retrieve", "update", "list", "delete")
VARIANTS = {"with_raw_response", "with_streaming_response"}
CLIENTS = ("client", "lenient")


def methods(resource: Any, name: str) -> Iterator[str]:
    """Yield ``counters.create`` and so on, of what belongs to a resource too."""
    for part in dir(resource):
        if part.startswith("_") or part in VARIANTS:
            continue
        found = getattr(resource, part)
        if type(found).__module__.startswith("m3ter.resources"):
            yield from methods(found, f"{name}.{part}")
        elif callable(found):
            yield f"{name}.{part}"


def chain(node: ast.expr, known: dict[str, str]) -> str:
    """Return what an expression reaches from a client, with ``client`` itself left out."""
    if isinstance(node, ast.Name):
        return known.get(node.id, "?")
    if isinstance(node, ast.Attribute):
        before = chain(node.value, known)
        return f"{before}.{node.attr}".removeprefix(".") if before != "?" else "?"
    return "?"


def called_in(function: ast.AST) -> Iterator[str]:
    """Yield what a test reaches of a client, by names it gave to parts of it too."""
    known = dict.fromkeys(CLIENTS, "")
    for node in ast.walk(function):
        pairs: list[tuple[ast.expr, ast.expr]] = []
        if isinstance(node, ast.Assign):
            (target, value) = node.targets[0], node.value
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = list(zip(target.elts, value.elts, strict=True))
            else:
                pairs = [(target, value)]
        for target, value in pairs:
            if isinstance(target, ast.Name) and (found := chain(value, known)) != "?":
                known[target.id] = found
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and (found := chain(node, known)) != "?":
            yield found


@cache
def called() -> frozenset[str]:
    """Return every method that some test of this folder calls."""
    found = {f"{name}.{one}" for name in RESOURCES for one in WALKED}
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        tree = ast.parse(file.read_text())
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                found |= set(called_in(function))
    return frozenset(found)


def every_group(sdk: Any) -> list[str]:
    """Return the names of all resources of the SDK."""
    names = [name for name in dir(type(sdk)) if not name.startswith("_")]
    return [
        name
        for name in names
        if type(getattr(sdk, name, None)).__module__.startswith("m3ter.resources")
    ]


def test_other_groups_miss_only_what_is_named_here() -> None:
    sdk = M3ter(api_key="key", api_secret="secret", org_id="id", token="token")

    has = {one for name in every_group(sdk) for one in methods(getattr(sdk, name), name)}
    missing = has - called()

    assert {one for one in missing if not one.startswith(PARTS_NOT_YET)} == NOT_YET
    assert all(any(one.startswith(part) for one in missing) for part in PARTS_NOT_YET)


@pytest.mark.parametrize("group", GROUPS)
def test_a_test_calls_every_method(group: str) -> None:
    sdk = M3ter(api_key="key", api_secret="secret", org_id="id", token="token")

    has = set(methods(getattr(sdk, group), group))

    assert has
    assert has - called() == set()
