"""Whole operations, breadth first: mutations in order, one event at a time, cancelled as a whole, gone when done."""

import asyncio
import gc
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import strawberry
from graphql import create_source_event_stream, map_source_to_response_event, parse
from strawberry import Info
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission

from gateway.execution import Engine
from gateway.execution.breadth_first import BreadthFirstExecutor
from gateway.settings import Limits
from resolvers.loaders import Loaders
from resolvers.loading import Loader
from resolvers.trace import Trace
from tests.differential.executing import Opened, Question, execute
from tests.schema.graph import Graph
from tests.schema.world import API


async def read(numbers: Sequence[int]) -> list[Any]:
    """Read trees; some are not there."""
    await asyncio.sleep(0)
    return [LookupError(f"no tree {number}") if number % 5 == 4 else Tree(number=number) for number in numbers]


@dataclass(eq=False)
class Yard:
    """The context: what resolvers note, and what they wait for."""

    notes: list[str] = field(default_factory=list)
    waiting: Counter[str] = field(default_factory=Counter)
    cancelled: Counter[str] = field(default_factory=Counter)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    expected: int = 0
    all_wait: asyncio.Event = field(default_factory=asyncio.Event)
    rows: "list[Tree]" = field(default_factory=list)

    def __post_init__(self) -> None:
        self.trees: Loader[int, Tree] = Loader(read)

    async def wait(self, what: str) -> None:
        """Wait until released, and note it if that is cancelled."""
        self.waiting[what] += 1
        if self.waiting.total() == self.expected:
            self.all_wait.set()
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled[what] += 1
            raise


Asking = Info[Yard, Any]


class Patient(BasePermission):
    async def has_permission(self, source: Any, info: Asking, **kwargs: Any) -> bool:
        await info.context.wait("permission")
        return True


class Next(FieldExtension):
    def resolve(self, next_: Any, source: Any, info: Asking, **kwargs: Any) -> Any:
        return info.context.trees.load(source.number + 1)

    def resolve_many(self, sources: Sequence[Any], info: Asking, **kwargs: Any) -> Any:
        return info.context.trees.load_column([source.number + 1 for source in sources])


class Waiting(FieldExtension):
    async def resolve_async(self, next_: Any, source: Any, info: Asking, **kwargs: Any) -> Any:
        return (await self.resolve_many([source], info))[0]

    async def resolve_many(self, sources: Sequence[Any], info: Asking, **kwargs: Any) -> list[int]:
        await info.context.wait("column")
        return [1] * len(sources)


@strawberry.type
class Tree:
    number: int
    next: "Tree | None" = strawberry.field(default=None, extensions=[Next()])
    column: int = strawberry.field(default=0, extensions=[Waiting()])
    guarded: int = strawberry.field(default=0, permission_classes=[Patient])

    @strawberry.field
    async def slow(self, info: Asking) -> int:
        await info.context.wait("resolver")
        return self.number

    @strawberry.field
    async def leaves(self, info: Asking) -> list[int]:
        """Give a list, an item at a time."""

        async def leaves() -> AsyncIterator[int]:
            yield 1
            await info.context.wait("stream")

        return leaves()  # type: ignore[return-value]

    @strawberry.field
    async def noted(self, info: Asking) -> int:
        await asyncio.sleep(0)
        info.context.notes.append(f"{self.number} read")
        return self.number

    @strawberry.field
    def odd(self) -> int | None:
        if self.number % 2 == 0:
            raise ValueError(f"{self.number} is even")
        return self.number

    @strawberry.field
    def parts(self) -> "list[Tree]":
        return [self, self]


@strawberry.type
class Query:
    @strawberry.field
    def trees(self, info: Asking) -> list[Tree]:
        return info.context.rows

    @strawberry.field
    async def forest(self, info: Asking) -> list[Tree]:
        await asyncio.sleep(0)
        return info.context.rows


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def plant(self, info: Asking, number: int) -> Tree:
        info.context.notes.append(f"{number} planted")
        await asyncio.sleep(0)
        if number < 0:
            raise ValueError("no such tree")
        return Tree(number=number)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def grown(self, info: Asking) -> AsyncIterator[list[Tree]]:
        for number in range(3):
            info.context.notes.append(f"{number} grown")
            yield [Tree(number=number), Tree(number=1)]


SCHEMA = strawberry.Schema(Query, Mutation, Subscription)
ENGINE = Engine(SCHEMA, Limits(objects=10**9), lambda *_: 1, executor_class=BreadthFirstExecutor)


