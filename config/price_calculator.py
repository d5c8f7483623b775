"""What a number of units would cost: the answer behind the calculator of the price form.

The rating engine's own formula, called with the bands that stand in the form.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from billing.rating import band_rows
from billing.rating import bands as rating
from billing.rating.inputs import Band
from catalog.admin.pricings import SHAPES
from organizations.kernel import exact_json, ids, money
from organizations.kernel.console import show
from organizations.kernel.errors import DomainError

STEPS, MOST_LIMITS = 40, 100


@require_POST
def price_of_units(request: HttpRequest) -> HttpResponse:
    """Answer amount and portions, or a sentence about what is wrong with the form."""
    if request.principal is None:
        return JsonResponse({"problem": "Log in again."}, status=403)
    try:
        shape, units, steps = _read(request.body)
    except (InvalidOperation, KeyError, TypeError, msgspec.DecodeError):
        return JsonResponse({"problem": "Enter numbers in the bands and the number of units."})
    try:
        return JsonResponse(_calculate(units, steps, is_cumulative=SHAPES[shape][1]))
    except DomainError as refusal:
        return JsonResponse({"problem": refusal.message})


@require_POST
def price_curve(request: HttpRequest) -> HttpResponse:
    """Answer what rising numbers of units cost: at the ends of bands, just above, and between."""
    if request.principal is None:
        return JsonResponse({"problem": "Log in again."}, status=403)
    try:
        shape, most, bands = _read(request.body)
    except (InvalidOperation, KeyError, TypeError, AttributeError, msgspec.DecodeError):
        return JsonResponse({"problem": "Enter numbers in the bands."})
    try:
        limits = sorted({band.lower_limit for band in bands if band.lower_limit > 0})
        end = most if most > 0 else (limits[-1] * 2 if limits else Decimal(100))
        inside = [one for one in limits if one < end][:MOST_LIMITS]
        is_cumulative = SHAPES[shape][1]
        with money.working_precision():
            between = {end * step / STEPS for step in range(STEPS + 1)}
            above = {one + end / 1000 for one in inside}
            points = [
                (units, rating.charge(
                    rating.split(units, rating.ladder(bands), cumulative=is_cumulative)
                ))
                for units in sorted(between | above | set(inside))
            ]  # fmt: skip
    except DomainError as refusal:
        return JsonResponse({"problem": refusal.message})
    exact = {*inside, end}
    return JsonResponse({
        "points": [[str(units), str(amount)] for units, amount in points],
        "table": [
            [show.amount(units), show.money(amount)] for units, amount in points if units in exact
        ],
    })  # fmt: skip


def _read(body: bytes) -> tuple[str, Decimal, tuple[Band, ...]]:
    asked = exact_json.loads(body)
    _words, _cumulative, has_fixed, has_unit = SHAPES[asked["shape"]]
    bands = tuple(_band(band, has_fixed, has_unit) for band in asked["bands"])
    return asked["shape"], _number(asked["units"]), bands


def _calculate(units: Decimal, bands: tuple[Band, ...], *, is_cumulative: bool) -> dict[str, Any]:
    with money.working_precision():
        portions = rating.split(units, rating.ladder(bands), cumulative=is_cumulative)
        return {
            "amount": show.money(rating.charge(portions)),
            "portions": [_portion(row) for row in band_rows.of_portions(portions)],
        }


def _portion(row: band_rows.BandRow) -> dict[str, str]:
    return {
        "band": f"above {show.amount(row.lower_limit)}: {row.reckoning(show.amount, show.amount)}",
        "sum": show.money(row.amount),
    }


def _band(row: dict[str, Any], has_fixed: bool, has_unit: bool) -> Band:
    return Band(
        id=ids.new_id(),
        lower_limit=_number(row["lowerLimit"]),
        fixed_price=_number(row["fixedPrice"]) if has_fixed else Decimal(0),
        unit_price=_number(row["unitPrice"]) if has_unit else Decimal(0),
    )


def _number(text: Any) -> Decimal:
    number = Decimal(str(text).strip())
    if not number.is_finite() or abs(number) > Decimal("1e20"):
        raise InvalidOperation
    return number
