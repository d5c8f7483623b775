"""Traces: off nothing is imported; on, spans of web and worker arrive and say no secrets."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from config import tracing
from organizations.kernel import clock
from tests.factories import make_organization
from tests.integrations.fakes.serving import Answered, Asked, serving
from tests.integrations.receiving import make_destination, make_event, receiving
from tests.integrations.test_worker import ROOT, Sender, database_url, wait_until

SERVER, CLIENT, CONSUMER = 2, 3, 5
WEB = """
import io, sys
from config import wsgi, tracing
environ = {
    "REQUEST_METHOD": "GET", "PATH_INFO": "/admin/login/", "QUERY_STRING": "token=planted-in-query",
    "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "REMOTE_ADDR": "192.0.2.77",
    "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr,
    "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "127.0.0.1",
    "HTTP_COOKIE": "sessionid=planted-in-cookie",
    "HTTP_TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}
answer = wsgi.application(environ, lambda *_words: None)
print(answer.status_code, "config.discreet" in sys.modules,
      any(name.startswith("opentelemetry.instrumentation") for name in sys.modules))
tracing.flush()
"""


class Collector:
    """Keeps the spans that arrive, with the service they are of."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        self.raw = b""

    def answer(self, asked: Asked) -> Answered:
        assert (asked.method, asked.path) == ("POST", "/v1/traces")
        body = ExportTraceServiceRequest.FromString(asked.body)
        self.raw += asked.body
        for resource in body.resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [(named["service.name"], span) for span in scope.spans]
        return Answered(200, b"", {"Content-Type": "application/x-protobuf"})

    def of(self, kind: int) -> list[Any]:
        return [span for _, span in self.spans if span.kind == kind]


@pytest.fixture
def collector() -> Iterator[tuple[Collector, dict[str, str]]]:
    found = Collector()
    with serving(found.answer) as address:
        yield found, {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_BSP_SCHEDULE_DELAY": "100"}


def run_web(**environ: str) -> str:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", WEB], cwd=ROOT, check=True,
        env={**kept, "DATABASE_URL": database_url(), **environ},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return done.stdout.strip()


def attributes(span: Any) -> dict[str, str]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


@pytest.mark.kill
@pytest.mark.django_db
@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_off_nothing_of_it_is_imported(environ):
    assert run_web(**environ).split()[1:] == ["False", "False"]


@pytest.mark.kill
@pytest.mark.django_db
def test_a_request_is_a_span_of_its_callers_trace_with_its_queries_and_no_secret(collector):
    found, environ = collector

    assert run_web(**environ).split()[1:] == ["True", "True"]

    (request,) = found.of(SERVER)
    said = attributes(request)
    assert request.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert said["http.route"] == "admin/login/"
    assert said["billwright.request_id"]
    queries = [span for span in found.of(CLIENT) if "db.statement" in attributes(span)]
    assert queries and all(span.trace_id == request.trace_id for span in queries)
    assert {service for service, _ in found.spans} == {"billwright-web"}
    assert b"planted" not in found.raw and b"192.0.2.77" not in found.raw


@pytest.mark.kill
@pytest.mark.django_db
def test_a_collector_that_is_away_harms_no_request():
    assert run_web(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1").startswith("200")


@pytest.mark.kill
@pytest.mark.django_db(transaction=True)
def test_a_delivery_is_a_task_with_its_call_and_the_address_stays_here(collector):
    found, environ = collector
    sender = Sender(**environ)
    try:
        organization = make_organization()
        with receiving() as receiver:
            make_destination(organization, f"{receiver.url}/planted-in-path?key=planted-in-query")
            make_event(organization, at=clock.now())
            wait_until(lambda: receiver.requests, sweeping=True)
            wait_until(lambda: _deliveries(found) and _calls(found))
    finally:
        sender.kill()
    connection.close()

    (task, *_), (call, *_) = _deliveries(found), _calls(found)
    assert call.trace_id == task.trace_id
    assert {service for service, _ in found.spans} == {"billwright-sender"}
    assert b"planted-in-path" not in found.raw and b"planted-in-query" not in found.raw
    assert organization.name.encode() not in found.raw


def _deliveries(found: Collector) -> list[Any]:
    return [span for span in found.of(CONSUMER) if span.name == "run/integrations.deliver"]


def _calls(found: Collector) -> list[Any]:
    return [span for span in found.of(CLIENT) if attributes(span).get("http.method") == "POST"]


def test_only_known_names_leave_and_literals_do_not():
    given = {
        "http.url": "https://hooks.example/secret",
        "http.target": "/invitation/token",
        "url.full": "https://hooks.example/secret",
        "http.client_ip": "192.0.2.1",
        "net.peer.name": "hooks.example",
        "http.method": "POST",
        "db.statement": "SELECT set_config('a', 'it''s a secret', true) WHERE x = %s",
        "celery.action": "run",
        "anything.new": "unknown",
    }

    said = tracing.kept(given, is_call=True)

    assert said == {
        "net.peer.name": "hooks.example",
        "http.method": "POST",
        "db.statement": "SELECT set_config(?, ?, true) WHERE x = %s",
        "celery.action": "run",
    }
    assert "net.peer.name" not in tracing.kept(given, is_call=False)


def test_of_an_error_only_its_kind_leaves():
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from config.discreet import DiscreetExporter

    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(DiscreetExporter(kept)))
    tracer = provider.get_tracer("test")
    with pytest.raises(ValueError), tracer.start_as_current_span("work"):
        raise ValueError("Acme owes 12.30")

    (span,) = kept.get_finished_spans()
    (event,) = span.events
    assert dict(event.attributes or {}) == {"exception.type": "ValueError"}
    assert "Acme" not in span.to_json()
