"""Traces by OpenTelemetry, when ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set; else nothing is imported.

Requests, tasks, queries and calls to systems outside are spans, sent in the background as OTLP over
HTTP. A collector that is away or slow costs nothing but its spans. What leaves the house is a list
of names that are known to hold no secret and nobody's data. Addresses, messages of errors and
literals in SQL stay here: the address of a webhook is a secret, and so is one that signs somebody
in.
"""

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
FLUSH_MILLISECONDS = 2000
SENT = frozenset({
    "billwright.request_id", "db.name", "db.namespace", "db.operation", "db.operation.name",
    "db.query.text", "db.statement", "db.system", "db.system.name", "error.type", "http.flavor",
    "http.method", "http.request.method", "http.response.status_code", "http.route",
    "http.scheme", "http.status_code", "network.protocol.version", "url.scheme",
})  # fmt: skip
SENT_OF_FAMILIES = ("celery.", "messaging.")
# Whom we call is known by its host; who calls us is nobody's business.
SENT_OF_CALLS = frozenset({"net.peer.name", "net.peer.port", "server.address", "server.port"})
STATEMENTS = frozenset({"db.statement", "db.query.text"})
LITERAL = re.compile(r"'(?:[^']|'')*'")

_provider: "TracerProvider | None" = None


def is_wanted() -> bool:
    """Return whether traces are to be sent."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if os.environ.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower() == "none":
        return False
    return any(os.environ.get(name, "").strip() for name in ENDPOINTS)


def start(program: str) -> None:
    """Begin to trace this process, once; before Django makes its middleware and connects."""
    global _provider
    if _provider is not None or not is_wanted():
        return
    from opentelemetry import propagate, trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
    from opentelemetry.instrumentation.requests import RequestsInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    from config.discreet import DiscreetExporter

    name = os.environ.get("OTEL_SERVICE_NAME") or f"billwright-{program}"
    _provider = TracerProvider(resource=Resource.create({"service.name": name}))
    _provider.add_span_processor(BatchSpanProcessor(DiscreetExporter(OTLPSpanExporter())))
    trace.set_tracer_provider(_provider)
    # The ids of a trace go along with a call, and nothing else does.
    propagate.set_global_textmap(TraceContextTextMapPropagator())
    DjangoInstrumentor().instrument(response_hook=_note_request)
    CeleryInstrumentor().instrument()
    PsycopgInstrumentor().instrument(capture_parameters=False)
    RequestsInstrumentor().instrument()


def flush() -> None:
    """Send what is not sent yet; for processes that end without saying so."""
    if _provider is not None:
        _provider.force_flush(FLUSH_MILLISECONDS)


def kept(attributes: Mapping[str, Any], *, is_call: bool) -> dict[str, Any]:
    """Return the attributes of a span that may leave the house."""
    found = {}
    for name, value in attributes.items():
        if name in STATEMENTS:
            found[name] = LITERAL.sub("?", str(value))
        elif (
            name in SENT or name.startswith(SENT_OF_FAMILIES) or (is_call and name in SENT_OF_CALLS)
        ):
            found[name] = value
    return found


def _note_request(span: Any, _request: Any, response: Any) -> None:
    """Let a line of the log be found from its trace."""
    if span is not None and span.is_recording():
        span.set_attribute("billwright.request_id", response.headers.get("X-Request-Id", ""))


def discreet(span: "ReadableSpan") -> "ReadableSpan":
    """Return a span without what must not leave the house."""
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import SpanKind, Status

    is_call = span.kind in (SpanKind.CLIENT, SpanKind.PRODUCER)
    events: Sequence[Event] = [
        Event(
            event.name,
            {name: value for name, value in (event.attributes or {}).items()
             if name == "exception.type"},
            event.timestamp,
        )
        for event in span.events
    ]  # fmt: skip
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=kept(span.attributes or {}, is_call=is_call),
        events=events,
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
