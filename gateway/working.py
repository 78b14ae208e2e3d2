"""The worker of operations, composed: its driver, its pace, and what it says of itself."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from gateway.keys import message_keys, operation_seal
from gateway.postgres import DatabaseUrls
from gateway.settings import Settings
from resolvers.database import Database
from resolvers.operations.drivers.port import Driver
from resolvers.operations.drivers.simulated import SimulatedDriver, Simulation
from resolvers.operations.drivers.webhook import Orchestrator, WebhookDriver
from resolvers.operations.execution import Execution
from resolvers.operations.worker import Pace, Worker

STOP_SECONDS = 5.0
"""How long a worker that is stopped has to end what it executes; the rest goes back into the queue."""

_log = logging.getLogger("gateway.operations")


@asynccontextmanager
async def make_driver(settings: Settings, database: Database) -> AsyncIterator[Driver]:
    """Make the driver that the settings name, and close it when the block ends.

    Raises:
        KeyFileError: the keys of the webhook driver cannot be used.
    """
    given = settings.worker
    if given.driver == "simulated":
        failures, unavailable = given.simulated_failures, given.simulated_unavailable
        yield SimulatedDriver(Simulation(given.simulated_seconds, failures=failures, unavailable=unavailable))
        return
    orchestrator = Orchestrator(
        given.webhook_url or "",  # checked with the settings
        given.webhook_callback_url,
        given.webhook_seconds,
        timedelta(seconds=given.webhook_silence_seconds),
    )
    driver = WebhookDriver(orchestrator, settings.egress, message_keys(settings).keys, database)
    try:
        yield driver
    finally:
        await driver.close()


@asynccontextmanager
async def working(settings: Settings, urls: DatabaseUrls) -> AsyncIterator[asyncio.Task[None]]:
    """Execute operations until the block ends; gives the task, which ends before only by an error."""
    given = settings.worker
    database = Database(urls.app, pool_size=given.concurrency, statement_seconds=settings.limits.seconds)
    pace = Pace(
        given.concurrency,
        timedelta(seconds=given.poll_seconds),
        timedelta(seconds=given.heartbeat_seconds),
        given.attempts,
        timedelta(seconds=given.retry_seconds),
        timedelta(days=settings.live.retention_days),
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        driver = await stack.enter_async_context(make_driver(settings, database))
        worker = Worker(urls.app, Execution(database, driver, operation_seal(settings)), pace)
        task = asyncio.create_task(worker.run())
        try:
            yield task
        finally:
            worker.stop(STOP_SECONDS)
            _, late = await asyncio.wait([task], timeout=2 * STOP_SECONDS)
            for each in late:
                each.cancel()
                await asyncio.wait([each], timeout=STOP_SECONDS)
