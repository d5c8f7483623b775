"""The OpenAPI document and its page."""

import re


def test_the_document_describes_the_api_and_not_the_console(client, db):
    document = client.get("/openapi.json").json()

    assert document["openapi"].startswith("3.")
    assert "/organizations/{orgId}/products" in document["paths"]
    assert "/organizations/{orgId}/measurements" in document["paths"]
    assert "/oauth/token" in document["paths"]
    assert not [path for path in document["paths"] if "admin" in path]


def test_the_page_loads_nothing_from_outside(client, db):
    page = client.get("/docs/api")

    assert page.status_code == 200
    assert b"swagger-ui" in page.content
    assert not re.findall(rb"(?:src|href)=\"https?://", page.content)
