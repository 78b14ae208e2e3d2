"""The database that operations read: a bounded pool of connections, and the statements that are kept for them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson

from auth.errors import ItcareError, ServiceUnavailable
from auth.statements import Statement, Statements, connect_arguments

STATEMENTS_PREPARED = 64
"""How many prepared statements a connection keeps; more than these are text that is parsed again."""


class ConnectionLost(Exception):
    """The connection was lost, before or while a statement ran on it."""


class PoolExhausted(Exception):
    """No connection became free in time."""


class Database:
    """A pool of connections of the app's role; PostgreSQL itself keeps the time limit of statements."""

    def __init__(self, url: str, *, pool_size: int, statement_seconds: float) -> None:
        self._place: dict[str, Any] = connect_arguments(url)
        self._pool_size = pool_size
        self._seconds = statement_seconds
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self.statements = Statements()
        self.watch: Callable[[Statement], None] = lambda statement: None
        """Is told of every statement that is run."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection.

        Raises:
            PoolExhausted: all are lent, and none came back in time.
        """
        pool = self._pool or await self._open()
        try:
            async with asyncio.timeout(self._seconds):
                connection = await pool.acquire()
        except TimeoutError as error:
            raise PoolExhausted from error
        try:
            yield connection
        finally:
            await pool.release(connection)

    async def is_ready(self) -> bool:
        """Ask the database for an answer."""
        async with self.connection() as connection:
            return bool(await connection.fetchval("SELECT true"))

    async def close(self) -> None:
        """Close all connections, once they have come back."""
        if self._pool is not None:
            await self._pool.close()

    async def _open(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    **self._place,
                    min_size=0,
                    max_size=self._pool_size,
                    timeout=5,
                    max_inactive_connection_lifetime=0,  # kept for good: no timer for each return
                    init=_set_up,
                    reset=_leave,
                    statement_cache_size=STATEMENTS_PREPARED,
                    server_settings={
                        "application_name": "itcare-gateway",
                        "jit": "off",
                        "statement_timeout": str(int(self._seconds * 1000)),
                        "default_transaction_read_only": "on",
                    },
                )
            return self._pool


async def _set_up(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_json, decoder=orjson.loads)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


async def _leave(connection: asyncpg.Connection) -> None:
    """Leave a connection as it comes back: operations set nothing, and end their transactions."""
    # But for those that were cancelled while they did.
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")


_GONE = (
    ConnectionLost,
    PoolExhausted,
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
        if isinstance(error, _GONE):
            return ServiceUnavailable()
        error = error.__cause__
    return None
