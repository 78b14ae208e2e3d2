"""The DataLoader that the graph's edges use."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import TypeVar

from aiodataloader import DataLoader

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Loader(DataLoader[K, V]):
    """Collects the keys that are asked for in one turn of the event loop and reads them in one statement.

    `read` gives one value per key, in the order of the keys. A loader lives as long as its operation and keeps what it
    has read: within one operation a key has one value.
    """

    def __init__(self, read: Callable[[Sequence[K]], Awaitable[Sequence[V]]]) -> None:
        async def batch(keys: list[K]) -> list[V]:
            return list(await read(keys))

        super().__init__(batch_load_fn=batch)

    def load(self, key: K) -> asyncio.Future[V]:
        """Ask for the value of a key; whoever stops waiting for it does not stop those who asked for the same."""
        value = super().load(key)
        if value.done():
            return value
        value.add_done_callback(_retrieve)
        return asyncio.shield(value)


def _retrieve(value: asyncio.Future[V]) -> None:
    # When all who asked have gone, an error is nobody's: asyncio need not warn of it.
    if not value.cancelled():
        value.exception()
