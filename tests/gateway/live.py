"""A gateway over a shop whose events tests write themselves, and clients that subscribe to it over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import httpx
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from auth.issuer import MIN_LIFETIME, Issuer
from gateway.keys import signing_key
from gateway.postgres import DatabaseUrls
from gateway.settings import Live, Settings
from resolvers.database import Database
from resolvers.events import Event, EventKind, append_events
from resolvers.transaction import open_transaction
from tests.gateway.running import Gateway, fill, running
from tests.resolvers.shop import Shop

PROTOCOL: Final = Subprotocol("graphql-transport-ws")
EVENTS: Final = "subscription ($after: String) { events(after: $after) { cursor kind subjectType subjectId } }"
CHANGES: Final = (
    "subscription ($filter: ResourceFilter, $after: String) { resourceChanged(filter: $filter, after: $after)"
    " { cursor kind resourceId resource { name } } }"
)
OPERATION: Final = "subscription ($id: ID!) { operationUpdated(id: $id) { id status progress } }"


@dataclass
class LiveShop:
    """A gateway that serves a shop; ann, with `gateway.token(shop.account)`, sees into the Cloud alpha."""

    gateway: Gateway
    shop: Shop
    urls: DatabaseUrls
    base: Database

    @property
    def url(self) -> str:
        return f"ws{str(self.gateway.client.base_url)[4:].rstrip('/')}/graphql"

    def token(self, account: UUID | None = None, expires_in: timedelta | None = None) -> str:
        """A token of ann, or of another account; one that expires soon was issued a while ago."""
        settings = self.gateway.settings
        issuer = Issuer(signing_key(settings), settings.issuer, settings.audience)
        issued_at = None if expires_in is None else datetime.now(UTC) + expires_in - MIN_LIFETIME
        return issuer.issue(account or self.shop.account, lifetime=MIN_LIFETIME, now=issued_at)

    def event(self, subject: UUID, kind: EventKind = EventKind.UPDATED, type_: str = "Snapshot") -> Event:
        """An event of the Cloud alpha."""
        return Event(self.shop.acme, self.shop.alpha, kind, type_, subject)

    async def log(self, *events: Event, at: datetime | None = None) -> None:
        async with open_transaction(self.base) as transaction:
            await append_events(transaction.fetch, events, at or datetime.now(UTC))

    async def sql(self, *statements: str, **values: Any) -> None:
        """Run statements as the owner."""
        engine = create_async_engine(self.urls.owner, poolclass=NullPool)
        async with engine.begin() as connection:
            for statement in statements:
                await connection.execute(text(statement), values)

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        """What a statement of the owner gives; `:id` is the organization acme."""
        engine = create_async_engine(self.urls.owner, poolclass=NullPool)
        async with engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(text(statement), {"id": self.shop.acme, **values})]

    async def logged(self, cloud: UUID) -> list[UUID]:
        """The subjects of the events of a Cloud of acme, in the order of the log."""
        statement = "SELECT subject_id FROM event WHERE organization_id = :id AND cloud_id = :cloud ORDER BY seq"
        return [subject for (subject,) in await self.rows(statement, cloud=cloud)]

    @asynccontextmanager
    async def socket(self, token: str | None = None, *, init: bool = True, **options: Any) -> AsyncIterator["Socket"]:
        """Open a socket, by default with an acknowledged token of ann."""
        # Without a bound on what is read ahead, a socket can be closed whatever is still to be read.
        chosen = {"subprotocols": [PROTOCOL], "max_queue": None, **options}
        async with connect(self.url, **chosen) as connection:
            socket = Socket(connection)
            if init:
                await socket.init(token or self.token())
            yield socket

    @asynccontextmanager
    async def stream(
        self, document: str, variables: Mapping[str, Any] | None = None, token: str | None = None
    ) -> AsyncIterator["EventStream"]:
        """Open a stream of server-sent events."""
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {token or self.token()}"}
        body = {"query": document, "variables": variables}
        async with self.gateway.client.stream("POST", "/graphql", json=body, headers=headers) as answer:
            yield EventStream(answer)


@dataclass
class Socket:
    """A client of graphql-transport-ws."""

    connection: ClientConnection
    kept: list[Any] = field(default_factory=list)

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> Any:
        """The next message."""
        async with asyncio.timeout(10):
            return json.loads(await self.connection.recv())

    async def init(self, token: str, name: str = "Authorization") -> None:
        await self.send(type="connection_init", payload={name: f"Bearer {token}"})
        assert await self.receive() == {"type": "connection_ack"}

    async def subscribe(self, document: str, variables: Mapping[str, Any] | None = None, id_: str = "1") -> None:
        await self.send(type="subscribe", id=id_, payload={"query": document, "variables": variables})

    async def next(self) -> Any:
        """What the one root field of the next result is."""
        message = await self.receive()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        (value,) = message["payload"]["data"].values()
        return value

    async def errors(self) -> list[Any]:
        """What a subscription was refused or ended with."""
        message = await self.receive()
        assert message["type"] == "error", message
        errors: list[Any] = message["payload"]
        return errors

    async def closed(self) -> int:
        """With which code the socket was closed."""
        async with asyncio.timeout(10):
            await self.connection.wait_closed()
        return self.connection.close_code or 0


class EventStream:
    """A client of GraphQL over SSE."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.lines = answer.aiter_lines()
        self.comments = 0

    async def event(self) -> tuple[str, Any]:
        """The next event: its name and its content."""
        name, data = "", ""
        async with asyncio.timeout(10):
            async for line in self.lines:
                if line.startswith(":"):
                    self.comments += 1
                elif line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data:"):
                    data = line.removeprefix("data:").strip()
                elif name:
                    return name, json.loads(data) if data else None
        raise EOFError

    async def next(self) -> Any:
        """What the one root field of the next result is."""
        name, body = await self.event()
        assert name == "next", (name, body)
        assert "errors" not in body, body
        (value,) = body["data"].values()
        return value

    async def last_error(self) -> Any:
        """The extensions of the error that the stream ended with."""
        name, body = await self.event()
        assert name == "next", (name, body)
        assert await self.event() == ("complete", None)
        (error,) = body["errors"]
        return error["extensions"]


@asynccontextmanager
async def live_shop(settings: Settings, urls: DatabaseUrls) -> AsyncIterator[LiveShop]:
    """Serve a shop."""
    shop = Shop()
    await fill(urls, shop)
    base = Database(urls.app, pool_size=9, statement_seconds=20)
    try:
        async with running(settings, urls, shop) as gateway:
            yield LiveShop(gateway, shop, urls, base)
    finally:
        await base.close()


def quick(**settings: Any) -> Live:
    """Settings of subscriptions that let tests wait less."""
    return Live(**{"poll_seconds": 0.01, "recheck_seconds": 0.1, **settings})


def subjects(events: Sequence[Any]) -> list[UUID]:
    """The keys in the ids of what events are about."""
    return [UUID(event["subjectId"].partition("_")[2]) for event in events]
