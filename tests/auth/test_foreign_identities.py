"""Whom a foreign issuer vouches for, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import NullPool, insert, text
from sqlalchemy.ext.asyncio import create_async_engine

from auth.foreign_tokens import ForeignClaims
from auth.identity.foreign import (
    account_of_identity,
    begin_foreign_session,
    identities_of,
    identity_digest,
    link_identity,
    unlink_identity,
)
from auth.identity.secrets import digest_of
from auth.identity.sessions import (
    LASTS,
    ClientSession,
    Refreshed,
    begin_browser_session,
    begin_client_session,
    rotate,
)
from auth.issuer import DEFAULT_LIFETIME
from auth.principal import set_scope
from auth.tables import Account, table
from gateway.postgres import DatabaseUrls
from resolvers.database import Database
from resolvers.transaction import open_transaction
from tests.databases import Databases

ISSUER = "https://idp.example/realms/acme"
OTHER_ISSUER = "https://idp.example/realms/globex"
NOW = datetime.now(UTC)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


class House:
    """Accounts, and the platform's administrator, who links them; every call is a transaction of its own."""

    def __init__(self, base: Database, urls: DatabaseUrls) -> None:
        self.base, self.urls = base, urls

    async def account(self, *, is_platform: bool = False) -> UUID:
        account = Account(id=uuid4(), email=f"{uuid4().hex}@people.example", is_platform=is_platform)
        async with create_async_engine(self.urls.owner, poolclass=NullPool).begin() as connection:
            await connection.execute(insert(table(Account)), account.model_dump())
        return account.id

    async def sql(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        async with create_async_engine(self.urls.owner, poolclass=NullPool).begin() as connection:
            result = await connection.execute(text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    async def links(self, who: UUID, subject: str, account: UUID, issuer: str = ISSUER) -> bool:
        async with open_transaction(self.base) as transaction:
            await set_scope(transaction.fetch, who)
            return await link_identity(transaction.fetch, issuer, subject, account, NOW)

    async def unlinks(self, who: UUID, subject: str, issuer: str = ISSUER) -> UUID | None:
        async with open_transaction(self.base) as transaction:
            await set_scope(transaction.fetch, who)
            return await unlink_identity(transaction.fetch, issuer, subject)

    async def finds(self, subject: str, issuer: str = ISSUER) -> UUID | None:
        async with open_transaction(self.base) as transaction:
            return await account_of_identity(transaction.fetch, issuer, subject)

    async def begins(
        self, account: UUID, claims: ForeignClaims, *, refreshes: bool = True
    ) -> tuple[ClientSession, str | None] | None:
        async with open_transaction(self.base) as transaction:
            await set_scope(transaction.fetch, account)
            return await begin_foreign_session(transaction.fetch, account, claims, "console", NOW, refreshes=refreshes)

    async def refreshes(self, account: UUID, token: str) -> Refreshed:
        async with open_transaction(self.base) as transaction:
            await set_scope(transaction.fetch, account)
            return (await rotate(transaction.fetch, account, digest_of(token), "console", NOW)).outcome

    async def sees(self, account: UUID, session: UUID) -> bool:
        """Whether a token that names the session lets its holder see anything."""
        async with open_transaction(self.base) as transaction:
            return bool(await set_scope(transaction.fetch, account, session))


@pytest.fixture(scope="module")
async def house(databases: Databases) -> AsyncIterator[House]:
    urls = databases.make()
    database = Database(urls.app, pool_size=6, statement_seconds=10)
    yield House(database, urls)
    await database.close()
    databases.drop(urls)


@pytest.fixture(scope="module")
async def platform(house: House) -> UUID:
    return await house.account(is_platform=True)


def claims_of(subject: str, issuer: str = ISSUER) -> ForeignClaims:
    return ForeignClaims(issuer, subject, NOW, NOW + timedelta(minutes=5), NOW - timedelta(hours=1), None)


async def test_an_account_is_found_by_its_issuer_and_subject_letter_by_letter(house: House, platform: UUID) -> None:
    account, subject = await house.account(), uuid4().hex
    assert await house.finds(subject) is None
    assert await house.links(platform, subject, account)
    assert await house.finds(subject) == account
    for other in (subject.upper(), f"{subject} ", subject[:-1], ""):
        assert await house.finds(other) is None
    assert await house.finds(subject, OTHER_ISSUER) is None
    assert await house.finds(subject, f"{ISSUER}/") is None


async def test_a_subject_is_one_account_and_an_account_may_have_several(house: House, platform: UUID) -> None:
    account, other, subject = await house.account(), await house.account(), uuid4().hex
    assert await house.links(platform, subject, account)
    assert not await house.links(platform, subject, other)
    assert not await house.links(platform, subject, account)
    assert await house.links(platform, subject, account, OTHER_ISSUER)
    assert await house.finds(subject) == account
    async with open_transaction(house.base) as transaction:
        await set_scope(transaction.fetch, platform)
        found = await identities_of(transaction.fetch, account)
    assert [(identity.issuer, identity.subject) for identity in found] == [(ISSUER, subject), (OTHER_ISSUER, subject)]


async def test_a_disabled_account_is_nobody_anywhere(house: House, platform: UUID) -> None:
    account, subject = await house.account(), uuid4().hex
    await house.links(platform, subject, account)
    await house.sql("UPDATE account SET disabled_at = now() WHERE id = :id", id=account)
    assert await house.finds(subject) is None


async def test_nobody_but_the_platform_links_and_not_itself(house: House, platform: UUID) -> None:
    account, other, subject = await house.account(), await house.account(), uuid4().hex
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await house.links(account, subject, other)
    assert await house.finds(subject) is None


async def test_nobody_but_the_platform_and_oneself_sees_or_ends_an_identity(house: House, platform: UUID) -> None:
    account, other, subject = await house.account(), await house.account(), uuid4().hex
    await house.links(platform, subject, account)
    assert await house.unlinks(other, subject) is None
    assert await house.finds(subject) == account
    async with open_transaction(house.base) as transaction:
        await set_scope(transaction.fetch, other)
        assert await identities_of(transaction.fetch, account) == ()
    assert await house.unlinks(platform, subject) == account
    assert await house.finds(subject) is None
    assert await house.unlinks(platform, subject) is None


async def test_a_session_says_what_the_issuer_said_and_refreshes_if_it_may(house: House, platform: UUID) -> None:
    account, subject = await house.account(), uuid4().hex
    await house.links(platform, subject, account)
    begun = await house.begins(account, claims_of(subject))
    assert begun is not None
    session, token = begun
    assert (session.amr, session.auth_time, session.mfa_time) == (("fed",), NOW - timedelta(hours=1), None)
    assert session.expires_at == NOW + LASTS
    assert token is not None
    assert await house.sees(account, session.id)
    assert await house.refreshes(account, token) is Refreshed.ROTATED


async def test_a_session_that_does_not_refresh_ends_with_its_access_token(house: House, platform: UUID) -> None:
    account, subject = await house.account(), uuid4().hex
    await house.links(platform, subject, account)
    begun = await house.begins(account, claims_of(subject), refreshes=False)
    assert begun is not None
    session, token = begun
    assert (token, session.expires_at) == (None, NOW + DEFAULT_LIFETIME)


async def test_a_second_factor_there_is_one_of_the_session(house: House, platform: UUID) -> None:
    account, subject = await house.account(), uuid4().hex
    await house.links(platform, subject, account)
    begun = await house.begins(account, replace(claims_of(subject), mfa_time=NOW - timedelta(hours=1)))
    assert begun is not None
    assert (begun[0].amr, begun[0].mfa_time) == (("fed", "mfa"), NOW - timedelta(hours=1))


async def test_an_identity_of_somebody_else_begins_no_session(house: House, platform: UUID) -> None:
    account, other, subject = await house.account(), await house.account(), uuid4().hex
    await house.links(platform, subject, other)
    assert await house.begins(account, claims_of(subject)) is None
    assert await house.begins(account, claims_of("nobody")) is None


async def test_unlinking_ends_what_was_got_by_foreign_tokens_and_nothing_else(house: House, platform: UUID) -> None:
    account, other, subject = await house.account(), await house.account(), uuid4().hex
    await house.links(platform, subject, account)
    await house.links(platform, f"other-{subject}", other)
    mine, others = (
        await house.begins(account, claims_of(subject)),
        await house.begins(other, claims_of(f"other-{subject}")),
    )
    assert mine is not None
    assert others is not None
    async with open_transaction(house.base) as transaction:
        await set_scope(transaction.fetch, account)
        browser, _ = await begin_browser_session(transaction.fetch, account, ["pwd"], NOW)
        given, _ = await begin_client_session(transaction.fetch, browser, "console", NOW)
    assert await house.unlinks(platform, subject) == account
    assert not await house.sees(account, mine[0].id)
    assert mine[1] is not None
    assert await house.refreshes(account, mine[1]) is Refreshed.REFUSED
    assert await house.sees(account, browser.id)
    assert await house.sees(account, given.id)
    assert await house.sees(other, others[0].id)
    assert await house.sql("SELECT ended_for FROM session WHERE id = :id", id=mine[0].id) == [("REVOKED",)]


async def test_who_unlinks_waits_for_who_is_just_coming_in_and_puts_them_out(house: House, platform: UUID) -> None:
    account, subject = await house.account(), uuid4().hex
    await house.links(platform, subject, account)
    async with open_transaction(house.base) as transaction:
        await set_scope(transaction.fetch, account)
        begun = await begin_foreign_session(
            transaction.fetch, account, claims_of(subject), "console", NOW, refreshes=True
        )
        unlinking = asyncio.create_task(house.unlinks(platform, subject))
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        while await house.sql(waiting) == [(0,)]:
            assert not unlinking.done()
    assert begun is not None
    assert await unlinking == account
    assert not await house.sees(account, begun[0].id)


def test_an_identity_is_named_by_a_digest_that_others_can_compute() -> None:
    # printf '%s\n%s' https://idp.example/realms/acme ann | sha256sum
    known = "cf3fc2e258371fd4a690c51d2d9149a17221a53d1dcda714bd2cc8129b59285c"
    assert identity_digest(ISSUER, "ann").hex() == known
    assert identity_digest(ISSUER, "ann") != identity_digest(f"{ISSUER}a", "nn")
