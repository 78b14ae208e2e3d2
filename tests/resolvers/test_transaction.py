"""Transactions that write, on the connections that operations read with."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import NullPool, func, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from auth.statements import Statement
from auth.tables import table
from gateway.postgres import DatabaseUrls
from resolvers.database import Database
from resolvers.snapshot import open_snapshot
from resolvers.tables import Service
from resolvers.trace import Trace
from resolvers.transaction import Transaction, open_transaction
from tests.resolvers.holding import holding, nothing_runs
from tests.resolvers.shop import Shop, load_shop
from tests.schema.lines import SWITCH_OFF

SERVICE = table(Service)
NAMES = Statement(select(SERVICE.c.description))
BACKEND = Statement(select(func.pg_backend_pid()))
KIND = Statement(select(*[func.current_setting(f"transaction_{name}") for name in ("isolation", "read_only")]))
DIVISION = Statement(select(literal(1) / literal(0)))


@pytest.fixture(scope="module")
async def owner(database: DatabaseUrls) -> AsyncEngine:
    owner = create_async_engine(database.owner, poolclass=NullPool)
    async with owner.begin() as connection:
        await load_shop(connection, Shop())
        await connection.execute(text(SWITCH_OFF))  # these tests are of transactions, whatever their scope
    return owner


@pytest.fixture
async def base(owner: AsyncEngine, database: DatabaseUrls) -> AsyncIterator[Database]:
    """The database with one connection, so that what one use leaves behind is the next one's."""
    base = Database(database.app, pool_size=1, statement_seconds=20)
    yield base
    await base.close()


async def rename(transaction: Transaction, name: str) -> None:
    changed = await transaction.fetch(
        Statement(update(SERVICE).values(description=name).returning(SERVICE.c.description))
    )
    assert {row["description"] for row in changed} == {name}


async def names(base: Database) -> set[str]:
    async with open_snapshot(base, Trace()) as snapshot:
        assert [tuple(row) for row in await snapshot.fetch(KIND)] == [("repeatable read", "on")]
        return {row["description"] for row in await snapshot.fetch(NAMES)}


async def test_what_is_written_is_there_for_the_next_on_the_same_connection(base: Database) -> None:
    async with open_transaction(base) as transaction:
        assert [tuple(row) for row in await transaction.fetch(KIND)] == [("read committed", "off")]
        await rename(transaction, "kept")
    assert await names(base) == {"kept"}


async def test_what_raises_leaves_nothing_behind(base: Database) -> None:
    before = await names(base)

    async def write() -> None:
        async with open_transaction(base) as transaction:
            await rename(transaction, "lost")
            await transaction.fetch(DIVISION)

    with pytest.raises(asyncpg.DivisionByZeroError):
        await write()
    assert await names(base) == before


async def test_an_error_that_is_swallowed_is_told_at_the_end(base: Database) -> None:
    before = await names(base)

    async def write() -> None:
        async with open_transaction(base) as transaction:
            await rename(transaction, "lost")
            with contextlib.suppress(asyncpg.DivisionByZeroError):
                await transaction.fetch(DIVISION)

    with pytest.raises(RuntimeError, match="had failed"):
        await write()
    assert await names(base) == before


async def test_what_is_cancelled_leaves_nothing_behind(base: Database, database: DatabaseUrls) -> None:
    before = await names(base)

    async def write() -> None:
        async with open_transaction(base) as transaction:
            await rename(transaction, "lost")

    async with holding(database, "service") as hold:
        writing = asyncio.create_task(write())
        await hold.has_waiting()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        await nothing_runs(database)
    assert await names(base) == before


async def test_a_connection_that_has_written_is_used_again(base: Database) -> None:
    backends = set()
    for _ in range(3):
        async with open_transaction(base) as transaction:
            backends.add((await transaction.fetch(BACKEND))[0][0])
        await names(base)
    assert len(backends) == 1
