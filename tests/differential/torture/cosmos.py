"""The types of the torture schema: stars, planets, moons and comets, and those who look at them."""

from typing import Annotated, Any, Generic, TypeVar

import strawberry
from graphql import GraphQLError
from strawberry import UNSET, Info, Parent

from tests.differential.torture.edges import Around, AsyncAround, Louder, computed, edge
from tests.differential.torture.fate import Fate, Place, after
from tests.differential.torture.guards import (
    Angry,
    Broken,
    Member,
    Own,
    Plain,
    Silent,
    Slow,
    SlowMember,
    silently,
)
from tests.differential.torture.values import Rank, Spectrum

T = TypeVar("T")
Asking = Info[Fate, Any]


class Angle(float):
    """A scalar whose serialization fails for some values."""


def _named(root: Any) -> str:
    return f"<{root._of} {root._place.key}>"


class Drawn:
    """What has its attributes from fate; a property that is read may fail."""

    _fate: Fate
    _place: Place
    _of: Any

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # What a dataclass makes of these would read all attributes, and theirs.
        cls.__repr__, cls.__eq__, cls.__hash__ = _named, object.__eq__, object.__hash__  # type: ignore[method-assign]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._of.fields:
            raise AttributeError(f"{type(self).__name__} has no {name}")
        return self._fate.give(self._of.fields[name].type, self._place.at(name))


def drawn(root: Parent[Any], info: Asking) -> Any:
    """Resolve a field from the parent's place."""
    place = root._place.at(info.field_name)
    info.context.ledger[f"{info.field_name} at {place.key}"] += 1
    return info.context.give(info._raw_info.return_type, place)


async def drawn_later(root: Parent[Any], info: Asking) -> Any:
    """The same, by a coroutine."""
    place = root._place.at(info.field_name)
    info.context.ledger[f"{info.field_name} at {place.key}"] += 1
    return await after(info.context.draw("later", place).randint(0, 2), await settled(drawn(root, info)))


async def settled(value: Any) -> Any:
    return await value if hasattr(value, "__await__") else value


def resolved(**options: Any) -> Any:
    """Declare a field with a resolver."""
    return strawberry.field(resolver=drawn, **options)


def awaited(**options: Any) -> Any:
    """Declare a field with an asynchronous resolver."""
    return strawberry.field(resolver=drawn_later, **options)


@strawberry.input
class Window:
    """When to look."""

    start: int = 0
    stop: int | None = UNSET
    ranks: list[Rank] | None = strawberry.field(default_factory=lambda: [Rank.FIRST])


@strawberry.input(one_of=True)
class Aim:
    """Where to look."""

    name: strawberry.Maybe[str]
    window: strawberry.Maybe[Window]
    angle: Angle | None = UNSET


@strawberry.interface
class Body(Drawn):
    """Anything in the sky; Strawberry finds out what it is."""

    id: strawberry.ID
    name: str
    mass: float | None
    near: list["Body"] = resolved()

    @strawberry.field
    def seen(self, info: Asking, times: int = 1, window: Window | None = None, aim: Aim | None = None) -> str:
        """Tell the arguments."""
        place = self._place.at("seen")
        if info.context.strikes("seen", place):
            raise GraphQLError("clouds", extensions={"times": times})
        return f"{times} {window} {aim}"


@strawberry.interface
class Orbiting(Body):
    """What goes around something; says itself what it is, sometimes later, and sometimes wrongly."""

    around: Body | None
    period: int | None = awaited()

    @classmethod
    def resolve_type(cls, value: Any, info: Any, abstract: Any) -> Any:
        """Name the type."""
        fate: Fate = info.context
        place = getattr(value, "_place", None) or Place(0)
        name = value._of.name if isinstance(value, Drawn) else None
        draw = fate.draw("resolve_type", place)
        if fate.strikes("resolve_type", place):
            match draw.randint(0, 5):
                case 0:
                    raise ValueError(f"no type at {place.key:08x}")
                case 1:
                    return fate.later(1, None, ValueError(f"no type later at {place.key:08x}"))
            name = draw.choice((None, "Star", "Nowhere", "Body", "Int", 7))
        return fate.later(draw.randint(0, 2), name) if draw.random() < fate.waits else name


@strawberry.type
class Star(Body):
    """A type that graphql-core asks Strawberry about."""

    light: Angle | None
    colour: Spectrum
    spots: list[list[int]]
    flares: list[list[float | None] | None] | None = resolved()
    twin: "Star | None"
    planets: list["Planet"] = edge("planets")
    some: list["Planet | None"] | None = edge("some")


