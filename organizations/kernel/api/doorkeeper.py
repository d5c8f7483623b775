"""Nobody gets past ``/organizations/{orgId}/`` without a token of that organization.

A middleware, so that it holds for unknown addresses and wrong verbs too. An organization that
exists but is not the caller's answers exactly like one that does not (A4.9).
"""

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from organizations import access, audit, tokens
from organizations.kernel import ids, isolation
from organizations.kernel.api import errors, limits, request_id, scope
from organizations.kernel.principals import Principal
from organizations.signin import trail

PREFIX = "/organizations/"


class DoorkeeperMiddleware:
    """Sets ``request.principal`` and ``request.organization_id``, or answers 401 or 403."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        # A token is looked up by what it says, and may be of any organization.
        with isolation.everywhere():
            refusal = self._admit(request)
        if not settings.ARE_RATES_LIMITED:
            return refusal or self._answer(request)
        verdict = limits.of_request(request, getattr(request, "organization_id", None))
        return verdict.tell(verdict.refusal() or refusal or self._answer(request))

    def _answer(self, request: HttpRequest) -> HttpResponse:
        return scope.answered(request.organization_id, self.get_response, request)

    def _admit(self, request: HttpRequest) -> HttpResponse | None:
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            response = errors.answer(401, "A bearer token is needed.")
            response["WWW-Authenticate"] = "Bearer"
            return response
        try:
            bearer = tokens.verify(token.strip())
        except tokens.InvalidToken as error:
            return errors.answer(403, error.message, code=error.code)
        asked = ids.parse(request.path_info[len(PREFIX) :].split("/", 1)[0].lower())
        principal = _principal(request, bearer)
        if asked != bearer.organization_id:
            # In the caller's own trail: the other organization learns nothing, like the caller.
            audit.denied(principal, "other organization", "config:organizationConfig")
            return errors.answer(403, "You have no access to this organization.")
        request.organization_id = bearer.organization_id
        request.principal = principal
        if bearer.is_guest or access.is_bypassing(principal):
            trail.record_guest(request.principal, request.method or "", request.path)
        return None


def _principal(request: HttpRequest, bearer: tokens.Bearer) -> Principal:
    return Principal(
        id=bearer.principal_id,
        kind="SERVICE_USER" if bearer.access_key_id else "USER",
        organization_id=bearer.organization_id,
        is_superuser=bearer.is_superuser,
        access_key_id=bearer.access_key_id,
        source_address=request.META.get("REMOTE_ADDR") or None,
        request_id=request_id.current(),
    )


def organization_of(request: HttpRequest) -> UUID:
    """Return the organization the doorkeeper let the caller into."""
    return request.organization_id
