"""Segments in forms: JSON that is checked here, with small editors in front (C3, usage.md 10).

What is posted is the text of the box; ``segments.js`` puts rows of values, or a choice, in front
of it. Without the script the text stays.
"""

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, JsonResponse
from unfold.widgets import UnfoldAdminTextareaWidget

from catalog.metering_rules import SEGMENT_CATEGORIES
from catalog.models import FieldCategory
from organizations.kernel.console.fields import ExactJSONFormField

LONGEST = 1000


class SegmentsWidget(UnfoldAdminTextareaWidget):
    """The segments of an aggregation: a row of values each, one for each segmented field."""

    template_name = "console/widgets/segments.html"

    class Media:
        js = ("console/segments.js",)


class SegmentWidget(SegmentsWidget):
    """The segment of a price: one of its aggregation's."""

    template_name = "console/widgets/segment.html"


class SegmentsField(ExactJSONFormField):
    """A list of objects of texts. What they have to hold is a rule of the aggregation."""

    has_rows = True

    def __init__(self, **options: Any) -> None:
        super().__init__(empty=[], required=False, widget=SegmentsWidget({"rows": 4}), **options)

    def validate(self, value: Any) -> None:
        """Name every row that is no object of texts."""
        super().validate(value)
        problems = ((number, problem_of(row)) for number, row in enumerate(value, 1))
        if told := [f"Row {number}: {problem}" for number, problem in problems if problem]:
            raise ValidationError(told)


class SegmentField(ExactJSONFormField):
    """An object of texts, empty for the price of a whole aggregation."""

    def __init__(self, **options: Any) -> None:
        super().__init__(empty={}, required=False, widget=SegmentWidget({"rows": 4}), **options)

    def validate(self, value: Any) -> None:
        """Refuse what is no object of texts."""
        super().validate(value)
        if problem := problem_of(value):
            raise ValidationError(problem)


def problem_of(segment: Any) -> str:
    """Return what is wrong with the shape of a segment, empty when nothing is."""
    if not isinstance(segment, dict):
        return "This has to be an object {...} of a text for each segmented field."
    for code, text in segment.items():
        if not isinstance(text, str):
            return f"{code} has to be a text in quotes."
        if len(text) > LONGEST:
            return f"{code} is longer than {LONGEST} characters."
    return ""


def meter_fields_view(page: Any, request: HttpRequest, object_id: str) -> JsonResponse:
    """Answer the fields of a meter, and which of them hold text that can segment."""
    meter = _readable(page, request, object_id)
    names = dict(FieldCategory.choices)
    return JsonResponse(
        {
            "fields": [
                {
                    "code": field["code"],
                    "name": field["name"],
                    "category": str(names.get(field["category"], field["category"])),
                    "segments": field["category"] in SEGMENT_CATEGORIES,
                }
                for field in [*meter.data_fields, *meter.derived_fields]
            ]
        }
    )


def segments_view(page: Any, request: HttpRequest, object_id: str) -> JsonResponse:
    """Answer the segments of an aggregation, and the order of their fields."""
    row = _readable(page, request, object_id)
    return JsonResponse({"fields": row.segmented_fields, "segments": row.segments})


def _readable(page: Any, request: HttpRequest, object_id: str) -> Any:
    row = page.get_object(request, object_id)
    if row is None:
        raise Http404
    if not page.has_view_permission(request, row):
        raise PermissionDenied
    return row
