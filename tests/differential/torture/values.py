"""What resolvers of scalars and enums, and of lists, give: what is right, what is right all the same, what is wrong."""

import enum
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from math import inf, nan
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import strawberry


@strawberry.enum
class Spectrum(enum.Enum):
    """The colour of a star; two of its members serialize from values that are equal to others."""

    BLUE = "blue"
    WHITE = 1
    RED = ("r", 0)


@strawberry.enum
class Rank(enum.IntEnum):
    """Members that are integers at the same time."""

    FIRST = 1
    SECOND = 2


class Whole(int):
    """An integer of another type."""


class Text(str):
    """A text of another type."""

    __slots__ = ()


class Said:
    """What can be written down, and is no text."""

    def __str__(self) -> str:
        return "said"


class Unhashable:
    """What no dictionary finds."""

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return "unhashable"


MOMENT: Final = UUID(int=7)

RIGHT: Final[dict[str, Sequence[Any]]] = {
    "Int": (0, 1, -5, 42, 2**31 - 1, -(2**31)),
    "Float": (0.0, 1.5, -0.0, 1e300, 2.0),
    "String": ("", "sun", "é", "😀", "1"),
    "ID": ("", "a", "7"),
    "Boolean": (True, False),
    "Spectrum": tuple(Spectrum),
    "Rank": tuple(Rank),
    "Angle": (1.0, 2.5, 7.0),
}
"""What needs no conversion, or the usual one."""
CONVERTED: Final[dict[str, Sequence[Any]]] = {
    "Int": (True, False, 3.0, "12", Whole(7), Rank.SECOND, Decimal(4), Fraction(6, 2)),
    "Float": (True, 1, 0, "1.5", Decimal("2.5"), Fraction(1, 2), Whole(3), 2**60),
    "String": (True, False, 1, 2.5, 2.0, Text("text"), Said(), Unhashable(), Decimal("1.0"), 10**30, Rank.FIRST),
    "ID": (1, 2.0, Text("id"), MOMENT, Whole(9), Said(), 10**20),
    "Boolean": (1, 0, 2.5, 0.0, 7, Decimal(0)),
    "Spectrum": ("blue", ("r", 0), 1, True, 1.0),
    "Rank": (1, 2, 2.0, True),
    "Angle": (3, True, 11.0, 12.0),
}
"""What is converted to a value of the type all the same, and so differs from what was given."""
WRONG: Final[dict[str, Sequence[Any]]] = {
    "Int": (2**31, -(2**31) - 1, 1.5, nan, inf, "", "a", [], {}, Said(), Decimal("0.5"), b"1", 10**400),
    "Float": (nan, inf, -inf, "", "x", [1.0], {}, Said(), Decimal("nan"), 10**400, 2**1024),
    "String": (nan, inf, [], ["a"], {"a": 1}, b"a", (), {1}, object),
    "ID": (True, 1.5, nan, [], {}, b"a", (), None.__class__),
    "Boolean": ("true", "", nan, inf, [], {}, Said(), Decimal("nan")),
    "Spectrum": ("BLUE", "green", 2, [], {}, Unhashable(), Said(), Rank.SECOND),
    "Rank": ("FIRST", 3, [], {}, Unhashable(), 1.5),
    "Angle": (-1.0, 0.0, 13.0, "north", nan),
}
"""What is an error, whose message tells the value."""


def angle(value: Any) -> Any:
    """Serialize an Angle: some raise, one becomes nothing, others become more than a scalar."""
    match value:
        case 0.0:
            return None
        case 11.0:
            return {"degrees": [11, {"minutes": 0}]}
        case 12.0:
            return [12, None, True]
        case 13.0:
            raise strawberry.exceptions.StrawberryGraphQLError("Not that one.", extensions={"angle": 13})
    if value < 0:
        raise ValueError(f"{value} is below the horizon.")
    return round(value)


class Roll:
    """What can be iterated, again and again, and has no length."""

    def __init__(self, items: Iterable[Any]) -> None:
        self._items = list(items)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)


class Stream:
    """What can be iterated asynchronously, and is no generator."""

    def __init__(self, items: Iterable[Any]) -> None:
        self._items = iter(list(items))

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        for item in self._items:
            return item
        raise StopAsyncIteration


class Listed(list[Any]):
    """A list of another type."""


def generated(items: Iterable[Any], error: Exception | None = None) -> Iterator[Any]:
    """Give items one by one, and then perhaps fail."""
    yield from items
    if error is not None:
        raise error


async def streamed(items: Iterable[Any], error: Exception | None = None) -> AsyncIterator[Any]:
    """Give items one by one, some of them later, and then perhaps fail."""
    for item in items:
        yield item
    if error is not None:
        raise error


LASTING: Final = (list, list, list, tuple, Roll, deque, Listed, lambda items: dict(enumerate(items)).values())
"""Makes lists of items that can be read more than once."""
PASSING: Final = (generated, streamed, iter, Stream)
"""Makes lists of items that can be read once."""
NO_LISTS: Final[tuple[Any, ...]] = (
    "text",
    b"bytes",
    {},
    {"a": 1},
    7,
    1.5,
    True,
    Said(),
    MappingProxyType({}),
    memoryview(b"a"),
)
"""What stands where a list is expected."""
