"""The loader: one queue for keys and columns, one value per key, and no one's end is another's."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from resolvers.loading import Loader


class Shelf:
    """Reads squares, and notes what it was asked; some keys have errors, and some take everything down."""

    def __init__(self) -> None:
        self.read: list[list[int]] = []
        self.is_asked = asyncio.Event()
        self.hold: asyncio.Event | None = None

    async def squares(self, keys: Sequence[int]) -> list[Any]:
        assert len(set(keys)) == len(keys)
        self.read.append(sorted(keys))
        self.is_asked.set()
        if self.hold is not None:
            await self.hold.wait()
        if any(key > 1000 for key in keys):
            raise OSError("the shelf fell")
        return [LookupError(f"no {key}") if key < 0 else key * key for key in keys]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def loader(shelf: Shelf) -> Loader[int, int]:
    return Loader(shelf.squares)


async def column(loader: Loader[int, int], keys: list[int]) -> list[Any]:
    found = loader.load_column(keys)
    return found if isinstance(found, list) else await found


async def test_keys_and_columns_of_one_turn_are_read_in_one_batch_each_key_once(
    shelf: Shelf, loader: Loader[int, int]
) -> None:
    found = await asyncio.gather(
        column(loader, [3, 1, 3]), loader.load(1), loader.load_many([2, 3]), column(loader, [4, 1]), loader.load(5)
    )
    assert found == [[9, 1, 9], 1, [4, 9], [16, 1], 25]
    assert shelf.read == [[1, 2, 3, 4, 5]]


async def test_what_is_known_is_given_at_once_and_never_read_again(shelf: Shelf, loader: Loader[int, int]) -> None:
    assert await column(loader, [1, 2]) == [1, 4]
    assert loader.load_column([2, 1, 2]) == [4, 1, 4]
    assert loader.load(2).result() == 4
    assert loader.load_column([]) == []
    assert await column(loader, [2, 3]) == [4, 9]
    assert shelf.read == [[1, 2], [3]]


async def test_what_is_being_read_is_waited_for_rather_than_read_again(shelf: Shelf, loader: Loader[int, int]) -> None:
    shelf.hold = asyncio.Event()
    first = asyncio.ensure_future(column(loader, [1, 2]))
    await shelf.is_asked.wait()
    second = asyncio.ensure_future(asyncio.gather(column(loader, [2, 3, 1]), loader.load(1)))
    await asyncio.sleep(0)
    shelf.hold.set()
    assert await first == [1, 4]
    assert await second == [[4, 9, 1], 1]
    assert shelf.read == [[1, 2], [3]]


async def test_an_error_of_a_key_is_that_keys_alone_and_is_kept(shelf: Shelf, loader: Loader[int, int]) -> None:
    good, bad, other = await column(loader, [1, -1, 2])
    assert (good, str(bad), other) == (1, "no -1", 4)
    assert isinstance(bad, LookupError)
    with pytest.raises(LookupError, match="no -1"):
        await loader.load(-1)
    assert shelf.read == [[-1, 1, 2]]


async def test_a_batch_that_fails_fails_all_that_wait_for_it_and_is_tried_again(
    shelf: Shelf, loader: Loader[int, int]
) -> None:
    found = await asyncio.gather(column(loader, [1, 2000]), loader.load(2), return_exceptions=True)
    assert [str(error) for error in found] == ["the shelf fell"] * 2
    assert await column(loader, [1, 2]) == [1, 4]
    assert shelf.read == [[1, 2, 2000], [1, 2]]


async def test_values_that_come_in_another_number_than_keys_are_refused() -> None:
    async def none(keys: Sequence[int]) -> list[int]:
        return []

    with pytest.raises(TypeError, match="0 values were read for 2 keys"):
        await column(Loader(none), [1, 2])


async def test_whoever_stops_waiting_stops_nobody_else(shelf: Shelf, loader: Loader[int, int]) -> None:
    waiting = [asyncio.ensure_future(column(loader, [1, 2])), asyncio.ensure_future(column(loader, [2, 3]))]
    one = loader.load(2)
    await asyncio.sleep(0)
    waiting[0].cancel()
    one.cancel()
    assert await waiting[1] == [4, 9]
    assert await loader.load(1) == 1
    assert shelf.read == [[1, 2, 3]]


async def test_primed_values_are_known_unless_they_were_already(shelf: Shelf, loader: Loader[int, int]) -> None:
    assert loader.prime(1, 100).prime(1, 200).load_column([1]) == [100]
    assert Loader(shelf.squares, {7: 70}).load_column([7, 7]) == [70, 70]
    assert await loader.clear(1).load(1) == 1
    loader.clear_all()
    assert await column(loader, [1]) == [1]
    assert shelf.read == [[1], [1]]


async def test_a_loader_is_not_asked_for_none(loader: Loader[int, int]) -> None:
    with pytest.raises(TypeError, match="not for None"):
        loader.load(None)  # type: ignore[arg-type]
