"""Counts and times for Prometheus.

No label has a value that a caller chooses: they could make as many series as they like, and read what others ask for.
"""

from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.telemetry.observing import UNKNOWN, Observer, OperationReport, Outcome

_TYPES: Final = ("query", "mutation", "subscription", UNKNOWN)
_STATUS_CLASSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx")
_NO_ANSWER: Final = "none"
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_OBJECTS: Final = (1, 10, 100, 1000, 2000, 5000, 10_000, 20_000)
_STATEMENTS: Final = (0, 1, 2, 3, 4, 5, 6, 8, 12, 16, 32)


class Metrics(Observer):
    """The metrics of one application, in a registry of its own."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        operations = Counter(
            "itcare_operations",
            "GraphQL operations, by type and by how they ended.",
            ["type", "outcome"],
            registry=registry,
        )
        seconds = Histogram(
            "itcare_operation_seconds",
            "Time from the request to its answer.",
            ["type"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._objects = Histogram(
            "itcare_operation_objects",
            "Objects that an operation asks for, from its page sizes.",
            buckets=_OBJECTS,
            registry=registry,
        )
        self._statements = Histogram(
            "itcare_operation_sql_statements", "SQL statements of an operation.", buckets=_STATEMENTS, registry=registry
        )
        self._database_seconds = Histogram(
            "itcare_operation_database_seconds",
            "Time that an operation waits for its SQL statements.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._fallbacks = Counter(
            "itcare_executor_fallbacks",
            "Operations that were executed field by field, by the reason.",
            ["reason"],
            registry=registry,
        )
        requests = Counter(
            "itcare_http_requests", "Requests, by the class of their status.", ["status"], registry=registry
        )
        # Looked up once: finding a series by its labels costs more than counting.
        self._operations = {(type_, end): operations.labels(type_, end) for type_ in _TYPES for end in Outcome}
        self._seconds = {type_: seconds.labels(type_) for type_ in _TYPES}
        self._requests = {status: requests.labels(status) for status in (*_STATUS_CLASSES, _NO_ANSWER)}

    def operation_ended(self, report: OperationReport) -> None:
        """Count an operation."""
        self._operations[report.type, report.outcome].inc()
        self._seconds[report.type].observe(report.seconds)
        if report.objects is not None:
            self._objects.observe(report.objects)
            self._statements.observe(report.trace.sql_statements)
            self._database_seconds.observe(report.trace.db_seconds)

    def fell_back(self, reason: str) -> None:
        """Count an operation that was not executed breadth first."""
        self._fallbacks.labels(reason).inc()

    def request_ended(self, status: int | None) -> None:
        """Count a request."""
        self._requests[_NO_ANSWER if status is None else f"{status // 100}xx"].inc()

    def routes(self) -> list[Route]:
        """Route `/metrics`."""

        async def metrics(_: Request) -> Response:
            return Response(generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

        return [Route("/metrics", metrics)]
