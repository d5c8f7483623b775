"""The catalogue as code in the console: download, see what a file would change, apply it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from catalog.as_code import applying, files, permissions, stored, telling
from organizations.access import Rights
from organizations.kernel.console.choices import zone
from organizations.kernel.console.confirming import CONFIRMED
from organizations.kernel.errors import Forbidden

LARGEST = 1_000_000
VERBS = {"create": "new", "update": "changed", "delete": "deleted"}


class Moved(Exception):
    """The file would change something else by now than what was confirmed."""


def view(page: Any, request: HttpRequest) -> HttpResponse:
    """Show the page; send the file; or try one out, and apply it once that is confirmed."""
    rights = Rights(request.principal)
    try:
        permissions.require_reading(rights)
        if "download" in request.GET:
            return _download(request)
        shown = _run(request, rights) if request.method == "POST" else {}
    except Forbidden as refused:
        raise PermissionDenied from refused
    except files.FileRefused as refused:
        shown = {"faults": [str(fault) for fault in refused.faults], "text": _text(request)[0]}
    if isinstance(shown, HttpResponse):
        return shown
    context = {
        **page.admin_site.each_context(request),
        "title": "Catalogue as code",
        "opts": page.opts,
        "prunes": "prune" in request.POST,
        **shown,
    }
    return TemplateResponse(request, "console/catalogue.html", context)


def _download(request: HttpRequest) -> HttpResponse:
    text = files.written(stored.read(request.organization.pk).catalogue)
    response = HttpResponse(text, content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="catalogue.yaml"'
    return response


def _text(request: HttpRequest) -> tuple[str, str]:
    """Return the file that was uploaded or pasted, and why it cannot be read."""
    file = request.FILES.get("file")
    if file is None:
        text = request.POST.get("text", "").replace("\r\n", "\n")
    elif file.size > LARGEST:
        return "", "The file is larger than 1 MB. Use the command for it."
    else:
        try:
            text = file.read().decode()
        except UnicodeDecodeError:
            return "", "The file is no text in UTF-8."
    if len(text) > LARGEST:
        return "", "The file is larger than 1 MB. Use the command for it."
    if not text.strip():
        return "", "Choose a file or paste one."
    return ("", "Null characters are not allowed.") if "\x00" in text else (text, "")


def _run(request: HttpRequest, rights: Rights) -> Any:
    text, problem = _text(request)
    if problem:
        return {"faults": [problem], "text": text}
    wanted = files.read(text, zone=zone(request))
    how = {"by": request.principal, "prunes": "prune" in request.POST, "rights": rights}
    if request.POST.get(CONFIRMED) == "yes":
        try:
            with transaction.atomic():
                done = applying.apply(wanted, **how)
                if telling.fingerprint(done) != request.POST.get("seen"):
                    raise Moved
        except Moved:
            messages.warning(request, "The catalogue has changed meanwhile. Look again.")
        else:
            summary = telling.difference(done)["summary"]
            messages.success(request, f"The catalogue was applied: {summary}.")
            return HttpResponseRedirect(reverse("admin:catalogue_as_code"))
    planned = applying.plan(wanted, **how)
    told = telling.difference(planned)
    for change in told["changes"]:
        change["word"] = VERBS[change["verb"]]
    return {"text": text, "planned": told, "seen": telling.fingerprint(planned)}
