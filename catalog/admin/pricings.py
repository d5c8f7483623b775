"""The page of prices: bands as a table, a type by name, and what N units would cost."""

from decimal import Decimal
from typing import Any

import msgspec
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from catalog import price_use
from catalog.admin import price_editor
from catalog.admin.segments import SegmentField
from catalog.models import Pricing
from organizations.kernel import changes, clock, exact_json, ids
from organizations.kernel.console import choices, fields, linking, show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.filters import OwnRelatedFilter, WordFilter
from organizations.kernel.console.forms import ConsoleForm

# The five names of billing.md 3.2: (name, cumulative, has fixed price, has unit price).
SHAPES = {
    "TIERED": ("Tiered: each band's units at that band's price", True, False, True),
    "VOLUME": ("Volume: all units at the price of the band reached", False, False, True),
    "STAIRSTEP": ("Stairstep: the fixed price of the band reached", False, True, False),
    "CUSTOM_TIERED": ("Custom tiered: fixed price + units of each band reached", True, True, True),
    "CUSTOM_VOLUME": (
        "Custom volume: fixed price + all units of the band reached",
        False,
        True,
        True,
    ),
}
CHOICES = [(name, shape[0]) for name, shape in SHAPES.items()]
BANDS = (
    fields.Column("lowerLimit", "Above (units)", "decimal"),
    fields.Column(
        "fixedPrice", "Fixed price", "decimal", is_required=False, show="$store.price.hasFixed()"
    ),
    fields.Column(
        "unitPrice", "Price a unit", "decimal", is_required=False, show="$store.price.hasUnit()"
    ),
)
OVERAGE = tuple(
    fields.Column(name, label, "decimal", is_required=name == "lowerLimit")
    for name, label in (
        ("lowerLimit", "Above (units)"),
        ("fixedPrice", "Fixed price"),
        ("unitPrice", "Price a unit"),
    )
)  # fmt: skip

# A new price has its own times and code, and what every row has of its own.
NOT_TAKEN_OVER = {
    "id", "organization", "version", "created_at", "modified_at", "created_by", "modified_by",
    "start_date", "end_date", "code", "segment_key",
}  # fmt: skip


def shape_of(pricing: Pricing) -> str:
    """Return the name of a stored price's type."""
    has_fixed = any(band["fixedPrice"] for band in pricing.bands)
    has_unit = any(band["unitPrice"] for band in pricing.bands)
    if pricing.is_cumulative:
        return "CUSTOM_TIERED" if has_fixed else "TIERED"
    if not has_fixed:
        return "VOLUME"
    return "CUSTOM_VOLUME" if has_unit else "STAIRSTEP"


