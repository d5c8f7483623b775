"""Fields that take exactly what the wire promises: no number as text, no text trimmed, no float."""

import unicodedata
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any, TypeVar

from rest_framework import serializers

from organizations.kernel import ids
from organizations.kernel.instants import is_instant, parse_day, parse_instant

ABOVE_ALL = Decimal(10) ** 20


class TextField(serializers.CharField):
    """A JSON string, kept as sent; an empty one counts as absent where a value is optional."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("trim_whitespace", False)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        """Return the text; refuses numbers and booleans."""
        if not isinstance(data, str):
            raise serializers.ValidationError("must be a string")
        return super().to_internal_value(data)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Read an empty string as null where null is allowed (B4.6)."""
        if data == "" and self.allow_null:
            data = None
        return super().run_validation(data)


class EmailField(TextField):
    """An e-mail address."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.validators.append(serializers.EmailField().validators[-1])


class DecimalField(serializers.Field):
    """A JSON number, exact, within 20 digits before and 18 after the point."""

    def __init__(
        self,
        *,
        min_value: Decimal | int | None = None,
        above: Decimal | int | None = None,
        **options: Any,
    ) -> None:
        options.pop("max_digits", None)
        options.pop("decimal_places", None)
        self.min_value, self.above = min_value, above
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Decimal:
        """Return the number; raises when it is not one or out of bounds."""
        if isinstance(data, bool) or not isinstance(data, (int, Decimal)):
            raise serializers.ValidationError("must be a number")
        number = Decimal(data)
        if not number.is_finite() or abs(number) >= ABOVE_ALL:
            raise serializers.ValidationError("must be smaller than 1e20")
        if -number.normalize().as_tuple().exponent > 18:  # type: ignore[operator]
            raise serializers.ValidationError("may have at most 18 digits after the point")
        if self.min_value is not None and number < self.min_value:
            raise serializers.ValidationError(f"must be at least {self.min_value}")
        if self.above is not None and number <= self.above:
            raise serializers.ValidationError(f"must be greater than {self.above}")
        return number

    def to_representation(self, value: Any) -> Any:
        """Return the number as it is; the renderer keeps it exact."""
        return value


class WholeField(serializers.IntegerField):
    """A JSON integer."""

    def to_internal_value(self, data: Any) -> int:
        """Return the integer; a number with a zero fraction is one too."""
        if isinstance(data, Decimal) and data == data.to_integral_value() and abs(data) < 2**63:
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError("must be an integer")
        if abs(data) >= 2**63:
            raise serializers.ValidationError("is too large")
        return super().to_internal_value(data)


class FlagField(serializers.BooleanField):
    """true or false, not a text that looks like one."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the flag."""
        if not isinstance(data, bool):
            raise serializers.ValidationError("must be true or false")
        return data


class ChoiceField(serializers.ChoiceField):
    """One of the contract's upper-case words."""

    def to_internal_value(self, data: Any) -> str:
        """Return the word; names the allowed ones otherwise."""
        if isinstance(data, str) and data in self.choices:
            return data
        raise serializers.ValidationError(f"must be one of {', '.join(self.choices)}")


Day = TypeVar("Day", bound=date)


def _within_years(value: Day) -> Day:
    """Return the date; periods are counted to both sides of it, so the ends are out of bounds."""
    if not 1900 <= value.year <= 9998:
        raise serializers.ValidationError("must lie between the years 1900 and 9998")
    return value


class InstantField(serializers.DateTimeField):
    """An ISO 8601 instant; a plain date is midnight in the organization's timezone (B6.5)."""

    def to_internal_value(self, data: Any) -> datetime:
        """Return the instant in UTC."""
        if not isinstance(data, str):
            raise serializers.ValidationError("must be an ISO 8601 date-time")
        zone: tzinfo = self.context["zone"]() if "zone" in self.context else UTC
        try:
            value = parse_instant(data, zone=zone)
        except (ValueError, OverflowError) as error:
            raise serializers.ValidationError("must be an ISO 8601 date-time") from error
        return _within_years(value)


class DayField(serializers.DateField):
    """A calendar date ``YYYY-MM-DD``; of a date-time its date."""

    def to_internal_value(self, data: Any) -> date:
        """Return the date."""
        if isinstance(data, str):
            try:
                return _within_years(parse_day(data[:10] if is_instant(data) else data))
            except ValueError:
                pass
        raise serializers.ValidationError("must be a date, YYYY-MM-DD")


class IdField(serializers.UUIDField):
    """An id of 36 characters; malformed is a refusal (B6.1)."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the UUID."""
        value = ids.parse(data)
        if value is None:
            raise serializers.ValidationError("must be an id of 36 characters")
        return value


class CustomFieldsField(serializers.DictField):
    """A map of name to text or number, at most ``largest`` (A8)."""

    def __init__(self, *, largest: int = 100, **options: Any) -> None:
        self.largest = largest
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the map; other kinds of value are refused by name."""
        if not isinstance(data, dict):
            raise serializers.ValidationError("must be an object")
        if len(data) > self.largest:
            raise serializers.ValidationError(f"may hold at most {self.largest} fields")
        for name, value in data.items():
            if not 1 <= len(name) <= 200 or not _is_printed(name):
                raise serializers.ValidationError(
                    {name[:200]: "names have 1 to 200 printable characters"}
                )
            if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
                raise serializers.ValidationError({name: "must be a string or a number"})
            if not isinstance(value, str):
                self._check_number(name, value)
            if isinstance(value, str) and "\x00" in value:
                raise serializers.ValidationError({name: "must not contain a null character"})
        return data

    @staticmethod
    def _check_number(name: str, value: int | Decimal) -> None:
        # Numbers are written without exponent: 1e999999999 would be a gigabyte.
        try:
            DecimalField().to_internal_value(value)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({name: error.detail}) from error


def _is_printed(text: str) -> bool:
    """Return whether the text holds no control characters and nothing that cannot be stored."""
    return not any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)


class LaterField(serializers.JSONField):
    """A field of the contract whose feature does not exist yet: refused by name, never dropped.

    Null, an empty list or map, and any of ``harmless`` mean that it is not used; what is harmless
    is stored and comes back.
    """

    def __init__(self, feature: str, harmless: tuple[Any, ...] = (), **options: Any) -> None:
        self.feature, self.harmless = feature, harmless
        options.setdefault("required", False)
        options.setdefault("allow_null", True)
        options.setdefault("write_only", True)
        super().__init__(help_text=f"Not available yet: {feature}.", **options)

    def to_internal_value(self, data: Any) -> Any:
        """Keep what needs no feature; refuse whatever would."""
        for value in self.harmless:
            if type(data) is type(value) and data == value:
                return value
        if data in (None, "", [], {}):
            raise serializers.SkipField
        raise serializers.ValidationError(f"{self.feature} are not available yet")

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        """Leave out what was not sent or is null."""
        if data is None or data is serializers.empty:
            raise serializers.SkipField
        return False, data
