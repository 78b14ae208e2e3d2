"""One read-only transaction per operation: every select of a request sees the same state of the database."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
import orjson
from sqlalchemy import Select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from auth.errors import CountTimeout, ItcareError, ServiceUnavailable
from resolvers.trace import Trace


def create_engine(url: str, *, pool_size: int, statement_seconds: float) -> AsyncEngine:
    """Make the engine of the app's role: a bounded pool, and a time limit that PostgreSQL itself keeps."""
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=statement_seconds,
        json_deserializer=orjson.loads,
        query_cache_size=1200,
        # It takes the parent of a lateral list, which is only named in an EXISTS, for a forgotten join.
        enable_from_linting=False,
        connect_args={
            "timeout": 5,
            "prepared_statement_cache_size": 500,
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

    async def fetch(self, statement: Select[Any], parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """Run one select and give its rows."""
        async with self._lock:
            return await self._run(statement, parameters)

    async def fetch_within(self, seconds: float, statement: Select[Any]) -> Sequence[Any]:
        """Run one select under a time limit of its own; raises CountTimeout, and the transaction goes on."""
        raw = await self._connection.get_raw_connection()
        driver = cast("asyncpg.Connection", raw.driver_connection)
        async with self._lock:
            await driver.execute(f"SAVEPOINT counting; SET LOCAL statement_timeout = {int(seconds * 1000)}")
            try:
                return await self._run(statement)
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
        async with self._lock:
            self._open = False

    async def _run(self, statement: Select[Any], parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
        if not self._open:
            raise RuntimeError("the operation has ended")
        started = time.perf_counter()
        try:
            rows: Sequence[Any] = (await self._connection.execute(statement, parameters)).all()
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
        finally:
            await snapshot.close()


def unavailable(error: BaseException | None) -> ItcareError | None:
    """Tell a database that cannot be reached from a fault of ours."""
    while error is not None:
        if isinstance(error, PoolTimeout | ConnectionError | InterfaceError):
            return ServiceUnavailable()
        if isinstance(error, DBAPIError) and (error.connection_invalidated or isinstance(error, OperationalError)):
            return ServiceUnavailable()
        error = error.__cause__
    return None
