"""The log of events: numbered without gaps, whoever writes at the same time, and seen by whom it concerns."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import NullPool, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from auth.principal import Principals, set_scope
from auth.statements import Statement
from auth.tables import table
from gateway.postgres import DatabaseUrls
from resolvers.database import Database
from resolvers.events import Event, EventKind, Wanted, append_events, prune_events
from resolvers.events.reading import read_events
from resolvers.snapshot import open_snapshot
from resolvers.tables import EventCounter, LoggedEvent
from resolvers.trace import Trace
from resolvers.transaction import open_transaction
from tests.databases import Databases
from tests.resolvers.shop import Shop, load_shop
from tests.schema.lines import FILTERS, LINES, POLICIES, SWITCH_OFF

EVENT = table(LoggedEvent)
AFTER = Statement(text("SELECT seq, subject_id FROM event WHERE organization_id = :organization AND seq > :seq"))
ALL = Statement(select(EVENT).order_by(EVENT.c.organization_id, EVENT.c.seq))
HEADS = Statement(text("SELECT organization_id, seq FROM event_heads(CAST(:organizations AS uuid[]))"))
PRUNED = Statement(text("SELECT organization_id, seq FROM pruned_events(CAST(:organizations AS uuid[]))"))
WRITERS, TRANSACTIONS = 8, 25
LONG_AGO = timedelta(days=30)


@pytest.fixture
async def shop(urls: DatabaseUrls) -> Shop:
    shop = Shop()
    owner = create_async_engine(urls.owner, poolclass=NullPool)
    async with owner.begin() as connection:
        await load_shop(connection, shop)
    return shop


@pytest.fixture
def urls(databases: Databases) -> DatabaseUrls:
    return databases.make()


@pytest.fixture
async def base(urls: DatabaseUrls, databases: Databases) -> AsyncIterator[Database]:
    base = Database(urls.app, pool_size=WRITERS + 1, statement_seconds=20)
    yield base
    await base.close()
    databases.drop(urls)


def of_alpha(shop: Shop, subject: UUID | None = None) -> Event:
    return Event(
        shop.acme, shop.alpha, EventKind.RESOURCE_UPDATED, "Instance", subject or shop.web, {"status": "ACTIVE"}
    )


def of_beta(shop: Shop) -> Event:
    return Event(shop.acme, shop.beta, EventKind.RESOURCE_CREATED, "Instance", shop.resource_of_beta)


def of_acme(shop: Shop) -> Event:
    return Event(shop.acme, None, EventKind.UPDATED, "Organization", shop.acme)


def of_globex(shop: Shop) -> Event:
    return Event(shop.globex, shop.omega, EventKind.CREATED, "Service", shop.service_of_omega)


async def log(base: Database, events: list[Event], at: datetime | None = None) -> None:
    async with open_transaction(base) as transaction:
        await append_events(transaction.fetch, events, at or datetime.now(UTC))


async def read(base: Database, statement: Statement, account: UUID | None = None, **values: Any) -> list[Any]:
    async with open_snapshot(base, Trace()) as snapshot:
        if account is not None:
            await set_scope(snapshot.fetch, account)
        return [tuple(row) for row in await snapshot.fetch(statement, values)]


async def seen(base: Database, account: UUID | None) -> list[tuple[UUID | None, int]]:
    return [(row[2], row[1]) for row in await read(base, ALL, account)]


async def heads(base: Database, shop: Shop) -> dict[UUID, int]:
    return dict(await read(base, HEADS, organizations=[shop.acme, shop.globex]))


async def pruned(base: Database, shop: Shop) -> dict[UUID, int]:
    return dict(await read(base, PRUNED, organizations=[shop.acme, shop.globex]))


# Appending


async def test_an_event_is_read_as_it_was_appended(base: Database, shop: Shop) -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    await log(base, [of_alpha(shop)], at)
    payload = {"status": "ACTIVE"}
    (row,) = await read(base, ALL, shop.account)
    assert row == (shop.acme, 1, shop.alpha, "RESOURCE_UPDATED", "Instance", shop.web, payload, at)


async def test_events_of_one_transaction_have_the_order_in_which_they_were_given(base: Database, shop: Shop) -> None:
    subjects = [uuid4() for _ in range(20)]
    await log(base, [])
    await log(base, [of_alpha(shop, subject) for subject in subjects[:15]])
    await log(base, [of_alpha(shop, subject) for subject in subjects[15:]])
    assert await read(base, AFTER, shop.account, organization=shop.acme, seq=0) == list(enumerate(subjects, 1))


async def test_each_organization_counts_for_itself(base: Database, shop: Shop) -> None:
    await log(base, [of_alpha(shop), of_globex(shop), of_alpha(shop)])
    await log(base, [of_globex(shop)])
    assert await heads(base, shop) == {shop.acme: 2, shop.globex: 2}


async def test_what_is_rolled_back_leaves_no_gap(base: Database, shop: Shop) -> None:
    async def fail() -> None:
        async with open_transaction(base) as transaction:
            await append_events(transaction.fetch, [of_alpha(shop)] * 3, datetime.now(UTC))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    await log(base, [of_alpha(shop)])
    assert await heads(base, shop) == {shop.acme: 1}


async def test_while_many_write_a_reader_gets_every_event_once_and_in_order(base: Database, shop: Shop) -> None:
    random = Random(1)  # noqa: S311 - it is to be repeated
    sizes = [[random.randint(1, 3) for _ in range(TRANSACTIONS)] for _ in range(WRITERS)]
    written: set[UUID] = set()

    async def write(transactions: list[int]) -> None:
        for size in transactions:
            subjects = [uuid4() for _ in range(size)]
            written.update(subjects)
            # Also the other organization, now before and now after: their counters are taken in one order all the same.
            events = [*(of_alpha(shop, subject) for subject in subjects), of_globex(shop)]
            await log(base, events if size % 2 else events[::-1])

    writing = asyncio.gather(*(write(transactions) for transactions in sizes))
    got: list[tuple[int, UUID]] = []
    done = False
    while not done:
        done = writing.done()
        got += await read(base, AFTER, shop.account, organization=shop.acme, seq=len(got))
        assert [seq for seq, _ in got] == list(range(1, len(got) + 1))
    await writing
    assert len(got) == len(written)
    assert {subject for _, subject in got} == written
    assert await heads(base, shop) == {shop.acme: len(got), shop.globex: WRITERS * TRANSACTIONS}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda shop: Event(shop.acme, shop.omega, EventKind.CREATED, "Service", shop.web),
        lambda shop: Event(uuid4(), None, EventKind.CREATED, "Organization", shop.acme),
        lambda shop: Event(shop.acme, None, EventKind.CREATED, "no type", shop.acme),
    ],
    ids=["of another's Cloud", "of no organization", "of no type"],
)
async def test_an_event_of_nothing_is_refused(base: Database, shop: Shop, wrong: Any) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await log(base, [wrong(shop)])
    assert await heads(base, shop) == {}


# Who sees it


async def test_events_are_seen_by_who_sees_into_their_cloud(base: Database, shop: Shop) -> None:
    await log(base, [of_alpha(shop), of_beta(shop), of_acme(shop), of_globex(shop)])
    assert await seen(base, shop.account) == [(shop.alpha, 1), (None, 3)]
    assert await seen(base, uuid4()) == []
    assert await seen(base, None) == []


async def test_counters_are_seen_by_who_sees_into_the_organization(base: Database, shop: Shop) -> None:
    await log(base, [of_alpha(shop), of_globex(shop)])
    counters = Statement(select(table(EventCounter)))
    assert await read(base, counters, shop.account) == [(shop.acme, 1)]
    assert await read(base, counters) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE event SET seq = seq + 1",
        "DELETE FROM event",
        "TRUNCATE event",
        "INSERT INTO event SELECT organization_id, 2, cloud_id, kind, subject_type, subject_id, payload, at FROM event",
        "UPDATE event_counter SET seq = 1",
        "DELETE FROM event_counter",
        "INSERT INTO event_counter SELECT id, 1 FROM organization",
    ],
)
async def test_the_log_is_changed_in_no_other_way(base: Database, shop: Shop, change: str) -> None:
    async def make() -> None:
        async with open_transaction(base) as transaction:
            await set_scope(transaction.fetch, shop.account)
            await transaction.fetch(Statement(text(change)))

    await log(base, [of_alpha(shop)])
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await make()


@pytest.mark.parametrize("line", LINES)
async def test_either_line_of_defence_alone_keeps_events_to_whom_they_concern(
    base: Database, shop: Shop, urls: DatabaseUrls, databases: Databases, line: str
) -> None:
    await log(base, [of_alpha(shop), of_beta(shop), of_acme(shop), of_globex(shop)])
    if line == FILTERS:
        databases.run(SWITCH_OFF, urls)
    positions = {shop.acme: 0}
    async with open_snapshot(base, Trace()) as snapshot:
        principal = Principals().of(shop.account, await set_scope(snapshot.fetch, shop.account))
        if line == POLICIES:
            everything = (shop.alpha, shop.beta, shop.omega)
            principal = replace(principal, scope=replace(principal.scope, resource_clouds=everything))
            positions |= {shop.globex: 0}
        batch = await read_events(snapshot, principal, positions, Wanted())
    assert [(event.cloud_id, event.seq) for event in batch.events] == [(shop.alpha, 1), (None, 3)]
    assert batch.after == {**positions, shop.acme: 3}


# Pruning


async def prune(base: Database, before: datetime) -> int:
    async with open_transaction(base) as transaction:
        return await prune_events(transaction.fetch, before)


async def test_pruning_takes_the_oldest_and_tells_up_to_where(base: Database, shop: Shop) -> None:
    now = datetime.now(UTC)
    await log(base, [of_alpha(shop), of_beta(shop), of_globex(shop)], now - LONG_AGO)
    await log(base, [of_alpha(shop)], now)
    # Of a machine whose clock was behind: it stays, since it comes after one that does.
    await log(base, [of_alpha(shop)], now - LONG_AGO)
    assert await pruned(base, shop) == {shop.acme: 0, shop.globex: 0}
    assert await prune(base, now - timedelta(days=7)) == 3
    assert await prune(base, now - timedelta(days=7)) == 0
    assert await pruned(base, shop) == {shop.acme: 2, shop.globex: 1}
    assert await seen(base, shop.account) == [(shop.alpha, 3), (shop.alpha, 4)]
    await log(base, [of_globex(shop)], now)
    assert await heads(base, shop) == {shop.acme: 4, shop.globex: 2}
    assert await pruned(base, shop) == {shop.acme: 2, shop.globex: 1}


async def test_the_last_day_is_never_pruned(base: Database, shop: Shop) -> None:
    now = datetime.now(UTC)
    await log(base, [of_alpha(shop)], now - timedelta(hours=23))
    assert await prune(base, now + LONG_AGO) == 0
    assert await seen(base, shop.account) == [(shop.alpha, 1)]
