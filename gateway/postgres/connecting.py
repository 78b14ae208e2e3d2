"""One connection to the database, for commands that need no pool."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from sqlalchemy import NullPool, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from auth.statements import Fetch, Statement
from gateway.postgres.errors import PostgresError

CONNECT_SECONDS = 10
SNAPSHOT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


@asynccontextmanager
async def transaction(url: str) -> AsyncIterator[AsyncConnection]:
    """Opens a connection to `url` and a transaction on it, which commits unless something is raised.

    Raises:
        PostgresError: the database cannot be reached.
    """
    settings = {"application_name": "itcare-gateway", "jit": "off"}
    engine = create_async_engine(
        url, poolclass=NullPool, connect_args={"timeout": CONNECT_SECONDS, "server_settings": settings}
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        try:
            connection = await stack.enter_async_context(engine.connect())
        except (OSError, DBAPIError) as error:
            raise _unreachable(url, error) from error
        async with connection.begin():
            yield connection


@asynccontextmanager
async def snapshot(url: str) -> AsyncIterator[AsyncConnection]:
    """Opens a transaction that reads one state of the database; raises as `transaction`."""
    async with transaction(url) as connection:
        await connection.execute(SNAPSHOT)
        yield connection


def fetching(connection: AsyncConnection) -> Fetch:
    """Gives what runs statements in the connection's transaction."""

    async def fetch(statement: Statement, values: Mapping[str, Any]) -> Sequence[Any]:
        result = await connection.execute(statement.select, values)
        return result.all() if result.returns_rows else ()

    return fetch


def _unreachable(url: str, error: OSError | DBAPIError) -> PostgresError:
    place = make_url(url)
    host = place.query.get("host") or f"{place.host}:{place.port or 5432}"
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    reason = str(cause.__cause__ or cause) or type(cause).__name__
    return PostgresError(f"The database {place.database} at {host} cannot be reached: {reason}")
