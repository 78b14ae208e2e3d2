"""The DataLoader that the graph's edges use: aiodataloader's, which also takes whole columns of keys."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

from aiodataloader import DataLoader

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Loader(DataLoader[K, V]):
    """Collects the keys that are asked for in one turn of the event loop and reads them in one statement.

    `read` gives one value per key, in the order of the keys; an exception among them is that key's alone. A loader
    lives as long as its operation and keeps what it has read: within one operation a key has one value.

    Single keys and columns share one queue and what was read. A column costs one future, however long it is.
    """

    def __init__(
        self, read: Callable[[Sequence[K]], Awaitable[Sequence[V]]], known: Mapping[K, V | Exception] | None = None
    ) -> None:
        """Take what reads, and what is known already."""
        super().__init__(cache=False)
        self._read = read
        self._known: dict[K, V | Exception] = dict(known or {})
        self._asked: dict[K, asyncio.Future[Any]] = {}
        """What is being read for a key: done once the key is known, or could not be read."""

    def load(self, key: K) -> "asyncio.Future[V]":
        """Ask for the value of a key; whoever stops waiting for it does not stop those who asked for the same."""
        if key is None:
            raise TypeError("A loader is asked for a key, not for None.")
        value: asyncio.Future[V] = self.loop.create_future()
        value.add_done_callback(_hear)

        def settle(found: Mapping[K, V | Exception]) -> None:
            if isinstance(found[key], Exception):
                value.set_exception(cast("Exception", found[key]))
            else:
                value.set_result(cast("V", found[key]))

        if key in self._known:
            settle(self._known)
        else:
            self._settle_after(value, self._batches([key]), settle)
        return value

    def load_column(self, keys: Sequence[K]) -> "list[V | Exception] | asyncio.Future[list[V | Exception]]":
        """Ask for the values of many keys at once, an exception in the place of each that has none.

        What is known already is given without waiting. If a statement fails that reads some of them, the column fails.
        """
        known = self._known
        unknown = [key for key in dict.fromkeys(keys) if key not in known]
        if not unknown:
            return [known[key] for key in keys]
        column: asyncio.Future[list[V | Exception]] = self.loop.create_future()
        column.add_done_callback(_hear)
        # What is known now stays what this column was given, whatever is cleared until the rest is there.
        kept = {} if len(unknown) == len(keys) else {key: known[key] for key in keys if key in known}

        def settle(found: Mapping[K, V | Exception]) -> None:
            everything = {**kept, **found} if kept else found
            column.set_result([everything[key] for key in keys])

        self._settle_after(column, self._batches(unknown), settle)
        return column

    def prime(self, key: K, value: V | Exception) -> "Loader[K, V]":
        """Make the value of a key known, unless it is already; returns itself."""
        if key not in self._asked:
            self._known.setdefault(key, value)
        return self

    def clear(self, key: K) -> "Loader[K, V]":
        """Forget the value of a key; returns itself."""
        self._known.pop(key, None)
        return self

    def clear_all(self) -> "Loader[K, V]":
        """Forget all values; returns itself."""
        self._known.clear()
        return self

    async def batch_load_fn(self, asked: list[Any]) -> list[Any]:
        """Read the columns of one batch, each key once."""
        columns = cast("list[_Column[K]]", asked)
        keys = list(dict.fromkeys(key for column in columns for key in column.keys))
        try:
            values = await self._read(keys)
            if len(values) != len(keys):
                raise TypeError(f"{len(values)} values were read for {len(keys)} keys.")
        finally:
            for key in keys:
                self._asked.pop(key, None)
        found = dict(zip(keys, values, strict=True))
        self._known.update(found)
        return [found] * len(columns)

    def _batches(self, keys: list[K]) -> list["asyncio.Future[Any]"]:
        """Give the futures of what reads these keys; those that nobody has asked for yet are asked for now."""
        batches = dict.fromkeys(self._asked[key] for key in keys if key in self._asked)
        new = [key for key in keys if key not in self._asked] if batches else keys
        if new:
            batch: asyncio.Future[Any] = self.loop.create_future()
            batch.add_done_callback(_hear)
            self._asked.update(dict.fromkeys(new, batch))
            self.do_resolve_reject(cast("Any", _Column(new)), batch)
            batches[batch] = None
        return list(batches)

    def _settle_after(
        self,
        waiting: "asyncio.Future[Any]",
        batches: list["asyncio.Future[Any]"],
        settle: Callable[[Mapping[K, V | Exception]], None],
    ) -> None:
        def look(_: object) -> None:
            if waiting.done() or not all(batch.done() for batch in batches):
                return
            error = next((batch.exception() for batch in batches if batch.exception() is not None), None)
            if error is not None:
                waiting.set_exception(error)
            elif len(batches) == 1:
                settle(batches[0].result())
            else:
                settle({key: value for batch in batches for key, value in batch.result().items()})

        for batch in batches:
            batch.add_done_callback(look)


class _Column(Generic[K]):
    """The keys of one entry of the queue; equal to nothing else, so that every entry is read."""

    __slots__ = ("keys",)

    def __init__(self, keys: list[K]) -> None:
        self.keys = keys


def _hear(done: "asyncio.Future[Any]") -> None:
    # When all who asked have gone, an error is nobody's: asyncio need not warn of it.
    if not done.cancelled():
        done.exception()
