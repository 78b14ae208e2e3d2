"""Denials: never in the way of whoever is allowed, and never lost without being counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from auth.audit import PLATFORM, Decision, DenialLog, Event, append
from auth.audit.denials import BATCH
from auth.audit.reading import read_head, read_links
from resolvers.database import Database
from resolvers.transaction import open_transaction
from tests.auth.audit.entries import entry, findings, reading


def denial(chain: UUID, **values: Any) -> Any:
    return entry(chain, decision=Decision.DENIED, **{"code": "FORBIDDEN", **values})


async def recorded(base: Database, chain: UUID) -> list[dict[str, Any]]:
    async with reading(base) as fetch:
        return [link.members async for link in read_links(fetch, chain)]


async def length(base: Database, chain: UUID) -> int:
    async with reading(base) as fetch:
        head = await read_head(fetch, chain)
        return head.seq if head else 0


async def test_a_flood_of_denials_delays_what_is_allowed_by_a_batch_and_what_is_dropped_is_counted(
    base: Database,
) -> None:
    chain = uuid4()
    log = DenialLog(lambda: open_transaction(base), chain_capacity=2_000)
    log.start()
    for _ in range(5_000):
        log.record(denial(chain))
    async with asyncio.timeout(20):
        while not await length(base, chain):  # noqa: ASYNC110 - PostgreSQL tells of this only when asked
            await asyncio.sleep(0)
    async with open_transaction(base) as transaction:
        # Looked at when the connection is there: how long it takes to get one says nothing of the chain.
        before = await length(base, chain)
        await append(transaction.fetch, [entry(chain, label="STOP_INSTANCE")])
    await log.stop()

    all_ = await recorded(base, chain)
    (place,) = [each["seq"] for each in all_ if each["label"] == "STOP_INSTANCE"]
    # One batch may end, and another begin, between looking and asking.
    assert place <= before + 2 * (BATCH + 1) + 1
    assert len(all_) > place, "the flood was over before"
    dropped = sum(each["count"] for each in all_ if each["label"] == Event.DENIALS_DROPPED)
    assert dropped >= 3_000
    assert dropped + sum(each["label"] == "START_INSTANCE" for each in all_) == 5_000
    assert await findings(base, [chain]) == []


async def test_a_flood_in_one_chain_drops_nothing_of_another(base: Database) -> None:
    loud, quiet = uuid4(), uuid4()
    log = DenialLog(lambda: open_transaction(base), chain_capacity=300)
    log.start()
    for _ in range(1_000):
        log.record(denial(loud))
    log.record(denial(quiet))
    await log.stop()
    assert [each["label"] for each in await recorded(base, quiet)] == ["START_INSTANCE"]


async def test_denials_are_written_without_being_asked(base: Database) -> None:
    chain = uuid4()
    log = DenialLog(lambda: open_transaction(base))
    log.start()
    log.record(denial(chain, reasons=("MISSING_PROFILE",)))
    async with asyncio.timeout(10):
        while not await length(base, chain):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    await log.stop()
    (record,) = await recorded(base, chain)
    assert (record["decision"], record["code"], record["reasons"]) == ("DENIED", "FORBIDDEN", ["MISSING_PROFILE"])


async def test_what_was_not_found_is_recorded_in_the_platforms_chain(base: Database) -> None:
    chain, cloud = uuid4(), uuid4()
    log = DenialLog(lambda: open_transaction(base))
    log.start()
    log.record(denial(chain, code="NOT_FOUND", cloud_id=cloud))
    await log.stop()
    assert await recorded(base, chain) == []
    assert [each["cloud_id"] for each in await recorded(base, PLATFORM)][-1] == str(cloud)


async def test_denials_wait_for_a_database_that_is_away(base: Database) -> None:
    chain, attempts = uuid4(), 0

    @asynccontextmanager
    async def open_late() -> AsyncIterator[Any]:
        nonlocal attempts
        attempts += 1
        if attempts <= 2:
            raise OSError
        async with open_transaction(base) as transaction:
            yield transaction

    log = DenialLog(open_late)
    log.start()
    for n in range(3):
        log.record(denial(chain, count=n + 1))
    await log.stop()
    assert [each["count"] for each in await recorded(base, chain)] == [1, 2, 3]
    assert attempts == 3


async def test_what_cannot_be_written_at_the_end_is_told_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @asynccontextmanager
    async def refuse() -> AsyncIterator[Any]:
        raise OSError
        yield

    monkeypatch.setattr("auth.audit.denials.CLOSE_SECONDS", 0.05)
    log = DenialLog(refuse, capacity=2)
    log.start()
    for _ in range(5):
        log.record(denial(uuid4()))
    await log.stop()
    (last,) = [record for record in caplog.records if record.getMessage() == "Denials were not recorded"]
    assert vars(last)["fields"] == {"count": 5}
