"""Money: currencies, the eight rounding modes, conversion, and decimals as plain text.

Amounts are ``Decimal`` and exact until a line item is made; ``round_money`` is the one place
where money is rounded (MON-5). Nothing here reads a clock, a setting or the caller's decimal
context: every operation names ``CONTEXT`` itself, or expects ``working_precision()`` around it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from enum import StrEnum
from typing import Final

import msgspec

from organizations.kernel.errors import DomainError

# Stored numbers have 18 places and 20 digits before the point, so a product of two of them needs
# 76 digits: 80 keep every product exact and leave division (MON-7) far below any rounding point.
CONTEXT: Final = Context(
    prec=80, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow]
)
_half_even: Final = CONTEXT.quantize
ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)

# 1/3 x 3 is 0.99...9 in any decimal precision. Snapping to 40 places, finer than any product of
# stored numbers (36), gives back the exact amount before a rounding mode is applied to it.
_SNAP: Final = Decimal("1E-40")
_LIMIT: Final = Decimal("1E20")
_TEN_PLACES: Final = Decimal("1E-10")
_STORED_PLACES: Final = Decimal("1E-18")
_QUANTA: Final = tuple(Decimal(1).scaleb(-places) for places in range(6))


class RoundingMode(StrEnum):
    """How an amount is made to fit its currency's decimal places (MON-2)."""

    UP = "UP"  # away from zero
    DOWN = "DOWN"  # toward zero
    CEILING = "CEILING"  # toward plus infinity
    FLOOR = "FLOOR"  # toward minus infinity
    HALF_UP = "HALF_UP"
    HALF_DOWN = "HALF_DOWN"
    HALF_EVEN = "HALF_EVEN"
    UNNECESSARY = "UNNECESSARY"  # the amount must fit as it is


_DECIMAL_ROUNDING: Final = {
    RoundingMode.UP: ROUND_UP,
    RoundingMode.DOWN: ROUND_DOWN,
    RoundingMode.CEILING: ROUND_CEILING,
    RoundingMode.FLOOR: ROUND_FLOOR,
    RoundingMode.HALF_UP: ROUND_HALF_UP,
    RoundingMode.HALF_DOWN: ROUND_HALF_DOWN,
    RoundingMode.HALF_EVEN: ROUND_HALF_EVEN,
    RoundingMode.UNNECESSARY: ROUND_DOWN,
}


