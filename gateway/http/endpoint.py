"""GraphQL over HTTP, as https://graphql.github.io/graphql-over-http/draft/ has it.

A request is refused as early as it can be:

    media types, method, body    HttpError, a 4xx for every media type
    token                        UNAUTHENTICATED
    document                     GRAPHQL_PARSE_FAILED, GRAPHQL_VALIDATION_FAILED, LIMIT_EXCEEDED
    fields without a token       UNAUTHENTICATED
    operation and variables      OPERATION_RESOLUTION_FAILURE, BAD_USER_INPUT, LIMIT_EXCEEDED

Only what has passed all of it opens a context, and with it a database transaction. Where not said otherwise, a refusal
is a 4xx as `application/graphql-response+json` and a 200 as `application/json`; a fault of ours is a 5xx as either.
None of them has `data`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

import orjson
from graphql import ExecutionResult, GraphQLError, OperationDefinitionNode, OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from auth.errors import BadUserInput, OperationTimeout, ServiceUnavailable, Unauthenticated
from auth.tokens import Claims, TokenVerifier
from gateway.execution import Engine, Operation, Prepared, RequestError
from gateway.execution.errors import refusal
from gateway.http.authentication import claims_of
from gateway.http.client_address import address_of
from gateway.http.encoding import encode
from gateway.http.errors import ErrorFormatter, HttpError, MethodNotAllowed, NotAcceptable, ShownError
from gateway.http.negotiation import JSON, negotiate
from gateway.http.requests import GraphQLRequest, read_request
from gateway.settings import Limits
from gateway.telemetry import UNKNOWN, OperationReport, Outcome, correlation_id
from resolvers.context import Origin
from resolvers.trace import Trace


class OpenContext(Protocol):
    """Opens what the resolvers of one operation need, for this caller, and closes it when the result is complete."""

    def __call__(self, claims: Claims | None, trace: Trace, origin: Origin) -> AbstractAsyncContextManager[object]:
        """Give it, for use in `async with`."""
        ...


Guard = Callable[[Any, str, Mapping[str, Any]], Awaitable[None]]
"""Decides on a mutation before it is executed: its context, its field, its arguments; raises what refuses it."""

PUBLIC_FIELDS = frozenset({"__typename", "viewer"})
"""The root fields that a caller without a token may select; `viewer` is null for them."""

LARGE = 1000
"""From how many objects on an operation is large."""
LARGE_AT_A_TIME = 2
"""One is read by the database while the other is put together."""

# A result that is null because of these alone is no result: the request is refused, as if that had been seen at once.
_REFUSING = frozenset({BadUserInput.code, ServiceUnavailable.code})


@dataclass(slots=True)
class _Exchange:
    """One request while it is answered, and what is found out about it."""

    request: Request
    started: float
    media_type: str = JSON
    type: str = UNKNOWN
    outcome: Outcome = Outcome.FAILED
    objects: int | None = None
    trace: Trace = field(default_factory=Trace)

    @property
    def origin(self) -> Origin:
        """Where the request comes from."""
        request_id = correlation_id.get()
        return Origin(address_of(self.request), None if request_id == "-" else request_id)

    @property
    def wants_trace(self) -> bool:
        return self.request.headers.get("x-trace") == "1"


class GraphQLEndpoint:
    """The ASGI application at `/graphql`.

    A request with `X-Trace: 1` is answered with `extensions.cost {objects, maximum}`, which follows from the request
    alone, and if `show_trace`, for demos and debugging, with `extensions.trace {sqlStatements, dbMs, totalMs}`.
    `on_operation` is told of every operation when its answer is complete, `on_refused_mutation` of mutations that came
    as far as being one and no further: whose token it was, if it was one, the code, and where it came from.
    """

    def __init__(
        self,
        engine: Engine,
        tokens: TokenVerifier,
        open_context: OpenContext,
        limits: Limits,
        errors: ErrorFormatter,
        guard: Guard,
        *,
        show_trace: bool = False,
        on_operation: Callable[[OperationReport], None] = lambda report: None,
        on_refused_mutation: Callable[[Claims | None, str, Origin], None] = lambda claims, code, origin: None,
    ) -> None:
        self._engine = engine
        self._tokens = tokens
        self._open_context = open_context
        self._limits = limits
        self._errors = errors
        self._guard = guard
        self._show_trace = show_trace
        self._large = asyncio.Semaphore(LARGE_AT_A_TIME)
        self._on_operation = on_operation
        self._on_refused_mutation = on_refused_mutation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = _Exchange(Request(scope, receive), perf_counter())
        try:
            response = await self._answer(exchange)
        except ClientDisconnect:
            return
        seconds = perf_counter() - exchange.started
        self._on_operation(OperationReport(exchange.type, exchange.outcome, seconds, exchange.objects, exchange.trace))
        await response(scope, receive, send)

    async def _answer(self, exchange: _Exchange) -> Response:
        try:
            exchange.media_type = negotiate(exchange.request.headers)
            request = await read_request(exchange.request, self._limits.body_bytes)
            return await self._respond(exchange, await self._execute(exchange, request))
        except ClientDisconnect:
            raise
        except HttpError as error:
            exchange.outcome = Outcome.REFUSED
            (shown,) = self._errors.show([refusal(error)])
            return _response(exchange, {"errors": [shown.body]}, error.http_status, error.headers)
        except RequestError as error:
            return self._refuse(exchange, self._errors.show(error.errors))
        except Exception as error:  # noqa: BLE001  # one of our refusals, or a fault: then it is masked and logged
            return self._refuse(exchange, self._errors.show([GraphQLError("", original_error=error)]))

    async def _execute(self, exchange: _Exchange, request: GraphQLRequest) -> ExecutionResult:
        claims: Claims | None = None
        try:
            claims = claims_of(exchange.request.headers, self._tokens)
            return await self._execute_as(claims, exchange, request)
        except RequestError as error:
            self._tell_of_refusal(exchange, claims, self._errors.show(error.errors[:1])[0].code)
            raise
        except Unauthenticated as error:
            if exchange.type == UNKNOWN:
                # The token was looked at first: what was sent with it has not been read yet.
                self._read(exchange, request, anonymous=True)
            self._tell_of_refusal(exchange, claims, error.code)
            raise

    def _read(self, exchange: _Exchange, request: GraphQLRequest, *, anonymous: bool) -> Prepared:
        prepared = self._engine.prepare(request.query, hide_suggestions=anonymous)
        type_ = prepared.operation_type(request.operation_name)
        exchange.type = type_.value if type_ else UNKNOWN
        return prepared

    def _tell_of_refusal(self, exchange: _Exchange, claims: Claims | None, code: str) -> None:
        if exchange.type == OperationType.MUTATION.value:
            self._on_refused_mutation(claims, code, exchange.origin)

    async def _execute_as(self, claims: Claims | None, exchange: _Exchange, request: GraphQLRequest) -> ExecutionResult:
        anonymous = claims is None
        prepared = self._read(exchange, request, anonymous=anonymous)
        if exchange.request.method == "GET":
            _require_query(exchange.type)
        if anonymous and not prepared.errors:
            _require_public(prepared, prepared.operation(request.operation_name))
        operation = self._engine.bind(prepared, request.operation_name, request.variables, hide_suggestions=anonymous)
        if operation.subscription is not None:
            raise NotAcceptable("Subscriptions are answered as text/event-stream, or over a WebSocket.")
        exchange.objects = operation.objects
        return await self._run(operation, claims, exchange)

    def _turn(self, operation: Operation) -> AbstractAsyncContextManager[None]:
        """Let large operations run a few at a time: side by side they end no sooner, and hold all that they read."""
        return self._large if operation.objects > LARGE else self._engine.turns

    async def _run(self, operation: Operation, claims: Claims | None, exchange: _Exchange) -> ExecutionResult:
        try:
            async with (
                asyncio.timeout(self._limits.seconds) as limit,
                self._turn(operation),
                self._open_context(claims, exchange.trace, exchange.origin) as context,
            ):
                if operation.mutation is not None:
                    await self._guard(context, *operation.mutation)
                return await self._engine.execute(operation, context)
        except Exception:
            if limit.expired():
                raise OperationTimeout(self._limits.seconds) from None
            raise

    async def _respond(self, exchange: _Exchange, result: ExecutionResult) -> Response:
        if result.errors is None:
            exchange.outcome = Outcome.OK
            content = {"data": result.data, **self._extensions(exchange)}
            return _json_response(exchange, await encode(content, exchange.objects or 0, self._engine.turns.take))
        shown = self._errors.show(result.errors)
        if result.data is None and {error.code for error in shown} <= _REFUSING:
            return self._refuse(exchange, shown)
        exchange.outcome = Outcome.ERRORS
        errors = [error.body for error in shown]
        content = {"data": result.data, "errors": errors, **self._extensions(exchange)}
        return _json_response(exchange, await encode(content, exchange.objects or 0, self._engine.turns.take))

    def _refuse(self, exchange: _Exchange, shown: list[ShownError]) -> Response:
        status = max(error.status for error in shown)
        exchange.outcome = Outcome.REFUSED if status < 500 else Outcome.FAILED
        if exchange.media_type == JSON and status < 500:
            status = 200
        headers = {}
        if status == Unauthenticated.http_status:
            headers["WWW-Authenticate"] = next((error.challenge for error in shown if error.challenge), "Bearer")
        errors = [error.body for error in shown]
        return _response(exchange, {"errors": errors, **self._extensions(exchange)}, status, headers)

    def _extensions(self, exchange: _Exchange) -> dict[str, Any]:
        if exchange.objects is None or not exchange.wants_trace:
            return {}
        extensions: dict[str, Any] = {"cost": {"objects": exchange.objects, "maximum": self._limits.objects}}
        if self._show_trace:
            extensions["trace"] = {
                "sqlStatements": exchange.trace.sql_statements,
                "dbMs": _milliseconds(exchange.trace.db_seconds),
                "totalMs": _milliseconds(perf_counter() - exchange.started),
            }
        return {"extensions": extensions}


def _require_query(operation_type: str) -> None:
    # Also of a document with errors: how it was sent is what is wrong first.
    if operation_type == OperationType.MUTATION.value:
        raise MethodNotAllowed("GET executes queries only: send this with POST.", allow="POST")


def _require_public(prepared: Prepared, operation: OperationDefinitionNode) -> None:
    selected = {field.name.value for field in prepared.root_fields(operation)}
    if operation.operation is not OperationType.QUERY or not selected <= PUBLIC_FIELDS:
        raise Unauthenticated("Sign in: this needs an access token.")


def _response(
    exchange: _Exchange, content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return _json_response(exchange, orjson.dumps(content), status, headers)


def _json_response(
    exchange: _Exchange, content: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        content,
        status,
        {"Cache-Control": "no-store", "Content-Type": f"{exchange.media_type}; charset=utf-8", **(headers or {})},
    )


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
