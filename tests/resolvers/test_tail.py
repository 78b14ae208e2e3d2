"""The tail of the logs: who is woken, and what is asked of the database for it."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

from resolvers.events import Tail

ACME, GLOBEX = UUID(int=1), UUID(int=2)


class Logs:
    """How far logs are, and what was asked."""

    def __init__(self) -> None:
        self.heads: dict[UUID, int] = {}
        self.asked: list[set[UUID]] = []
        self.fails = 0
        self.was_asked = asyncio.Condition()

    async def read(self, organizations: Sequence[UUID]) -> Mapping[UUID, int]:
        async with self.was_asked:
            self.asked.append(set(organizations))
            self.was_asked.notify_all()
        if self.fails:
            self.fails -= 1
            raise OSError
        return {of: seq for of, seq in self.heads.items() if of in organizations}

    async def times(self, more: int) -> None:
        """Return when it was asked so many times more."""
        wanted = len(self.asked) + more
        async with self.was_asked, asyncio.timeout(10):
            await self.was_asked.wait_for(lambda: len(self.asked) >= wanted)


async def test_a_follower_is_woken_when_one_of_its_logs_has_gone_on() -> None:
    logs = Logs()
    tail = Tail(logs.read, 0.001)
    with tail.follow() as follower:
        follower.stand_at({ACME: 5, GLOBEX: 0})
        logs.heads = {ACME: 5}
        await logs.times(3)
        assert not await follower.wait(0)
        logs.heads = {ACME: 5, GLOBEX: 1}
        assert await follower.wait(10)
        follower.stand_at({ACME: 5, GLOBEX: 1})
        await logs.times(3)
        assert not await follower.wait(0)
    await tail.close()


async def test_followers_of_many_organizations_are_served_by_one_question_and_without_them_there_is_none() -> None:
    logs = Logs()
    tail = Tail(logs.read, 0.001)
    with tail.follow() as one, tail.follow() as other, tail.follow() as nobody:
        one.stand_at({ACME: 0})
        other.stand_at({ACME: 3, GLOBEX: 0})
        nobody.stand_at({})
        await logs.times(2)
        assert logs.asked[-1] == {ACME, GLOBEX}
    await tail.close()
    asked = len(logs.asked)
    await asyncio.sleep(0.01)
    assert len(logs.asked) == asked


async def test_a_database_that_cannot_be_asked_is_asked_again() -> None:
    logs = Logs()
    logs.fails, logs.heads = 1, {ACME: 1}
    tail = Tail(logs.read, 0.001, retry_seconds=0.001)
    with tail.follow() as follower:
        follower.stand_at({ACME: 0})
        assert await follower.wait(10)
    await tail.close()
