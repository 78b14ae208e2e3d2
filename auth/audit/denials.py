"""Denials, recorded in batches beside the transactions of commands, so that a flood of them cannot hold a chain.

Each chain has a queue of its own, and its batches are transactions of their own: what is allowed waits for one batch of
its chain at the most. A full queue drops what comes; how much that was is counted, and recorded as DENIALS_DROPPED.
"""

import asyncio
import logging
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from itertools import islice
from typing import Any, Final, Protocol
from uuid import UUID

from auth.audit.records import PLATFORM, Decision, Entry, Event, append
from auth.statements import Statement

BATCH: Final = 200
"""How many denials one transaction writes at the most."""
GATHER_SECONDS: Final = 0.1
"""How long denials are gathered for a batch that is not full."""
RETRY_SECONDS: Final = (0.1, 0.5, 2.0, 5.0)
"""How long to wait after a batch could not be written, the first time and again; the last goes for all later ones."""
CLOSE_SECONDS: Final = 5.0
"""How long the end may take to write what is left."""
CHAIN_CAPACITY: Final = 2_000
CAPACITY: Final = 10_000

_FOREIGN: Final = "NOT_FOUND"
_log = logging.getLogger(__name__)


class Writes(Protocol):
    """A transaction that writes."""

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Any]:
        """Run one statement and give its rows."""
        ...


OpenTransaction = Callable[[], AbstractAsyncContextManager[Writes]]
"""Begins a transaction that is committed unless the block raises."""


class DenialLog:
    """Takes denials in the event loop's thread and writes them from a task of its own, between `start` and `stop`.

    What could not be written is tried again for as long as it takes, so that a denial whose COMMIT was lost on the way
    may be recorded twice. Only what is left when the process ends and the database cannot be reached is lost; the log
    says how many.
    """

    def __init__(
        self, open_transaction: OpenTransaction, *, chain_capacity: int = CHAIN_CAPACITY, capacity: int = CAPACITY
    ) -> None:
        self._open_transaction = open_transaction
        self._chain_capacity = chain_capacity
        self._capacity = capacity
        self._queues: OrderedDict[UUID, deque[Entry]] = OrderedDict()
        self._waiting = 0
        self._dropped: Counter[UUID] = Counter()
        self._some = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def record(self, entry: Entry) -> None:
        """Take a denial; never waits, never raises.

        What was not found goes to the platform's chain: whose it is, or whether it is there, is not for others to see.
        """
        if entry.code == _FOREIGN and entry.chain != PLATFORM:
            entry = replace(entry, chain=PLATFORM)
        queue = self._queues.setdefault(entry.chain, deque())
        if len(queue) >= self._chain_capacity or self._waiting >= self._capacity:
            self._dropped[entry.chain] += 1
        else:
            queue.append(entry)
            self._waiting += 1
        self._some.set()
        if len(queue) >= BATCH:
            self._full.set()

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._write_all(), name="denials")

    async def stop(self) -> None:
        """Write what is left, within `CLOSE_SECONDS`, and end; what comes later is not recorded."""
        self._closing.set()
        if self._task is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._task, CLOSE_SECONDS)
            self._task = None
        lost = self._waiting + self._dropped.total()
        if lost:
            _log.error("Denials were not recorded", extra={"fields": {"count": lost}})

    async def _write_all(self) -> None:
        failures = 0
        while not self._closing.is_set() or self._queues:
            await _first_of(self._some, self._closing)
            if not self._full.is_set():
                await _first_of(self._full, self._closing, seconds=GATHER_SECONDS)
            self._some.clear()
            self._full.clear()
            # A batch of each chain in turn: who floods one chain, or holds it, does not keep the others from being
            # written.
            written = [await self._write_batch(chain) for chain in list(self._queues)]
            if all(written):
                failures = 0
            else:
                await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures += 1
            if self._queues:
                self._some.set()
                self._full.set()

    async def _write_batch(self, chain: UUID) -> bool:
        queue, dropped = self._queues[chain], self._dropped[chain]
        entries = list(islice(queue, BATCH))
        if not await self._write([*entries, _dropped(chain, dropped)] if dropped else entries):
            return False
        for _ in entries:
            queue.popleft()
        self._waiting -= len(entries)
        self._dropped[chain] -= dropped
        if not queue and not self._dropped[chain]:
            del self._queues[chain], self._dropped[chain]
        return True

    async def _write(self, entries: Sequence[Entry]) -> bool:
        try:
            async with self._open_transaction() as transaction:
                await append(transaction.fetch, entries)
        except Exception as error:  # noqa: BLE001  # whatever it is, denials are kept until they are written
            _log.warning("Denials cannot be recorded now", exc_info=error)
            return False
        return True


def _dropped(chain: UUID, count: int) -> Entry:
    return Entry(chain, Event.DENIALS_DROPPED, Decision.DENIED, count=count)


async def _first_of(*events: asyncio.Event, seconds: float | None = None) -> None:
    """Wait until one of the events is set, or the time is over."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
