"""A transaction that writes: all of a command's statements, kept together or not at all."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from auth.statements import Statement
from resolvers.database import BEGIN_READING, BEGIN_WRITING, FAILURES, ConnectionLost, Database, is_lost

if TYPE_CHECKING:
    # Events are read in snapshots, which write by transactions.
    from resolvers.events import Event
    from resolvers.letters import Letter


class Transaction:
    """A READ COMMITTED transaction on one connection. What it locks, nobody else changes until it ends."""

    def __init__(self, database: Database, connection: asyncpg.Connection) -> None:
        self._database = database
        self._connection = connection
        self.events: list[Event] = []
        """What is to be told of, once everything else is written."""
        self.letters: list[Letter] = []
        """What is to be sent once it is committed, and never if it is not."""

    @property
    def connection(self) -> asyncpg.Connection:
        """The connection, for what is to be written through it in this transaction; a statement has been run before."""
        return self._connection

    async def fetch(self, statement: Statement, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """Run one statement and give its rows: those of a select, or those that a change returns."""
        self._database.watch(statement)
        try:
            rows: Sequence[Any] = await self._connection.fetch(statement.text, *statement.arguments(values or {}))
            return rows
        except FAILURES as error:
            if is_lost(self._connection, error):
                raise ConnectionLost from error
            raise


@asynccontextmanager
async def writing(database: Database, connection: asyncpg.Connection) -> AsyncIterator[Transaction]:
    """Put a transaction that writes in the place of the connection's; committed unless the block raises.

    Afterwards the connection has a read-only one again, in which nothing was read yet.
    """
    await connection.execute(BEGIN_WRITING)
    try:
        yield Transaction(database, connection)
        if await connection.execute("COMMIT") != "COMMIT":
            # PostgreSQL answers ROLLBACK if a statement had failed, and calls that no error.
            raise RuntimeError("a statement of the transaction had failed")
    finally:
        if not connection.is_closed():
            await connection.execute(BEGIN_READING)


@asynccontextmanager
async def open_transaction(database: Database) -> AsyncIterator[Transaction]:
    """Begin a transaction that is committed unless the block raises; whatever was written then never was."""
    async with database.connection() as connection, writing(database, connection) as transaction:
        yield transaction
