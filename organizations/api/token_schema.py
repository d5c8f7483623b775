"""The OpenAPI description of ``POST /oauth/token``, which is a plain view."""

from typing import Any

PATHS: dict[str, Any] = {
    "/oauth/token": {
        "post": {
            "operationId": "token",
            "tags": ["oauth"],
            "security": [{"basic": []}],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["grant_type"],
                            "properties": {
                                "grant_type": {"type": "string", "enum": ["client_credentials"]},
                                "scope": {"type": "string"},
                            },
                        }
                    }
                },
            },
            "responses": {
                "200": {
                    "description": "",
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["access_token", "expires_in"],
                                "properties": {
                                    "access_token": {"type": "string"},
                                    "expires_in": {"type": "integer"},
                                    "token_type": {"type": "string"},
                                    "scope": {"type": "string"},
                                },
                            }
                        }
                    },
                }
            },
        }
    }
}
