"""A transaction that writes: all of a command's statements, kept together or not at all."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from auth.statements import Statement
from resolvers.database import FAILURES, ConnectionLost, Database


class Transaction:
    """A READ COMMITTED transaction on one connection. What it locks, nobody else changes until it ends."""

    def __init__(self, database: Database, connection: asyncpg.Connection) -> None:
        self._database = database
        self._connection = connection

    async def fetch(self, statement: Statement, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """Run one statement and give its rows: those of a select, or those that a change returns."""
        self._database.watch(statement)
        try:
            rows: Sequence[Any] = await self._connection.fetch(statement.text, *statement.arguments(values or {}))
            return rows
        except FAILURES as error:
            if self._connection.is_closed():
                raise ConnectionLost from error
            raise


@asynccontextmanager
async def open_transaction(database: Database) -> AsyncIterator[Transaction]:
    """Begin a transaction that is committed unless the block raises; whatever was written then never was."""
    async with database.writing() as connection:
        yield Transaction(database, connection)
