"""Whoever is killed in the middle of an import, the importer or PostgreSQL: all of it is there, or nothing."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from gateway.postgres import DatabaseUrls, EmbeddedPostgres
from tests.databases import FAST, migrated_server
from tests.resolvers.inventories import Inventories

ROWS = 300
DEADLINE = 60.0


@contextmanager
def running_import(inventories: Inventories) -> Iterator[subprocess.Popen[bytes]]:
    """The command line, importing; it is ended if the test did not."""
    rows = [inventories.row(f"n{number}", service=f"s{number % 7}") for number in range(ROWS)]
    path = inventories.source([*rows, inventories.row("db", "MANAGED_DATABASE")]).path
    environment = {
        **os.environ,
        "DATABASE_URL": inventories.urls.app,
        "DATABASE_OWNER_URL": inventories.urls.owner,
    }
    command = [sys.executable, "-m", "gateway.cli", "import", str(path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        yield process
        process.kill()


@asynccontextmanager
async def held_up(urls: DatabaseUrls) -> AsyncIterator[AsyncConnection]:
    """Lets imports write resources and instances, and holds them up before databases."""
    engine = create_async_engine(urls.owner, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.execute(text("LOCK TABLE middleware IN SHARE MODE"))
        yield connection
        await connection.invalidate()  # its server may be gone
    await engine.dispose()


async def writing_backend(connection: AsyncConnection) -> int:
    """The process of the import's connection, once it waits with resources written."""
    waiting = text("SELECT pid FROM pg_locks WHERE relation = 'middleware'::regclass AND NOT granted")
    give_up_at = time.monotonic() + DEADLINE
    while (pid := await connection.scalar(waiting)) is None:
        assert time.monotonic() < give_up_at, "the import never came to write"
        await asyncio.sleep(0.02)  # PostgreSQL tells nobody that a lock is waited for
    assert await connection.scalar(text("SELECT pg_relation_size('resource')")) > 0
    return int(pid)


async def gone(connection: AsyncConnection, pid: int) -> None:
    give_up_at = time.monotonic() + DEADLINE
    while await connection.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid"), {"pid": pid}):
        assert time.monotonic() < give_up_at, "the import's connection is still there"
        await asyncio.sleep(0.02)  # PostgreSQL tells nobody that a connection ended
        await connection.execute(text("SELECT pg_stat_clear_snapshot()"))


async def assert_nothing(inventories: Inventories) -> None:
    assert await inventories.resources() == {}
    assert not await inventories.query("SELECT id FROM organization WHERE code = :code", code=inventories.organization)


async def assert_a_further_import_is_whole(inventories: Inventories) -> None:
    with running_import(inventories) as process:
        assert process.wait(DEADLINE) == 0
    assert len(await inventories.resources()) == ROWS + 1


async def test_an_importer_that_is_killed_while_it_writes_leaves_nothing(inventories: Inventories) -> None:
    async with held_up(inventories.urls) as connection:
        with running_import(inventories) as process:
            pid = await writing_backend(connection)
            process.kill()
            assert process.wait() == -signal.SIGKILL
        await connection.rollback()
        await gone(connection, pid)
    await assert_nothing(inventories)
    await assert_a_further_import_is_whole(inventories)


@pytest.fixture
def doomed(server_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server of the test's own."""
    with migrated_server(server_folder / "doomed") as server:
        yield server


async def test_a_server_that_is_killed_during_an_import_has_nothing_of_it_when_it_is_back(
    doomed: EmbeddedPostgres, server_folder: Path, tmp_path: Path
) -> None:
    inventories = Inventories(doomed.urls, tmp_path, "acme")
    async with held_up(doomed.urls) as connection:
        with running_import(inventories) as process:
            await writing_backend(connection)
            assert doomed.pid is not None
            os.kill(doomed.pid, signal.SIGKILL)
            assert process.wait(DEADLINE) == 1
    doomed.stop()
    with EmbeddedPostgres(server_folder / "doomed", parameters=FAST):
        await assert_nothing(inventories)
        await assert_a_further_import_is_whole(inventories)