class Currency(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """A currency of the organization and how amounts in it are rounded.

    ``code`` is compared exactly, case included (MON-10). ``max_decimal_places`` is 0..5 (MON-1);
    without settings a currency has 2 places and HALF_UP (MON-3).
    """

    code: str
    max_decimal_places: int = 2
    rounding_mode: RoundingMode = RoundingMode.HALF_UP


class ConversionRate(msgspec.Struct, frozen=True, gc=False):
    """One unit of ``from_code`` is ``multiplier`` units of ``to_code``; never used backwards."""

    from_code: str
    to_code: str
    multiplier: Decimal


class RoundingNotPermitted(DomainError):
    """The currency's mode is UNNECESSARY and the amount does not fit its places (MON-4)."""

    code = "ROUNDING_NOT_PERMITTED"

    def __init__(self, amount: Decimal, currency: Currency, what: str = "") -> None:
        super().__init__(
            f"{f'{what}: the' if what else 'The'} amount {plain(amount)} {currency.code} needs "
            f"more than {currency.max_decimal_places} decimal places, and the rounding mode of "
            f"{currency.code} allows none, so it may not be rounded."
        )
        self.amount = amount
        self.currency = currency

    def of(self, what: str) -> RoundingNotPermitted:
        """Return the same refusal, saying what the amount is for."""
        return RoundingNotPermitted(self.amount, self.currency, what)


class AmountTooLarge(DomainError):
    """The amount has more than 20 digits before the decimal point, more than can be stored."""

    code = "AMOUNT_TOO_LARGE"

    def __init__(self, currency: Currency, what: str = "") -> None:
        super().__init__(
            f"{f'{what}: the' if what else 'The'} amount in {currency.code} has more than 20 "
            "digits before the point, more than a bill can hold. Look at the quantity, the price "
            "and the conversion rate behind it."
        )
        self.currency = currency

    def of(self, what: str) -> AmountTooLarge:
        """Return the same refusal, saying what the amount is for."""
        return AmountTooLarge(self.currency, what)


class MissingConversionRate(DomainError):
    """No rate from one currency to the other; inverse and chained rates are not derived (CUR-4)."""

    code = "MISSING_CONVERSION_RATE"
    _begins = "There is no conversion rate from"

    def __init__(self, from_code: str, to_code: str, account_code: str) -> None:
        super().__init__(
            f"{self._begins} {from_code} to {to_code}, which the bill of "
            f"account {account_code} needs. Currency codes are compared exactly."
        )
        self.from_code = from_code
        self.to_code = to_code
        self.account_code = account_code

    @classmethod
    def is_told_by(cls, message: str) -> bool:
        """Whether a stored reason is this refusal's."""
        return message.startswith(cls._begins)


def working_precision() -> AbstractContextManager[Context]:
    """Make plain operators (``a * b / c``) exact enough for money inside the block (MON-7)."""
    return localcontext(CONTEXT)


def round_money(amount: Decimal, currency: Currency) -> Decimal:
    """Return the amount in the currency's places by its rounding mode (MON-2, MON-5).

    Raises ``RoundingNotPermitted`` (MON-4) and ``AmountTooLarge``. Never returns minus zero.
    """
    if not -_LIMIT < amount < _LIMIT:
        raise AmountTooLarge(currency)
    mode = currency.rounding_mode
    exact = _half_even(amount, _SNAP)
    # By position: by name these arguments take twice as long as the rounding itself.
    rounded = exact.quantize(_QUANTA[currency.max_decimal_places], _DECIMAL_ROUNDING[mode], CONTEXT)
    if mode is RoundingMode.UNNECESSARY and rounded != exact:
        raise RoundingNotPermitted(amount, currency)
    return rounded if rounded else rounded.copy_abs()


def find_rate(
    rates: Iterable[ConversionRate], from_code: str, to_code: str, *, account_code: str
) -> Decimal:
    """Return the first matching multiplier, 1 between equal codes (CUR-2, CUR-3, MON-10).

    ``rates`` come in order of precedence. Raises ``MissingConversionRate``.
    """
    if from_code == to_code:
        return ONE
    for rate in rates:
        if rate.from_code == from_code and rate.to_code == to_code:
            return rate.multiplier
    raise MissingConversionRate(from_code, to_code, account_code)


def convert(subtotal: Decimal, rate: Decimal, currency: Currency) -> Decimal:
    """Return an already rounded subtotal in the bill currency, rounded there (MON-5 b)."""
    return round_money(CONTEXT.multiply(subtotal, rate), currency)


def average_unit_price(subtotal: Decimal, units: Decimal) -> Decimal:
    """Return subtotal / units to 10 places HALF_EVEN; 0 for no units (MON-8).

    Also 0 where next to no units make it too large to store: no bill fails for a mere average.
    """
    if not units:
        return ZERO
    average = CONTEXT.divide(subtotal, units)
    return ten_places(average) if -_LIMIT < average < _LIMIT else ZERO


def ten_places(value: Decimal) -> Decimal:
    """Round a band-level figure to 10 decimals HALF_EVEN (MON-6)."""
    return _half_even(value, _TEN_PLACES)


def eighteen_places(value: Decimal) -> Decimal:
    """Round a quantity to the 18 decimals that a column holds, HALF_EVEN."""
    return _half_even(value, _STORED_PLACES)


def plain(value: Decimal) -> str:
    """Write a decimal without exponent and without trailing zeros: ``1E+3`` is ``1000``."""
    text = str(value)
    if "E" in text:
        text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
