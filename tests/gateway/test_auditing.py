"""The audit log of the serving process: denials are written, and chains signed, while it serves and when it ends."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from auth.audit import Decision, Entry, append
from auth.audit.reading import read_checkpoints, read_links
from auth.keys import SigningKey
from gateway import auditing
from gateway.auditing import Audit, request_id
from gateway.postgres import DatabaseUrls
from gateway.telemetry.logs import correlation_id
from resolvers.database import Database
from resolvers.snapshot import open_snapshot
from resolvers.trace import Trace
from resolvers.transaction import open_transaction
from tests.auth.audit.entries import READABLE
from tests.databases import Databases


@pytest.fixture(scope="module", autouse=True)
def readable(database: DatabaseUrls, databases: Databases) -> None:
    databases.run(READABLE, database)


@pytest.fixture
async def base(database: DatabaseUrls) -> AsyncIterator[Database]:
    base = Database(database.app, pool_size=2, statement_seconds=20)
    yield base
    await base.close()


async def test_a_denial_is_written_and_signed_by_the_end_of_the_process(base: Database) -> None:
    chain, audit = uuid4(), Audit(base, SigningKey.generate)
    async with audit.running():
        audit.denied(Entry(chain, "DELETE_INSTANCE", Decision.DENIED, code="FORBIDDEN"))
    async with open_snapshot(base, Trace()) as snapshot:
        assert [link.members["label"] async for link in read_links(snapshot.fetch, chain)] == ["DELETE_INSTANCE"]
        assert [each.seq for each in await read_checkpoints(snapshot.fetch, chain)] == [1]


async def test_chains_are_signed_while_the_process_serves(base: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(auditing, "RECORDS", 2)
    small, large = uuid4(), uuid4()

    async def signed(chain: object) -> int:
        async with open_snapshot(base, Trace()) as snapshot:
            return len(await read_checkpoints(snapshot.fetch, chain))  # type: ignore[arg-type]

    async with open_transaction(base) as transaction:
        await append(transaction.fetch, [Entry(each, "X", Decision.ALLOWED) for each in (small, large, large)])
    async with Audit(base, SigningKey.generate).running(), asyncio.timeout(10):
        while not await signed(large):  # noqa: ASYNC110 - PostgreSQL tells of this only when asked
            await asyncio.sleep(0.01)
        assert await signed(small) == 0
        monkeypatch.setattr(auditing, "CHECKPOINT_SECONDS", 0)
        while not await signed(small):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


def test_entries_carry_the_id_of_the_request() -> None:
    assert request_id() is None
    token = correlation_id.set("0" * 32)
    assert request_id() == "0" * 32
    correlation_id.reset(token)
