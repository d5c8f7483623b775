"""The form behind every console page: shows a refusal of the domain at the field it is about."""

import re
from functools import partial
from typing import Any, ClassVar

from django import forms

from organizations.kernel.errors import DomainError
from organizations.kernel.exact_json import ExactJSONField

CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


class ConsoleForm(forms.ModelForm):
    """A model form that can carry a ``refusal`` raised when saving was tried.

    ``wire_names`` maps the API's field names to fields of this form where they do not simply
    differ in spelling (``pricingBands`` is ``bands``).
    """

    refusal: ClassVar[DomainError | None] = None
    wire_names: ClassVar[dict[str, str]] = {}

    def validate_unique(self) -> None:
        """Leave it to ``changes``: the database answers, with a sentence of ours."""

    def _get_validation_exclusions(self) -> set[str]:
        """Leave out exact JSON: Django's own check knows only numbers that json.dumps takes."""
        fields = self._meta.model._meta.concrete_fields
        exact = {field.name for field in fields if isinstance(field, ExactJSONField)}
        return super()._get_validation_exclusions() | exact

    def _post_clean(self) -> None:
        # Constraints are left to ``changes`` as well; an attribute of the instance hides the
        # method, because Django's form offers no other way to say so.
        self.instance.full_clean = partial(self.instance.full_clean, validate_constraints=False)
        try:
            super()._post_clean()
        finally:
            del self.instance.full_clean
        if self.refusal is not None:
            self.show_refusal(self.refusal)

    def show_refusal(self, refusal: DomainError) -> None:
        """Put each sentence at its field; what has no field here stands above the form."""
        placed = False
        for error in refusal.errors:
            if name := self._field_for(error.field):
                self.add_error(name, error.message[:1].upper() + error.message[1:])
                placed = True
        if not placed:
            self.add_error(None, refusal.message)

    def _field_for(self, wire_name: str) -> str | None:
        first = re.split(r"[.\[]", wire_name, maxsplit=1)[0]
        snake = CAPITAL.sub("_", first).lower()
        candidates = [self.wire_names.get(first, ""), snake, f"is_{snake}", snake[:-3]]
        return next((name for name in candidates if name in self.fields), None)


class PlainForm(forms.Form):
    """A form without model (run billing, attach plan) that shows refusals the same way."""

    wire_names: ClassVar[dict[str, str]] = {}
    show_refusal = ConsoleForm.show_refusal
    _field_for = ConsoleForm._field_for

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        from unfold.widgets import INPUT_CLASSES, SELECT_CLASSES

        for field in self.fields.values():
            is_select = isinstance(field.widget, forms.Select)
            if not isinstance(field.widget, (forms.CheckboxInput, forms.HiddenInput)):
                classes = SELECT_CLASSES if is_select else INPUT_CLASSES
                field.widget.attrs.setdefault("class", " ".join(classes))
