"""One line of the log for each request: who asked for what, what came of it, how long it took.

``ACCESS_LOG=0`` switches it off, and so does a ``LOG_LEVEL`` above INFO. Query strings and secrets
in paths are left out.
"""

import logging

from django.http import HttpRequest, HttpResponse

logger = logging.getLogger("billwright.access")
# Asked every few seconds, or by the dozen for each page.
SILENT = ("/health", "/static/")
SECRET_PARAMETERS = ("token",)
HIDDEN = "***"


def write(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """Log one answered request."""
    if not logger.isEnabledFor(logging.INFO) or request.path_info.startswith(SILENT):
        return
    path = _path(request)
    about = {
        "method": request.method,
        "path": path,
        "status": response.status_code,
        "ms": round(seconds * 1000, 1),
        "address": request.META.get("REMOTE_ADDR", ""),
    }
    if principal := getattr(request, "principal", None):
        about["principal"] = str(principal.id)
        about["organization"] = str(principal.organization_id)
        if principal.access_key_id:
            about["accessKey"] = str(principal.access_key_id)
    logger.info("%s %s %s", request.method, path, response.status_code, extra={"about": about})


def _path(request: HttpRequest) -> str:
    """Return the path; links that let somebody in by themselves are blanked."""
    path, match = request.path_info, request.resolver_match
    if match is not None:
        for name in SECRET_PARAMETERS:
            if secret := match.kwargs.get(name):
                path = path.replace(str(secret), HIDDEN)
    return path
