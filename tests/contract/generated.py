"""Requests made by schemathesis out of our own OpenAPI document, right ones and wrong ones."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings

from organizations.kernel import exact_json
from tests.clients import ApiAnswer
from tests.contract import documents
from tests.contract.inhabited import Inhabited
from tests.contract.routes import model_of

SEED = 20_261_122
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
Sent = Callable[[str, ApiAnswer], None]


def send_all(place: Inhabited, *, examples: int, sent: Sent) -> None:
    """Send ``examples`` right and as many wrong requests to each operation.

    Each goes to the address as generated and to one of rows that exist. ``sent`` is told what
    was sent and the answer.
    """
    known = dict(_real_ids(place))
    document = schemathesis.openapi.from_dict(dict(documents.ours()))
    for result in document.get_all_operations():
        operation = result.ok()
        if not operation.path.startswith("/organizations/{orgId}/"):
            continue
        for mode in MODES:
            _probe(operation, mode, examples, lambda case: _send(place, case, known, sent))


def _probe(operation: Any, mode: Any, examples: int, send: Callable[[Any], None]) -> None:
    @seed(SEED)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def probe(case: Any) -> None:
        send(case)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            probe()
        except schemathesis.errors.SchemathesisError:
            return  # an operation without parameters and body cannot be asked wrongly


def _real_ids(place: Inhabited) -> Iterator[tuple[tuple[str, str], str]]:
    for _, route, operation in documents.our_operations():
        path = operation.name.split(" ")[1]
        for name in route.id_parameters:
            yield (path, name), next(iter(place.ids(model_of(route, name))), "none")


def _send(place: Inhabited, case: Any, known: dict[tuple[str, str], str], sent: Sent) -> None:
    given = {name: str(value) for name, value in dict(case.path_parameters).items()}
    real = {name: known.get((case.path, name), value) for name, value in given.items()}
    query = {str(name): _text(value) for name, value in dict(case.query or {}).items()}
    body = None if _is_missing(case.body) else _encoded(case.body)
    path = case.path.removeprefix("/organizations/{orgId}/")
    for values in [given] if real == given else [given, real]:
        address = path.format(**{name: quote(value, safe="") for name, value in values.items()})
        answer = place.api.call(case.method.upper(), address, body, **query)
        sent(f"{case.method.upper()} {address} {query} {body!r}", answer)


def _is_missing(body: Any) -> bool:
    return type(body).__name__ == "NotSet"


def _encoded(body: Any) -> bytes:
    try:
        return exact_json.dumps(body)
    except (TypeError, ValueError, UnicodeError):
        return repr(body).encode("utf-8", "replace")


def _text(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_text(item) for item in value]
    return "true" if value is True else str(value).encode("utf-8", "replace").decode()
