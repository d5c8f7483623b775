"""Answer a request within one organization: its rows and no other are seen."""

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from organizations.kernel import isolation


def answered(
    organization_id: UUID, get_response: Callable[[HttpRequest], HttpResponse], request: HttpRequest
) -> HttpResponse:
    """Return the answer of whatever comes behind, made in the organization's scope."""
    with isolation.within(organization_id):
        return streamed(get_response(request))


def streamed(response: HttpResponse) -> HttpResponse:
    """Have what is sent after the scope has ended made in it all the same."""
    if response.streaming:
        response.streaming_content = isolation.carried(response.streaming_content)
    return response