async def ask(document: str, yard: Yard) -> Any:
    """Execute an operation without the gateway's limits; gives its one result."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Opened]:
        yield Opened(yard)

    outcome = await execute(BreadthFirstExecutor, SCHEMA._schema, Question(document), opened)
    (result,) = outcome.results
    return result


# Mutations


async def test_a_mutation_begins_when_the_one_before_is_answered() -> None:
    yard = Yard()
    result = await ask("mutation { a: plant(number: 1) { noted parts { noted } } b: plant(number: 3) { noted } }", yard)
    assert result.errors is None
    assert yard.notes == ["1 planted", "1 read", "1 read", "1 read", "3 planted", "3 read"]
    assert result.data == {"a": {"noted": 1, "parts": [{"noted": 1}] * 2}, "b": {"noted": 3}}


async def test_no_mutation_begins_after_one_that_fails() -> None:
    yard = Yard()
    fields = "a: plant(number: 1) { number } b: plant(number: -1) { number } c: plant(number: 3) { number }"
    result = await ask(f"mutation {{ {fields} }}", yard)
    assert result.data is None
    assert [error.path for error in result.errors] == [["b"]]
    assert yard.notes == ["1 planted", "-1 planted"]


# Subscriptions


async def test_every_event_is_executed_by_itself_when_it_is_asked_for() -> None:
    yard = Yard()
    document = parse("subscription { grown { number odd next { number } } }")
    executor = BreadthFirstExecutor.build(SCHEMA._schema, document, context_value=yard)
    assert isinstance(executor, BreadthFirstExecutor)
    source: Any = create_source_event_stream(executor)
    events = map_source_to_response_event(executor, await source if asyncio.iscoroutine(source) else source)
    for number in range(3):
        assert yard.notes == [f"{before} grown" for before in range(number)]
        result = await anext(events)
        other = {"number": 1, "odd": 1, "next": {"number": 2}}
        own = {"number": number, "odd": number if number % 2 else None, "next": {"number": number + 1}}
        assert result.data == {"grown": [own, other]}
        paths = [error.path for error in result.errors or ()]
        assert paths == ([] if number % 2 else [["grown", 0, "odd"]])
    with pytest.raises(StopAsyncIteration):
        await anext(events)


# Cancellation


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("slow", {"resolver": 3}),
        ("parts { slow }", {"resolver": 6}),
        ("column", {"column": 1}),
        ("guarded", {"permission": 3}),
        ("leaves", {"stream": 3}),
        ("slow column parts { guarded leaves }", {"resolver": 3, "column": 1, "permission": 6, "stream": 6}),
    ],
)
@pytest.mark.parametrize("field", ["trees", "forest"])
async def test_a_cancelled_operation_cancels_all_that_it_waits_for(
    field: str, selection: str, expected: dict[str, int]
) -> None:
    yard = Yard(rows=[Tree(number=number) for number in range(3)])
    before = asyncio.all_tasks()
    operation = asyncio.ensure_future(ask(f"{{ {field} {{ {selection} }} }}", yard))
    yard.expected = sum(expected.values())
    async with asyncio.timeout(10):
        await yard.all_wait.wait()
    assert yard.waiting == expected
    operation.cancel()
    with pytest.raises(asyncio.CancelledError):
        await operation
    assert yard.cancelled == expected
    assert asyncio.all_tasks() == before


# Memory


@pytest.fixture
def without_collector() -> Iterator[None]:
    """No garbage collector: what lives on lives on by a reference cycle, or because someone holds it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize(
    ("selection", "errors"),
    [
        ("{ number parts { number } }", 0),
        ("{ noted parts { noted } }", 0),
        ("{ next { number next { number } } }", 4 + 4),
        ("{ column guarded leaves slow }", 0),
    ],
)
@pytest.mark.parametrize("field", ["trees", "forest"])
async def test_nothing_of_an_operation_outlives_it(field: str, selection: str, errors: int) -> None:
    yard = Yard(rows=[Tree(number=number) for number in range(20)])
    yard.released.set()
    context, row = weakref.ref(yard), weakref.ref(yard.rows[0])
    operation = ENGINE.bind(ENGINE.prepare(f"{{ {field} {selection} }}"))
    result = await ENGINE.execute(operation, yard)
    assert len(result.errors or ()) == errors
    del yard, operation
    assert context() is None
    assert row() is None


@pytest.mark.usefixtures("without_collector")
async def test_nothing_of_a_query_of_the_graph_outlives_it(graph: Graph) -> None:
    document = """{ resources(first: 50) { totalCount nodes { name tags { key value } service { name cloud { name } }
        availabilityZones { code dataCenter { code } } operations(first: 2) { nodes { action } } } } }"""

    def alive() -> int:
        return sum(type(thing) in (Loaders, Loader, Trace) for thing in gc.get_objects())

    before = alive()
    assert (await graph.ask(API, document)).whole["resources"]["nodes"]
    assert alive() == before
