"""Decides what every place of an answer holds: for one seed the same, whoever asks, how often and in what order."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Coroutine, Generator
from dataclasses import dataclass, field
from inspect import CORO_CREATED, getcoroutinestate
from random import Random
from typing import Any, Final
from zlib import crc32

from graphql import (
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
)

from tests.differential.torture.values import CONVERTED, LASTING, NO_LISTS, PASSING, RIGHT, WRONG, generated, streamed


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is: the same for every executor, and for every alias of a field with the same arguments."""

    key: int
    depth: int = 0

    def at(self, *step: object) -> "Place":
        """Give a place below."""
        return Place(crc32(repr((self.key, step)).encode()), self.depth + 1)


class Calamity(Exception):
    """An error that brings extensions of its own, as a refusal does."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.extensions = {"code": "CALAMITY", "of": {"message": message}}


class Later:
    """What can be awaited and is neither a coroutine nor a future."""

    def __init__(self, value: Any, error: Exception | None) -> None:
        self._value, self._error = value, error

    def __await__(self) -> Generator[None, None, Any]:
        yield
        if self._error is not None:
            raise self._error
        return self._value


class Stray:
    """An object of no type of the schema."""


STEADY: Final = ("Pulse", "Echo")
"""Types whose objects are dictionaries."""


@dataclass
class Fate:
    """The context of one operation.

    `mishaps` is how often a value is wrong, `waits` how often it is awaited; `ledger` counts what was called where, and
    `effects` tells in which order mutations happened.
    """

    schema: GraphQLSchema
    seed: int
    mishaps: float = 0.0
    waits: float = 0.0
    ledger: Counter[str] = field(default_factory=Counter)
    effects: list[str] = field(default_factory=list)
    loaders: dict[str, Any] = field(default_factory=dict)
    coroutines: list[Coroutine[Any, Any, Any]] = field(default_factory=list)

    def draw(self, *what: object) -> Random:
        """Give the chance that belongs to something."""
        return Random(crc32(repr((self.seed, what)).encode()))  # noqa: S311 - it is to be repeated

    def strikes(self, *what: object, often: float = 1.0) -> bool:
        """Decide whether something goes wrong."""
        return self.draw("strikes", *what).random() < self.mishaps * often

    def give(self, of: Any, place: Place, *, lasting: bool = False) -> Any:
        """Give what the resolver of a field of type `of` returns, or raise what it raises.

        What is `lasting` can be given to several who ask: it need not be awaited, and can be iterated again.
        """
        draw = self.draw(place)
        if draw.random() < self.mishaps:
            return self._mishap(of, draw, place, lasting=lasting)
        return self._perhaps_later(self._value(of, draw, place, lasting=lasting), draw, lasting=lasting)

    def calls(self) -> Counter[str]:
        """Count what was called, and number what mutations did."""
        return self.ledger + Counter(f"{number}. {effect}" for number, effect in enumerate(self.effects))

    def close(self) -> None:
        """Drop what nobody waited for, without Python's warning."""
        for coroutine in self.coroutines:
            if getcoroutinestate(coroutine) == CORO_CREATED:
                coroutine.close()

    # -- what is right

    def _value(self, of: Any, draw: Random, place: Place, *, lasting: bool) -> Any:
        if isinstance(of, GraphQLNonNull):
            of = of.of_type
        elif draw.random() < 0.07:
            return draw.choice((None, None, Undefined))
        if isinstance(of, GraphQLList):
            items = self._items(of, draw, place, lasting=lasting)
            return draw.choice(LASTING if lasting or draw.random() < 0.7 else PASSING)(items)
        if isinstance(of, GraphQLInterfaceType | GraphQLUnionType):
            of = draw.choice(self.schema.get_possible_types(of))
        if isinstance(of, GraphQLObjectType):
            return self.make(of, place)
        return draw.choice(RIGHT[of.name] if draw.random() < 0.8 else CONVERTED[of.name])

    def make(self, of: GraphQLObjectType, place: Place) -> Any:
        """Make an object; its attributes are drawn when they are read."""
        if of.name in STEADY:
            return self._steady(of, place)
        origin = of.extensions["strawberry-definition"].origin
        made = origin.__new__(origin)
        made.__dict__.update(_fate=self, _of=of, _place=place)
        return made

    def _steady(self, of: GraphQLObjectType, place: Place) -> dict[str, Any]:
        values: dict[str, Any] = {"__typename": of.name}
        for name, of_field in of.fields.items():
            if name == "called":
                values[name] = lambda info, **arguments: self.give(
                    info.return_type, place.at("called", sorted(arguments.items()))
                )
            elif not isinstance(of_field.type, GraphQLInterfaceType) and place.depth < 12:
                values[name] = self._item(of_field.type, place.at(name), lasting=True)
        return values

    def _items(self, of: GraphQLList[Any], draw: Random, place: Place, *, lasting: bool) -> list[Any]:
        most = 4 if place.depth < 3 else 3 if place.depth < 5 else 2 if place.depth < 8 else 1
        number = draw.choice((0, 1, most, most, most))
        again = place.depth < 4 and draw.random() < 0.2
        items = [self._item(of.of_type, place.at(n), lasting=lasting or again) for n in range(number)]
        # The same things in many places, which can be had more than once.
        return [item for item in items for _ in range(6)] if again else items

    def _item(self, of: Any, place: Place, *, lasting: bool) -> Any:
        try:
            return self.give(of, place, lasting=lasting)
        except Exception as error:  # noqa: BLE001 - whatever it was, an item does not raise
            return error

    # -- what is wrong

    def _mishap(self, of: Any, draw: Random, place: Place, *, lasting: bool) -> Any:
        named = of.of_type if isinstance(of, GraphQLNonNull) else of
        kinds = ["raised", "returned", "nothing", "wrong", "wrong", "wrong"]
        match draw.choice(kinds if lasting else [*kinds, "awaited"]):
            case "raised":
                raise self._error(draw, place)
            case "returned":
                return self._error(draw, place)
            case "nothing":
                return self._perhaps_later(None, draw, lasting=lasting)
            case "awaited":
                return self._awaitable(None, self._error(draw, place), draw)
        if isinstance(named, GraphQLList):
            wrong = self._no_list(named, draw, place, lasting=lasting)
        elif isinstance(named, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
            wrong = self._no_object(draw, place)
        else:
            wrong = draw.choice(WRONG[named.name])
        return self._perhaps_later(wrong, draw, lasting=lasting)

    def _no_list(self, of: GraphQLList[Any], draw: Random, place: Place, *, lasting: bool) -> Any:
        if not lasting and draw.random() < 0.5:
            items = self._items(of, draw, place, lasting=lasting)
            return draw.choice((generated, streamed))(items, self._error(draw, place))
        return draw.choice(NO_LISTS)

    def _no_object(self, draw: Random, place: Place) -> Any:
        if draw.random() < 0.4:
            return draw.choice((Stray(), "text", 7, [], (), {"__typename": "Nowhere"}, {"__typename": "Body"}))
        types = [of for of in self.schema.type_map.values() if isinstance(of, GraphQLObjectType)]
        return self.make(draw.choice([of for of in types if "strawberry-definition" in of.extensions]), place)

    def _error(self, draw: Random, place: Place) -> Exception:
        what = f"{place.key:08x}"
        return draw.choice(
            (
                ValueError(f"no value at {what}"),
                AttributeError(f"no attribute at {what}"),
                GraphQLError(f"no answer at {what}", extensions={"code": "FATE", "at": what}),
                Calamity(f"calamity at {what}"),
                KeyError(what),
                GraphQLError(f"twice no answer at {what}", original_error=ValueError(what)),
            )
        )

    # -- what takes its time

    def _perhaps_later(self, value: Any, draw: Random, *, lasting: bool) -> Any:
        if lasting or draw.random() >= self.waits:
            return value
        return self._awaitable(value, None, draw)

    def later(self, turns: int, value: Any, error: Exception | None = None) -> Coroutine[Any, Any, Any]:
        """Give a coroutine that may be dropped."""
        self.coroutines.append(after(turns, value, error))
        return self.coroutines[-1]

    def _awaitable(self, value: Any, error: Exception | None, draw: Random) -> Awaitable[Any]:
        match draw.choice(("coroutine", "coroutine", "future", "task", "done", "other")):
            case "coroutine":
                return self.later(draw.randint(0, 3), value, error)
            case "task":
                return quietly(asyncio.ensure_future(after(draw.randint(0, 3), value, error)))
            case "other":
                return Later(value, error)
            case "future":
                future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                asyncio.get_running_loop().call_soon(_settle, future, value, error)
                return quietly(future)
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        _settle(done, value, error)
        return quietly(done)


async def after(turns: int, value: Any, error: Exception | None = None) -> Any:
    """Give a value, or fail, after some turns of the event loop."""
    for _ in range(turns):
        await asyncio.sleep(0)
    if error is not None:
        raise error
    return value


def quietly(future: asyncio.Future[Any]) -> asyncio.Future[Any]:
    """Let a future fail without asyncio's warning, if nobody asks for it any more."""
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future


def _settle(future: asyncio.Future[Any], value: Any, error: Exception | None) -> None:
    if future.cancelled():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)
