"""The OpenAPI description of the two measurement routes, which are plain views."""

from typing import Any

CODE = {"type": "string", "minLength": 1, "maxLength": 80}
INSTANT = {"type": "string", "format": "date-time"}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
NUMBERS = {"type": "object", "additionalProperties": {"type": "number"}}
MEASUREMENT: dict[str, Any] = {
    "type": "object",
    "required": ["meter", "account", "ts"],
    "properties": {
        "uid": {"type": "string", "maxLength": 50},
        "meter": CODE,
        "account": CODE,
        "ts": INSTANT,
        "ets": INSTANT,
        **dict.fromkeys(("who", "what", "where", "other", "metadata"), TEXTS),
        **dict.fromkeys(("measure", "income", "cost"), NUMBERS),
    },
}


def _operation(
    operation_id: str,
    answer: dict[str, Any],
    *,
    parameters: tuple[dict[str, Any], ...] = (),
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    org = {"name": "orgId", "in": "path", "required": True, "schema": {"type": "string"}}
    described: dict[str, Any] = {
        "operationId": operation_id,
        "tags": ["measurements"],
        "parameters": [org, *parameters],
        "security": [{"bearer": []}],
        "responses": {"200": {"description": "", "content": _json(answer)}},
    }
    if body is not None:
        described["requestBody"] = {"required": True, "content": _json(body)}
    return described


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


PATHS: dict[str, Any] = {
    "/organizations/{orgId}/measurements": {
        "post": _operation(
            "submit_measurements",
            {"type": "object", "properties": {"result": {"type": "string"}}},
            body={
                "type": "object",
                "required": ["measurements"],
                "properties": {
                    "measurements": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": 1000,
                        "items": MEASUREMENT,
                    }
                },
            },
        )
    },
    "/organizations/{orgId}/measurements/failedIngest/getDownloadUrl": {
        "get": _operation(
            "failed_ingest_download_url",
            {"type": "object", "properties": {"url": {"type": "string"}}},
            parameters=(
                {"name": "file", "in": "query", "required": False, "schema": {"type": "string"}},
            ),
        )
    },
}
