"""A subscription, whatever carries it: waits for events, and executes the operation for each that means something.

Nothing of the database is held while it waits. Each execution has a context of its own, so that the caller is read
again, and the limits of a request. Nothing is kept for a client: the next event is read when the last one was taken.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter
from typing import Any, Final

from graphql import ExecutionResult, GraphQLError, OperationType

from auth.errors import BadUserInput, ItcareError, OperationTimeout, Unauthenticated
from auth.tokens import Claims
from gateway.context import OpenContext
from gateway.execution import Engine, Prepared, RequestError
from gateway.execution.errors import refusal
from gateway.http.endpoint import LARGE, LARGE_AT_A_TIME
from gateway.http.errors import ErrorFormatter
from gateway.http.requests import GraphQLRequest
from gateway.settings import Limits, Live
from gateway.telemetry import OperationReport, Outcome
from resolvers.context import Caller, Context, Origin
from resolvers.events import Feed, ResumeSeal, Tail, may_see
from resolvers.trace import Trace
from schema.subscription import Stream, Streams, Told

SIGN_IN: Final = "Sign in: this needs an access token."

_log = logging.getLogger("gateway.live")


@dataclass(frozen=True, slots=True)
class Message:
    """One result for the client, and the cursor by which to go on after it, if there is one."""

    body: dict[str, Any]
    cursor: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Subscription:
    """A subscription that was checked and can begin."""

    request: GraphQLRequest
    prepared: Prepared
    stream: Stream
    claims: Claims
    origin: Origin
    objects: int


class Subscriptions:
    """Serves subscriptions; at most `at_once` of them read at the same time, so that requests find connections too."""

    def __init__(
        self,
        engine: Engine,
        open_context: OpenContext,
        limits: Limits,
        live: Live,
        errors: ErrorFormatter,
        streams: Streams,
        tail: Tail,
        seal: ResumeSeal,
        *,
        at_once: int,
        on_operation: Callable[[OperationReport], None] = lambda report: None,
    ) -> None:
        self._engine = engine
        self._open_context = open_context
        self._limits = limits
        self.live = live
        self.errors = errors
        self._streams = streams
        self._tail = tail
        self._seal = seal
        self._large = asyncio.Semaphore(LARGE_AT_A_TIME)
        self._room = asyncio.Semaphore(at_once)
        self._on_operation = on_operation

    def operation_type(self, request: GraphQLRequest) -> OperationType | None:
        """Say what a request is; None if that is not clear."""
        return self._engine.prepare(request.query).operation_type(request.operation_name)

    def subscribe(self, request: GraphQLRequest, claims: Claims | None, origin: Origin) -> Subscription:
        """Check a subscription.

        Raises:
            RequestError: it cannot be executed, or it is no subscription.
        """
        if claims is None:
            raise RequestError(refusal(Unauthenticated(SIGN_IN)))
        prepared = self._engine.prepare(request.query)
        operation = self._engine.bind(prepared, request.operation_name, request.variables)
        if operation.subscription is None:
            raise RequestError(
                refusal(BadUserInput("Only subscriptions are served here: send this with POST.", argument="query"))
            )
        try:
            stream = self._streams(*operation.subscription)
        except ItcareError as error:
            raise RequestError(refusal(error)) from error
        return Subscription(request, prepared, stream, claims, origin, operation.objects)

    async def messages(self, subscription: Subscription) -> AsyncGenerator[Message]:
        """Give results as they come, until the subscription is complete.

        Raises:
            ItcareError: it cannot go on; what was given already stands.
        """
        stream = subscription.stream
        feed = Feed(
            self._seal,
            subscription.claims.subject,
            stream.wanted,
            retention=timedelta(days=self.live.retention_days),
            most_behind=self.live.most_behind,
        )
        with self._tail.follow() as follower:
            async with self._opened(subscription) as (context, caller):
                await feed.begin(caller.loaders.snapshot, caller.principal, stream.after)
                follower.stand_at(feed.positions)
                told = await stream.begin(caller)
                body = None if told is None else await self._execute(subscription, context, told)
            if told is not None and body is not None:
                yield Message(body)
                if told.is_last:
                    return
            is_behind = stream.after is not None
            while True:
                if not is_behind:
                    await follower.wait(self.live.recheck_seconds)
                async with self._opened(subscription) as (context, caller):
                    batch = await feed.read(caller.loaders.snapshot, caller.principal)
                for event in feed.through(batch):
                    cursor, body = feed.cursor, None
                    async with self._opened(subscription) as (context, caller):
                        # As they are now: what was read a moment ago may not be theirs any more.
                        told = await stream.tell(caller, event, cursor) if may_see(caller.principal, event) else None
                        if told is not None:
                            body = await self._execute(subscription, context, told)
                    if told is not None and body is not None:
                        yield Message(body, cursor)
                        if told.is_last:
                            return
                follower.stand_at(feed.positions)
                is_behind = any(batch.heads[of] > seq for of, seq in feed.positions.items())

    @asynccontextmanager
    async def _opened(self, subscription: Subscription) -> AsyncIterator[tuple[Context, Caller]]:
        trace = Trace()
        async with self._room:
            try:
                async with (
                    asyncio.timeout(self._limits.seconds) as limit,
                    self._turn(subscription.objects),
                    self._open_context(subscription.claims, trace, subscription.origin) as context,
                ):
                    yield context, context.authenticated
            except TimeoutError:
                if limit.expired():
                    raise OperationTimeout(self._limits.seconds) from None
                raise

    def _turn(self, objects: int) -> AbstractAsyncContextManager[None]:
        return self._large if objects > LARGE else self._engine.turns

    async def _execute(self, subscription: Subscription, context: Context, told: Told) -> dict[str, Any]:
        request, started = subscription.request, perf_counter()
        operation = self._engine.bind(subscription.prepared, request.operation_name, request.variables)
        result = await self._engine.execute(operation, context, told.value)
        outcome = Outcome.OK if result.errors is None else Outcome.ERRORS
        seconds = perf_counter() - started
        self._on_operation(
            OperationReport(OperationType.SUBSCRIPTION.value, outcome, seconds, operation.objects, Trace())
        )
        return self._body(result)

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """Give a client so long to take a message; raises TimeoutError, and logs it."""
        limit = asyncio.timeout(self.live.send_seconds)
        try:
            async with limit:
                yield
        finally:
            if limit.expired():
                _log.info("A subscriber was too slow to take a message")

    def show(self, error: Exception, cursor: str | None = None) -> list[dict[str, Any]]:
        """Show clients what refused or ended a subscription, with the cursor by which to go on if there is one."""
        errors = error.errors if isinstance(error, RequestError) else [GraphQLError("", original_error=error)]
        shown = [shown.body for shown in self.errors.show(errors)]
        if cursor is not None:
            for body in shown:
                body["extensions"].setdefault("cursor", cursor)
        return shown

    def _body(self, result: ExecutionResult) -> dict[str, Any]:
        if result.errors is None:
            return {"data": result.data}
        return {"data": result.data, "errors": [error.body for error in self.errors.show(result.errors)]}
