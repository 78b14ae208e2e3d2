import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import NullPool, delete, func, insert, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from auth.errors import CountTimeout
from auth.statements import Statement
from auth.tables import table
from gateway.postgres import DatabaseUrls
from resolvers.database import Database
from resolvers.snapshot import Snapshot, open_snapshot
from resolvers.tables import Resource, Service
from resolvers.trace import Trace
from tests.resolvers.holding import holding, nothing_runs
from tests.resolvers.shop import Shop, load_shop
from tests.schema.lines import SWITCH_OFF

RESOURCE, SERVICE = table(Resource), table(Service)
SERVICES = Statement(select(SERVICE.c.name).order_by(SERVICE.c.name))
COUNT = Statement(select(func.count()).select_from(RESOURCE))
DIVISION = Statement(select(literal(1) / literal(0)))


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="module")
async def owner(database: DatabaseUrls, shop: Shop) -> AsyncEngine:
    owner = create_async_engine(database.owner, poolclass=NullPool)
    async with owner.begin() as connection:
        await load_shop(connection, shop)
        await connection.execute(text(SWITCH_OFF))  # these tests are of transactions, whatever their scope
    return owner


@pytest.fixture
async def reader(owner: AsyncEngine, database: DatabaseUrls) -> AsyncIterator[Database]:
    """The database with one connection, so that what one operation leaves behind is the next one's."""
    reader = Database(database.app, pool_size=1, statement_seconds=20)
    yield reader
    await reader.close()


@pytest.fixture
async def snapshot(reader: Database) -> AsyncIterator[Snapshot]:
    async with open_snapshot(reader, Trace()) as snapshot:
        yield snapshot


async def names(snapshot: Snapshot) -> list[str]:
    return [row["name"] for row in await snapshot.fetch(SERVICES)]


async def backend(snapshot: Snapshot) -> int:
    number: int = (await snapshot.fetch(Statement(select(func.pg_backend_pid()))))[0][0]
    return number


async def test_an_operation_sees_one_state_of_the_database(snapshot: Snapshot, owner: AsyncEngine, shop: Shop) -> None:
    before = await names(snapshot)
    new = Service(**{**shop.another(Service), "name": "new"}).model_dump()
    async with owner.begin() as connection:
        await connection.execute(insert(SERVICE).values(new))
    try:
        assert await names(snapshot) == before
        async with owner.connect() as connection:
            assert "new" in await connection.scalars(SERVICES.select)
    finally:
        async with owner.begin() as connection:
            await connection.execute(delete(SERVICE).where(SERVICE.c.id == new["id"]))


@pytest.mark.parametrize("use", ["an operation", "a check"])
async def test_an_operation_sees_what_was_committed_since_its_connection_came_back(
    reader: Database, owner: AsyncEngine, database: DatabaseUrls, use: str
) -> None:
    async with open_snapshot(reader, Trace()) as snapshot:
        pid, before = await backend(snapshot), await names(snapshot)
    if use == "a check":
        assert await reader.is_ready()
    await nothing_runs(database)
    async with owner.begin() as connection:
        await connection.execute(update(SERVICE).values(name=SERVICE.c.name + "-new"))
    try:
        async with open_snapshot(reader, Trace()) as snapshot:
            assert await backend(snapshot) == pid
            assert await names(snapshot) == [f"{name}-new" for name in before]
    finally:
        async with owner.begin() as connection:
            await connection.execute(update(SERVICE).values(name=func.replace(SERVICE.c.name, "-new", "")))


async def test_a_connection_that_waits_holds_nothing_in_the_database(
    reader: Database, owner: AsyncEngine, database: DatabaseUrls
) -> None:
    async with open_snapshot(reader, Trace()) as snapshot:
        pid = await backend(snapshot)
        assert await names(snapshot)
    await nothing_runs(database)
    held = text(
        "SELECT backend_xmin IS NULL, (SELECT count(*) FROM pg_locks l WHERE l.pid = a.pid AND locktype = 'relation')"
        " FROM pg_stat_activity a WHERE pid = :pid"
    )
    async with owner.connect() as connection:
        assert (await connection.execute(held, {"pid": pid})).one() == (True, 0)


