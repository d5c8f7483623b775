"""What a number of units would cost: the answer behind the calculator of the price form.

The rating engine's own formula, called with the bands that stand in the form.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from billing.rating import bands as rating
from billing.rating.inputs import Band
from catalog.admin.pricings import SHAPES
from organizations.kernel import exact_json, ids, money
from organizations.kernel.console import show
from organizations.kernel.errors import DomainError


@require_POST
def price_of_units(request: HttpRequest) -> HttpResponse:
    """Answer amount and portions, or a sentence about what is wrong with the form."""
    if request.principal is None:
        return JsonResponse({"problem": "Log in again."}, status=403)
    try:
        asked = exact_json.loads(request.body)
        return JsonResponse(_calculate(asked))
    except (InvalidOperation, KeyError, TypeError, AttributeError, msgspec.DecodeError):
        return JsonResponse({"problem": "Enter numbers in the bands and the number of units."})
    except DomainError as refusal:
        return JsonResponse({"problem": refusal.message})


def _calculate(asked: dict[str, Any]) -> dict[str, Any]:
    _words, cumulative, has_fixed, has_unit = SHAPES[asked["shape"]]
    units = _number(asked["units"])
    steps = rating.ladder([_band(band, has_fixed, has_unit) for band in asked["bands"]])
    with money.working_precision():
        portions = rating.split(units, steps, cumulative=cumulative)
        total = rating.charge(portions)
        return {
            "amount": show.money(total),
            "portions": [
                {
                    "band": f"above {show.amount(band.lower_limit)}: "
                    f"{show.amount(part)} x {show.amount(band.unit_price)}"
                    + (f" + {show.amount(band.fixed_price)} fixed" if band.fixed_price else ""),
                    "sum": show.money(rating.charge([(band, part, fixed)])),
                }
                for band, part, fixed in portions
            ],
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
