"""Form fields of the console: exact numbers, exact JSON, and small tables instead of raw JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from organizations.kernel import exact_json

WHOLE_DIGITS, PLACES = 20, 18


def _holds_nul(value: Any) -> bool:
    """Say whether a text inside holds the one character PostgreSQL cannot store."""
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(item) for key, item in value.items())
    if isinstance(value, list):
        return any(_holds_nul(item) for item in value)
    return isinstance(value, str) and "\x00" in value


def plain_text(number: Decimal | None) -> str:
    """Return a number without exponent and without trailing zeros, empty for None."""
    if number is None:
        return ""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if text not in {"", "-0"} else "0"


class ExactDecimalField(forms.DecimalField):
    """A decimal shown as people write it: 0.5, not 0.500000000000000000."""

    def __init__(self, **options: Any) -> None:
        options["widget"] = UnfoldAdminTextInputWidget(
            attrs={"inputmode": "decimal", "class": "tabular-nums", "autocomplete": "off"}
        )
        super().__init__(**options)

    def prepare_value(self, value: Any) -> Any:
        """Return the text of the input."""
        return plain_text(value) if isinstance(value, Decimal) else value


class ExactJSONFormField(forms.CharField):
    """JSON as text; fractions stay exact."""

    def __init__(self, *, empty: Any = None, **options: Any) -> None:
        options.setdefault("widget", UnfoldAdminTextareaWidget(attrs={"rows": 4}))
        super().__init__(**options)
        self.empty = empty

    def to_python(self, value: Any) -> Any:
        """Return the decoded value; an empty text is the empty value."""
        if value is None or (isinstance(value, str) and not value.strip()):
            return self.empty
        if not isinstance(value, str):
            return value
        try:
            found = exact_json.loads(value)
        except msgspec.DecodeError as error:
            raise ValidationError(f"This is not JSON: {error}") from None
        if _holds_nul(found):
            raise ValidationError("Null characters are not allowed.")
        if self.empty is not None and not isinstance(found, type(self.empty)):
            kind = "a list [...]" if isinstance(self.empty, list) else "an object {...}"
            raise ValidationError(f"This has to be {kind}.")
        return found

    def prepare_value(self, value: Any) -> Any:
        """Return indented JSON."""
        if isinstance(value, str):
            return value
        return msgspec.json.format(exact_json.dumps(value), indent=2).decode() if value else ""

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare values, not their spelling."""
        try:
            return self.to_python(data) != (initial if initial is not None else self.empty)
        except ValidationError:
            return True


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a rows editor. ``kind``: text, decimal, choice or calculation."""

    name: str
    label: str
    kind: str = "text"
    choices: Sequence[tuple[str, str]] = ()
    is_required: bool = True
    default: str = ""
    help: str = ""
    show: str = ""  # an Alpine expression; empty: always shown
    check: str = ""  # of a calculation: the name of the page that checks it
    sends: str = ""  # and the fields of the form that this page gets too, separated by commas


class RowsWidget(forms.Widget):
    """A table whose rows can be added, removed and edited; posts the rows as JSON."""

    template_name = "console/widgets/rows.html"

    def __init__(self, columns: Sequence[Column], *, add: str, attrs: Any = None) -> None:
        super().__init__(attrs)
        self.columns = columns
        self.add = add

    @property
    def media(self) -> forms.Media:
        """The script of calculations, where there is a column of them."""
        has_calculations = any(column.kind == "calculation" for column in self.columns)
        return forms.Media(js=["console/calculations.js"] if has_calculations else [])

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Add what the template draws the table from."""
        context = super().get_context(name, value, attrs)
        rows = value if isinstance(value, str) and value else "[]"
        blank = {column.name: column.default for column in self.columns}
        state = f'{{"rows":{rows},"blank":{exact_json.dumps(blank).decode()}}}'
        context["widget"].update(
            columns=[asdict(column) for column in self.columns], add=self.add, state=state
        )
        return context


