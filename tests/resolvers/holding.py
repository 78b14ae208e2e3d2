"""Makes statements wait: a lock on a table, held for as long as a test needs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from gateway.postgres import DatabaseUrls


class Hold:
    """A table that nobody else can read; what the holder writes is seen when the hold ends."""

    def __init__(self, connection: AsyncConnection, table: str) -> None:
        self.connection = connection
        self._table = table

    async def has_waiting(self, number: int = 1) -> None:
        """Return when so many statements wait for the table."""
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = CAST(:name AS regclass)")
        async with asyncio.timeout(10):
            while await self.connection.scalar(waiting, {"name": self._table}) != number:  # noqa: ASYNC110 - as below
                await asyncio.sleep(0.01)

    async def end(self) -> None:
        """Commit what was written, and let the table go."""
        await self.connection.commit()


@asynccontextmanager
async def holding(database: DatabaseUrls, table: str) -> AsyncIterator[Hold]:
    """Hold a table, which no open transaction has read, until the block ends or `end` is called."""
    engine = create_async_engine(database.owner, poolclass=NullPool)
    async with engine.connect() as connection:
        # Whoever reads the table already is a mistake of the test's.
        await connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        await connection.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        yield Hold(connection, table)


async def statements_running(database: DatabaseUrls) -> list[str]:
    """Tell which statements of the gateway run in a database, those that wait for a lock too."""
    engine = create_async_engine(database.owner, poolclass=NullPool)
    async with engine.connect() as connection:
        running = await connection.scalars(
            text(
                "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
                " AND application_name = 'itcare-gateway'"
            )
        )
        return list(running)


async def nothing_runs(database: DatabaseUrls) -> None:
    """Return when no statement of the gateway runs in a database any more."""
    async with asyncio.timeout(5):
        while await statements_running(database):  # noqa: ASYNC110 - PostgreSQL tells of this only when asked
            await asyncio.sleep(0.01)
