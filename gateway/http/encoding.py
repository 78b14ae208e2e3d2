"""Answers as JSON; large ones a part at a time, so that writing them holds nobody up."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import orjson

OBJECTS_AT_A_TIME = 500
"""How many objects are written before others get their turn: about half a millisecond."""


GiveWay = Callable[[], Awaitable[None]]


async def encode(content: Any, objects: int, give_way: GiveWay) -> bytes:
    """Write content of about so many objects as JSON."""
    if objects > 2 * OBJECTS_AT_A_TIME:
        for holder, key in list(_large_lists(content, objects)):
            holder[key] = await _encode_list(holder[key], objects, give_way)
    return orjson.dumps(content)


def _large_lists(content: Any, objects: int) -> Iterator[tuple[Any, str]]:
    """Find the outermost lists that are worth taking apart, by what holds them."""
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _large_lists(value, objects)
        elif isinstance(value, list) and len(value) > 1:
            yield content, key


async def _encode_list(items: list[Any], objects: int, give_way: GiveWay) -> list[orjson.Fragment]:
    size = max(1, len(items) * OBJECTS_AT_A_TIME // objects)
    parts = []
    for start in range(0, len(items), size):
        # Without the brackets: between two parts of the list goes the comma that goes between two items.
        parts.append(orjson.Fragment(orjson.dumps(items[start : start + size])[1:-1]))
        await give_way()
    return parts
