"""The form behind every console page: shows a refusal of the domain at the field it is about."""

import re
from copy import copy
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ObjectDoesNotExist

from organizations.kernel import changes
from organizations.kernel.console import plain_words, telling
from organizations.kernel.errors import DomainError, FieldError
from organizations.kernel.exact_json import ExactJSONField

AGAIN = "_typed_again"
TYPE_AGAIN = "Type this again: it is never shown. To go without, open the form anew."
ROW = re.compile(r"\w+\[(?P<row>\d+)\](?:\.(?P<column>\w+))?")
CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def is_secret(field: forms.Field) -> bool:
    """Say whether a field takes something that is never shown again."""
    return isinstance(field.widget, forms.PasswordInput)


class ConsoleForm(forms.ModelForm):
    """A model form that can carry a ``refusal`` raised when saving was tried.

    ``rules_of`` is the organization by whose rules a form is checked even if fields are refused.
    ``on_top`` holds values that take the place of stored ones when the form is shown (C15.8).
    ``wire_names`` maps the API's field names to fields of this form where they do not simply
    differ in spelling (``pricingBands`` is ``bands``).
    """

    refusal: ClassVar[DomainError | None] = None
    on_top: ClassVar[dict[str, Any]] = {}
    wire_names: ClassVar[dict[str, str]] = {}
    rules_of: ClassVar[Any] = None

    def get_initial_for_field(self, field: forms.Field, field_name: str) -> Any:
        """Return what a field shows: a value laid on top, or the stored one."""
        if field_name in self.on_top:
            return self.on_top[field_name]
        return self.stored_value(field_name)

    def stored_value(self, name: str) -> Any:
        """Return what the row, or the page, fills a field with."""
        return super().get_initial_for_field(self.fields[name], name)

    @property
    def typed_again(self) -> list[str]:
        """The secrets that were typed and that the page shown next asks for once more."""
        asked = self.errors if self.is_bound else self.on_top
        return [name for name, field in self.fields.items() if is_secret(field) and name in asked]

    def full_clean(self) -> None:
        """Refuse to go on without a secret that was typed and not saved: it left with the page."""
        super().full_clean()
        if not self.is_bound:
            return
        asked = self.data.getlist(AGAIN)
        for name, field in self.fields.items():
            is_lost = bool(self.errors) if self[name].data else name in asked
            if is_secret(field) and is_lost and name not in self.errors:
                self.add_error(name, TYPE_AGAIN)

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
        elif self.errors and self.rules_of is not None:
            self._tell_more()

    def _tell_more(self) -> None:
        """Tell as well what the rules refuse, of fields that are right by themselves."""
        row, told = copy(self.instance), set(self.errors)
        row.organization = self.rules_of
        try:
            changes.check(row)
        except DomainError as refusal:
            for error in refusal.errors:
                name = self._field_for(error.field)
                if name and name not in told:
                    self.add_error(name, self._sentence(name, error))
        except (ObjectDoesNotExist, TypeError):
            # Rules are for whole rows. What they lack is among what is refused already; once that
            # is mended they are asked again, before anything is saved.
            pass

    def show_refusal(self, refusal: DomainError) -> None:
        """Put each sentence at its field; what has no field here stands above the form."""
        placed = False
        for error in refusal.errors:
            if name := self._field_for(error.field):
                self.add_error(name, self._sentence(name, error))
                placed = True
        if not placed:
            self.add_error(None, telling.words_of(refusal))

    def _sentence(self, name: str, error: FieldError) -> str:
        """Return a sentence that begins with row and column where the field is a table."""
        found = ROW.fullmatch(error.field)
        message = plain_words.in_words(error.message)
        if found is None or not getattr(self.fields[name], "has_rows", False):
            return message[:1].upper() + message[1:]
        columns = {one.name: one.label for one in getattr(self.fields[name], "columns", ())}
        column = columns.get(found["column"] or "", "")
        place = f"Row {int(found['row']) + 1}" + (f", {column}" if column else "")
        return f"{place}: {message}"

    def _field_for(self, wire_name: str) -> str | None:
        first = re.split(r"[.\[]", wire_name, maxsplit=1)[0]
        snake = CAPITAL.sub("_", first).lower()
        whole = self.wire_names.get(wire_name, "")
        candidates = [whole, self.wire_names.get(first, ""), snake, f"is_{snake}", snake[:-3]]
        return next((name for name in candidates if name in self.fields), None)


class PlainForm(forms.Form):
    """A form without model (run billing, attach plan) that shows refusals the same way."""

    wire_names: ClassVar[dict[str, str]] = {}
    show_refusal = ConsoleForm.show_refusal
    _field_for = ConsoleForm._field_for
    _sentence = ConsoleForm._sentence

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        from unfold.widgets import INPUT_CLASSES, SELECT_CLASSES

        for field in self.fields.values():
            is_select = isinstance(field.widget, forms.Select)
            if not isinstance(field.widget, (forms.CheckboxInput, forms.HiddenInput)):
                classes = SELECT_CLASSES if is_select else INPUT_CLASSES
                field.widget.attrs.setdefault("class", " ".join(classes))