@strawberry.type
class Planet(Orbiting):
    """A type that is asked, and answers later."""

    star: Star = edge("star")
    moons: list["Moon"] | None = awaited()
    grid: list[list["Moon | None"] | None] = resolved()
    rings: list[list[list[str]]] | None
    largest: "Moon" = computed("largest")
    rank: Rank | None
    angle: Angle


@strawberry.type
class Moon(Orbiting):
    """A type that is asked, and answers at once."""

    phase: float
    full: bool
    planet: Planet | None = edge("planet")
    siblings: list["Moon | None"] = computed("siblings")
    names: list[str] | None
    tint: Spectrum | None


@strawberry.type
class Comet(Orbiting):
    """A type that is not asked."""

    tail: list[int | None]
    last: int
    next: int | None = resolved()
    path: list[list[Orbiting] | None] | None = awaited()


@strawberry.interface
class Signal:
    """What only graphql-core knows how to tell apart, and whose objects are dictionaries."""

    strength: int
    codes: list[str] | None


@strawberry.type
class Pulse(Signal):
    """A signal."""

    every: float | None


@strawberry.type
class Echo(Signal):
    """A signal whose field is a function of its arguments."""

    of: Pulse | None

    @strawberry.field
    def called(self, times: int = 2, rank: Rank = Rank.FIRST) -> list[int | None] | None:
        """Replaced by the function in the dictionary."""
        return []


@strawberry.type
class Guarded(Drawn):
    """Fields that not everyone may see."""

    plain: int | None = strawberry.field(permission_classes=[Plain])
    slow: str = awaited(permission_classes=[Slow])
    own: str | None = resolved(permission_classes=[Own])
    angry: int | None = awaited(permission_classes=[Angry])
    broken: list[int] | None = strawberry.field(permission_classes=[Broken])
    member: str = strawberry.field(permission_classes=[Member])
    both: int | None = awaited(permission_classes=[SlowMember, Plain, Own])
    silent: int | None = strawberry.field(extensions=[silently(Silent(), Plain())])
    empty: list[int] = resolved(extensions=[silently(Silent())])
    star: Star | None = edge("guarded star", permission_classes=[Plain, Member])
    moons: list[Moon] = edge("guarded moons", awaiting=True, permission_classes=[Slow])
    comets: list[Comet] | None = edge("guarded comets", awaiting=True, permission_classes=[SlowMember])
    body: Body | None = computed("guarded body", permission_classes=[Broken])
    secret: strawberry.Private[int] = 0

    @strawberry.field(permission_classes=[Plain, Silent])
    def asked(self, times: int = 1, ranks: list[Rank] | None = None) -> str | None:
        """Tell the arguments, if the permissions let them pass."""
        return f"{times} {ranks}"


@strawberry.type
class Lens(Drawn):
    """Fields with something around them."""

    close: str = resolved(extensions=[Around()])
    far: str | None = awaited(extensions=[AsyncAround()])
    wide: str | None = strawberry.field(extensions=[Around(), AsyncAround()])
    guarded: str | None = resolved(extensions=[Around()], permission_classes=[Plain])
    late: str | None = awaited(extensions=[AsyncAround()], permission_classes=[Slow])

    @strawberry.field(extensions=[Louder()])
    def loud(self, times: int = 1, word: str | None = UNSET) -> str:
        """Tell the arguments."""
        return f"{word}" * min(abs(times), 3)


Sight = Annotated[Star | Guarded | Lens, strawberry.union("Sight")]


@strawberry.interface
class Rock(Drawn):
    """What several types have in common to the last field, and nobody is asked about."""

    name: str
    weight: int | None
    age: float | None
    layers: list[list[int]] | None
    beside: "Rock | None"
    seen_from: Orbiting | None
    near: list["Rock | None"] = edge("near rocks")
    found: Sight | None = computed("found")
    fallen: str | None = resolved()
    kept: int | None = strawberry.field(permission_classes=[Plain])

    @classmethod
    def resolve_type(cls, value: Any, info: Any, abstract: Any) -> Any:
        """Name the type, unless fate has another one."""
        name = value._of.name if isinstance(value, Drawn) else None
        place = getattr(value, "_place", Place(3))
        fate: Fate = info.context
        return fate.draw("rock", place).choice(("Granite", None, "Star")) if fate.strikes("rock", place) else name


@strawberry.type
class Granite(Rock):
    """A rock like any other."""


@strawberry.type
class Basalt(Rock):
    """A rock that knows its age, and resolves a field in its own way."""

    age: float
    fallen: str | None = awaited()


@strawberry.type
class Marble(Rock):
    """A rock with something more."""

    veins: list[str]


@strawberry.type
class Catalogue(Drawn, Generic[T]):
    """A list of things, and what is known of it."""

    items: list[T] = resolved()
    first: T | None
    pairs: list[list[T]] | None = awaited()
    size: int
