"""A worker: executes what is queued, and takes over what a worker that died had begun."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries

from auth.statements import connect_arguments
from resolvers.database import CONNECTION_SECONDS, FAILURES, ConnectionLost, PoolExhausted
from resolvers.operations.drivers.port import DriverUnavailable
from resolvers.operations.execution import Execution
from resolvers.operations.queue import ENTRYPOINT, operation_of

LONGEST_PAUSE: Final = timedelta(minutes=5)
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

    def pause(self, attempts: int) -> timedelta:
        """Say how long to wait after so many attempts in vain."""
        doubled: timedelta = self.retry * 2 ** min(attempts, 20)
        return min(doubled, LONGEST_PAUSE)


class Worker:
    """Executes operations until it is stopped; a database that is away is waited for."""

    def __init__(self, url: str, execution: Execution, pace: Pace | None = None) -> None:
        self._place = connect_arguments(url)
        self._execution = execution
        self._pace = pace or Pace()
        self._stopped = False
        self._manager: QueueManager | None = None

    async def run(self) -> None:
        """Work until `stop()`; what is being executed then goes on to the end of its operation, or is taken over."""
        while not self._stopped:
            try:
                await self._work()
            except (*FAILURES, TimeoutError) as error:
                _log.warning("The queue cannot be read, going on in %.0f s: %s", AGAIN_AFTER, type(error).__name__)
                await asyncio.sleep(AGAIN_AFTER)

    def stop(self) -> None:
        """Take no more operations."""
        self._stopped = True
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
            await self._execution.run(operation_id)
        except DriverUnavailable as error:
            if job.attempts + 1 < self._pace.attempts:
                raise RetryRequested(self._pace.pause(job.attempts), "The driver is unavailable.") from None
            await self._hold(operation_id, str(error))
            raise
        except (*FAILURES, ConnectionLost, PoolExhausted, TimeoutError) as error:
            # Not counted: once the database is well again, everything goes on by itself.
            raise RetryRequested(self._pace.pause(min(job.attempts, 5)), type(error).__name__) from None
        except Exception as error:
            _log.exception("The operation %s cannot be executed.", operation_id)
            await self._hold(operation_id, f"an error of ours, {type(error).__name__}")
            raise

    async def _hold(self, operation_id: UUID, reason: str) -> None:
        try:
            await self._execution.hold(operation_id, reason)
        except (*FAILURES, ConnectionLost, PoolExhausted) as error:
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
            manager = QueueManager(Queries(AsyncpgPoolDriver(pool)))
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
