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
CONNECTION_SECONDS = 5.0
"""How long it may take to open a connection, or to make one ready again."""

BEGIN_READING = "ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
BEGIN_WRITING = "ROLLBACK; BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE"
"""Each ends whatever transaction there is, and begins another, in one round trip."""


FAILURES = (asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresError, OSError)
"""What a statement raises, on the driver's or on PostgreSQL's side."""


class ConnectionLost(Exception):
    """The connection was lost, before or while a statement ran on it."""


def is_lost(connection: asyncpg.Connection, error: BaseException) -> bool:
    """Tell a failure of the connection from one of the statement.

    Of one that breaks off within an answer, the driver may find out by getting into a state that it cannot be in.
    """
    return connection.is_closed() or isinstance(error, asyncpg.InternalClientError)


class PoolExhausted(Exception):
    """No connection became free in time."""


class Database:
    """A pool of connections of the app's role; PostgreSQL itself keeps the time limit of statements.

    A connection that is lent has a read-only transaction open in which nothing was read yet. It is begun by the same
    command that ends the one before, which saves a round trip of four; PostgreSQL takes the snapshot of a transaction
    at its first statement, so that one that waits holds nothing back.
    """

    def __init__(self, url: str, *, pool_size: int, statement_seconds: float) -> None:
        self._place: dict[str, Any] = connect_arguments(url)
        self._pool_size = pool_size
        self._seconds = statement_seconds
        self._room = asyncio.Semaphore(pool_size)
        self._free: list[asyncpg.Connection] = []
        self._returning: set[asyncio.Task[None]] = set()
        self.statements = Statements()
        self.watch: Callable[[Statement], None] = lambda statement: None
        """Is told of every statement that is run."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection.

        Raises:
            PoolExhausted: all are lent, and none came back in time.
        """
        connection = await self._take()
        try:
            yield connection
        finally:
            # Nobody waits for it: what was to be kept is kept already.
            returning = asyncio.ensure_future(self._give_back(connection))
            self._returning.add(returning)
            returning.add_done_callback(self._returning.discard)

    async def is_ready(self) -> bool:
        """Ask the database for an answer."""
        async with self.connection() as connection:
            return bool(await connection.fetchval("SELECT true"))

    async def close(self) -> None:
        """Close all connections, once they have come back."""
        for _ in range(self._pool_size):
            await self._room.acquire()
        while self._free:
            await self._free.pop().close()

    async def _take(self) -> asyncpg.Connection:
        if self._free and not self._room.locked():
            await self._room.acquire()
            connection = self._free.pop()
            if not connection.is_closed():
                return connection
            self._room.release()
        try:
            async with asyncio.timeout(self._seconds):
                await self._room.acquire()
                try:
                    return self._living() or await self._connect()
                except BaseException:
                    self._room.release()
                    raise
        except TimeoutError as error:
            raise PoolExhausted from error

    def _living(self) -> asyncpg.Connection | None:
        """Give the connection that came back last and is still open."""
        while self._free:
            connection = self._free.pop()
            if not connection.is_closed():
                return connection
        return None

    async def _give_back(self, connection: asyncpg.Connection) -> None:
        try:
            # Of an operation that was cancelled, the driver may still be cancelling a statement: this waits for it.
            await connection.execute(BEGIN_READING, timeout=CONNECTION_SECONDS)
            self._free.append(connection)
        except Exception:  # noqa: BLE001  # whatever it is, another connection is as good
            connection.terminate()
        finally:
            self._room.release()

    async def _connect(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(
            **self._place,
            timeout=CONNECTION_SECONDS,
            statement_cache_size=STATEMENTS_PREPARED,
            server_settings={
                "application_name": "itcare-gateway",
                "jit": "off",
                "statement_timeout": str(int(self._seconds * 1000)),
                "default_transaction_read_only": "on",
                # A connection that waits has a transaction open, which is nothing to worry about.
                "idle_in_transaction_session_timeout": "0",
                "transaction_timeout": "0",
            },
        )
        try:
            await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_json, decoder=orjson.loads)
            await connection.execute(BEGIN_READING)
        except BaseException:
            connection.terminate()
            raise
        return connection


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


_GONE = (
    ConnectionLost,
    PoolExhausted,
    asyncpg.InternalClientError,
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    # No room: of connections, of memory, or on the disk.
    asyncpg.InsufficientResourcesError,
)


def unavailable(error: BaseException | None) -> ItcareError | None:
    """Tell a database that cannot be reached from a fault of ours."""
    while error is not None:
        if isinstance(error, _GONE):
            return ServiceUnavailable()
        error = error.__cause__
    return None
