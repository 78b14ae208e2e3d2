"""Coroutines side by side, with a task only for those that have to wait."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Coroutine, Generator, Iterable
from typing import Any, Generic, TypeVar

from graphql.pyutils import gather_with_cancel

T = TypeVar("T")


def start(coroutine: Coroutine[Any, Any, T]) -> "T | asyncio.Task[T]":
    """Run a coroutine until it is done or has to wait: give its result, or the task that goes on with it.

    Until it waits it runs inside the task of the caller, so it must not ask which task it is in; code that is not ours
    is awaited as a future for that reason.
    """
    try:
        waited_for = coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    return asyncio.ensure_future(_go_on(coroutine, waited_for))


async def side_by_side(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run coroutines side by side and give their results in order; if one raises, the others are cancelled."""
    results: list[Any] = []
    waiting: dict[int, asyncio.Task[T]] = {}
    coroutines = iter(coroutines)
    try:
        for coroutine in coroutines:
            result = start(coroutine)
            if isinstance(result, asyncio.Task):
                waiting[len(results)] = result
            results.append(result)
    except BaseException:
        for task in waiting.values():
            task.cancel()
        for coroutine in coroutines:
            coroutine.close()
        raise
    if len(waiting) == 1:
        ((index, task),) = waiting.items()
        results[index] = await task
    elif waiting:
        for index, result in zip(waiting, await gather_with_cancel(*waiting.values()), strict=True):
            results[index] = result
    return results


class Turns:
    """Lets those who ask go on one after another, one in each round of the event loop.

    So large operations side by side hold up small ones no longer than one of them would. While small ones are under
    way, which do not take turns but say that they are there, several rounds pass between two turns, so that whatever a
    small one does between two waits for the database comes before the next large piece.
    """

    ROUNDS = 8
    """How many rounds a turn then comes after: about what a small operation takes from one wait to the next.

    A round in which there is nothing to do takes some ten microseconds.
    """

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._small = 0

    async def __aenter__(self) -> None:
        """Begin a small operation."""
        self._small += 1

    async def __aexit__(self, *_: object) -> None:
        """End it."""
        self._small -= 1

    async def take(self) -> None:
        """Wait for a turn."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        if len(self._waiting) == 1:
            loop.call_soon(self._give, loop, 1)
        await turn

    def _give(self, loop: asyncio.AbstractEventLoop, round_: int) -> None:
        if self._small and round_ < self.ROUNDS:
            loop.call_soon(self._give, loop, round_ + 1)
            return
        turn = self._waiting.popleft()
        if not turn.done():
            turn.set_result(None)
        if self._waiting:
            loop.call_soon(self._give, loop, 1)


async def settled(awaitables: Iterable[Awaitable[T]]) -> list[T | Exception]:
    """Wait for what resolvers gave, in tasks of its own; an exception stands where the value would."""
    results = await asyncio.gather(*awaitables, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Exception):
            raise result
    return results  # type: ignore[return-value]  # no other exceptions are left


async def _go_on(coroutine: Coroutine[Any, Any, T], waited_for: Any) -> T:
    return await _Rest(coroutine, waited_for)


class _Rest(Generic[T]):
    """What is left of a coroutine that already waits for something."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], waited_for: Any) -> None:
        self._coroutine = coroutine
        self._waited_for = waited_for

    def __await__(self) -> Generator[Any, Any, T]:
        waited_for = self._waited_for
        while True:
            raised: BaseException | None = None
            try:
                sent = yield waited_for
            except BaseException as error:  # noqa: BLE001  # it is the coroutine's, whatever it is
                raised = error
            try:
                waited_for = self._coroutine.send(sent) if raised is None else self._coroutine.throw(raised)
            except StopIteration as stop:
                result: T = stop.value
                return result
