"""A worker: executes what is queued, and takes over what a worker that died had begun."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
from pgqueuer.core.buffers import JobStatusLogBuffer
from pgqueuer.core.executors import AbstractEntrypointExecutor
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries

from auth.statements import connect_arguments
from resolvers.database import CONNECTION_SECONDS, FAILURES, ConnectionLost, PoolExhausted
from resolvers.events import prune_events
from resolvers.operations.drivers.port import DriverUnavailable
from resolvers.operations.execution import Execution
from resolvers.operations.queue import ENTRYPOINT, enqueue, operation_of
from resolvers.operations.records import lost_operations
from resolvers.transaction import open_transaction

LONGEST_PAUSE: Final = timedelta(minutes=5)
AWAY: Final = (*FAILURES, ConnectionLost, PoolExhausted, TimeoutError)
"""What is raised where the database cannot be used."""
TEND_EVERY: Final = 60.0
"""How often a worker looks after what no job is for, in seconds."""
AGAIN_AFTER: Final = 1.0
"""How long to wait, in seconds, before a database that could not be reached is tried again."""

_log = logging.getLogger("gateway.operations")


@dataclass(frozen=True, slots=True)
class Pace:
    """How a worker works; see the settings `ITCARE_WORKER_…`."""

    concurrency: int = 20
    poll: timedelta = timedelta(seconds=0.5)
    heartbeat: timedelta = timedelta(seconds=30)
    attempts: int = 8
    retry: timedelta = timedelta(seconds=1)
    retention: timedelta = timedelta(days=7)

    def pause(self, attempts: int) -> timedelta:
        """Say how long to wait after so many attempts in vain."""
        doubled: timedelta = self.retry * 2 ** min(attempts, 20)
        return min(doubled, LONGEST_PAUSE)


class _Manager(QueueManager):
    """PgQueuer's manager, which leaves a job whose end it could not write down as it is: to be taken over."""

    async def log_failure(
        self, job: Job, executor: AbstractEntrypointExecutor, exc: Exception, jbuff: JobStatusLogBuffer
    ) -> None:
        if isinstance(exc, AWAY):
            _log.warning("The job %s is left to be taken over: %s", job.id, type(exc).__name__)
            return
        await super().log_failure(job, executor, exc, jbuff)


class Worker:
    """Executes operations until it is stopped; a database that is away is waited for."""

    def __init__(self, url: str, execution: Execution, pace: Pace | None = None) -> None:
        self._place = connect_arguments(url)
        self._execution = execution
        self._pace = pace or Pace()
        self._stopped = False
        self._handing_over = asyncio.Event()
        self._manager: QueueManager | None = None

    async def run(self) -> None:
        """Work until `stop()`."""
        tending = asyncio.create_task(self._tend())
        try:
            await self._go_on()
        finally:
            tending.cancel()

    async def _go_on(self) -> None:
        while not self._stopped:
            try:
                await self._work()
            except Exception as error:  # noqa: BLE001  # whatever it is, the queue is all there is to come back to
                _log.warning("The queue cannot be read, going on in %.0f s.", AGAIN_AFTER, exc_info=error)
                await asyncio.sleep(AGAIN_AFTER)

    def stop(self, seconds: float = 0.0) -> None:
        """Take no more operations, and after so many seconds put back into the queue what has not ended."""
        self._stopped = True
        asyncio.get_running_loop().call_later(seconds, self._handing_over.set)
        if self._manager is not None:
            self._manager.shutdown.set()

    async def execute(self, job: Job) -> None:
        """Execute the operation of a job.

        Raises:
            RetryRequested: it is to be tried again later.
            DriverUnavailable: it has been tried often enough; the job is held.
        """
        operation_id = operation_of(job)
        try:
            await self._run(operation_id)
        except DriverUnavailable as error:
            if job.attempts + 1 < self._pace.attempts:
                raise RetryRequested(self._pace.pause(job.attempts), "The driver is unavailable.") from None
            await self._hold(operation_id, str(error))
            raise
        except AWAY as error:
            # Not counted: once the database is well again, everything goes on by itself.
            raise RetryRequested(self._pace.pause(min(job.attempts, 5)), type(error).__name__) from None
        except RetryRequested:
            raise
        except Exception as error:
            _log.exception("The operation %s cannot be executed.", operation_id)
            await self._hold(operation_id, f"an error of ours, {type(error).__name__}")
            raise

    async def _run(self, operation_id: UUID) -> None:
        running = asyncio.create_task(self._execution.run(operation_id))
        ending = asyncio.create_task(self._handing_over.wait())
        try:
            await asyncio.wait([running, ending], return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                running.cancel()
                await asyncio.wait([running])
                raise RetryRequested(timedelta(0), "The worker was stopped.")
            running.result()
        finally:
            ending.cancel()
            running.cancel()

    async def _tend(self) -> None:
        """Look after the queue and the log of events, now and every minute."""
        while True:
            try:
                await self._find_lost()
                await self._prune()
            except AWAY as error:
                _log.warning("The queue cannot be looked after now: %s", type(error).__name__)
            await asyncio.sleep(TEND_EVERY)

    async def _prune(self) -> None:
        """Take away events that nobody can resume from any more."""
        pruned = 1
        while pruned:
            async with open_transaction(self._execution.database) as transaction:
                pruned = await prune_events(transaction.fetch, datetime.now(UTC) - self._pace.retention)

    async def _find_lost(self) -> None:
        """Queue what is in progress and in no queue: it was, and the job was lost."""
        async with open_transaction(self._execution.database) as transaction:
            for operation_id in await lost_operations(transaction.fetch):
                _log.warning("The operation %s had lost its job, and is queued again.", operation_id)
                await enqueue(transaction, operation_id)

    async def _hold(self, operation_id: UUID, reason: str) -> None:
        try:
            await self._execution.hold(operation_id, reason)
        except AWAY as error:
            raise RetryRequested(self._pace.retry, type(error).__name__) from None

    async def _work(self) -> None:
        pool = await asyncpg.create_pool(
            **self._place,
            min_size=2,
            max_size=4,
            timeout=CONNECTION_SECONDS,
            command_timeout=CONNECTION_SECONDS * 2,
            server_settings={"application_name": "itcare-worker", "jit": "off"},
        )
        try:
            manager = _Manager(Queries(AsyncpgPoolDriver(pool)))
            manager.entrypoint(ENTRYPOINT, on_failure="hold")(self.execute)
            self._manager = manager
            if self._stopped:
                return
            await manager.run(
                dequeue_timeout=self._pace.poll,
                batch_size=max(1, self._pace.concurrency // 2),
                max_concurrent_tasks=self._pace.concurrency,
                heartbeat_timeout=self._pace.heartbeat,
                shutdown_on_listener_failure=True,
            )
        finally:
            self._manager = None
            with contextlib.suppress(*FAILURES, TimeoutError):
                await asyncio.wait_for(pool.close(), CONNECTION_SECONDS)
