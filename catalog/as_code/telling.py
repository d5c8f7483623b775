"""What a file changes, as values for an answer or a page."""

import hashlib
from typing import Any

from catalog.as_code import diff
from catalog.as_code.applying import Planned
from catalog.as_code.values import shown


def difference(planned: Planned) -> dict[str, Any]:
    """Return each change with the number of accounts it is billed to, and the sums."""
    return {
        "changes": [
            {
                "verb": change.verb,
                "item": change.item.label,
                "fields": [
                    {"field": name, "before": shown(before), "after": shown(after)}
                    for name, before, after in change.fields
                ],
                "accounts": len(accounts),
            }
            for change, accounts in zip(planned.difference.changes, planned.accounts, strict=True)
        ],
        "left": [item.label for item in planned.difference.left],
        "accounts": len(planned.all_accounts),
        "summary": diff.summary(planned.difference.changes),
    }


def fingerprint(planned: Planned) -> str:
    """Return a text that is another one when other changes would be made."""
    lines = [line for change in planned.difference.changes for line in diff.lines(change)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
