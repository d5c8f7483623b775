"""A postal address in a form: a few labelled lines, stored under the wire's keys."""

from typing import Any

from django import forms

LINES = (
    ("addressLine1", "Line 1"),
    ("addressLine2", "Line 2"),
    ("addressLine3", "Line 3"),
    ("addressLine4", "Line 4"),
    ("locality", "Town"),
    ("region", "Region"),
    ("postCode", "Post code"),
    ("country", "Country"),
)
LONGEST = 200


class AddressWidget(forms.Widget):
    """One input per line."""

    template_name = "console/widgets/address.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Give the template name, label and text of each line."""
        context = super().get_context(name, value, attrs)
        known = value or {}
        context["widget"]["lines"] = [
            (f"{name}-{key}", label, known.get(key) or "") for key, label in LINES
        ]
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> dict[str, str]:
        """Return the lines that are filled."""
        texts = {key: data.get(f"{name}-{key}", "").strip() for key, _label in LINES}
        return {key: text for key, text in texts.items() if text}

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """An address without any line is still sent."""
        return False


class AddressField(forms.Field):
    """An object of the lines that are filled."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=AddressWidget(), required=False, **options)

    def clean(self, value: Any) -> dict[str, str]:
        """Refuse lines that are too long."""
        for key, label in LINES:
            if len((value or {}).get(key, "")) > LONGEST:
                raise forms.ValidationError(f"{label} is longer than {LONGEST} characters.")
            if "\x00" in (value or {}).get(key, ""):
                raise forms.ValidationError("Null characters are not allowed.")
        return value or {}

    def prepare_value(self, value: Any) -> Any:
        """Leave the object as it is."""
        return value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare the filled lines."""
        before = {key: text for key, text in (initial or {}).items() if text}
        return before != (data or {})
