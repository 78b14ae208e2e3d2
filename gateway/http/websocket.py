"""Subscriptions over WebSocket: the protocol graphql-transport-ws.

    connection_init    {"Authorization": "Bearer …"}, first, in time, and once
    subscribe          an operation under an id that is not in use
    next, error, complete, ping, pong

Why a socket was closed:

    1009  a message is too large
    4400  a message is not one of the protocol's
    4401  something was subscribed to before connection_init was acknowledged
    4403  no valid access token, or it has expired
    4406  the client does not speak graphql-transport-ws
    4408  connection_init did not come in time
    4409  the id of a subscription is in use
    4429  connection_init came twice
    4503  the client was too slow; it can go on after the last cursor it has

A page of another origin is refused before the socket is opened, with 403.
"""

import asyncio
import json
from collections.abc import Collection, Mapping
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from auth.errors import ItcareError, LimitExceeded
from auth.tokens import Claims, TokenVerifier, bearer_token
from gateway.http.client_address import address_of
from gateway.http.errors import HttpError
from gateway.http.requests import graphql_request, members_once
from gateway.http.subscribing import Subscriptions
from gateway.telemetry import correlation_id
from resolvers.context import Origin

PROTOCOL: Final = "graphql-transport-ws"
MOST_ID: Final = 100
"""How many characters the id of a subscription has at most."""
TOO_LARGE, BAD_MESSAGE, UNAUTHORIZED, FORBIDDEN, OTHER_PROTOCOL = 1009, 4400, 4401, 4403, 4406
LATE, ID_IN_USE, TWICE, TOO_SLOW, GOING_AWAY = 4408, 4409, 4429, 4503, 1001
CLOSE_SECONDS: Final = 1.0
"""How long somebody who was too slow may take for being told so."""


class Closed(Exception):
    """The socket is to be closed, with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class GraphQLSocket:
    """The WebSocket endpoint at `/graphql`, for pages of the same origin and of `origins`."""

    def __init__(
        self, subscriptions: Subscriptions, tokens: TokenVerifier, *, origins: Collection[str], max_bytes: int
    ) -> None:
        self._subscriptions = subscriptions
        self._tokens = tokens
        self._origins = frozenset(origins)
        self._max_bytes = max_bytes

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one socket until it is closed."""
        request_id = uuid4().hex
        token = correlation_id.set(request_id)
        try:
            if not self._is_welcome(websocket):
                await websocket.close()  # before it is accepted: 403
                return
            is_ours = PROTOCOL in websocket.scope["subprotocols"]
            await websocket.accept(PROTOCOL if is_ours else None)
            if not is_ours:
                await websocket.close(OTHER_PROTOCOL, f"Speak {PROTOCOL}.")
                return
            origin = Origin(address_of(websocket), request_id)
            await _Session(self._subscriptions, self._tokens, websocket, origin, self._max_bytes).run()
        finally:
            correlation_id.reset(token)

    def _is_welcome(self, websocket: WebSocket) -> bool:
        origins = websocket.headers.getlist("origin")
        if not origins:
            return True
        if len(origins) > 1:
            return False
        # Which scheme a page of the same host has is not known behind a proxy that ends TLS.
        return origins[0] in self._origins or urlsplit(origins[0]).netloc == websocket.headers.get("host")


