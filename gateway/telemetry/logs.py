"""Structured logs, each line with the correlation id of its request.

A log never holds what callers sent or read: no query text, no variable, no header. Of an exception it has the types and
the places it passed through, never the message: messages quote values.
"""

import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from time import perf_counter
from urllib.parse import quote
from uuid import uuid4

import orjson
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CORRELATION_HEADER = "X-Correlation-Id"

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="-")
"""The id of the request that is being answered; "-" outside of one."""

_requests = logging.getLogger("gateway.requests")
_faults = logging.getLogger("gateway.faults")


class TextFormatter(logging.Formatter):
    """One line of text per record: time in UTC, level, logger, correlation id, message, fields; then any traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = [f"{name}={value}" for name, value in _fields(record).items()]
        line = " ".join([time, record.levelname, record.name, correlation_id.get(), record.getMessage(), *fields])
        return "\n".join([line, *_places(record)])


class JsonFormatter(logging.Formatter):
    """One JSON object per record, with the same content."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        content: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "correlationId": correlation_id.get(),
            "message": record.getMessage(),
            **_fields(record),
        }
        places = _places(record)
        if places:
            content["traceback"] = places
        return orjson.dumps(content, default=str).decode()


def configure_logging(*, as_json: bool) -> None:
    """Send the logs of the whole process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # It would write every URL that is called, and what is in them.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def log_fault(error: BaseException) -> None:
    """Write down a fault of ours, with where it came from, under the correlation id."""
    _faults.error("Fault", exc_info=error)


class RequestLog:
    """Gives every request a correlation id, answers it in `X-Correlation-Id`, and logs one line when it ends.

    `on_request` is told the status too, None if there was no answer.
    """

    def __init__(self, app: ASGIApp, on_request: Callable[[int | None], None]) -> None:
        self._app = app
        self._on_request = on_request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Ours, never the caller's: what a caller sends could forge lines or hide among another's.
        request_id = uuid4().hex
        token = correlation_id.set(request_id)
        started = perf_counter()
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[CORRELATION_HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            fields = {
                "method": scope["method"],
                # Without the query string, which holds documents and variables; quoted, so that a line stays a line.
                "path": quote(scope["path"]),
                "status": status,
                "ms": round((perf_counter() - started) * 1000, 1),
            }
            _requests.info("Request", extra={"fields": fields})
            self._on_request(status)
            correlation_id.reset(token)


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    fields: Mapping[str, object] = getattr(record, "fields", {})
    return fields


def _places(record: logging.LogRecord) -> list[str]:
    """Tell where an exception came from, causes first, in lines."""
    error = record.exc_info[1] if record.exc_info else None
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines: list[str] = []
    for link in reversed(chain):
        lines += "".join(traceback.format_tb(link.__traceback__)).splitlines()
        lines.append(f"{type(link).__module__}.{type(link).__qualname__}")
    return lines
