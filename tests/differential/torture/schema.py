"""Builds the torture schema, and gives it what Strawberry cannot say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import strawberry
from graphql import GraphQLInterfaceType, GraphQLObjectType, OperationType
from strawberry.schema.config import StrawberryConfig

from tests.differential.executing import Open, Opened
from tests.differential.torture.cosmos import (
    Angle,
    Basalt,
    Comet,
    Drawn,
    Echo,
    Granite,
    Marble,
    Moon,
    Planet,
    Pulse,
    Star,
)
from tests.differential.torture.fate import Fate, Place
from tests.differential.torture.roots import Mutation, Query, Subscription
from tests.differential.torture.values import angle

ANGLE = strawberry.scalar(name="Angle", serialize=angle, parse_value=float, specified_by_url=None)


def build_cosmos() -> strawberry.Schema:
    """Build the torture schema."""
    schema = strawberry.Schema(
        Query,
        Mutation,
        Subscription,
        types=[Star, Planet, Moon, Comet, Granite, Basalt, Marble, Pulse, Echo],
        config=StrawberryConfig(scalar_map={Angle: ANGLE}),
    )
    types: dict[str, Any] = schema._schema.type_map
    types["Planet"].is_type_of = _answers_later
    types["Moon"].is_type_of = _answers
    for name in ("Comet", "Granite", "Basalt", "Marble"):
        types[name].is_type_of = None
    signal = types["Signal"]
    assert isinstance(signal, GraphQLInterfaceType)
    signal.resolve_type = None
    for name in ("Pulse", "Echo"):
        steady = types[name]
        assert isinstance(steady, GraphQLObjectType)
        steady.is_type_of = None
        for of_field in steady.fields.values():
            # From here on it is a field of graphql-core's own.
            of_field.resolve, of_field.extensions = None, {}
    return schema


def _answers(value: Any, info: Any) -> Any:
    """Tell whether it is a moon: the truth, unless fate wants otherwise."""
    fate: Fate = info.context
    place = getattr(value, "_place", None) or Place(1)
    if fate.strikes("is_type_of", place, often=0.3):
        if fate.draw("is_type_of", place).random() < 0.5:
            raise ValueError(f"cannot tell at {place.key:08x}")
        return 0
    return isinstance(value, Drawn) and value._of.name == "Moon"


def _answers_later(value: Any, info: Any) -> Any:
    """Tell whether it is a planet, later if fate wants so."""
    fate: Fate = info.context
    place = getattr(value, "_place", None) or Place(2)
    fails = fate.strikes("is_type_of later", place, often=0.3)
    answer = isinstance(value, Drawn) and value._of.name == "Planet" and not fails
    return fate.later(1, answer) if fate.draw("is_type_of later", place).random() < 0.5 else answer


class Cosmos:
    """The torture schema, and how an operation on it is opened."""

    def __init__(self) -> None:
        self.schema = build_cosmos()

    def opener(self, seed: int, mishaps: float, waits: float) -> Open:
        """Decide what an operation meets, every time that it is executed."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[Opened]:
            fate = Fate(self.schema._schema, seed, mishaps, waits)
            yield Opened(fate, {kind: self._root(fate, kind) for kind in OperationType}, calls=fate.calls)
            fate.close()

        return opened

    def _root(self, fate: Fate, kind: OperationType) -> Any:
        of = self.schema._schema.get_root_type(kind)
        assert of is not None
        return fate.make(of, Place(0))