class PricingForm(ConsoleForm):
    """A price; its type decides which columns its bands have."""

    wire_names = {
        "pricingBands": "bands",
        "cumulative": "shape",
        "overagePricingBands": "overage_bands",
    }
    shape = forms.ChoiceField(
        label="Kind of price",
        choices=CHOICES,
        widget=UnfoldAdminSelectWidget(attrs={"x-on:change": "$store.price.shape = $el.value"}),
    )
    bands = fields.RowsField(
        columns=BANDS,
        add="Add band",
        label="Bands",
        help_text="A band covers what lies above its limit, up to and including the next limit. "
        "The first begins above 0.",
    )
    overage_bands = fields.RowsField(
        columns=OVERAGE,
        add="Add band",
        required=False,
        label="Overage bands",
        help_text="What units cost once a prepayment is used up; only for prices that add up band "
        "by band. Empty: the bands above.",
    )
    segment = SegmentField(
        help_text="A segmented aggregation is priced segment by segment, any other as a whole.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.bands:
            self.initial["shape"] = shape_of(self.instance)

    def clean(self) -> dict[str, Any]:
        """Fill the columns the type does not have with 0; require those it has."""
        cleaned = super().clean()
        if bool(cleaned.get("plan")) == bool(cleaned.get("plan_template")):
            raise ValidationError("Choose either a plan or a plan template.")
        if "aggregation" in self.fields and bool(cleaned.get("aggregation")) == bool(
            cleaned.get("compound_aggregation")
        ):
            raise ValidationError("Choose either an aggregation or a compound aggregation.")
        _words, _cumulative, has_fixed, has_unit = SHAPES[cleaned.get("shape", "CUSTOM_TIERED")]
        rows = cleaned["bands"] if "bands" in cleaned else self._as_typed()
        for number, band in enumerate(rows or [], 1):
            self._complete(number, band, "fixedPrice", "Fixed price", has_fixed)
            self._complete(number, band, "unitPrice", "Price a unit", has_unit)
        for band in cleaned.get("overage_bands") or []:
            band.update({key: band[key] or Decimal(0) for key in ("fixedPrice", "unitPrice")})
        return cleaned

    def _as_typed(self) -> list[dict[str, Any]]:
        """Return the bands of a refused table: what else is missing in it is told as well."""
        field = self.fields["bands"]
        try:
            rows = exact_json.loads(self.data.get(self.add_prefix("bands")) or "[]")
            return [dict(row) for row in rows if field.is_filled(row)]
        except (msgspec.DecodeError, AttributeError, TypeError, ValueError):
            return []

    def _complete(self, number: int, band: dict[str, Any], key: str, name: str, has: bool) -> None:
        if not has:
            band[key] = Decimal(0)
        elif not str("" if band.get(key) is None else band[key]).strip():
            self.add_error("bands", f"Row {number}: {name} is missing.")


class InForceFilter(WordFilter):
    """Prices of the past, in force now, or of the future."""

    title = "in force"
    parameter_name = "when"
    options = (("now", "Now"), ("later", "Later"), ("ended", "Ended"))

    def narrow(self, queryset: Any, word: str) -> Any:
        """Compare start and exclusive end with now."""
        now = clock.now()
        if word == "later":
            return queryset.filter(start_date__gt=now)
        ended = queryset.filter(end_date__lte=now)
        return ended if word == "ended" else queryset.filter(start_date__lte=now).exclude(
            end_date__lte=now
        )  # fmt: skip


@admin.register(Pricing)
class PricingAdmin(ConsoleModelAdmin):
    """Prices of aggregations on plans and plan templates (C6)."""

    form = PricingForm
    tells_all = True
    list_display = ["measured", "sold_with", "kind", "first_band", "starts", "ends"]
    list_select_related = [
        "aggregation",
        "compound_aggregation",
        "plan__plan_template",
        "plan_template",
    ]
    list_filter = [
        ("plan", OwnRelatedFilter),
        ("plan_template", OwnRelatedFilter),
        ("aggregation", OwnRelatedFilter),
        InForceFilter,
    ]
    search_fields = [
        "aggregation__name",
        "compound_aggregation__name",
        "plan__name",
        "plan_template__name",
        "code",
    ]
    autocomplete_fields = ["plan", "plan_template", "aggregation", "compound_aggregation"]
    ordering = ("-start_date", "-pk")
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "plan", "plan_template", "aggregation", "compound_aggregation", "start_date",
                    "end_date",
                ],
            },
        ),
        ("Price", {"fields": ["shape", "bands"]}),
        (
            "More",
            {
                "fields": [
                    "description", "code", "type", "overage_bands", "tiers_span_plan", "segment",
                    "minimum_spend", "minimum_spend_description",
                    "minimum_spend_bill_in_advance", "accounting_product",
                ],
            },
        ),
    ]  # fmt: skip
    read_only_as = {"shape": "kind"}
    change_form_outer_before_template = "console/price_used.html"
    change_form_after_template = "console/price_calculator.html"
    empty_hint = "A price says what the units of an aggregation cost, on a plan or on its template."

    def title_of(self, row: Pricing) -> str:
        """Aggregation, and what it is sold with."""
        return f"{self.measured(row)} on {self.sold_with(row)}"

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start with one tiered band, from the first of this month."""
        start = choices.month_begins(request)
        band = {"lowerLimit": "0", "fixedPrice": "", "unitPrice": ""}
        initial = super().get_changeform_initial_data(request)
        if (old := self.taken_over(request)) is not None:
            kept = {
                one.name: getattr(old, one.attname if one.is_relation else one.name)
                for one in self.opts.concrete_fields
                if one.name not in NOT_TAKEN_OVER
            }
            return {**kept, "shape": shape_of(old), "start_date": None}
        return {"shape": "TIERED", "start_date": start, "bands": [band], **initial}

    def get_urls(self) -> list[URLPattern]:
        """Add the pricing editor, once: pages of other prices share it."""
        view = self.admin_site.admin_view(self.editor_view)
        own = [path("editor/", view, name="pricing_editor")] if self.model is Pricing else []
        return [*own, *super().get_urls()]

    def editor_view(self, request: HttpRequest) -> HttpResponse:
        """Show prices in a grid."""
        return price_editor.view(self, request)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Say who was billed by the price already, and offer a new one from a date first."""
        extra = {**(options.pop("extra_context", None) or {})}
        row = self.get_object(request, object_id)
        if row is not None and self.has_change_permission(request, row):
            extra["used"] = price_editor.told(request, row)
            extra["new_price"] = linking.to_form(request, self.model, after=row.pk)
        return super().change_view(request, object_id, *args, extra_context=extra, **options)

    def taken_over(self, request: HttpRequest) -> Any:
        """Return the price that a new one takes over from, where the address or form names one."""
        known = ids.parse(request.POST.get("after") or request.GET.get("after") or "")
        row = self.get_object(request, str(known)) if known else None
        return row if row is not None and self.has_change_permission(request, row) else None

    def create_row(self, request: HttpRequest, row: Any, form: Any) -> None:
        """Create the price; the one it takes over from ends where it begins."""
        old = self.taken_over(request)
        if old is None:
            changes.create(row, by=request.principal)
        else:
            price_use.take_over(old, row, by=request.principal)

    def prepare(self, request: HttpRequest, row: Pricing, form: Any) -> None:
        """The type decides whether bands add up."""
        row.is_cumulative = SHAPES[form.cleaned_data["shape"]][1]

    def response_add(self, request: HttpRequest, obj: Pricing, *args: Any, **options: Any) -> Any:
        """Go back to the plan one came from."""
        response = super().response_add(request, obj, *args, **options)
        if "_continue" not in request.POST and "_popup" not in request.POST:
            owner = linking.to_row(request, obj.plan or obj.plan_template)
            response["Location"] = f"{owner}#prices" if owner else response["Location"]
        return response

    def response_change(self, request: HttpRequest, obj: Pricing) -> Any:
        """Where it leads back to the plan, show the plan's prices."""
        response = super().response_change(request, obj)
        owner = linking.to_row(request, obj.plan or obj.plan_template)
        if owner and response.get("Location") == owner:
            response["Location"] = f"{owner}#prices"
        return response

    @display(description="Aggregation")
    def measured(self, row: Pricing) -> str:
        """The aggregation or compound aggregation."""
        return f"{row.aggregation or row.compound_aggregation}"

    @display(description="On")
    def sold_with(self, row: Pricing) -> str:
        """The plan or template."""
        return f"{row.plan}" if row.plan_id else f"{row.plan_template} (template)"

    @display(description="Kind")
    def kind(self, row: Pricing) -> str:
        """The type's name."""
        return SHAPES[shape_of(row)][0].partition(":")[0]

    @display(description="First band")
    def first_band(self, row: Pricing) -> str:
        """What the first units cost."""
        template = row.plan.plan_template if row.plan_id else row.plan_template
        band = row.bands[0] if row.bands else {"fixedPrice": None, "unitPrice": None}
        key = "fixedPrice" if shape_of(row) == "STAIRSTEP" else "unitPrice"
        more = f" (+{len(row.bands) - 1})" if len(row.bands) > 1 else ""
        return show.right(show.money(band[key], template.currency) + more)

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Days are those of the organization's timezone."""
        choices.note_zone(request, rows)

    @display(description="From", ordering="start_date")
    def starts(self, row: Pricing) -> str:
        """First day."""
        return show.day(row.start_date, row.zone)

    @display(description="Until", ordering="end_date")
    def ends(self, row: Pricing) -> str:
        """Exclusive end."""
        return show.day(row.end_date, row.zone)
