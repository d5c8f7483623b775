"""The pricing editor: prices of a product in a grid, opened and changed in place (C6)."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from catalog import plan_copies, price_grid, price_use
from catalog.admin import price_charges, price_saving
from catalog.models import (
    Aggregation,
    CompoundAggregation,
    Counter,
    CounterPricing,
    Plan,
    PlanTemplate,
    Pricing,
    Product,
)
from organizations.kernel import clock, exact_json, ids, registry
from organizations.kernel.console import choices, linking, show, telling
from organizations.kernel.console.fields import plain_text
from organizations.kernel.errors import DomainError

MOST = 200
KINDS = {"pricing": Pricing, "counter": CounterPricing}


class CopyForm(forms.Form):
    """What a copy of a plan is called."""

    name = forms.CharField(max_length=200)
    code = forms.CharField(max_length=80, validators=[ids.relaxed_code])


def view(page: Any, request: HttpRequest) -> HttpResponse:
    """Show the grid of a product, or save a price of it."""
    if request.method == "POST" and request.POST.get("do") == "duplicate":
        return _duplicate(request)
    if request.method == "POST":
        return _changed(page, request)
    if not page.has_view_permission(request):
        raise PermissionDenied
    if identity := request.GET.get("use"):
        return _use(request, identity)
    products = list(_seen(request, Product.objects.order_by("name", "pk"))[:MOST])
    asked = ids.parse(request.GET.get("product", ""))
    product = next((one for one in products if one.pk == asked), products[0] if products else None)
    context = {
        **page.admin_site.each_context(request),
        "title": "Pricing editor",
        "opts": page.opts,
        "products": products,
        "product": product,
        "grid": _grid(request, product) if product else None,
        "curve_url": reverse("price_curve"),
    }
    return TemplateResponse(request, "console/pricing_editor.html", context)


def _changed(page: Any, request: HttpRequest) -> HttpResponse:
    """Save or delete a price, or save a charge of a plan or template, by the page of its kind."""
    is_deleted = request.POST.get("do") == "delete"
    kinds = KINDS if is_deleted else {**KINDS, **price_charges.KINDS}
    owner = page.admin_site._registry.get(kinds.get(request.POST.get("kind", "")))
    if owner is None:
        raise PermissionDenied
    return (price_saving.delete if is_deleted else price_saving.save)(owner, request)


def _duplicate(request: HttpRequest) -> HttpResponse:
    """Copy a plan with those of its prices one may read, and show the copy's column."""
    plan = _seen(request, Plan.objects.filter(pk=ids.parse(request.POST.get("plan", "")))).first()
    allows = request.permissions.allows_verb
    if plan is None or not allows("add", "config:plan"):
        raise PermissionDenied
    prices: list[Any] = []
    for model in KINDS.values():
        own = list(_seen(request, model.objects.filter(plan=plan)))
        if own and not allows("add", registry.of(model).name):
            raise PermissionDenied
        prices += own
    name, code = (request.POST.get(one, "").strip() for one in ("name", "code"))
    form = CopyForm({"name": name, "code": code})
    try:
        if form.is_valid():
            made = plan_copies.duplicate(plan, name, code, prices, by=request.principal)
            messages.success(request, f"“{made.name}” is a copy of “{plan.name}”.")
        for field, sentences in form.errors.items():
            messages.error(request, f"{field.capitalize()}: {' '.join(sentences)}")
    except DomainError as refusal:
        telling.refused(request, refusal)
    place = {"product": plan.plan_template.product_id}
    return HttpResponseRedirect(f"{reverse('admin:pricing_editor')}?{urlencode(place)}")


def _seen(request: HttpRequest, rows: Any) -> Any:
    return linking.seen(request, rows.filter(organization=request.organization))


def _use(request: HttpRequest, identity: str) -> JsonResponse:
    """Answer what a price was billed by, as sentences."""
    known = ids.parse(identity)
    for model in KINDS.values():
        row = _seen(request, model.objects.filter(pk=known)).first() if known else None
        if row is not None:
            return JsonResponse({"told": told(request, row)})
    return JsonResponse({"told": ""}, status=404)


def told(request: HttpRequest, price: Any) -> str:
    """Return who was billed by a price, empty for nobody. Bills one may not read stay unnamed."""
    use = price_use.of(price)
    if not use.accounts:
        return ""
    accounts = "1 account was" if use.accounts == 1 else f"{use.accounts:,} accounts were"
    text = f"{accounts} billed by this price already."
    if use.locked_count:
        bills = "1 locked bill" if use.locked_count == 1 else f"{use.locked_count:,} locked bills"
        text += f" {bills} used it and will not change"
        names = [name for _, name in use.locked]
        if request.permissions.allows_all("config:retrieve", "billing:bill"):
            more = "" if len(names) == use.locked_count else " and others"
            text += f": {'; '.join(names)}{more}"
        text += "."
    return text


