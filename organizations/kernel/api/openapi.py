"""The OpenAPI document, generated from the views and their serializers."""

from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema

from organizations.kernel.api.filters import Filter


def only_organization_routes(endpoints: list[tuple], **_kwargs: Any) -> list[tuple]:
    """Keep the API; the console's addresses are none of a client's business."""
    return [
        (path, pattern, method, view)
        for path, pattern, method, view in endpoints
        if path.startswith(("/organizations/", "/oauth/"))
    ]


SEARCH_PARAMETERS = {
    "searchQuery": Filter(None),
    "operator": Filter(None, choices=("AND", "OR")),
    "sortBy": Filter(None),
    "sortOrder": Filter(None, choices=("ASC", "DESC")),
    "fromDocument": Filter(None, schema_type="integer"),
}

_plain_paths: dict[str, Any] = {}


def describe(paths: dict[str, Any]) -> None:
    """Add the hand-written description of plain views, which no serializer describes."""
    _plain_paths.update(paths)


def add_plain_paths(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Merge the described plain views into the document."""
    result["paths"].update(_plain_paths)
    schemes = result.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["basic"] = {"type": "http", "scheme": "basic"}
    return result


# The statuses beside 200 that each operation may have, and when.
ERRORS = {
    "400": "What was sent is wrong; `errors` names each field.",
    "401": "No token was sent.",
    "403": "The token does not count, or no policy allows this.",
    "404": "There is no such row in this organization.",
    "409": "The row was changed meanwhile: `version` is not the stored one.",
    "413": "The body is too large.",
    "415": "The body is no JSON.",
    "429": "Too many requests; `Retry-After` says when to come again.",
    "500": "A fault of the server; `requestId` finds it in its log.",
    "503": "The database is away; `Retry-After` says when to come again.",
}
OF_BODIES = {"409", "413", "415"}
VERBS = ("get", "post", "put", "delete")
ERROR_SCHEMA = {
    "type": "object",
    "description": "The one body of every answer that is no success.",
    "required": ["message", "code", "status", "requestId"],
    "properties": {
        "message": {"type": "string"},
        "code": {"type": "string"},
        "status": {"type": "integer"},
        "requestId": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


def add_errors(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Document the error statuses of each operation with their one body (B9.2)."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["Error"] = ERROR_SCHEMA
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for path in result["paths"].values():
        for verb, operation in path.items():
            if verb not in VERBS:
                continue
            for status, when in ERRORS.items():
                if status in OF_BODIES and "requestBody" not in operation:
                    continue
                operation["responses"].setdefault(status, {"description": when, "content": content})
    return result


class BearerScheme(OpenApiAuthenticationExtension):
    """Names the bearer token in the document."""

    target_class = "organizations.kernel.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme."""
        return {"type": "http", "scheme": "bearer"}


class DecimalSchema(OpenApiSerializerFieldExtension):
    """A decimal is a JSON number."""

    target_class = "organizations.kernel.api.fields.DecimalField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """Return the number with its bounds."""
        schema: dict[str, Any] = {"type": "number"}
        if self.target.min_value is not None:
            schema["minimum"] = float(self.target.min_value)
        if self.target.above is not None:
            schema |= {"minimum": float(self.target.above), "exclusiveMinimum": True}
        return schema


class ContractSchema(AutoSchema):
    """Every answer is a 200, every list a page, and list filters are query parameters."""

    def get_response_serializers(self) -> Any:
        """Return the answer under 200 whatever the verb (B1.3)."""
        serializers = super().get_response_serializers()
        return serializers if isinstance(serializers, dict) else {200: serializers}

    def _get_request_body(self, direction: str = "request") -> Any:
        """Describe the body also of a DELETE, where the view says that it has one."""
        if self.view.action not in getattr(self.view, "deletes_with_body", ()):
            return super()._get_request_body(direction)
        method, self.method = self.method, "POST"
        try:
            return super()._get_request_body(direction)
        finally:
            self.method = method

    def _is_list_view(self, serializer: Any = None) -> bool:
        """Return whether the answer is a page: lists, and the actions the view names."""
        return getattr(self.view, "action", "") in {
            "list",
            "search",
            *getattr(self.view, "page_actions", ()),
        }

    def get_tags(self) -> list[str]:
        """Group by the resource's word."""
        parts = [part for part in self.path.split("/") if part and not part.startswith("{")]
        return [parts[1] if len(parts) > 1 else parts[0]]

    def get_operation_id(self) -> str:
        """Return an id made of view and action."""
        view = type(self.view).__name__.removesuffix("ViewSet")
        return f"{getattr(self.view, 'action', self.method.lower())}_{view}_{self._path_words()}"

    def _path_words(self) -> str:
        tail = self.path.split("/")[3:] or self.path.split("/")[1:]
        return "_".join(part.strip("{}") for part in tail)

    def get_override_parameters(self) -> list[Any]:
        """Add the declared filters of lists, and those of single actions."""
        from drf_spectacular.utils import OpenApiParameter

        filters = dict(getattr(self.view, "action_filters", {}).get(self.view.action, {}))
        if getattr(self.view, "action", "") == "list":
            filters |= self.view.filters
        if getattr(self.view, "action", "") == "search":
            filters |= SEARCH_PARAMETERS
        return [
            OpenApiParameter(
                name,
                {"type": "array", "items": {"type": "string"}}
                if one.many
                else {
                    "type": one.schema_type,
                    **({"enum": list(one.choices)} if one.choices else {}),
                },
            )
            for name, one in filters.items()
        ]
