"""What is refused over HTTP itself, and how any error reads for a client.

HttpError(ItcareError)
├── MalformedRequest        BAD_USER_INPUT           400   not a GraphQL request
├── MethodNotAllowed        METHOD_NOT_ALLOWED       405   with Allow
├── NotAcceptable           NOT_ACCEPTABLE           406
├── RequestTooLarge         LIMIT_EXCEEDED           413
└── UnsupportedMediaType    UNSUPPORTED_MEDIA_TYPE   415
"""

import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphql import GraphQLError

from auth.errors import BadUserInput, ItcareError, LimitExceeded
from gateway.telemetry import correlation_id, log_fault

INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"
MASKED = "Internal error. Quote the correlation id when you report it."

Translate = Callable[[BaseException], ItcareError | None]
"""Recognizes an exception of a library as one of our refusals, such as a lost database; None for any other."""


class HttpError(ItcareError):
    """What arrived is no GraphQL request that could be answered; the status holds for every media type."""

    headers: Mapping[str, str] = {}


class MalformedRequest(HttpError):
    """The body or the query string is not a GraphQL request; `argument` names the part."""

    code = BadUserInput.code

    def __init__(self, message: str, *, argument: str) -> None:
        super().__init__(message, argument=argument)


class MethodNotAllowed(HttpError):
    """The method cannot do that; `allow` lists those that can."""

    code = "METHOD_NOT_ALLOWED"
    http_status = 405

    def __init__(self, message: str, *, allow: str) -> None:
        super().__init__(message)
        self.headers = {"Allow": allow}


class NotAcceptable(HttpError):
    """None of our media types is acceptable to the caller."""

    code = "NOT_ACCEPTABLE"
    http_status = 406


class RequestTooLarge(HttpError):
    """The body or the query string has more bytes than allowed; `value` is what was declared, or read until then."""

    code = LimitExceeded.code
    http_status = 413

    def __init__(self, value: int, maximum: int) -> None:
        super().__init__(
            f"The request has more than {maximum:,} bytes.", limit="bodyBytes", value=value, maximum=maximum
        )


class UnsupportedMediaType(HttpError):
    """The body is of a type or an encoding that is not read."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    http_status = 415


@dataclass(frozen=True, slots=True)
class ShownError:
    """An error as a client sees it, and the HTTP status that fits it if it refuses the whole request."""

    body: dict[str, Any]
    status: int
    challenge: str | None = None
    """What `WWW-Authenticate` says of it beside `Bearer`."""

    @property
    def code(self) -> str:
        """Its `extensions.code`."""
        code: str = self.body["extensions"]["code"]
        return code


class ErrorFormatter:
    """Formats GraphQL errors: ours and GraphQL's own as they are, anything else masked and logged.

    `translate` may recognize a library's exceptions, such as a lost connection, as one of ours; they are logged too.
    """

    def __init__(self, translate: Translate = lambda _: None) -> None:
        self._translate = translate

    def show(self, errors: Iterable[GraphQLError]) -> list[ShownError]:
        """Format the errors of one answer; every one has `extensions.code`.

        Of faults that were raised at the same place, as one field of many objects does, one is logged.
        """
        logged: set[object] = set()
        return [self._show(error, logged) for error in errors]

    def _show(self, error: GraphQLError, logged: set[object]) -> ShownError:
        cause = _cause(error)
        if isinstance(cause, ItcareError):
            return _refused(error, cause)
        if error.extensions and "code" in error.extensions:
            return _shown(error, error.message, 400, **error.extensions)
        place = type(cause), *[(frame.f_code, line) for frame, line in traceback.walk_tb(cause.__traceback__)][-1:]
        if place not in logged:
            logged.add(place)
            log_fault(cause)
        refusal = self._translate(cause)
        if refusal is not None:
            return _refused(error, refusal)
        return _shown(error, MASKED, 500, code=INTERNAL_SERVER_ERROR, correlationId=correlation_id.get())


def _cause(error: GraphQLError) -> BaseException:
    """What a resolver raised, below the GraphQL errors that say where."""
    cause: BaseException = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _refused(error: GraphQLError, refusal: ItcareError) -> ShownError:
    shown = _shown(error, refusal.message, refusal.http_status, code=refusal.code, **refusal.extensions)
    return replace(shown, challenge=getattr(refusal, "challenge", None))


def _shown(error: GraphQLError, message: str, status: int, **extensions: object) -> ShownError:
    body: dict[str, Any] = {"message": message}
    if error.locations:
        body["locations"] = [location.formatted for location in error.locations]
    if error.path is not None:
        body["path"] = error.path
    body["extensions"] = extensions
    return ShownError(body, status)
