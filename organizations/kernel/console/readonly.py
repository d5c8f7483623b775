"""Rows that a form only shows lead to their page where it opens, and are plain words elsewhere.

Django and unfold link to every related row. They make these fields deep inside of a form, out of
the reach of a page, so that their one method is replaced here.
"""

from typing import Any

from django.db.models import Model
from unfold.fields import UnfoldAdminReadonlyField

from organizations.kernel.console import linking


def install() -> None:
    """Have fields ask whoever reads the form; forms carry the request as ``read_by``."""
    UnfoldAdminReadonlyField.get_admin_url = _linked


def _linked(field: Any, relation: Any, row: Model) -> str:
    request = getattr(field.form, "read_by", None)
    return linking.link(request, row) if request is not None else str(row)
