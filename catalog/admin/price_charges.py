"""What the pricing editor shows above the prices: standing charge and minimum spend (C6)."""

from typing import Any

from catalog.models import Plan, PlanTemplate
from organizations.kernel import exact_json
from organizations.kernel.console import show
from organizations.kernel.console.fields import plain_text

KINDS = {"plan": Plan, "plan_template": PlanTemplate}
CHARGES = (("standing_charge", "Standing charge"), ("minimum_spend", "Minimum spend"))


def rows(columns: list[dict[str, Any]], owners: dict[Any, Any], is_compared: bool) -> list[Any]:
    """Return a row for each charge with a cell for each column; compared, only what differs."""
    found = []
    for field, title in CHARGES:
        cells = [_cell(field, title, column, owners) for column in columns]
        if not is_compared or cells[0]["amount"] != cells[1]["amount"]:
            found.append({"name": title, "cells": cells})
    return found


def _cell(field: str, title: str, column: dict[str, Any], owners: dict[Any, Any]) -> dict[str, Any]:
    """Return what a plan charges: its own amount, zero included, or else its template's."""
    owner = owners[column["id"]]
    own = getattr(owner, field)
    template = getattr(owner, "plan_template", None)
    above = getattr(template, field) if template is not None else None
    shown = above if own is None else own
    return {
        "amount": (column["currency"], shown),
        "text": "" if shown is None else show.money(shown, column["currency"]),
        "is_inherited": own is None and above is not None,
        "data": exact_json.dumps({
            "charge": field,
            "kind": column["field"],
            "id": str(owner.pk),
            "version": owner.version,
            "title": f"{title} of {column['name']}",
            "label": f"{title} ({column['currency']})",
            "amount": "" if own is None else plain_text(own),
            "note": _note(field, template, above, column["currency"]),
        }).decode(),
    }  # fmt: skip


def _note(field: str, template: Any, above: Any, currency: str) -> str:
    """Say what an empty amount means."""
    if template is None:
        if field == "standing_charge":
            return "Plans without an amount of their own take this one. Zero is no charge."
        return "Plans without an amount of their own take this one. Empty is no minimum."
    amount = "none" if above is None else show.money(above, currency)
    return (
        f"Empty means: as the plan template says, {amount}. Zero is a value and switches the "
        "charge off."
    )
