"""``GET /openapi.json`` and a page to browse it, which loads nothing from outside."""

from functools import cache

from django.http import HttpRequest, HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularSwaggerView

from organizations.kernel import exact_json


@cache
def document() -> bytes:
    """Return the document; it only changes with the code, so a process makes it once."""
    return exact_json.dumps(SchemaGenerator().get_schema(request=None, public=True))


def openapi_json(request: HttpRequest) -> HttpResponse:
    """Answer the OpenAPI document of the API."""
    return HttpResponse(document(), content_type="application/json")


browse = SpectacularSwaggerView.as_view(
    url_name="openapi",
    authentication_classes=[],
    renderer_classes=[*SpectacularSwaggerView.renderer_classes],
)
