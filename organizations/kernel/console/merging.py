"""Two people edit one row: what each of them changed in the form, told apart (C0, C15.8).

A page carries the values its form was loaded with. A field is a person's own where what they send
differs from that; it is somebody else's where what is stored differs from that. Only the fields of
one's own are ever laid on top of a newer version.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Model

from organizations.kernel.console.addresses import LINES, AddressField
from organizations.kernel.console.fields import RowsField, plain_text
from organizations.kernel.console.forms import is_secret

SALT = "billwright.console.loaded"
YOU, OTHERS, BOTH = "You", "Somebody else", "Both of you"
TYPED_AGAIN = "(not shown; type it again)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not as it was loaded, in words. ``before`` is empty where unknown."""

    name: str
    label: str
    before: str
    stored: str
    mine: str
    changed_by: str


def packed(form: forms.BaseForm) -> str:
    """Return what the stored row fills a form with, signed, for its page to send back.

    Signed, so that what comes back has the shape we gave it.
    """
    return signing.dumps(_stored(form), salt=SALT, compress=True)


def unpacked(text: str) -> Mapping[str, Any] | None:
    """Return the values a page was loaded with, None when it does not say so."""
    try:
        return signing.loads(text, salt=SALT)
    except signing.BadSignature:
        return None


def differences(form: forms.BaseForm, loaded: Mapping[str, Any] | None) -> list[Difference]:
    """Return where sent and stored differ, or stored and loaded, in the order of the form.

    ``form`` is bound to what was sent and holds the row that is stored now. Without ``loaded``
    all that differs from what is stored counts as the sender's own.
    """
    stored = _stored(form)
    before = stored if loaded is None else {**stored, **loaded}
    found = []
    for name, field in form.fields.items():
        sent = form[name].data
        by = _changed_by(field, before[name], stored[name], sent)
        if by:
            was = "" if loaded is None else in_words(field, before[name])
            mine = "" if by == OTHERS else _sent_in_words(field, sent)
            now = in_words(field, stored[name])
            found.append(Difference(name, str(form[name].label), was, now, mine, by))
    return found


def _changed_by(field: forms.Field, before: Any, stored: Any, sent: Any) -> str:
    is_mine, is_theirs = _has_changed(field, before, sent), before != stored
    if not is_mine:
        return OTHERS if is_theirs else ""
    if not _has_changed(field, stored, sent):
        return ""  # both typed the same
    return BOTH if is_theirs else YOU


def _has_changed(field: forms.Field, before: Any, sent: Any) -> bool:
    """Compare a plain value with what was sent, as the field compares."""
    by_text = (forms.ChoiceField, forms.ModelChoiceField, forms.MultiValueField)
    try:
        known = before if isinstance(field, by_text) else field.to_python(before)
    except ValidationError:
        return True
    return field.has_changed(known, sent)


def _stored(form: forms.BaseForm) -> dict[str, Any]:
    """Return the plain value of every field, as the row gives it."""
    return {
        name: _plain_value(field, form.stored_value(name)) for name, field in form.fields.items()
    }


def _plain_value(field: forms.Field, value: Any) -> Any:
    if isinstance(field, forms.MultiValueField):
        return _plain(field.widget.decompress(value))
    plain = _plain(field.prepare_value(value))
    is_set = isinstance(field, forms.ModelMultipleChoiceField) and plain is not None
    return sorted(plain) if is_set else plain


def _plain(value: Any) -> Any:
    """Return a value of texts, booleans, None, lists and objects."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Decimal):
        return plain_text(value)
    return str(value.pk) if isinstance(value, Model) else str(value)


def _sent_in_words(field: forms.Field, sent: Any) -> str:
    return TYPED_AGAIN if is_secret(field) and sent else in_words(field, sent)


def on_top(form: forms.BaseForm, mine: list[Difference]) -> dict[str, Any]:
    """Return what to fill in a form of the stored row, so that one's own values lie on top."""
    return {one.name: form[one.name].data for one in mine if one.changed_by != OTHERS}


def in_words(field: forms.Field, value: Any) -> str:
    """Return a value, plain or as it was sent, as people read it."""
    if isinstance(field, (forms.BooleanField, forms.NullBooleanField)):
        return _choice_in_words(field)[field.to_python(value)]
    if isinstance(field, forms.ModelChoiceField):
        return _rows_in_words(field, value)
    if isinstance(field, AddressField):
        return "\n".join(f"{label}: {value[key]}" for key, label in LINES if value.get(key))
    if isinstance(field, RowsField):
        return field.in_words(value)
    if isinstance(field, forms.ChoiceField):
        names = dict(_flat(field.choices))
        listed = value if isinstance(value, list) else [value or ""]
        return ", ".join(names.get(str(each), str(each)) for each in listed)
    if isinstance(value, list):
        return " ".join(str(part) for part in value if part)
    return "" if value is None else str(field.prepare_value(value))


def _choice_in_words(field: forms.Field) -> dict[Any, str]:
    words = {True: "Yes", False: "No", None: ""}
    unknown = dict(getattr(field.widget, "choices", ())).get("unknown")
    return {**words, None: str(unknown or "")}


def _flat(choices: Any) -> list[tuple[str, str]]:
    found = []
    for key, label in choices:
        group = label if isinstance(label, (list, tuple)) else [(key, label)]
        found += [(str(each), str(name)) for each, name in group]
    return found


def _rows_in_words(field: forms.ModelChoiceField, value: Any) -> str:
    """Return what rows are called, asking for these only; what is none stays as it is typed."""
    listed = value if isinstance(value, list) else [value] if value else []
    single = forms.ModelChoiceField(field.queryset, to_field_name=field.to_field_name)
    names = []
    for each in listed:
        try:
            names.append(field.label_from_instance(single.to_python(each)))
        except ValidationError:
            names.append(str(each))
    return ", ".join(names)
