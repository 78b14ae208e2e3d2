"""The tail of the logs: one per process tells all who wait that there are new events in their organizations."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text

from auth.statements import Statement
from resolvers.database import Database
from resolvers.snapshot import open_snapshot
from resolvers.trace import Trace

RETRY_SECONDS: Final = 1.0
"""How long to wait when the database cannot be asked."""
_HEADS = Statement(
    text("SELECT organization_id, seq FROM event_heads(:organizations)").bindparams(
        bindparam("organizations", type_=ARRAY(Uuid()))
    )
)

ReadHeads = Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, int]]]
"""Tells how far the logs of some organizations are."""


def heads_of(database: Database) -> ReadHeads:
    """Read how far logs are, each time on a connection that is given back at once."""

    async def read(organizations: Sequence[UUID]) -> Mapping[UUID, int]:
        async with open_snapshot(database, Trace()) as snapshot:
            rows = await snapshot.fetch(_HEADS, {"organizations": list(organizations)})
            return {row["organization_id"]: row["seq"] for row in rows}

    return read


class Follower:
    """Somebody who waits for events after the ones they know of."""

    def __init__(self) -> None:
        self.positions: Mapping[UUID, int] = {}
        self._is_behind = asyncio.Event()

    def stand_at(self, positions: Mapping[UUID, int]) -> None:
        """Say up to which event of each organization is known; what comes after it wakes."""
        self.positions = dict(positions)
        self._is_behind.clear()

    async def wait(self, seconds: float) -> bool:
        """Return when there are new events, or after so many seconds; tells whether there are."""
        try:
            async with asyncio.timeout(seconds):
                await self._is_behind.wait()
        except TimeoutError:
            return False
        return True

    def compare(self, heads: Mapping[UUID, int]) -> None:
        """Wake, if a log has gone on since."""
        if any(heads.get(organization, 0) > seq for organization, seq in self.positions.items()):
            self._is_behind.set()


class Tail:
    """Asks for the organizations of all followers in one statement every so many seconds; without any, not at all."""

    def __init__(self, read: ReadHeads, seconds: float, *, retry_seconds: float = RETRY_SECONDS) -> None:
        self._read = read
        self._seconds = seconds
        self._retry_seconds = retry_seconds
        self._followers: set[Follower] = set()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def follow(self) -> Iterator[Follower]:
        """Follow logs until the block ends."""
        follower = Follower()
        self._followers.add(follower)
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        try:
            yield follower
        finally:
            self._followers.discard(follower)

    async def close(self) -> None:
        """Ask no more."""
        self._followers.clear()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        # It ends by itself: a statement that was cancelled would take its connection with it.
        try:
            while self._followers:
                organizations = _organizations(self._followers)
                try:
                    heads = await self._read(organizations) if organizations else {}
                except Exception:  # noqa: BLE001  # who reads events is told; here it is asked again
                    await asyncio.sleep(self._retry_seconds)
                    continue
                for follower in self._followers:
                    follower.compare(heads)
                await asyncio.sleep(self._seconds)
        finally:
            self._task = None


def _organizations(followers: Iterable[Follower]) -> list[UUID]:
    return list({organization for follower in followers for organization in follower.positions})