class _Session:
    """One socket while it is open."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        tokens: TokenVerifier,
        websocket: WebSocket,
        origin: Origin,
        max_bytes: int,
    ) -> None:
        self._subscriptions = subscriptions
        self._tokens = tokens
        self._websocket = websocket
        self._origin = origin
        self._max_bytes = max_bytes
        self._claims: Claims | None = None
        self._sending = asyncio.Lock()
        self._deadline: asyncio.TimerHandle | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._closed: asyncio.Future[Closed] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Serve until the client goes, or the socket is to be closed."""
        self._close_after(self._subscriptions.live.init_seconds, Closed(LATE, "connection_init did not come in time."))
        listening = asyncio.create_task(self._listen())
        waited: set[asyncio.Future[Any]] = {listening, self._closed}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._close_after(None)
            tasks = [listening, *self._running.values()]
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        if self._closed.done():
            closed = self._closed.result()
            with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._websocket.close(closed.code, closed.reason)
        elif isinstance(ended[0], Exception) and not isinstance(ended[0], WebSocketDisconnect):
            raise ended[0]

    def _close(self, closed: Closed) -> None:
        """Close the socket, unless it is being closed already."""
        if not self._closed.done():
            self._closed.set_result(closed)

    def _close_after(self, seconds: float | None, closed: Closed | None = None) -> None:
        """Close the socket after so many seconds, instead of when was said before."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None
        if seconds is not None and closed is not None:
            self._deadline = asyncio.get_running_loop().call_later(max(0.0, seconds), self._close, closed)

    async def _listen(self) -> None:
        """Do what the client says, until it goes."""
        try:
            while True:
                await self._hear(await self._receive())
        except Closed as closed:
            self._close(closed)
            await asyncio.Event().wait()  # until this is cancelled

    async def _receive(self) -> Mapping[str, Any]:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text = message.get("text")
        if not isinstance(text, str):
            raise Closed(BAD_MESSAGE, "Send messages as text.")
        if len(text) > self._max_bytes or len(text.encode("utf-8", "surrogatepass")) > self._max_bytes:
            raise Closed(TOO_LARGE, f"A message has more than {self._max_bytes} bytes.")
        try:
            members = json.loads(text, object_pairs_hook=members_once)
        except (ValueError, RecursionError, HttpError):
            raise Closed(BAD_MESSAGE, "A message is not JSON.") from None
        if not isinstance(members, dict) or not isinstance(members.get("type"), str):
            raise Closed(BAD_MESSAGE, "A message is an object with a type.")
        if not isinstance(members.get("payload", {}), dict | None):
            raise Closed(BAD_MESSAGE, "A payload is an object.")
        return members

    async def _hear(self, message: Mapping[str, Any]) -> None:
        match message["type"]:
            case "connection_init":
                await self._init(message.get("payload") or {})
            case "ping":
                await self._send({"type": "pong"})
            case "pong":
                pass
            case "subscribe":
                await self._subscribe(_id(message), message.get("payload"))
            case "complete":
                task = self._running.pop(_id(message), None)
                if task is not None:
                    task.cancel()
            case _:
                raise Closed(BAD_MESSAGE, "A message is of no known type.")

    async def _init(self, payload: Mapping[str, Any]) -> None:
        if self._claims is not None:
            raise Closed(TWICE, "connection_init came twice.")
        given = [value for name, value in payload.items() if name.lower() == "authorization"]
        try:
            token = bearer_token(given[0]) if len(given) == 1 and isinstance(given[0], str) else None
            claims = None if token is None else self._tokens.verify(token, datetime.now(UTC))
        except ItcareError:
            claims = None
        if claims is None:
            raise Closed(FORBIDDEN, 'Give a valid access token in connection_init: {"Authorization": "Bearer ..."}.')
        self._claims = claims
        seconds = (claims.expires_at - datetime.now(UTC)).total_seconds()
        self._close_after(seconds, Closed(FORBIDDEN, "The access token has expired."))
        await self._send({"type": "connection_ack"})

    async def _subscribe(self, id_: str, payload: object) -> None:
        if self._claims is None:
            raise Closed(UNAUTHORIZED, "Send connection_init first, and wait for connection_ack.")
        if id_ in self._running:
            raise Closed(ID_IN_USE, f"Subscriber for {id_[:60]} already exists")
        if not isinstance(payload, dict):
            raise Closed(BAD_MESSAGE, "A subscribe message has a payload.")
        most = self._subscriptions.live.subscriptions
        try:
            if len(self._running) >= most:
                raise LimitExceeded(
                    f"A WebSocket has at most {most} subscriptions.",
                    limit="subscriptions",
                    value=len(self._running) + 1,
                    maximum=most,
                )
            subscription = self._subscriptions.subscribe(graphql_request(payload), self._claims, self._origin)
        except Exception as error:  # noqa: BLE001  # one of our refusals, or a fault: then it is masked and logged
            await self._refuse(id_, error)
            return
        task = asyncio.create_task(self._serve(id_, subscription))
        self._running[id_] = task

    async def _serve(self, id_: str, subscription: Any) -> None:
        cursor = subscription.stream.after
        mine = asyncio.current_task()
        try:
            async with aclosing(self._subscriptions.messages(subscription)) as messages:
                async for message in messages:
                    await self._send({"id": id_, "type": "next", "payload": message.body})
                    cursor = message.cursor or cursor
            self._forget(id_, mine)
            await self._send({"id": id_, "type": "complete"})
        except (Closed, WebSocketDisconnect) as closed:
            if isinstance(closed, Closed):
                self._close(closed)
        except Exception as error:  # noqa: BLE001  # as above
            self._forget(id_, mine)
            with suppress(Closed, WebSocketDisconnect):
                await self._refuse(id_, error, cursor)
        finally:
            self._forget(id_, mine)

    def _forget(self, id_: str, task: asyncio.Task[None] | None) -> None:
        if self._running.get(id_) is task:
            del self._running[id_]

    async def _refuse(self, id_: str, error: Exception, cursor: str | None = None) -> None:
        payload = self._subscriptions.show(error, cursor)
        await self._send({"id": id_, "type": "error", "payload": payload})

    async def _send(self, message: Mapping[str, Any]) -> None:
        try:
            async with self._sending, self._subscriptions.in_time():
                await self._websocket.send_text(orjson.dumps(message).decode())
        except TimeoutError:
            raise Closed(TOO_SLOW, "Too slow to take messages: go on after the last cursor.") from None


def _id(message: Mapping[str, Any]) -> str:
    id_ = message.get("id")
    if not isinstance(id_, str) or not 1 <= len(id_) <= MOST_ID:
        raise Closed(BAD_MESSAGE, f"An id is a string of 1 to {MOST_ID} characters.")
    return id_