async def test_every_operation_of_a_connection_has_the_same_kind_of_transaction(reader: Database) -> None:
    kind = Statement(
        select(*[func.current_setting(f"transaction_{name}") for name in ("isolation", "read_only", "deferrable")])
    )
    for _ in range(3):
        async with open_snapshot(reader, Trace()) as snapshot:
            assert [tuple(row) for row in await snapshot.fetch(kind)] == [("repeatable read", "on", "off")]


async def test_what_is_committed_while_a_statement_waits_is_not_seen(
    snapshot: Snapshot, owner: AsyncEngine, database: DatabaseUrls
) -> None:
    async with owner.connect() as connection:
        before = list(await connection.scalars(SERVICES.select))
    await snapshot.fetch(COUNT)
    async with holding(database, "service") as hold:
        reading = asyncio.create_task(names(snapshot))
        await hold.has_waiting()
        await hold.connection.execute(update(SERVICE).values(description="changed", name=SERVICE.c.name + "-new"))
        await hold.end()
        assert await reading == before
    async with owner.begin() as connection:
        assert list(await connection.scalars(SERVICES.select)) == [f"{name}-new" for name in before]
        await connection.execute(update(SERVICE).values(name=func.replace(SERVICE.c.name, "-new", "")))


async def test_what_is_asked_for_together_is_read_one_after_another(reader: Database) -> None:
    trace = Trace()
    async with open_snapshot(reader, trace) as snapshot:
        found = await asyncio.gather(*[snapshot.fetch(Statement(select(literal(n)))) for n in range(20)])
    assert [rows[0][0] for rows in found] == list(range(20))
    assert trace.sql_statements == 20
    assert trace.db_seconds > 0


@pytest.mark.parametrize(
    "statement",
    [
        text("INSERT INTO service DEFAULT VALUES"),
        update(SERVICE).values(name="mine"),
        delete(SERVICE),
        select(SERVICE.c.id).with_for_update(),
        text("CREATE TABLE mine ()"),
        text("TRUNCATE service"),
        text("COPY (SELECT) TO PROGRAM 'cat'"),
    ],
    ids=["insert", "update", "delete", "lock", "create", "truncate", "copy"],
)
async def test_nothing_can_be_written_in_a_snapshot(owner: AsyncEngine, snapshot: Snapshot, statement: Any) -> None:
    with pytest.raises((asyncpg.ReadOnlySQLTransactionError, asyncpg.InsufficientPrivilegeError)):
        await snapshot.fetch(Statement(statement))


@pytest.mark.parametrize("statement", [update(SERVICE).values(name="mine"), delete(SERVICE)], ids=["update", "delete"])
async def test_not_even_the_owner_can_write_in_a_snapshot(
    owner: AsyncEngine, database: DatabaseUrls, statement: Any
) -> None:
    reader = Database(database.owner, pool_size=1, statement_seconds=20)
    async with open_snapshot(reader, Trace()) as snapshot:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await snapshot.fetch(Statement(statement))
    await reader.close()


async def test_a_count_over_its_time_is_given_up_and_the_operation_goes_on(
    snapshot: Snapshot, database: DatabaseUrls
) -> None:
    before, timeout = await names(snapshot), await statement_timeout(snapshot)
    async with holding(database, "resource"):
        with pytest.raises(CountTimeout) as caught:
            await snapshot.fetch_within(0.05, COUNT)
        assert caught.value.extensions == {"seconds": 0.05}
        assert await names(snapshot) == before
        assert await statement_timeout(snapshot) == timeout == "20s"


async def test_a_count_in_time_leaves_the_limit_of_the_others_as_it_was(snapshot: Snapshot) -> None:
    assert await statement_timeout(snapshot) == "20s"
    assert (await snapshot.fetch_within(5, COUNT))[0][0] == 3
    assert await statement_timeout(snapshot) == "20s"


async def statement_timeout(snapshot: Snapshot) -> str:
    value: str = (await snapshot.fetch(Statement(select(func.current_setting("statement_timeout")))))[0][0]
    return value


async def test_a_count_that_fails_otherwise_fails_as_what_it_is(snapshot: Snapshot) -> None:
    before = await names(snapshot)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await snapshot.fetch_within(5, DIVISION)
    assert await names(snapshot) == before


