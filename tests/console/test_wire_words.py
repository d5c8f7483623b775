"""What people read in the console names no rule by its code and no field as the API writes it.

Each text of a refusal, an alert, a hint or a model's help in the source is collected and put into
the console's words; what is left of the API's spelling is a word nobody explained to the reader.
"""

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps

from organizations.kernel.console import plain_words

ROOT = Path(__file__).parents[2]
OURS = ("organizations", "catalog", "billing", "integrations", "notifications")
TELLS = re.compile(r"Refused|Error|refuse|Fault|NotFound|Forbidden|Conflict|alert|Alert|warning$")
CODE = re.compile(r"\b(?:[A-Z]{3}-\d+|[ABCDE]\d+\.\d+)\b")
CAPITALS = re.compile(r"\b[A-Z]{2,}(?:_[A-Z0-9]+)*\b")
# Abbreviations people say, SQL's own words, and settings of the installation an operator types.
SAID = {
    "AND", "API", "ASCII", "AWS", "BOM", "CSV", "CUSTOM_SQL", "EMAIL_URL", "GCS", "HTTP", "HTTPS",
    "ID", "IP", "ISO", "JSON", "JSONL", "KB", "MB", "MM", "DD", "NUL", "OAUTH_REDIRECT_URL",
    "OR", "PDF", "RECURSIVE", "REQUIRE_TLS", "SELECT", "SQL", "TLS", "TRUSTED_PROXIES", "URL",
    "UTC", "UTF", "WITH", "YAML", "YYYY", "NOT", "OAUTH", "TOTP", "PORT", "UUID",
}  # fmt: skip


def is_for_people(path: Path) -> bool:
    """Leave out what only programs read: the API's own checks, the log, commands, migrations."""
    others = {"api", "migrations", "management", "systems", "row_security.py"}
    return not others & set(path.parts)


def told(path: Path):
    """Return the texts a module tells: line and text with a gap where a value stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        base = getattr(getattr(node.func, "value", None), "id", "")
        is_init = name == "__init__" and isinstance(node.func, ast.Attribute)
        if base == "logger" or not (is_init or TELLS.search(name)):
            continue
        for argument in [*node.args, *(each.value for each in node.keywords)]:
            for text in literals(argument):
                if " " in text.strip():
                    yield node.lineno, text


def literals(node: ast.expr):
    """Return the constant texts of an argument; of an f-string all of it, with gaps."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(
            part.value if isinstance(part, ast.Constant) else "“…”" for part in node.values
        )
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif not isinstance(node, ast.Call):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from literals(child)


def leftovers(text: str) -> list[str]:
    """Return what a reader of the console would not understand of a text."""
    shown = plain_words.in_words(text)
    capitals = set(CAPITALS.findall(shown)) - SAID
    return [*plain_words.CAMEL.findall(shown), *sorted(capitals)] or CODE.findall(shown)


@pytest.mark.parametrize("app", OURS)
def test_no_refusal_or_alert_shows_a_code_or_a_word_of_the_api(app):
    wrong = {
        f"{path.relative_to(ROOT)}:{line}": (found, text)
        for path in sorted((ROOT / app).rglob("*.py"))
        if is_for_people(path.relative_to(ROOT))
        for line, text in told(path)
        if (found := leftovers(text))
    }

    assert wrong == {}


def test_no_help_of_a_field_shows_a_code_or_a_word_of_the_api():
    wrong = {
        f"{model.__name__}.{field.name}": str(field.help_text)
        for app in OURS
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.get_fields()
        if getattr(field, "editable", False) and leftovers(str(field.help_text))
    }

    # The name of a scheduled event is typed as it goes out; its help shows one.
    wrong.pop("ScheduledEventConfiguration.name")
    assert wrong == {}


def test_the_collector_finds_texts():
    found = [text for _, text in told(ROOT / "catalog/band_rules.py")]

    assert "each lowerLimit may occur only once" in found
    assert leftovers("broken (CUR-4) of someFieldNobodyKnows") == ["someFieldNobodyKnows", "CUR"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("must be after startDate", "must be after start date"),
        ("must not be negative with type DEBIT", "must not be negative with type debit"),
        ("the meter “startDate” is archived", "the meter “startDate” is archived"),
        ("exactly one of planId and planTemplateId is needed",
         "exactly one of plan and plan template is needed"),
        ("pricingBands[0].lowerLimit: must be 0", "pricing bands row 1, lower limit: must be 0"),
    ],
)  # fmt: skip
def test_words_of_the_api_become_words_of_the_console(text, words):
    assert plain_words.in_words(text) == words


@pytest.mark.parametrize(
    ("resource", "words"),
    [("config:orgUser", "user"), ("config:permissionPolicy", "permission policy"),
     ("config:planTemplate", "plan template"), ("config:somethingNew", "something new")],
)  # fmt: skip
def test_kinds_are_told_by_their_name_in_the_console(resource, words):
    assert plain_words.kind(resource) == words
