"""Form fields that prepayments and balances share: which products and lines they cover."""

from typing import Any
from uuid import UUID

from django import forms
from unfold.widgets import UnfoldAdminSelectMultipleWidget

from catalog.models import Product
from organizations.kernel.console import linking
from organizations.kernel.console.forms import ConsoleForm

MOST_PRODUCTS = 500


class CoverageForm(ConsoleForm):
    """A row that covers some products and some kinds of lines; none chosen means all."""

    product_ids = forms.TypedMultipleChoiceField(
        label="Products",
        coerce=UUID,
        required=False,
        widget=UnfoldAdminSelectMultipleWidget,
        help_text="Charges of these products draw from it. None chosen: those of every product.",
    )
    line_item_types = forms.MultipleChoiceField(
        label="Kinds of charges",
        required=False,
        widget=UnfoldAdminSelectMultipleWidget,
        help_text="None chosen: every kind.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "product_ids" in self.fields:
            self.fields["product_ids"].choices = self._products()
        if "line_item_types" in self.fields:
            column = self._meta.model._meta.get_field("line_item_types")
            self.fields["line_item_types"].choices = column.base_field.choices

    def _products(self) -> list[tuple[str, str]]:
        """Offer the products one may read, and those chosen before."""
        request = getattr(self, "read_by", None)
        if request is None:
            return []
        mine = Product.objects.for_organization(request.organization)
        offered = {
            str(pk): name
            for pk, name in linking.seen(request, mine)
            .order_by("name", "pk")
            .values_list("pk", "name")[:MOST_PRODUCTS]
        }
        for pk in self.instance.product_ids or ():
            offered.setdefault(str(pk), str(pk))
        return list(offered.items())
