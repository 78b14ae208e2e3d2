"""Subscriptions as server-sent events: GraphQL over SSE, distinct connections.

A GET or POST that accepts `text/event-stream` is answered with one stream of one operation:

    event: next             a result
    data: {"data": …}

    event: complete         there are no more

What ends a subscription early comes as a last `next` with `errors`, whose `extensions.cursor` says where to go on. What
is wrong with the request over HTTP, or its token, is answered without a stream. Queries and mutations are answered as
JSON, or as a stream of one result to whoever accepts nothing else.
"""

import asyncio
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from graphql import OperationType
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth.errors import Unauthenticated
from auth.tokens import TokenVerifier
from gateway.http.authentication import claims_of
from gateway.http.client_address import address_of
from gateway.http.errors import HttpError
from gateway.http.negotiation import JSON, accepts_event_stream, accepts_json
from gateway.http.requests import read_request
from gateway.http.subscribing import Subscription, Subscriptions
from gateway.telemetry import correlation_id
from resolvers.context import Origin
from resolvers.events import FellBehind

HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]
KEEP_ALIVE: Final = b":\n\n"
COMPLETE: Final = b"event: complete\ndata:\n\n"
EXPIRED: Final = "The access token has expired. Go on with a new one, after the cursor."
LAST_WORD_SECONDS: Final = 1.0
"""How long somebody who was too slow may take for being told so."""


def next_event(body: dict[str, Any]) -> bytes:
    """Write a result as an event; JSON has no line break of its own."""
    return b"event: next\ndata: " + orjson.dumps(body) + b"\n\n"


class EventStreams:
    """The ASGI application at `/graphql`: streams where they are asked for, everything else is the endpoint's."""

    def __init__(
        self, endpoint: ASGIApp, subscriptions: Subscriptions, tokens: TokenVerifier, *, max_bytes: int
    ) -> None:
        self._endpoint = endpoint
        self._subscriptions = subscriptions
        self._tokens = tokens
        self._max_bytes = max_bytes
        self._open: set[_Stream] = set()

    def end(self) -> None:
        """End every stream: the process stops, and clients go on elsewhere."""
        for stream in list(self._open):
            stream.end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        if not accepts_event_stream(headers):
            await self._endpoint(scope, receive, send)
            return
        read: list[Message] = []

        async def receive_and_keep() -> Message:
            message = await receive()
            read.append(message)
            return message

        async def receive_again() -> Message:
            return read.pop(0) if read else await receive()

        try:
            request = await read_request(Request(scope, receive_and_keep), self._max_bytes)
            type_ = self._subscriptions.operation_type(request)
            if type_ is OperationType.SUBSCRIPTION:
                claims = claims_of(headers, self._tokens)
                request_id = correlation_id.get()
                origin = Origin(address_of(HTTPConnection(scope)), None if request_id == "-" else request_id)
                subscription = self._subscriptions.subscribe(request, claims, origin)
                await self._stream(scope, receive_again, send, subscription)
                return
        except ClientDisconnect:
            return
        except (HttpError, Unauthenticated):
            pass  # the endpoint says so
        except Exception as error:  # noqa: BLE001  # one of our refusals, or a fault: then it is masked and logged
            await _answer(send, next_event({"errors": self._subscriptions.show(error)}))
            return
        if accepts_json(headers):
            await self._endpoint(scope, receive_again, send)
        else:
            await self._answered_by_endpoint(scope, receive_again, send)

    async def _answered_by_endpoint(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the endpoint answer in JSON; a result goes into a stream, a refusal by HTTP stands."""
        as_json = [(name, value) for name, value in scope["headers"] if name != b"accept"]
        started: list[Message] = []
        body = bytearray()

        async def take(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            if started[0]["status"] == 200:
                await _answer(send, b"event: next\ndata: " + bytes(body) + b"\n\n")
            else:
                await send(started[0])
                await send({"type": "http.response.body", "body": bytes(body)})

        await self._endpoint({**scope, "headers": [*as_json, (b"accept", JSON.encode())]}, receive, take)

    async def _stream(self, scope: Scope, receive: Receive, send: Send, subscription: Subscription) -> None:
        stream = _Stream(self._subscriptions, subscription, send)
        self._open.add(stream)
        try:
            await stream.run(receive)
        finally:
            self._open.discard(stream)


class _Stream:
    """One stream while it is open."""

    def __init__(self, subscriptions: Subscriptions, subscription: Subscription, send: Send) -> None:
        self._subscriptions = subscriptions
        self._subscription = subscription
        self._send_message = send
        self._sending = asyncio.Lock()
        self._cursor = subscription.stream.after
        self._ended = asyncio.Event()

    def end(self) -> None:
        self._ended.set()

    async def run(self, receive: Receive) -> None:
        """Send results until there are no more, the client goes, or its token expires."""
        await self._send_message({"type": "http.response.start", "status": 200, "headers": HEADERS})
        tasks = [
            asyncio.create_task(part) for part in (self._results(), self._alive(), _gone(receive), self._ended.wait())
        ]
        try:
            remaining = (self._subscription.claims.expires_at - datetime.now(UTC)).total_seconds()
            done, _ = await asyncio.wait(tasks, timeout=max(0.0, remaining), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        error: Exception | None = None if done else Unauthenticated(EXPIRED)
        for task in done:
            raised = task.exception()
            if isinstance(raised, TimeoutError):
                error = FellBehind(self._cursor)
            elif isinstance(raised, Exception):
                error = raised
        if error is not None or tasks[0] in done or tasks[3] in done:
            await self._last_word(error)

    async def _results(self) -> None:
        await self._send(KEEP_ALIVE)
        async with aclosing(self._subscriptions.messages(self._subscription)) as messages:
            async for message in messages:
                await self._send(next_event(message.body))
                self._cursor = message.cursor or self._cursor

    async def _alive(self) -> None:
        while True:
            await asyncio.sleep(self._subscriptions.live.keep_alive_seconds)
            await self._send(KEEP_ALIVE)

    async def _send(self, content: bytes) -> None:
        async with self._sending, self._subscriptions.in_time():
            await self._send_message({"type": "http.response.body", "body": content, "more_body": True})

    async def _last_word(self, error: Exception | None) -> None:
        said = b"" if error is None else next_event({"errors": self._subscriptions.show(error, self._cursor)})
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORD_SECONDS):
                await self._send_message({"type": "http.response.body", "body": said + COMPLETE, "more_body": False})


async def _gone(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(send: Send, events: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": events + COMPLETE})
