# ruff: noqa: A001, A002  # arguments are called id, as clients write them
"""A small library of shelves and books behind the real endpoint: what HTTP, limits and execution are tested with."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import strawberry
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.types import Info

from auth.errors import BadUserInput, ItcareError, ServiceUnavailable
from auth.issuer import Issuer
from auth.keys import SigningKey
from auth.tokens import Claims, JwtVerifier
from gateway.execution import Engine
from gateway.http import ErrorFormatter, GraphQLEndpoint, health_routes, http_middleware
from gateway.settings import Limits
from gateway.telemetry import Observer
from resolvers.trace import Trace
from tests.executors import EXECUTOR_CLASS

NO_ID = strawberry.ID("")
SECRET = "what only a resolver knows"
RESPONSE_JSON = "application/graphql-response+json"


class LostConnection(Exception):
    """Stands for what a database driver raises when the server is gone."""


@dataclass
class Library:
    """What the resolvers are given, and what the tests observe."""

    claims: Claims | None = None
    trace: Trace = field(default_factory=Trace)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


@strawberry.interface
class Item:
    id: strawberry.ID


@strawberry.type
class PageInfo:
    has_next_page: bool = False


@strawberry.type
class Book(Item):
    title: str = "A book"

    @strawberry.field
    def shelf(self) -> "Shelf":
        return Shelf(id=strawberry.ID("1"))


@strawberry.type
class BookEdge:
    cursor: str
    node: Book


@strawberry.type
class BookConnection:
    nodes: list[Book]
    edges: list[BookEdge]
    page_info: PageInfo
    total_count: int = 0


@strawberry.type
class Shelf(Item):
    name: str = "A shelf"

    @strawberry.field
    def books(
        self, first: int | None = None, after: str | None = None, last: int | None = None, before: str | None = None
    ) -> BookConnection:
        books = [Book(id=strawberry.ID(str(number))) for number in range(first or last or 20)]
        return BookConnection(nodes=books, edges=[BookEdge(cursor=b.id, node=b) for b in books], page_info=PageInfo())

    @strawberry.field(metadata={"list_size": 2})
    def neighbours(self) -> list["Shelf"]:
        return [Shelf(id=strawberry.ID("1")), Shelf(id=strawberry.ID("3"))]

    @strawberry.field
    def levels(self) -> list["Shelf"]:
        return []

    @strawberry.field
    def below(self) -> "Shelf":
        return Shelf(id=strawberry.ID("2"))


@strawberry.type
class ShelfConnection:
    nodes: list[Shelf]
    page_info: PageInfo
    total_count: int = 0


@strawberry.type
class Viewer:
    subject: str


@strawberry.input(one_of=True)
class Search:
    title: strawberry.Maybe[str]
    author: strawberry.Maybe[str]


def _shelf(id: str) -> Shelf:
    if not id.isdecimal():
        raise BadUserInput("This is no id of a shelf.", argument="id")
    return Shelf(id=strawberry.ID(id))


@strawberry.type
class Query:
    @strawberry.field
    def viewer(self, info: Info[Library, None]) -> Viewer | None:
        claims = info.context.claims
        return None if claims is None else Viewer(subject=str(claims.subject))

    @strawberry.field
    def shelves(
        self, first: int | None = None, after: str | None = None, last: int | None = None, before: str | None = None
    ) -> ShelfConnection:
        shelves = [Shelf(id=strawberry.ID(str(number))) for number in range(first or last or 20)]
        return ShelfConnection(nodes=shelves, page_info=PageInfo())

    @strawberry.field
    def shelf(self, id: strawberry.ID) -> Shelf:
        return _shelf(id)

    @strawberry.field
    def maybe_shelf(self, id: strawberry.ID) -> Shelf | None:
        return _shelf(id)

    @strawberry.field
    def items(self, ids: list[strawberry.ID]) -> list[Item]:
        return [Book(id=id) for id in ids]

    @strawberry.field
    def search(self, by: Search) -> str:
        return "title" if by.title else "author"

    @strawberry.field
    def echo(self, text: str = "", number: float = 0, whole: int = 0, id: strawberry.ID = NO_ID) -> str:
        return f"{text} {number} {whole} {id}"

    @strawberry.field
    def broken(self) -> str | None:
        raise RuntimeError(SECRET)

    @strawberry.field
    def lost(self) -> str:
        raise LostConnection(SECRET)

    @strawberry.field
    def nothing(self) -> str:
        return None  # type: ignore[return-value]  # the fault under test

    @strawberry.field
    async def slow(self, info: Info[Library, None]) -> str:
        info.context.started.set()
        await info.context.released.wait()
        return "done"

    @strawberry.field
    def counted(self, info: Info[Library, None]) -> str:
        info.context.trace.sql_statements += 2
        info.context.trace.db_seconds += 0.25
        return "counted"


@strawberry.type
class Mutation:
    @strawberry.mutation
    def rename(self, name: str) -> str:
        return name


schema = strawberry.Schema(query=Query, mutation=Mutation, types=[Book])


def page_size(arguments: Mapping[str, Any], flat_page: int | None = None) -> int:
    """The rule of the library's pages: 20, at most 100, in one direction."""
    if {"first", "last"} <= arguments.keys():
        raise BadUserInput("Give `first` or `last`, not both.", argument="last")
    for name in ("first", "last"):
        if not 0 <= arguments.get(name, 0) <= 100:
            raise BadUserInput(f"`{name}` must be from 0 to 100.", argument=name)
    return int(arguments.get("first", arguments.get("last", 20)))


