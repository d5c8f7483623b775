"""Every rule that is cited by its code is stated in docs/rules, once."""

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("organizations", "catalog", "billing", "integrations", "notifications", "config", "docs")
PREFIXES = (
    "ACP|BAL|BND|CHG|COM|CON|COS|CRD|CTR|CUR|DAT|DRW|EFF|FEE|FND|GRP|INV|JOB|LIF|LIN|MEM|MIN|MON|"
    "NUM|ORD|OVG|PAR|PER|PLN|PRC|PRD|QTY|SCB|SCH|SEG|STC|STM|TSP"
)
CITED = re.compile(rf"\b(?:{PREFIXES})-(?:\d{{1,2}}|[A-N])\b(?!\d|-)")
STATED = re.compile(rf"^- \*\*((?:{PREFIXES})-(?:\d+|[A-N]))\*\* \S", re.MULTILINE)


def stated() -> list[str]:
    """Return the codes that docs/rules states."""
    texts = [path.read_text() for path in sorted((ROOT / "docs" / "rules").glob("*.md"))]
    return [code for text in texts for code in STATED.findall(text)]


def cited() -> dict[str, str]:
    """Return the codes that code, tests and documents cite, with one place each."""
    found: dict[str, str] = {}
    files = [path for place in PLACES for path in (ROOT / place).rglob("*")]
    files += [*(ROOT / "tests").rglob("*.py"), ROOT / "README.md"]
    for path in files:
        if path.suffix not in {".py", ".md"} or path == Path(__file__):
            continue
        for code in CITED.findall(path.read_text()):
            found.setdefault(code, str(path.relative_to(ROOT)))
    return found


# Texts of tests and examples that only look like codes.
NO_RULES = {"INV-7"}


def test_every_cited_rule_is_stated():
    known = set(stated())

    assert {code: at for code, at in cited().items() if code not in known | NO_RULES} == {}


def test_every_rule_is_stated_once():
    assert [code for code, count in Counter(stated()).items() if count > 1] == []
