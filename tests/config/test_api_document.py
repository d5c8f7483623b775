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


def test_each_operation_tells_the_errors_it_may_answer_with_their_one_body(client, db):
    document = client.get("/openapi.json").json()

    wrong = []
    for path, item in document["paths"].items():
        for verb, operation in item.items():
            if verb not in {"get", "post", "put", "delete"}:
                continue
            wanted = {"400", "401", "403", "404", "429", "500", "503"}
            wanted |= {"409", "413", "415"} if "requestBody" in operation else set()
            bodies = {
                status: answer["content"]["application/json"]["schema"]["$ref"]
                for status, answer in operation["responses"].items()
                if status in wanted
            }
            if bodies != dict.fromkeys(wanted, "#/components/schemas/Error"):
                wrong.append((verb, path, bodies))

    assert not wrong
    schema = document["components"]["schemas"]["Error"]
    answer = client.get("/organizations/x/products").json()
    assert set(answer) == set(schema["required"])