class RowsField(forms.Field):
    """A list of objects, edited as a table; keys the table does not show are kept."""

    has_rows = True

    def __init__(self, *, columns: Sequence[Column], add: str = "Add row", **options: Any) -> None:
        self.columns = tuple(columns)
        super().__init__(widget=RowsWidget(self.columns, add=add), **options)

    def prepare_value(self, value: Any) -> str:
        """Return the rows as JSON in which every cell is text."""
        if isinstance(value, str):
            return value
        return exact_json.dumps([self._shown(row) for row in value or []]).decode()

    def in_words(self, value: Any) -> str:
        """Return a line per row, as ``Code: tokens, Unit: token``."""
        try:
            rows = exact_json.loads(self.prepare_value(value) or "[]")
            return "\n".join(self._line(row) for row in rows)
        except (msgspec.DecodeError, AttributeError, TypeError):
            return str(value)  # not a table: what somebody sent, as it is

    def _line(self, row: dict[str, Any]) -> str:
        pairs = zip(self.columns, self._cells(row), strict=True)
        return ", ".join(f"{column.label}: {text}" for column, text in pairs if text)

    def cells(self, value: Any) -> list[list[str]]:
        """Return the texts of every row in the order of the columns, choices by their names."""
        return [self._cells(row) for row in exact_json.loads(self.prepare_value(value) or "[]")]

    def _cells(self, row: dict[str, Any]) -> list[str]:
        shown = self._shown(row)
        texts = [(column, str(shown[column.name])) for column in self.columns]
        return [str(dict(column.choices).get(text, text)) for column, text in texts]

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        shown = dict(row)
        for column in self.columns:
            cell = row.get(column.name)
            is_number = isinstance(cell, (Decimal, int)) and not isinstance(cell, bool)
            shown[column.name] = plain_text(Decimal(cell)) if is_number else (cell or "")
        return shown

    def to_python(self, value: Any) -> list[dict[str, Any]]:
        """Return the rows with decimals as Decimal; rows left entirely empty are dropped."""
        try:
            rows = exact_json.loads(value) if isinstance(value, str) and value else value or []
        except msgspec.DecodeError:
            rows = None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValidationError("The table could not be read.")
        if _holds_nul(rows):
            raise ValidationError("Null characters are not allowed.")
        filled = [row for row in rows if self.is_filled(row)]
        problems: list[ValidationError] = []
        cleaned = [self._row(number, row, problems) for number, row in enumerate(filled, 1)]
        if problems:
            raise ValidationError(problems)
        return cleaned

    def is_filled(self, row: dict[str, Any]) -> bool:
        """Say whether anything was typed into a row."""
        return any(
            str(row.get(column.name) or "").strip() not in {"", column.default}
            for column in self.columns
        )

    def _row(
        self, number: int, row: dict[str, Any], problems: list[ValidationError]
    ) -> dict[str, Any]:
        cleaned = dict(row)
        for column in self.columns:
            try:
                cleaned[column.name] = self._value(number, column, row)
            except ValidationError as problem:
                problems.append(problem)
        return cleaned

    def _value(self, number: int, column: Column, row: dict[str, Any]) -> Any:
        text = str(row.get(column.name) or "").strip()
        if not text and column.is_required:
            raise ValidationError(f"Row {number}: {column.label} is missing.")
        if column.kind == "choice" and text and text not in dict(column.choices):
            raise ValidationError(f"Row {number}: {column.label} cannot be {text}.")
        return self._number(number, column, text) if text else None

    def _number(self, number: int, column: Column, text: str) -> Any:
        if column.kind != "decimal":
            return text
        try:
            found = Decimal(text)
        except InvalidOperation:
            found = Decimal("NaN")
        if not found.is_finite():
            raise ValidationError(f"Row {number}: {column.label} must be a number, not {text!r}.")
        # What a column of the database holds; beyond it a short text could mean a million digits.
        if found and (found.adjusted() >= WHOLE_DIGITS or found.as_tuple().exponent < -PLACES):
            raise ValidationError(
                f"Row {number}: {column.label} may have {WHOLE_DIGITS} digits before "
                f"and {PLACES} after the point."
            )
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare rows as they would be stored."""
        try:
            return self.to_python(data) != self.to_python(self.prepare_value(initial))
        except ValidationError:
            return True


class CustomFieldsField(RowsField):
    """Custom fields as rows of name, kind and value; stored as an object of texts and numbers."""

    COLUMNS = (
        Column("name", "Name"),
        Column("kind", "Kind", "choice", (("text", "Text"), ("number", "Number")), default="text"),
        Column("value", "Value"),
    )

    def __init__(self, **options: Any) -> None:
        options.pop("empty", None)
        super().__init__(columns=self.COLUMNS, add="Add custom field", **options)

    def prepare_value(self, value: Any) -> str:
        """Return rows for an object."""
        if isinstance(value, dict):
            value = [
                {"name": name, "kind": "text" if isinstance(item, str) else "number", "value": item}
                for name, item in value.items()
            ]
        return super().prepare_value(value)

    def to_python(self, value: Any) -> Any:
        """Return an object; names must differ."""
        if isinstance(value, dict):
            return value
        found: dict[str, Any] = {}
        for number, row in enumerate(super().to_python(value), 1):
            if row["name"] in found:
                raise ValidationError(f"Row {number}: {row['name']} is there twice.")
            column = Column("value", "Value", "decimal" if row["kind"] == "number" else "text")
            found[row["name"]] = self._number(number, column, row["value"])
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare objects."""
        try:
            return self.to_python(data) != (initial or {})
        except ValidationError:
            return True
