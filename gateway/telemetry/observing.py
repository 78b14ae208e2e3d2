"""What there is to hear of: operations, and requests of any kind."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from starlette.routing import Route

from resolvers.trace import Trace

UNKNOWN: Final = "unknown"
"""The type of an operation that was refused before it could be told."""


class Outcome(StrEnum):
    """How an operation ended."""

    OK = "ok"
    ERRORS = "errors"
    """It has a result, and errors beside it."""
    REFUSED = "refused"
    """It has no result, and the caller can do something about that."""
    FAILED = "failed"
    """It has no result, and the caller can do nothing about that."""


@dataclass(frozen=True, slots=True)
class OperationReport:
    """What one operation was and how it ended; `objects` is None if it was refused before these were counted."""

    type: str
    outcome: Outcome
    seconds: float
    objects: int | None
    trace: Trace


class Observer:
    """Hears what happens, and by itself makes nothing of it."""

    def operation_ended(self, report: OperationReport) -> None:
        """Hear of an operation whose answer is complete."""

    def fell_back(self, reason: str) -> None:
        """Hear of an operation that was not executed breadth first; the executor's reasons are few and fixed."""

    def request_ended(self, status: int | None) -> None:
        """Hear of a request and the status of its answer; None if there was none."""

    def routes(self) -> list[Route]:
        """The routes that show what was made of it."""
        return []
