"""The entry points of the torture schema."""

from collections.abc import AsyncIterator
from typing import Any

import strawberry

from tests.differential.torture.cosmos import (
    Aim,
    Angle,
    Asking,
    Body,
    Catalogue,
    Comet,
    Drawn,
    Echo,
    Guarded,
    Lens,
    Moon,
    Orbiting,
    Planet,
    Rock,
    Sight,
    Signal,
    Star,
    Window,
    awaited,
    resolved,
    settled,
)
from tests.differential.torture.edges import edge
from tests.differential.torture.fate import after
from tests.differential.torture.values import Spectrum


@strawberry.type
class Query(Drawn):
    """Everything there is to see."""

    star: Star | None = resolved()
    stars: list[Star] = awaited()
    bodies: list[Body | None] = resolved()
    orbiting: list[Orbiting] | None = awaited()
    planets: list[list[Planet]] | None = resolved()
    moon: Moon = awaited()
    comets: list[Comet | None] | None = resolved()
    sights: list[Sight | None] | None = resolved()
    sight: Sight | None = awaited()
    signals: list[Signal | None] | None = resolved()
    echo: Echo | None = awaited()
    rocks: list[Rock | None] = resolved()
    stones: list[list[Rock]] | None = awaited()
    guarded: list[Guarded] | None = resolved()
    lens: list[Lens | None] | None = awaited()
    known: Catalogue[Star] = resolved()
    found: Catalogue[Body] | None = awaited()
    count: int | None = resolved()
    aimed: Star | None = edge("aimed")

    @strawberry.field
    async def search(
        self,
        info: Asking,
        aim: Aim,
        window: Window | None = None,
        colours: list[Spectrum] | None = None,
        most: int = 3,
        angle: Angle | None = None,
    ) -> list[Star | None] | None:
        """Find what depends on every argument."""
        place = self._place.at("search", str(aim), str(window), colours, most, angle)
        return await settled(info.context.give(info._raw_info.return_type, place))  # type: ignore[no-any-return]


@strawberry.type
class Mutation(Drawn):
    """Changes, whose order is told."""

    @strawberry.mutation
    async def launch(self, info: Asking, name: str = "a", turns: int = 2) -> Planet | None:
        """Begin, wait, and end."""
        return await _changed(self, info, "launch", name, turns)  # type: ignore[no-any-return]

    @strawberry.mutation
    async def crash(self, info: Asking, name: str = "b") -> Moon:
        """Begin and end; what comes of it may not be null."""
        return await _changed(self, info, "crash", name, 1)  # type: ignore[no-any-return]

    @strawberry.mutation
    def rename(self, info: Asking, name: str = "c") -> Star | None:
        """Do it at once."""
        info.context.effects.append(f"renamed {name}")
        return info.context.give(info._raw_info.return_type, self._place.at("rename", name))  # type: ignore[no-any-return]


async def _changed(root: Any, info: Asking, field: str, name: str, turns: int) -> Any:
    info.context.effects.append(f"{field} {name} begins")
    await after(abs(turns) % 4, None)
    info.context.effects.append(f"{field} {name} ends")
    return await settled(info.context.give(info._raw_info.return_type, root._place.at(field, name)))


@strawberry.type
class Subscription(Drawn):
    """Events, some of which fail, and a source that fails in the end."""

    @strawberry.subscription
    async def events(self, info: Asking, count: int = 2) -> AsyncIterator[Planet | None]:
        """Give some planets."""
        async for event in _events(self, info, "events", count):
            yield event

    @strawberry.subscription
    async def sightings(self, info: Asking, count: int = 3) -> AsyncIterator[list[Sight]]:
        """Give lists of anything."""
        async for event in _events(self, info, "sightings", count):
            yield event


async def _events(root: Any, info: Asking, field: str, count: int) -> AsyncIterator[Any]:
    for number in range(min(abs(count), 3)):
        place = root._place.at(field, number)
        if info.context.strikes("event", place, often=0.3):
            raise ValueError(f"no event at {place.key:08x}")
        await after(number, None)
        yield info.context._item(info._raw_info.return_type, place, lasting=True)
