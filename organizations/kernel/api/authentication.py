"""REST framework learns who calls from the doorkeeper."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from organizations.kernel.principals import Principal


class BearerAuthentication(BaseAuthentication):
    """Hands over the principal the doorkeeper has found."""

    def authenticate(self, request: Request) -> tuple[Principal, Any] | None:
        """Return the principal, or None on addresses without organization."""
        principal = getattr(request._request, "principal", None)
        return (principal, None) if principal else None

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return "Bearer"
