"""One read-only transaction per operation: every select of a request sees the same state of the database."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import Executable

from auth.errors import CountTimeout
from auth.statements import Statement
from resolvers.database import FAILURES, ConnectionLost, Database, is_lost
from resolvers.trace import Trace
from resolvers.transaction import Transaction, writing

FOR_ITS_VALUES = "SET LOCAL plan_cache_mode = force_custom_plan"
HEAVIEST_KEPT = 8
"""Statements are kept for the next caller, but for those with more conditions than this.

There is no end to the ways in which callers can combine conditions.
"""


class Snapshot:
    """A REPEATABLE READ, READ ONLY transaction on one connection; its statements run one after another."""

    def __init__(self, database: Database, connection: asyncpg.Connection, trace: Trace) -> None:
        self._database = database
        self._connection = connection
        self._lock = asyncio.Lock()
        self._trace = trace
        self._open = True
        self._plans_for_values = False
        self._reading: asyncio.Task[Any] | None = None

    def statement(self, shape: Hashable, build: Callable[[], Executable], *, weight: int = 0) -> Statement:
        """Give the statement of a shape, built if need be; `weight`: how many conditions of the caller's own it has."""
        return Statement(build()) if weight > HEAVIEST_KEPT else self._database.statements.get(shape, build)

    async def fetch(self, statement: Statement, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """Run one select and give its rows."""
        async with self._lock:
            return await self._run(statement, values or {})

    async def plan_for_values(self) -> None:
        """Let the statements from here on be planned for the values that they are given, which takes a round trip.

        PostgreSQL plans a statement that it has seen often for any values at all. What a caller filters by makes too
        much of a difference for that: of a rare value all rows are sorted soonest, of a frequent one the order of an
        index is followed.
        """
        async with self._lock:
            if not self._plans_for_values:
                self._require_open()
                await self._execute(FOR_ITS_VALUES)
                self._plans_for_values = True

    async def fetch_within(
        self, seconds: float, statement: Statement, values: Mapping[str, Any] | None = None
    ) -> Sequence[Any]:
        """Run one select under a time limit of its own; raises CountTimeout, and the transaction goes on."""
        async with self._lock:
            self._require_open()
            await self._execute(
                f"SAVEPOINT counting; SET LOCAL statement_timeout = {int(seconds * 1000)}; {FOR_ITS_VALUES}"
            )
            try:
                return await self._run(statement, values or {})
            except asyncpg.QueryCanceledError:
                raise CountTimeout(seconds) from None
            finally:
                # Rolling back is also what restores the limit: nothing was written.
                if not self._connection.is_closed():
                    await self._execute("ROLLBACK TO SAVEPOINT counting; RELEASE SAVEPOINT counting")

    @asynccontextmanager
    async def written(self) -> AsyncIterator[Transaction]:
        """Put a transaction that writes in the place of this one, and then another that sees what was written."""
        async with self._lock:
            self._require_open()
            self._plans_for_values = False
            try:
                async with writing(self._database, self._connection) as transaction:
                    yield transaction
            except FAILURES as error:
                if is_lost(self._connection, error):
                    raise ConnectionLost from error
                raise

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

    def _require_open(self) -> None:
        # Once the operation has ended, the connection is another's.
        if not self._open:
            raise RuntimeError("the operation has ended")

    async def _run(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Any]:
        self._require_open()
        self._database.watch(statement)
        started = time.perf_counter()
        self._reading = asyncio.current_task()
        try:
            rows: Sequence[Any] = await self._connection.fetch(statement.text, *statement.arguments(values))
            return rows
        except FAILURES as error:
            if is_lost(self._connection, error):
                raise ConnectionLost from error
            raise
        finally:
            self._reading = None
            self._trace.sql_statements += 1
            self._trace.db_seconds += time.perf_counter() - started

    async def _execute(self, command: str) -> None:
        try:
            await self._connection.execute(command)
        except FAILURES as error:
            if is_lost(self._connection, error):
                raise ConnectionLost from error
            raise


@asynccontextmanager
async def open_snapshot(database: Database, trace: Trace) -> AsyncIterator[Snapshot]:
    """Lend an operation its transaction, and take it back when the operation ends, however it does."""
    async with database.connection() as connection:
        snapshot = Snapshot(database, connection, trace)
        try:
            yield snapshot
        except asyncio.CancelledError:
            snapshot.cancel()
            raise
        finally:
            await snapshot.close()
