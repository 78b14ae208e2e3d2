"""Large operations run a few at a time, and small ones do not wait for them."""

import asyncio

import httpx
import pytest

from gateway.execution.breadth_first import Turns
from gateway.http.endpoint import LARGE, LARGE_AT_A_TIME
from gateway.settings import Limits
from tests.gateway.library import RESPONSE_JSON, Application

BOOKS = "shelves(first: 60) { nodes { books(first: 20) { nodes { id } } } }"
WAITING = f"{{ slow {BOOKS} }}"
"""An operation of 1,260 objects that goes on until it is let."""


async def ask(app: Application, query: str) -> httpx.Response:
    async with app.client(accept=RESPONSE_JSON) as client:
        return await client.post("/graphql", json={"query": query})


async def all_wait() -> None:
    """Let every request come as far as it can."""
    for _ in range(200):
        await asyncio.sleep(0)


async def test_a_few_run_at_a_time_and_small_ones_do_not_wait_for_them() -> None:
    app = Application()
    large = [asyncio.create_task(ask(app, WAITING)) for _ in range(LARGE_AT_A_TIME + 3)]
    await app.library.started.wait()
    await all_wait()
    assert len(app.opened) == LARGE_AT_A_TIME
    small = await ask(app, "{ shelves(first: 10) { nodes { id } } }")
    assert len(small.json()["data"]["shelves"]["nodes"]) == 10
    app.library.released.set()
    answers = await asyncio.gather(*large)
    assert len(app.closed) == len(large) + 1
    for answer in answers:
        shelves = answer.json()["data"]["shelves"]["nodes"]
        assert sum(len(shelf["books"]["nodes"]) for shelf in shelves) == 1200 > LARGE


async def test_who_waits_in_vain_is_told_so_and_who_gives_up_makes_room() -> None:
    app = Application(limits=Limits(seconds=1))
    running = [asyncio.create_task(ask(app, WAITING)) for _ in range(LARGE_AT_A_TIME)]
    await app.library.started.wait()
    waiting = await ask(app, WAITING)
    assert waiting.status_code == 503
    assert waiting.json()["errors"][0]["extensions"]["code"] == "OPERATION_TIMEOUT"
    assert [answer.status_code for answer in await asyncio.gather(*running)] == [503] * LARGE_AT_A_TIME
    gone = asyncio.create_task(ask(app, WAITING))
    await all_wait()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    app.library.released.set()
    assert (await ask(app, WAITING)).status_code == 200


async def test_between_two_turns_small_operations_go_on_for_several_rounds() -> None:
    turns, seen = Turns(), list[str]()

    async def large() -> None:
        for _ in range(3):
            await turns.take()
            seen.append("turn")

    async def small() -> None:
        async with turns:
            for _ in range(Turns.ROUNDS):
                seen.append("round")
                await asyncio.sleep(0)

    await asyncio.gather(large(), small())
    assert seen[: Turns.ROUNDS] == ["round"] * Turns.ROUNDS
    assert seen.count("turn") == 3


async def test_without_small_operations_large_ones_go_on_at_once() -> None:
    turns, rounds = Turns(), 0

    async def count() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    for _ in range(10):
        await turns.take()
    counting.cancel()
    assert rounds <= 2 * 10 + 1
