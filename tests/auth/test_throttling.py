"""How long the next sign-in waits, and that those who guess together gain nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auth.identity.throttling import (
    REMEMBERED,
    WITH_ACCOUNT,
    WITH_ADDRESS,
    WITH_DEVICE,
    Counted,
    Patience,
    Throttle,
    forget_failures,
)
from gateway.postgres import DatabaseUrls
from resolvers.database import Database
from resolvers.transaction import open_transaction

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
THROTTLE = Throttle(bytes(range(32)))
PATIENCES = [WITH_ACCOUNT, WITH_ADDRESS, WITH_DEVICE]


@pytest.fixture(scope="module")
async def base(database: DatabaseUrls) -> AsyncIterator[Database]:
    base = Database(database.app, pool_size=4, statement_seconds=20)
    yield base
    await base.close()


async def attempt(base: Database, email: str, address: str | None, at: datetime) -> Counted:
    async with open_transaction(base) as transaction:
        return await THROTTLE.count_sign_in(transaction.fetch, email, address, None, at)


@given(st.sampled_from(PATIENCES), st.integers(0, 10_000))
def test_the_wait_grows_with_the_failures_and_has_an_end(patience: Patience, failures: int) -> None:
    wait, longer = patience.wait(failures), patience.wait(failures + 1)
    assert timedelta(0) <= wait <= longer <= patience.longest
    assert (wait == timedelta(0)) == (failures < patience.free)
    if timedelta(0) < wait and longer < patience.longest:
        assert longer == 2 * wait


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.integers(0, 1200), min_size=1, max_size=25))
async def test_whenever_somebody_guesses_no_more_are_looked_at_than_the_waits_allow(
    base: Database, pauses: list[int]
) -> None:
    email, at = f"{uuid4()}@acme.example", NOON
    looked_at: list[datetime] = []
    for pause in pauses:
        at += timedelta(seconds=pause, microseconds=1)
        counted = await attempt(base, email, None, at)
        # The model: what counts is what was looked at within a day, and the wait begins with the last of it.
        recent = [each for each in looked_at if each > at - REMEMBERED]
        left = recent[-1] + WITH_ACCOUNT.wait(len(recent)) - at if recent else timedelta(0)
        assert counted.wait == (left if left > timedelta(0) else None)
        if counted.wait is None:
            looked_at.append(at)


async def test_of_those_who_guess_together_no_more_are_looked_at(base: Database) -> None:
    email = f"{uuid4()}@acme.example"
    counted = await asyncio.gather(*(attempt(base, email, f"10.1.1.{n}", NOON) for n in range(30)))
    assert [each.wait is None for each in counted].count(True) == WITH_ACCOUNT.free


async def test_what_was_right_is_taken_off_the_counts_and_nothing_else_is(base: Database) -> None:
    email, at = f"{uuid4()}@acme.example", NOON
    for number in range(WITH_ACCOUNT.free - 1):
        await attempt(base, email, "10.2.2.2", at + timedelta(seconds=number))
    for number in range(10, 20):
        counted = await attempt(base, email, "10.2.2.2", at + timedelta(seconds=number))
        assert counted.wait is None
        async with open_transaction(base) as transaction:
            await THROTTLE.forgive(transaction.fetch, counted)
    await attempt(base, email, "10.2.2.2", at + timedelta(seconds=30))
    assert (await attempt(base, email, "10.2.2.2", at + timedelta(seconds=31))).wait is not None


async def test_an_attempt_that_waits_does_not_make_the_wait_longer(base: Database) -> None:
    email = f"{uuid4()}@acme.example"
    for _ in range(WITH_ACCOUNT.free):
        await attempt(base, email, None, NOON)
    waits = [(await attempt(base, email, None, NOON + timedelta(seconds=n))).wait for n in range(10)]
    assert waits == [WITH_ACCOUNT.first - timedelta(seconds=n) for n in range(10)]


async def test_the_case_of_an_address_makes_it_no_other(base: Database) -> None:
    name = uuid4().hex
    for number in range(WITH_ACCOUNT.free):
        email = f"  {name}@ACME.example " if number % 2 else f"{name.upper()}@acme.example"
        assert (await attempt(base, email, None, NOON)).wait is None
    assert (await attempt(base, f"{name}@acme.example", None, NOON)).wait is not None


async def test_without_an_address_nobody_waits_for_another(base: Database) -> None:
    for _ in range(WITH_ADDRESS.free + 5):
        assert (await attempt(base, f"{uuid4()}@acme.example", None, NOON)).wait is None


async def test_counts_that_are_done_with_are_dropped(base: Database) -> None:
    async def kept() -> int:
        async with open_transaction(base) as transaction:
            return int(await transaction.connection.fetchval("SELECT count(*) FROM sign_in_failures"))

    long_after = NOON + timedelta(days=400)
    await attempt(base, "old@acme.example", None, long_after - REMEMBERED - timedelta(seconds=1))
    await attempt(base, "new@acme.example", None, long_after)
    async with open_transaction(base) as transaction:
        await forget_failures(transaction.fetch, long_after)
    assert await kept() == 1
