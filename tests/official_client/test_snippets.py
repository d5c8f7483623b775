"""What README and docs show of programs is run as it stands there."""

import ast
import base64
import hashlib
import hmac
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
# Pages whose blocks are pieces of a module: they are parsed here and read elsewhere.
IN_PIECES = {"docs/adding-a-resource.md", "docs/files.md"}


def blocks(page: str) -> list[str]:
    """Return the Python of a page."""
    return BLOCK.findall((ROOT / page).read_text())


def pages() -> list[str]:
    """Return every page with Python in it."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [str(path.relative_to(ROOT)) for path in found if BLOCK.search(path.read_text())]


@pytest.mark.django_db(transaction=True)
def test_the_program_of_the_readme_makes_the_bill_it_promises(
    founded: Any, live_server: Any, eager_tasks: None, capsys: Any
) -> None:
    (program,) = blocks("README.md")
    names = {
        "KEY": founded.access_key_id,
        "SECRET": founded.api_secret,
        "ORG": str(founded.organization.pk),
    }

    exec(program.replace("http://127.0.0.1:8000", live_server.url), names)

    assert capsys.readouterr().out == "6.25\n"


def test_the_program_that_verifies_webhooks_knows_genuine_from_forged() -> None:
    (program,) = blocks("docs/webhooks.md")
    names: dict[str, Any] = {}
    exec(program, names)
    signature = base64.b64encode(hmac.new(b"key", b"id.1.body", hashlib.sha256).digest()).decode()
    headers = {
        "webhook-id": "id",
        "webhook-timestamp": "1",
        "webhook-signature": f"v1,{signature}",
    }

    assert names["is_genuine"](headers, b"body", b"key")
    assert not names["is_genuine"](headers, b"bodY", b"key")
    assert not names["is_genuine"](headers, b"body", b"other")


@pytest.mark.parametrize("page", pages())
def test_all_python_of_the_documentation_can_be_read(page: str) -> None:
    for block in blocks(page):
        piece = textwrap.dedent(block)
        try:
            ast.parse(piece)
        except SyntaxError:
            assert page in IN_PIECES  # from the middle of a function
            ast.parse("def piece():\n" + textwrap.indent(piece, "    "))
