"""A client of the API for tests: JSON in and out with exact decimals, always authenticated."""

from typing import Any

from django.test import Client

from organizations import tokens
from organizations.founding import Founded
from organizations.kernel import exact_json
from organizations.models import AccessKey


class ApiAnswer:
    """Status, headers and decoded body of one answer."""

    def __init__(self, response: Any) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.raw = b"".join(response) if response.streaming else response.content
        is_json = "json" in response.headers.get("Content-Type", "")
        self.json = exact_json.loads(self.raw) if is_json and self.raw else None

    def __repr__(self) -> str:
        return f"{self.status} {self.raw[:500]!r}"


class ApiClient:
    """Calls below one organization: ``api.get("products")``, ``api.post("products", {...})``."""

    def __init__(self, founded: Founded, token: str | None = None) -> None:
        self.founded = founded
        self.organization = founded.organization
        key = AccessKey.objects.get(pk=founded.access_key_id)
        self.token = tokens.token_for(key) if token is None else token
        self.client = Client(raise_request_exception=True)

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> ApiAnswer:
        """Send one request; ``body`` is encoded unless it is bytes."""
        data = body if isinstance(body, bytes) else exact_json.dumps({} if body is None else body)
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return ApiAnswer(
            self.client.generic(
                method,
                f"/organizations/{self.organization.pk}/{path}",
                b"" if method == "GET" or (body is None and method == "DELETE") else data,
                content_type="application/json",
                headers=headers,
                query_params=query or None,
            )
        )

    def get(self, path: str, **query: Any) -> ApiAnswer:
        """GET with query parameters."""
        return self.call("GET", path, **query)

    def post(self, path: str, body: Any = None, **query: Any) -> ApiAnswer:
        """POST a JSON body."""
        return self.call("POST", path, body, **query)

    def put(self, path: str, body: Any = None, **query: Any) -> ApiAnswer:
        """PUT a JSON body."""
        return self.call("PUT", path, body, **query)

    def delete(self, path: str) -> ApiAnswer:
        """DELETE without body."""
        return self.call("DELETE", path)
