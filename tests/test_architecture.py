"""The rules of the shape, held against the code: import direction, purity, tenancy, sizes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

ROOT = Path(__file__).resolve().parent.parent
APPS = ["organizations", "catalog", "billing", "notifications", "integrations"]
PURE = [
    "billing/rating",
    "billing/usage/queries/shape.py",
    "billing/usage/queries/windows.py",
    "catalog/calculations",
    "catalog/as_code/values.py",
    "catalog/as_code/kinds.py",
    "catalog/as_code/items.py",
    "catalog/as_code/diff.py",
    "notifications/rules.py",
    "organizations/kernel/periods.py",
    "organizations/policies.py",
    "organizations/policy_coverage.py",
    "organizations/policy_words.py",
    "organizations/policy_reading.py",
    "organizations/permission_names.py",
    "organizations/kernel/money.py",
    "organizations/kernel/errors.py",
    "organizations/kernel/wording.py",
]
IMPURE_MODULES = {
    "django", "rest_framework", "celery", "redis", "requests", "psycopg", "os", "time", "socket",
    "random", "config",
}  # fmt: skip
# Foreign keys that point to an upper app, as string references.
UPWARD_REFERENCES = {("catalog", "Plan", "account"), ("catalog", "PlanGroup", "account")}
# Rows without an organization of their own, and why.
WITHOUT_ORGANIZATION = {
    "Organization": "is the tenant",
    "User": "a person may be a member of several organizations",
    "BillJobChunk": "belongs to its job",
    "BillJobAccount": "belongs to its job",
    "RehearsedAccount": "belongs to its rehearsal",
    "DeliveryAttempt": "belongs to its delivery",
    "RunLogEntry": "belongs to its run",
    "SecondFactor": "belongs to a person",
    "RecoveryCode": "belongs to a person",
    "OpenSession": "belongs to a person",
    "AuditSeal": "covers the entries of all organizations, by number",
}
LONGEST_FILE = 500


def python_files(*places: str) -> Iterator[Path]:
    """Every file of ours below the places, migrations left out."""
    for place in places:
        path = ROOT / place
        for found in [path] if path.is_file() else sorted(path.rglob("*.py")):
            if "migrations" not in found.parts:
                yield found


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Every module a file imports, inside functions too, with the line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno


@pytest.mark.parametrize("position", range(len(APPS)))
def test_no_app_imports_an_app_above_it(position):
    forbidden = {*APPS[position + 1 :], "config"}

    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in python_files(APPS[position])
        for module, line in imported(path)
        if module.split(".")[0] in forbidden
    ]

    assert wrong == []


def test_calculation_imports_nothing_that_can_read_the_world():
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in python_files(*PURE)
        for module, line in imported(path)
        if module.split(".")[0] in IMPURE_MODULES or ".models" in module
    ]

    assert wrong == []


def test_calculation_imports_only_calculation():
    allowed = tuple(place.removesuffix(".py").replace("/", ".") for place in PURE)

    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in python_files(*PURE)
        for module, line in imported(path)
        if module.split(".")[0] in APPS and not module.startswith(allowed)
    ]

    assert wrong == []


def test_calculation_never_asks_for_the_time_and_never_makes_a_float():
    pattern = re.compile(r"\b(datetime|date)\.(now|today|utcnow)\(|\bfloat\(|monotonic\(")

    wrong = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in python_files(*PURE)
        for match in pattern.finditer(path.read_text())
    ]

    assert wrong == []


def our_models() -> Iterator[type[models.Model]]:
    """Every model of ours."""
    for model in apps.get_models():
        if model._meta.app_label in APPS:
            yield model


def test_every_row_belongs_to_an_organization():
    without = [
        model.__name__
        for model in our_models()
        if not any(field.name == "organization" for field in model._meta.get_fields())
    ]

    assert sorted(without) == sorted(WITHOUT_ORGANIZATION)


def test_foreign_keys_point_down_but_for_the_named_exceptions():
    upward = {
        (model._meta.app_label, model.__name__, field.name)
        for model in our_models()
        for field in model._meta.concrete_fields
        if field.related_model
        and field.related_model._meta.app_label in APPS
        and APPS.index(field.related_model._meta.app_label) > APPS.index(model._meta.app_label)
    }

    assert upward == UPWARD_REFERENCES


def test_models_have_related_names_and_no_ordering():
    unnamed = [
        f"{model.__name__}.{field.name}"
        for model in our_models()
        for field in model._meta.local_fields
        if field.related_model and not field.remote_field.related_name
    ]
    ordered = [model.__name__ for model in our_models() if model._meta.ordering]

    assert (unnamed, ordered) == ([], [])


def test_only_the_store_touches_measurement_rows():
    wrong = [
        str(path.relative_to(ROOT))
        for path in python_files(*APPS, "config")
        if "billing_measurement" in path.read_text() and "billing/usage" not in str(path)
    ]

    assert wrong == []


def test_only_periods_makes_timezones_of_names():
    # Elsewhere an offset such as UTC+1:00, which an organization may have, would be forgotten.
    wrong = [
        str(path.relative_to(ROOT))
        for path in python_files(*APPS, "config")
        if re.search(r"\bZoneInfo\(|\bimport zoneinfo|\bfrom zoneinfo", path.read_text())
        and not str(path).endswith("kernel/periods.py")
    ]

    assert wrong == []


def test_no_file_is_longer_than_a_reader_bears():
    long = [
        f"{path.relative_to(ROOT)}: {length}"
        for path in python_files(*APPS, "config", "tests")
        if (length := path.read_text().count("\n")) > LONGEST_FILE
    ]

    assert long == []


def test_every_module_says_what_it_is_for():
    silent = [
        str(path.relative_to(ROOT))
        for path in python_files(*APPS, "config", "tests")
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert silent == []


def test_nothing_is_called_utils():
    vague = {"utils", "common", "misc", "helpers", "manager", "managers"}

    assert [str(path) for path in python_files(*APPS, "config") if path.stem in vague] == []


def test_migrations_are_complete_and_named(db):
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    automatic = re.compile(r"^\d{4}_(initial|auto_|alter_.*_and_more)")

    assert [
        str(path.relative_to(ROOT))
        for app in APPS
        for path in (ROOT / app / "migrations").glob("0*.py")
        if automatic.match(path.name)
    ] == []
