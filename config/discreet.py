"""The exporter that sends spans on without what must not leave the house (see ``tracing``)."""

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from config.tracing import discreet


class DiscreetExporter(SpanExporter):
    """Wraps another exporter."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans without what they should not say."""
        return self._inner.export([discreet(span) for span in spans])

    def shutdown(self) -> None:
        """End the other one."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have the other one send what it holds."""
        return self._inner.force_flush(timeout_millis)
