"""The page on which a person of several organizations chooses one (A2.12)."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods

from organizations.kernel import ids
from organizations.kernel.console import entry
from organizations.signin import admission, sessions
from organizations.signin.admission import Barrier
from organizations.signin.pages.frame import page, redirect, signed_in, wanted_page


@signed_in
@require_http_methods(["GET", "POST"])
def organizations(request: HttpRequest) -> HttpResponse:
    """Show the organizations with what each still asks for; a POST goes into one."""
    if request.method == "POST":
        return _choose(request)
    mine = request.organizations
    standing = admission.barriers(request.user, mine, sessions.way_of(request))
    return page(
        request,
        "organizations",
        title="Choose an organization",
        next=request.GET.get("next", ""),
        rows=[(one, standing.get(one.pk)) for one in mine],
        provider=Barrier.PROVIDER,
    )


def _choose(request: HttpRequest) -> HttpResponse:
    wanted = ids.parse(request.POST.get("organization", ""))
    if wanted is None or not entry.choose(request, wanted):
        messages.error(request, "You have no access to this organization.")
        return redirect("signin:organizations")
    return HttpResponseRedirect(wanted_page(request))
