"""Other names for the headers of a delivery (C4), edited as a table."""

from typing import Any

from django.core.exceptions import ValidationError

from integrations import signing
from organizations.kernel.console import fields


class HeaderNamesField(fields.RowsField):
    """Rows of a header of ours and the name a receiver expects; stored as an object."""

    COLUMNS = (
        fields.Column(
            "header",
            "Header",
            "choice",
            tuple((name, name) for name in signing.HEADERS),
            default=signing.HEADERS[0],
        ),
        fields.Column("name", "Name instead"),
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(columns=self.COLUMNS, add="Add name", required=False, **options)

    def prepare_value(self, value: Any) -> str:
        """Return rows for an object."""
        if isinstance(value, dict):
            value = [{"header": header, "name": name} for header, name in value.items()]
        return super().prepare_value(value)

    def to_python(self, value: Any) -> Any:
        """Return an object; each header stands in it once."""
        if isinstance(value, dict):
            return value
        rows = super().to_python(value)
        found = {row["header"]: row["name"] for row in rows}
        if len(found) < len(rows):
            raise ValidationError("Each header can have one other name.")
        return found
