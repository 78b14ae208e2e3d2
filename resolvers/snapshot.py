"""One read-only transaction per operation: every select of a request sees the same state of the database."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
import orjson
from sqlalchemy import Select
from sqlalchemy.exc import DBAPIError, InterfaceError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from auth.errors import CountTimeout, ItcareError, ServiceUnavailable
from resolvers.trace import Trace

STATEMENTS_KEPT = 256
HEAVIEST_KEPT = 8
"""Compiled statements are kept for the next caller, but for those with more conditions than this.

A compiled condition takes some 10 KB, and there is no end to the ways in which callers can combine conditions.
"""


def create_engine(url: str, *, pool_size: int, statement_seconds: float) -> AsyncEngine:
    """Make the engine of the app's role: a bounded pool, and a time limit that PostgreSQL itself keeps."""
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=statement_seconds,
        json_deserializer=orjson.loads,
        query_cache_size=STATEMENTS_KEPT,
        connect_args={
            "timeout": 5,
            "prepared_statement_cache_size": STATEMENTS_KEPT // 4,
            "server_settings": {
                "application_name": "itcare-gateway",
                "jit": "off",
                "statement_timeout": str(int(statement_seconds * 1000)),
            },
        },
    )


class Snapshot:
    """A REPEATABLE READ, READ ONLY transaction on one connection; its statements run one after another."""

    def __init__(self, connection: AsyncConnection, trace: Trace) -> None:
        self._connection = connection
        self._lock = asyncio.Lock()
        self._trace = trace
        self._open = True
        self._reading: asyncio.Task[Any] | None = None

    async def fetch(
        self, statement: Select[Any], parameters: Mapping[str, Any] | None = None, *, weight: int = 0
    ) -> Sequence[Any]:
        """Run one select and give its rows; `weight` says how many conditions of the caller's own making it has."""
        async with self._turn():
            return await self._run(statement, parameters, weight)

    async def fetch_within(self, seconds: float, statement: Select[Any], *, weight: int = 0) -> Sequence[Any]:
        """Run one select under a time limit of its own; raises CountTimeout, and the transaction goes on.

        It is never an operation's first statement: that one begins the transaction.
        """
        async with self._turn():
            raw = await self._connection.get_raw_connection()
            driver = cast("asyncpg.Connection", raw.driver_connection)
            await driver.execute(f"SAVEPOINT counting; SET LOCAL statement_timeout = {int(seconds * 1000)}")
            try:
                return await self._run(statement, None, weight)
            except DBAPIError as error:
                if _is_cancelled(error):
                    raise CountTimeout(seconds) from None
                raise
            finally:
                # Rolling back is also what restores the limit: nothing was written.
                if not driver.is_closed():
                    await driver.execute("ROLLBACK TO SAVEPOINT counting; RELEASE SAVEPOINT counting")

    async def close(self) -> None:
        """Let the statement that runs end, and run no other.

        An operation may end before all that it asked for is there: one error can make the rest worthless.
        """
        self._open = False
        async with self._lock:
            pass

    def cancel(self) -> None:
        """Stop the statement that runs: nobody waits for it any more."""
        if self._reading is not None:
            self._reading.cancel()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        async with self._lock:
            # Once the operation has ended, the connection is another's.
            if not self._open:
                raise RuntimeError("the operation has ended")
            self._reading = asyncio.current_task()
            try:
                yield
            finally:
                self._reading = None

    async def _run(self, statement: Select[Any], parameters: Mapping[str, Any] | None, weight: int) -> Sequence[Any]:
        started = time.perf_counter()
        try:
            options: Any = {"compiled_cache": None} if weight > HEAVIEST_KEPT else {}
            result = await self._connection.execute(statement, parameters, execution_options=options)
            rows: Sequence[Any] = result.all()
            return rows
        finally:
            self._trace.sql_statements += 1
            self._trace.db_seconds += time.perf_counter() - started


def _is_cancelled(error: DBAPIError) -> bool:
    return error.orig is not None and isinstance(error.orig.__cause__, asyncpg.QueryCanceledError)


@asynccontextmanager
async def open_snapshot(engine: AsyncEngine, trace: Trace) -> AsyncIterator[Snapshot]:
    """Begin the transaction of an operation, and end it with the operation, however that ends."""
    reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    async with reading.connect() as connection:
        snapshot = Snapshot(connection, trace)
        try:
            yield snapshot
        except asyncio.CancelledError:
            snapshot.cancel()
            raise
        finally:
            await snapshot.close()


_GONE = (
    PoolTimeout,
    InterfaceError,
    PendingRollbackError,  # an earlier statement of the operation lost the connection
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)


def unavailable(error: BaseException | None) -> ItcareError | None:
    """Tell a database that cannot be reached from a fault of ours."""
    while error is not None:
        if isinstance(error, _GONE) or (isinstance(error, DBAPIError) and error.connection_invalidated):
            return ServiceUnavailable()
        error = error.__cause__
    return None
