"""Requests made by schemathesis out of an OpenAPI document, right ones and wrong ones.

The document is our own or the public contract; rows are addressed as our routes know them.
"""

import re
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable

from organizations.kernel import exact_json
from tests.clients import ApiAnswer
from tests.contract import documents
from tests.contract.inhabited import Inhabited
from tests.contract.routes import PLAIN_PARAMETERS, model_of

SEED = 20_261_122
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
Sent = Callable[[tuple[str, str], str, ApiAnswer], None]


def send_all(
    place: Inhabited,
    *,
    examples: int,
    sent: Sent,
    document: Mapping[str, Any] | None = None,
    tags: Collection[str] = (),
) -> None:
    """Send ``examples`` right and as many wrong requests to each operation.

    Each goes to the address as generated and to one of rows that exist. ``sent`` is told which
    operation it was, what was sent and the answer. With ``tags``, only to their operations.
    """
    known = dict(_real_ids(place))
    loaded = schemathesis.openapi.from_dict(dict(document or documents.ours()))
    for result in loaded.get_all_operations():
        operation = result.ok()
        if not operation.path.startswith("/organizations/{orgId}/"):
            continue
        if tags and not set(tags) & set(operation.definition.raw.get("tags", ())):
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
        except (schemathesis.errors.SchemathesisError, Unsatisfiable):
            return  # an operation without parameters and body cannot be asked wrongly


def _real_ids(place: Inhabited) -> Iterator[tuple[tuple[str, int], str]]:
    """Yield a real id for each parameter, by the shape of the address and its place in it."""
    for _, route, operation in documents.our_operations():
        shape = documents.shape(operation.name.split(" ")[1])
        for position, name in enumerate(route.parameters):
            found = [PLAIN_PARAMETERS[name]] if name in PLAIN_PARAMETERS else []
            found = found or place.ids(model_of(route, name))
            yield (shape, position), next(iter(found), "none")


def _send(place: Inhabited, case: Any, known: dict[tuple[str, int], str], sent: Sent) -> None:
    given = {name: str(value) for name, value in dict(case.path_parameters).items()}
    names = re.findall(r"\{(\w+)\}", case.path)[1:]  # the first is the organization
    shape = documents.shape(case.path)
    real = {**given, **{name: known.get((shape, n), given[name]) for n, name in enumerate(names)}}
    query = {str(name): _text(value) for name, value in dict(case.query or {}).items()}
    body = None if _is_missing(case.body) else _encoded(case.body)
    path = case.path.removeprefix("/organizations/{orgId}/")
    verb = case.method.upper()
    for values in [given] if real == given else [given, real]:
        address = path.format(**{name: quote(value, safe="") for name, value in values.items()})
        answer = place.api.call(verb, address, body, **query)
        sent((verb, path), f"{verb} {address} {query} {body!r}", answer)


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
