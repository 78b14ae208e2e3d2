"""Operations while connections drop, the database restarts or its disk is full: all that was accepted ends, once."""

import asyncio
import contextlib
import itertools
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from auth.audit.verifying import verify_database
from gateway.auditing import public_keys
from gateway.postgres import EmbeddedPostgres
from gateway.postgres.connecting import fetching, snapshot
from gateway.settings import Settings
from schema.ids import global_id, parse_id
from tests.databases import Databases, migrated_server, reachable_folder
from tests.gateway.operations.crowds import crowd, require_whole
from tests.gateway.operations.test_worker import until
from tests.gateway.operations.workers import worker
from tests.gateway.privileged import START, STARTED, Privileged, Reply, privileged
from tests.gateway.running import running

QUIET = "SELECT 1 WHERE NOT EXISTS (SELECT FROM pgqueuer)"
CLEAR = {"SERVICE_UNAVAILABLE", "OPERATION_TIMEOUT"}
"""What a client is told while the database cannot be used."""
PACE = {"ITCARE_WORKER_HEARTBEAT_SECONDS": "2", "ITCARE_WORKER_RETRY_SECONDS": "0.1"}


@pytest.fixture
async def people(tmp_path: Path, databases: Databases) -> AsyncIterator[Privileged]:
    urls = databases.make()
    async with privileged(Settings(data_dir=tmp_path, pool_size=8), urls) as found:
        yield found
    databases.drop(urls)


async def start(people: Privileged, instance: UUID) -> Reply:
    return await people.ask("ope", START % STARTED, {"instanceId": global_id("Instance", instance)})


def accepted(replies: Sequence[Reply]) -> list[UUID]:
    """The operations of the replies that have one; the others say clearly that they have none."""
    found = []
    for reply in replies:
        if "errors" in reply.body:
            assert reply.code in CLEAR, reply.body
        elif reply.payload["operation"]:
            found.append(parse_id(reply.payload["operation"]["id"], argument="id")[1])
        else:
            assert reply.user_errors in (["WRONG_STATUS"], ["OPERATION_IN_PROGRESS"]), reply.body
    return found


async def start_all(people: Privileged, instances: Sequence[UUID]) -> None:
    """Have all instances started, each asked for until it is, as clients do that are told to come back."""
    for instance in instances:
        reply = await start(people, instance)
        while not accepted([reply]) and "errors" in reply.body:
            await asyncio.sleep(0.1)
            reply = await start(people, instance)


async def chain_holds(people: Privileged) -> None:
    async with snapshot(people.database.owner) as connection:
        keys = public_keys(people.gateway.settings)
        findings = [finding async for finding in verify_database(fetching(connection), keys)]
    assert findings == []


async def test_connections_that_are_dropped_all_the_time_delay_operations_and_spoil_none(
    people: Privileged, tmp_path: Path
) -> None:
    instances = await crowd(people, 30)

    async def storm() -> None:
        while True:
            await people.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name IN ('itcare-gateway', 'itcare-worker') AND random() < 0.3"
            )
            await asyncio.sleep(0.3)

    async with worker(people.database, tmp_path, **PACE):
        raging = asyncio.create_task(storm())
        await start_all(people, instances)
        await asyncio.sleep(1)
        raging.cancel()
        await until(people, QUIET)
    operations = await people.sql("SELECT id FROM operation WHERE action = 'START_INSTANCE'")
    assert len(operations) == len(instances)
    await require_whole(people, [key for (key,) in operations])


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """A server that a test may stop and start."""
    with reachable_folder() as folder, migrated_server(folder / "own") as server:
        yield server