def translate(error: BaseException) -> ItcareError | None:
    """Recognizes the lost database."""
    return ServiceUnavailable() if isinstance(error, LostConnection) else None


async def unguarded(context: object, field: str, arguments: Mapping[str, Any]) -> None:
    """The library's mutations are for everybody."""


class Application:
    """The library as a whole ASGI application, with a token for it."""

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        show_trace: bool = False,
        cors: tuple[str, ...] = (),
        observer: Observer | None = None,
    ) -> None:
        key = SigningKey.generate()
        self.library = Library()
        self.subject = uuid4()
        self.token = Issuer(key, "library", "library").issue(self.subject)
        self.opened: list[Claims | None] = []
        self.closed: list[BaseException | None] = []
        self.open_error: Exception | None = None
        limits = limits or Limits()
        observer = observer or Observer()
        endpoint = GraphQLEndpoint(
            Engine(schema, limits, page_size, executor_class=EXECUTOR_CLASS, on_fallback=observer.fell_back),
            JwtVerifier([key], "library", "library"),
            self._open_context,
            limits,
            ErrorFormatter(translate),
            unguarded,
            show_trace=show_trace,
            on_operation=observer.operation_ended,
        )
        self.is_ready = True
        self.asgi = Starlette(
            routes=[Route("/graphql", endpoint), *health_routes(self._ready), *observer.routes()],
            middleware=http_middleware(cors, observer.request_ended),
        )

    @asynccontextmanager
    async def _open_context(self, claims: Claims | None, trace: Trace) -> AsyncIterator[object]:
        self.opened.append(claims)
        if self.open_error is not None:
            raise self.open_error
        self.library.claims, self.library.trace = claims, trace
        try:
            yield self.library
        except BaseException as error:
            self.closed.append(error)
            raise
        self.closed.append(None)

    async def _ready(self) -> bool:
        return self.is_ready

    def client(self, *, anonymous: bool = False, accept: str | None = None) -> httpx.AsyncClient:
        """A client in this process; it sends the token unless it is anonymous."""
        headers = {} if anonymous else {"authorization": f"Bearer {self.token}"}
        if accept is not None:
            headers["accept"] = accept
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.asgi), base_url="http://library.example", headers=headers
        )
