"""A form field for calculations: names offered while typing, and a check with sample values.

For any use of the language: give ``CalculationField`` the name of a page that answers with
``answer``, or put a column of kind ``calculation`` into a rows editor.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from django import forms
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget

from catalog.calculations import (
    CONSTANTS,
    FUNCTIONS,
    Calculation,
    CalculationFailed,
    CalculationRefused,
    Lookup,
    Names,
    Scope,
    Type,
    Value,
    compile_calculation,
)
from catalog.calculations.limits import DIGITS, LONGEST
from catalog.calculations.operators import as_text
from catalog.calculations.types import type_of, words
from organizations.kernel import exact_json
from organizations.kernel.zones import zone_of

LONGEST_SAMPLE = 300


class CalculationWidget(UnfoldAdminTextareaWidget):
    """A text box with the editor; ``check`` names the page that checks what is typed.

    ``sends`` are fields of the form that the page needs to know which names there are.
    """

    template_name = "console/widgets/calculation.html"

    class Media:
        js = ("console/calculations.js",)

    def __init__(self, check: str, sends: tuple[str, ...] = ()) -> None:
        super().__init__({"rows": 3, "maxlength": LONGEST, "spellcheck": "false"})
        self.check = check
        self.sends = sends

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Add the address of the page."""
        context = super().get_context(name, value, attrs)
        context["widget"].update(check=reverse(self.check), sends=",".join(self.sends))
        return context


class CalculationField(forms.CharField):
    """A calculation. Whether it can be saved is a rule of its entity."""

    def __init__(self, check: str, sends: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(max_length=LONGEST, widget=CalculationWidget(check, sends), **options)


def answer(
    request: HttpRequest, names: Names, expects: Type, *, lookup: Lookup | None = None
) -> JsonResponse:
    """Answer what is wrong with the posted calculation, or its result with sample values.

    Names, functions and constants come along always, for the editor to offer.
    """
    offered = [*names.offered(), *FUNCTIONS, *CONSTANTS]
    text = request.POST.get("calculation", "")
    if not text.strip():
        return JsonResponse({"names": offered})
    try:
        calculation = compile_calculation(text, names, expects=expects)
    except CalculationRefused as refused:
        faults = [
            {"position": fault.position, "length": fault.length, "reason": fault.reason}
            for fault in refused.faults
        ]
        return JsonResponse({"names": offered, "faults": faults})
    zone = zone_of(request.organization.pk)
    samples = _samples(request, calculation)
    values = {key: _value(sample, calculation.types[key]) for key, sample in samples.items()}
    found: dict[str, Any] = {"names": offered, "samples": samples}
    for key, value in values.items():
        if not type_of(value) & calculation.types[key]:
            found["failure"] = f"{key} must be {words(calculation.types[key])}"
            return JsonResponse(found)
    try:
        result = calculation.evaluate(Scope(values, zone=zone, lookup=lookup or _Defaults()))
        found["result"] = "null" if result is None else as_text(result)
    except CalculationFailed as error:
        found["failure"] = str(error)
    return JsonResponse(found)


class _Defaults:
    """Lookup tables without rows: every lookup gives its default."""

    def find(self, table: str, field: str, keys: tuple[Value, ...]) -> Value:
        """Return nothing."""
        return None


def _samples(request: HttpRequest, calculation: Calculation) -> dict[str, str]:
    """Return a sample for each name, those that were sent and others by their type."""
    try:
        sent = exact_json.loads(request.POST.get("samples") or "{}")
    except (msgspec.DecodeError, RecursionError):
        sent = {}
    known = sent if isinstance(sent, dict) else {}
    return {
        key: known[key][:LONGEST_SAMPLE]
        if isinstance(known.get(key), str)
        else _first_sample(calculation.types[key])
        for key in sorted(calculation.references)
    }


def _first_sample(types: Type) -> str:
    if types & Type.NUMBER:
        return "10"
    return "text" if types & Type.TEXT else "true" if types & Type.BOOLEAN else ""


def _value(sample: str, types: Type) -> Value:
    """Return the value of a sample; what is no number where one is expected is a text."""
    if not sample:
        return None
    if types & Type.BOOLEAN and sample in ("true", "false"):
        return sample == "true"
    if types & Type.NUMBER:
        try:
            number = Decimal(sample)
        except InvalidOperation:
            return sample if types & Type.TEXT else None
        is_small = number.is_finite() and abs(number.adjusted()) < DIGITS
        return number if is_small else None
    return sample
