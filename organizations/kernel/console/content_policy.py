"""Tell browsers what the console's pages may load and run: only what comes from here.

Inline scripts never run, so text that slipped through escaping stays text. Alpine, which draws the
console's menus, compiles its expressions at run time and needs ``unsafe-eval``; styles of single
elements (bars, widths) need ``unsafe-inline``.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

PREFIXES = ("/admin/", "/invitations/")
RULES = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


class ContentPolicyMiddleware:
    """Adds the ``Content-Security-Policy`` to pages for people.

    Submitting a form of a view that sets ``leads_elsewhere`` on its answer may end at another site:
    browsers hold redirects after a form against ``form-action`` too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith(PREFIXES):
            rules = dict(RULES)
            if getattr(response, "leads_elsewhere", False):
                rules["form-action"] = "'self' https: http:"
            policy = "; ".join(f"{name} {sources}" for name, sources in rules.items())
            response.headers.setdefault("Content-Security-Policy", policy)
        return response