async def test_statements_are_planned_for_their_values_where_that_was_asked_for_and_in_counts(
    reader: Database, database: DatabaseUrls
) -> None:
    mode = Statement(select(func.current_setting("plan_cache_mode")))
    for _ in range(2):
        async with open_snapshot(reader, Trace()) as snapshot:
            assert (await snapshot.fetch(mode))[0][0] == "auto"
            assert (await snapshot.fetch_within(5, mode))[0][0] == "force_custom_plan"
            assert (await snapshot.fetch(mode))[0][0] == "auto"
            for _ in range(2):
                await snapshot.plan_for_values()
                assert (await snapshot.fetch(mode))[0][0] == "force_custom_plan"
            async with snapshot.written() as transaction:
                assert (await transaction.fetch(mode))[0][0] == "auto"
            assert (await snapshot.fetch(mode))[0][0] == "auto"
            await snapshot.plan_for_values()
            assert (await snapshot.fetch(mode))[0][0] == "force_custom_plan"


async def test_other_statements_wait_while_a_count_has_its_limit(snapshot: Snapshot, database: DatabaseUrls) -> None:
    async with holding(database, "resource") as hold:
        await names(snapshot)
        counting = asyncio.create_task(snapshot.fetch_within(15, COUNT))
        await hold.has_waiting()
        limit = asyncio.create_task(statement_timeout(snapshot))
        await hold.end()
        assert (await counting)[0][0] == 3
        assert await limit == "20s"


@pytest.mark.parametrize("seconds", [None, 15], ids=["a statement", "a count"])
async def test_an_operation_cancelled_in_the_middle_leaves_nothing_running(
    reader: Database, database: DatabaseUrls, seconds: float | None
) -> None:
    async def operation() -> None:
        async with open_snapshot(reader, Trace()) as snapshot:
            await names(snapshot)
            await (snapshot.fetch(COUNT) if seconds is None else snapshot.fetch_within(seconds, COUNT))

    async with holding(database, "resource") as hold:
        running = asyncio.create_task(operation())
        await hold.has_waiting()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await nothing_runs(database)
        async with open_snapshot(reader, Trace()) as snapshot:
            assert await names(snapshot)


async def test_an_operation_that_ends_waits_for_the_statement_that_runs_and_runs_no_other(
    reader: Database, database: DatabaseUrls
) -> None:
    async with open_snapshot(reader, Trace()) as snapshot:
        pid = await backend(snapshot)
    async with holding(database, "resource") as hold:
        async with open_snapshot(reader, Trace()) as snapshot:
            await names(snapshot)
            reading = asyncio.create_task(snapshot.fetch(COUNT))
            waiting = asyncio.create_task(names(snapshot))
            await hold.has_waiting()
            ending = asyncio.create_task(snapshot.close())
            await hold.end()
            await ending
        assert (await reading)[0][0] == 3
        with pytest.raises(RuntimeError, match="has ended"):
            await waiting
    with pytest.raises(RuntimeError, match="has ended"):
        await names(snapshot)
    async with open_snapshot(reader, Trace()) as snapshot:
        assert await backend(snapshot) == pid


async def test_what_is_asked_for_after_the_end_is_not_read(reader: Database) -> None:
    async with open_snapshot(reader, Trace()) as snapshot:
        await snapshot.close()
        with pytest.raises(RuntimeError, match="has ended"):
            await names(snapshot)
        with pytest.raises(RuntimeError, match="has ended"):
            await snapshot.fetch_within(1, COUNT)


async def test_a_cancelled_operation_does_not_wait_for_what_others_read_for_it(
    reader: Database, database: DatabaseUrls
) -> None:
    asked: list[asyncio.Task[Any]] = []

    async def operation() -> None:
        async with open_snapshot(reader, Trace()) as snapshot:
            await names(snapshot)
            asked.extend([asyncio.create_task(snapshot.fetch(COUNT)), asyncio.create_task(names(snapshot))])
            await asyncio.Event().wait()

    async with holding(database, "resource") as hold:
        running = asyncio.create_task(operation())
        await hold.has_waiting()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await nothing_runs(database)
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError, RuntimeError]


async def test_an_operation_that_fails_leaves_its_connection_to_the_next(reader: Database) -> None:
    pids = []

    async def operation() -> None:
        async with open_snapshot(reader, Trace()) as snapshot:
            pids.append(await backend(snapshot))
            await snapshot.fetch(DIVISION)

    for _ in range(3):
        with pytest.raises(asyncpg.DivisionByZeroError):
            await operation()
    assert len(set(pids)) == 1
