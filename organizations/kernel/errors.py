"""What a refusal looks like: a sentence for the caller, a code for programs, the fields at fault.

An expected refusal is a subclass of ``DomainError`` beside the function that raises it.
The edge (API or console) turns it into an answer once; nothing below the edge knows HTTP
beyond the status number carried here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from organizations.kernel.wording import counted


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field of the request and what is wrong with it. ``field`` uses the wire's name."""

    field: str
    message: str


class DomainError(Exception):
    """An expected refusal. ``status_code`` is 400 unless a subclass says otherwise."""

    status_code: int = 400
    code: str = "BAD_REQUEST"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status_code: int | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.errors = tuple(errors)
        if code is not None:
            self.code = code
        if status_code is not None:
            self.status_code = status_code


class FieldRefused(DomainError):
    """One field breaks one rule; the sentence stands both at the top and at the field."""

    code = "VALIDATION"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}", errors=[FieldError(field, message)])


class FieldsRefused(DomainError):
    """Several rules are broken, each told at its field."""

    code = "VALIDATION"

    def __init__(self, refusals: Sequence[DomainError]) -> None:
        super().__init__(
            "; ".join(each.message for each in refusals),
            errors=[error for each in refusals for error in each.errors],
        )


def check_each(*rules: Callable[[], object]) -> None:
    """Ask rules that do not build on each other, and raise together what they refuse."""
    refusals: list[FieldRefused | FieldsRefused] = []
    for rule in rules:
        try:
            rule()
        except (FieldRefused, FieldsRefused) as refusal:
            refusals.append(refusal)
    if len(refusals) == 1:
        raise refusals[0]
    if refusals:
        raise FieldsRefused(refusals)


class VersionMismatch(DomainError):
    """The row was changed by somebody else since the caller read it (B7.3)."""

    status_code = 409
    code = "VERSION_MISMATCH"

    def __init__(self, *, sent: int, stored: int) -> None:
        super().__init__(
            f"This was changed by somebody else: you sent version {sent}, the current version "
            f"is {stored}. Read it again and repeat your change."
        )
        self.sent = sent
        self.stored = stored


class NotFound(DomainError):
    """No such row in this organization."""

    status_code = 404
    code = "NOT_FOUND"

    def __init__(self, message: str = "Not found.") -> None:
        super().__init__(message)


class Forbidden(DomainError):
    """The caller may not do this; says nothing about what exists (B9.5)."""

    status_code = 403
    code = "FORBIDDEN"

    def __init__(self, message: str = "You are not allowed to do this.") -> None:
        super().__init__(message)


class InUse(DomainError):
    """Something still refers to the row; names kind and count of what stands in the way (B8.2)."""

    code = "IN_USE"

    def __init__(self, what: str, referrers: Sequence[tuple[str, int]]) -> None:
        listed = ", ".join(counted(count, kind) for kind, count in referrers)
        super().__init__(f"{what} is in use by {listed} and cannot be deleted.")
        self.referrers = tuple(referrers)
