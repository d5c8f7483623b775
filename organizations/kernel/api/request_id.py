"""Every request has an id that its answer, its log lines and its audit entries carry (B1.9)."""

import contextvars
import json
import logging
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from organizations.kernel.api import access_log

HEADER = "X-Request-Id"
_current: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")
_meta: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("meta", default=None)


def current() -> str:
    """Return the id of the request being answered, or an empty text outside of one."""
    return _current.get()


def address() -> str | None:
    """Return the client's address of the request being answered, None outside of one."""
    # Looked up when asked: behind trusted proxies the transport corrects it first.
    return (_meta.get() or {}).get("REMOTE_ADDR") or None


class RequestIdMiddleware:
    """Takes the client's id when it is printable and short, makes one otherwise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        sent = request.META.get("HTTP_X_REQUEST_ID", "")
        usable = 0 < len(sent) <= 100 and sent.isascii() and sent.isprintable()
        token = _current.set(sent if usable else uuid.uuid4().hex)
        called_from = _meta.set(request.META)
        try:
            response = self.get_response(request)
            response[HEADER] = _current.get()
            if settings.ACCESS_LOG:
                access_log.write(request, response, time.perf_counter() - started)
            return response
        finally:
            _current.reset(token)
            _meta.reset(called_from)


class RequestIdFilter(logging.Filter):
    """Puts the request id on every log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Never drops a record."""
        record.request_id = current()
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, request id, ``about``, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := getattr(record, "request_id", ""):
            line["requestId"] = request_id
        if about := getattr(record, "about", None):
            line |= about
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
