"""What every answer of the API must be, whatever was sent."""

from collections.abc import Iterable

from tests.clients import ApiAnswer

STATUSES = {200, 400, 401, 403, 404, 405, 406, 409, 413, 415, 429}
DOCUMENTS = {"application/pdf", "application/yaml", "text/csv"}


def faults(answer: ApiAnswer) -> list[str]:
    """Return what is wrong with an answer: its status, its type, or the shape of a refusal (B9)."""
    kind = answer.headers.get("Content-Type", "")
    found = []
    if answer.status not in STATUSES:
        found.append(f"status {answer.status}")
    is_good = answer.status == 200 and (kind in DOCUMENTS or not answer.raw)  # B1.3: a password
    if kind != "application/json" and not is_good:
        found.append(f"content type {kind}")
    elif answer.status != 200 and answer.raw:
        found += list(_faults_of_body(answer))
    if not answer.headers.get("X-Request-Id"):
        found.append("no X-Request-Id")
    return found


def _faults_of_body(answer: ApiAnswer) -> Iterable[str]:
    body = answer.json
    if not isinstance(body, dict):
        yield "the body is no object"
        return
    for key, kind in (("message", str), ("code", str), ("status", int), ("requestId", str)):
        if not isinstance(body.get(key), kind) or not body[key]:
            yield f"{key} is {body.get(key)!r}"
    if body.get("status") != answer.status:
        yield "its status is another than the answer's"
    if unknown := body.keys() - {"message", "code", "status", "requestId", "errors", "error"}:
        yield f"unknown keys {unknown}"
    for error in body.get("errors", []):
        if error.keys() != {"field", "message"} or not error["message"]:
            yield f"errors holds {error}"
