"""Chains in PostgreSQL: without gaps, whoever writes at the same time, and nothing in them can be changed."""

import asyncio
import contextlib
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from auth.audit import PLATFORM, Entry, append
from auth.audit.checkpoints import add_checkpoints
from auth.audit.reading import Link, read_links
from auth.keys import SigningKey, VerificationKey
from auth.statements import Statement
from gateway.postgres import DatabaseUrls
from resolvers.database import Database
from resolvers.transaction import open_transaction
from tests.auth.audit.entries import ENTRIES, entry, findings, reading, written
from tests.databases import Databases
from tests.gateway.test_migrate import RIGHTS

CHANGES = [
    "UPDATE audit_record SET label = 'OTHER'",
    "DELETE FROM audit_record",
    "TRUNCATE audit_record CASCADE",
    "UPDATE audit_checkpoint SET signature = ''",
    "DELETE FROM audit_checkpoint",
    "TRUNCATE audit_checkpoint",
    "DELETE FROM audit_chain",
    "TRUNCATE audit_chain",
    "UPDATE audit_chain SET seq = seq - 1",
    "UPDATE audit_chain SET seq = seq",
    "UPDATE audit_chain SET chain = uuidv7(), seq = seq + 1",
    "INSERT INTO audit_chain VALUES (uuidv7(), 5, decode(repeat('00', 32), 'hex'))",
]


async def links(base: Database, chain: UUID) -> list[Link]:
    async with reading(base) as fetch:
        return [link async for link in read_links(fetch, chain)]


async def test_eight_that_write_two_chains_at_the_same_time_leave_them_whole(base: Database) -> None:
    one, other = uuid4(), uuid4()

    async def write(number: int) -> None:
        for n in range(20):
            # In either order: chains are locked in one, so that nobody waits for somebody who waits for them.
            chains = (one, other) if (n + number) % 2 else (other, one)
            with contextlib.suppress(ZeroDivisionError):
                async with open_transaction(base) as transaction:
                    await append(transaction.fetch, [entry(chain) for chain in chains for _ in range(1 + n % 3)])
                    if n % 5 == 0:
                        raise ZeroDivisionError

    await asyncio.gather(*(write(number) for number in range(8)))
    kept = 8 * sum(1 + n % 3 for n in range(20) if n % 5)
    for chain in (one, other):
        assert [link.seq for link in await links(base, chain)] == list(range(1, kept + 1))
    assert await findings(base, [one, other]) == []


async def test_what_is_rolled_back_leaves_no_gap(base: Database) -> None:
    chain = await written(base, 2)

    async def lose() -> None:
        async with open_transaction(base) as transaction:
            await append(transaction.fetch, [entry(chain, label="LOST")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await lose()
    await written(base, 1, chain=chain)
    assert [(link.seq, link.members["label"]) for link in await links(base, chain)] == [
        (n, "START_INSTANCE") for n in (1, 2, 3)
    ]
    assert await findings(base, [chain]) == []


async def test_recording_takes_two_statements_and_three_for_the_first(base: Database) -> None:
    statements: list[Statement] = []
    base.watch = statements.append
    chain = await written(base, 50)
    first = len(statements)
    await written(base, 50, chain=chain)
    base.watch = lambda statement: None
    assert (first, len(statements)) == (4, 6)


@given(st.lists(ENTRIES, min_size=1, max_size=20))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_is_read_back_is_what_was_hashed(base: Database, entries: list[Entry]) -> None:
    async with open_transaction(base) as transaction:
        await append(transaction.fetch, entries)
    assert await findings(base, {each.chain for each in entries}) == []


@pytest.mark.parametrize("change", CHANGES)
async def test_neither_the_app_nor_the_owner_changes_what_was_recorded(
    change: str,
    base: Database,
    key: SigningKey,
    keys: dict[str, VerificationKey],
    database: DatabaseUrls,
    databases: Databases,
) -> None:
    chain = await written(base, 1)
    async with open_transaction(base) as transaction:
        await add_checkpoints(transaction.fetch, key)

    async def change_it() -> None:
        async with open_transaction(base) as transaction:
            await transaction.fetch(Statement(text(change)))

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await change_it()
    with pytest.raises(AssertionError, match=r"only grows|only goes forwards"):
        databases.run(change, database)
    assert await findings(base, [chain], keys) == []


@pytest.mark.parametrize(
    ("table", "rights"),
    [("audit_record", "INSERT SELECT"), ("audit_checkpoint", "INSERT SELECT"), ("audit_chain", "INSERT SELECT UPDATE")],
)
def test_the_apps_role_has_no_right_to_change_what_was_recorded(
    table: str, rights: str, database: DatabaseUrls, databases: Databases
) -> None:
    held = databases.run(RIGHTS.format(role="itcare_app", table=table), database)
    assert held == rights


async def test_the_platforms_chain_is_one_of_all(base: Database) -> None:
    before = len(await links(base, PLATFORM))
    await written(base, 3, chain=PLATFORM)
    assert len(await links(base, PLATFORM)) == before + 3