async def test_a_database_that_restarts_is_waited_for(own_server: EmbeddedPostgres, tmp_path: Path) -> None:
    async with privileged(Settings(data_dir=tmp_path, pool_size=8), own_server.urls) as people:
        instances = await crowd(people, 20)
        slow = {**PACE, "ITCARE_WORKER_SIMULATED_SECONDS": "0.5"}
        async with worker(people.database, tmp_path, **slow):
            first = accepted([await start(people, instance) for instance in instances[:10]])
            assert len(first) == 10
            own_server.stop()
            while_down = await start(people, instances[10])
            assert while_down.code == "SERVICE_UNAVAILABLE"
            assert while_down.answer.status_code == 503
            own_server.start()
            await start_all(people, instances[10:])
            await until(people, QUIET)
        operations = [key for (key,) in await people.sql("SELECT id FROM operation WHERE action = 'START_INSTANCE'")]
        assert set(first) <= set(operations)
        assert len(operations) == len(instances)
        await require_whole(people, operations)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A folder with a disk of its own, of 240 MB."""
    with reachable_folder() as folder:
        place = folder / "disk"
        place.mkdir()
        mounted = subprocess.run(  # noqa: S603 - our own folder
            ["mount", "-t", "tmpfs", "-o", "size=240m,mode=711", "tmpfs", place],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
        if mounted.returncode != 0:
            pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
        yield place
        subprocess.run(["umount", "-l", place], check=True)  # noqa: S603, S607 - our own folder


@pytest.fixture
def cramped_server(small_disk: Path) -> Iterator[EmbeddedPostgres]:
    """A server on the small disk."""
    with migrated_server(small_disk / "own") as server:
        yield server


async def test_a_full_disk_refuses_clearly_and_everything_goes_on_when_there_is_room(
    small_disk: Path, cramped_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with privileged(Settings(data_dir=tmp_path, pool_size=8), cramped_server.urls) as people:
        instances = await crowd(people, 40)
        async with worker(people.database, tmp_path, **PACE, ITCARE_WORKER_SIMULATED_SECONDS="0.2"):
            first = accepted([await start(people, instance) for instance in instances[:10]])
            ballast = small_disk / "ballast"
            _fill(ballast)
            # Until the write-ahead log needs the disk, changes go on; then they are refused, one and all.
            assert await _until_refused(people, instances[10:]) in CLEAR
            ballast.unlink()
            if not await _answers(people):
                # As a supervisor does with a server that has given up for want of room.
                cramped_server.stop()
                cramped_server.start()
            await start_all(people, instances[10:])
            await until(people, QUIET)
        operations = [key for (key,) in await people.sql("SELECT id FROM operation WHERE action = 'START_INSTANCE'")]
        assert set(first) <= set(operations)
        await require_whole(people, operations)


async def _answers(people: Privileged) -> bool:
    for _ in range(30):
        with contextlib.suppress(Exception):
            return await people.sql("SELECT 1") == [(1,)]
        await asyncio.sleep(0.1)
    return False


def _fill(ballast: Path) -> None:
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))


async def _until_refused(people: Privileged, instances: Sequence[UUID]) -> str:
    """Change things, and have the write-ahead log grow, until a change is refused; gives the code."""
    async with asyncio.timeout(60):
        for instance in itertools.cycle(instances):
            with contextlib.suppress(Exception):
                await people.sql("SELECT pg_logical_emit_message(false, 'ballast', repeat('x', 4000000))")
            reply = await start(people, instance)
            if "errors" in reply.body:
                return reply.code
    raise AssertionError


@pytest.mark.long
async def test_five_hundred_operations_by_two_workers_and_two_gateways_end_once_each(
    people: Privileged, tmp_path: Path
) -> None:
    instances = await crowd(people, 500)
    async with (
        privileged_again(people) as other,
        worker(people.database, tmp_path, **PACE),
        worker(people.database, tmp_path, **PACE),
    ):
        replies: list[Reply] = []

        async def some(of: Privileged, share: Sequence[UUID]) -> None:
            for instance in share:
                replies.append(await start(of, instance))  # noqa: PERF401 - one after another

        await asyncio.gather(*[some((people, other)[n % 2], instances[n::8]) for n in range(8)])
        await until(people, QUIET)
    started = accepted(replies)
    assert len(started) == 500
    await require_whole(people, started)
    await chain_holds(people)


@contextlib.asynccontextmanager
async def privileged_again(people: Privileged) -> AsyncIterator[Privileged]:
    """A second gateway over the same database, for the same people."""
    settings = people.gateway.settings
    async with running(settings, people.database, people.shop) as gateway:
        other = Privileged(gateway, people.database, people.shop, people.people)
        yield other
        await other.close()