def _grid(request: HttpRequest, product: Product) -> dict[str, Any]:
    """Return columns, rows and cells; what the person may not see is not there."""
    columns = _columns(request, product)
    rows = _rows(request, product)
    owners = [one["id"] for one in columns]
    prices: list[Any] = []
    for model in KINDS.values():
        seen = _seen(request, model.objects.all())
        prices += seen.filter(plan__in=owners) | seen.filter(plan_template__in=owners)
    cells = price_grid.placed(prices)
    compared = [request.GET.get(side, "") for side in ("left", "right")]
    pair = [one for side in compared for one in columns if str(one["id"]) == side]
    shown = pair if len(pair) == 2 else columns
    for row in rows:
        row["cells"] = [_cell(request, cells, row, column) for column in shown]
    is_compared = shown is pair
    if is_compared:
        rows = [row for row in rows if row["cells"][0]["price"] != row["cells"][1]["price"]]
    removed = _remove(request, rows, cells) if not is_compared else 0
    return {
        "columns": shown, "rows": rows, "all_columns": columns, "is_compared": is_compared,
        "charges": price_charges.rows(
            shown, {one["id"]: one["row"] for one in columns}, is_compared
        ),
        "removed": removed,
        "left": compared[0], "right": compared[1],
        "plans": [one for one in columns if one["above"]],
        "may_copy": request.permissions.allows_verb("add", "config:plan"),
    }  # fmt: skip


def _remove(request: HttpRequest, rows: list[dict[str, Any]], cells: Any) -> int:
    """Take away the rows the address names, unless a price uses them; offer it for the others."""
    priced = {place.measured for place in cells}
    named = [one for one in request.GET.getlist("without") if ids.parse(one)][:MOST]
    count = len(rows)
    rows[:] = [row for row in rows if row["id"] in priced or str(row["id"]) not in named]
    kept = [("product", request.GET["product"])] if "product" in request.GET else []
    for row in rows:
        if row["id"] not in priced:
            without = [("without", one) for one in [*named, str(row["id"])]]
            row["remove"] = "?" + urlencode([*kept, *without])
    return count - len(rows)


def _columns(request: HttpRequest, product: Product) -> list[dict[str, Any]]:
    templates = _seen(request, PlanTemplate.objects.filter(product=product)).order_by("name", "pk")
    plans = _seen(request, Plan.objects.filter(plan_template__product=product)).select_related(
        "plan_template"
    )
    found = [
        {"id": one.pk, "name": one.name, "field": "plan_template", "above": None,
         "currency": one.currency, "url": show.address(one), "row": one}
        for one in templates[:MOST]
    ]  # fmt: skip
    found += [
        {"id": one.pk, "name": one.name, "field": "plan", "above": one.plan_template_id,
         "currency": one.plan_template.currency, "url": show.address(one), "row": one}
        for one in plans.order_by("plan_template__name", "name", "pk")[:MOST]
    ]  # fmt: skip
    return found


def _rows(request: HttpRequest, product: Product) -> list[dict[str, Any]]:
    kinds: tuple[tuple[str, str, str, Any], ...] = (
        ("Aggregation", "pricing", "aggregation",
         Aggregation.objects.filter(meter__product=product)),
        ("Compound aggregation", "pricing", "compound_aggregation",
         CompoundAggregation.objects.filter(Q(product=product) | Q(product=None))),
        ("Counter", "counter", "counter",
         Counter.objects.filter(Q(product=product) | Q(product=None))),
    )  # fmt: skip
    found = []
    for title, kind, field, rows in kinds:
        for one in _seen(request, rows).order_by("name", "pk")[:MOST]:
            base = {"id": one.pk, "name": one.name, "title": title, "kind": kind, "field": field,
                    "resource": registry.of(KINDS[kind]).name}  # fmt: skip
            for segment in getattr(one, "segments", None) or [{}]:
                words = ", ".join(f"{key}: {text}" for key, text in segment.items())
                found.append({**base, "segment": segment, "segment_words": words})
    return found


def _cell(
    request: HttpRequest, cells: Any, row: dict[str, Any], column: dict[str, Any]
) -> dict[str, Any]:
    from catalog.pricing_rules import segment_key

    key = segment_key(row["segment"])
    now = clock.now()
    own = cells.get(price_grid.Place(column["id"], row["id"], key), [])
    active = price_grid.in_force(own, now)
    above = cells.get(price_grid.Place(column["above"], row["id"], key), [])
    inherited = None if active else price_grid.in_force(above, now)
    shown = active or inherited
    currency = column["currency"]
    return {
        "text": price_grid.short(shown.bands, show.money) if shown else "",
        "is_inherited": inherited is not None,
        "price": shown and price_grid.of_price(shown, currency),
        "data": exact_json.dumps({
            "kind": row["kind"], "currency": currency,
            "mayDelete": bool(request.permissions.allows_verb("delete", row["resource"])),
            "title": f"{row['name']} on {column['name']}",
            "fields": {
                column["field"]: str(column["id"]), row["field"]: str(row["id"]),
                "segment": exact_json.dumps(row["segment"]).decode() if row["segment"] else "",
            },
            "prices": [_price(request, one, now) for one in own],
            "inherited": _price(request, inherited, now) if inherited else None,
        }).decode(),
    }  # fmt: skip


def _price(request: HttpRequest, price: Any, now: Any) -> dict[str, Any]:
    from catalog.admin.pricings import shape_of

    zone = choices.zone(request)
    start, end = (
        show.local_time(at, zone) if at else None for at in (price.start_date, price.end_date)
    )
    keys = ("lowerLimit", "fixedPrice", "unitPrice")
    return {
        "id": str(price.pk),
        "version": price.version,
        "stage": price_grid.stage(price, now),
        "shape": shape_of(price),
        "start": f"{start:%Y-%m-%d}",
        "startTime": f"{start:%H:%M:%S}",
        "end": f"{end:%Y-%m-%d}" if end else "",
        "endTime": f"{end:%H:%M:%S}" if end else "",
        "bands": [[plain_text(band[key]) for key in keys] for band in price.bands],
    }
