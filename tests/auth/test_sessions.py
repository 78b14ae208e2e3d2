"""Sessions and refresh tokens on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import NullPool, insert, text
from sqlalchemy.ext.asyncio import create_async_engine

from auth.identity.secrets import SecretKind, account_of_secret, digest_of, new_secret
from auth.identity.sessions import (
    LASTS,
    BrowserSession,
    ClientSession,
    Refreshed,
    Rotation,
    begin_browser_session,
    begin_client_session,
    end_session,
    end_sessions,
    find_browser_session,
    find_client_session,
    note_second_factor,
    rotate,
    sessions_of,
)
from auth.identity.tables import SessionEnd
from auth.principal import set_scope
from auth.tables import Account, table
from gateway.postgres import DatabaseUrls
from resolvers.database import Database
from resolvers.transaction import Transaction, open_transaction
from tests.databases import Databases

MINUTE = timedelta(minutes=1)
CLIENT = "graphiql"


class Person:
    """An account, and what it does; every call is a transaction of its own, in its scope."""

    def __init__(self, base: Database, urls: DatabaseUrls, account: UUID) -> None:
        self.base, self.urls, self.account = base, urls, account
        self.now = datetime.now(UTC)

    async def scoped(self, transaction: Transaction) -> Transaction:
        await set_scope(transaction.fetch, self.account)
        return transaction

    async def signs_in(self) -> tuple[BrowserSession, str]:
        async with open_transaction(self.base) as transaction:
            await self.scoped(transaction)
            return await begin_browser_session(
                transaction.fetch, self.account, ["pwd"], self.now, user_agent="x\ny" * 200
            )

    async def gives(self, parent: BrowserSession) -> tuple[ClientSession, str]:
        async with open_transaction(self.base) as transaction:
            await self.scoped(transaction)
            return await begin_client_session(transaction.fetch, parent, CLIENT, self.now)

    async def refreshes(self, token: str, client: str = CLIENT) -> Rotation:
        async with open_transaction(self.base) as transaction:
            await self.scoped(transaction)
            return await rotate(transaction.fetch, self.account, digest_of(token), client, self.now)

    async def finds(self, secret: str) -> BrowserSession | None:
        async with open_transaction(self.base) as transaction:
            await self.scoped(transaction)
            return await find_browser_session(transaction.fetch, self.account, digest_of(secret), self.now)

    async def ends(self, session: UUID) -> None:
        async with open_transaction(self.base) as transaction:
            await self.scoped(transaction)
            await end_session(transaction.fetch, self.account, session, SessionEnd.SIGNED_OUT, self.now)

    async def ends_all(self, but: UUID | None = None) -> int:
        async with open_transaction(self.base) as transaction:
            await self.scoped(transaction)
            return await end_sessions(transaction.fetch, self.account, SessionEnd.PASSWORD_CHANGED, self.now, but=but)

    async def sees(self, session: UUID) -> bool:
        """Whether a token that names the session lets its holder see anything."""
        async with open_transaction(self.base) as transaction:
            return bool(await set_scope(transaction.fetch, self.account, session))


@pytest.fixture(scope="module")
async def base(databases: Databases) -> AsyncIterator[tuple[Database, DatabaseUrls]]:
    urls = databases.make()
    database = Database(urls.app, pool_size=6, statement_seconds=10)
    yield database, urls
    await database.close()
    databases.drop(urls)


@pytest.fixture
async def person(base: tuple[Database, DatabaseUrls]) -> Person:
    return await new_person(*base)


async def new_person(database: Database, urls: DatabaseUrls) -> Person:
    account = uuid4()
    engine = create_async_engine(urls.owner, poolclass=NullPool)
    async with engine.begin() as connection:
        row = Account(id=account, email=f"{account.hex}@people.example")
        await connection.execute(insert(table(Account)).values(row.model_dump()))
    return Person(database, urls, account)


async def test_a_browser_is_known_by_its_secret_until_the_session_is_over(person: Person) -> None:
    session, secret = await person.signs_in()
    assert await person.finds(secret) == session
    assert await person.finds(new_secret()) is None
    person.now += LASTS
    assert await person.finds(secret) is None


async def test_nobody_elses_secret_opens_a_session(person: Person, base: tuple[Database, DatabaseUrls]) -> None:
    _, secret = await person.signs_in()
    other = await new_person(*base)
    assert await other.finds(secret) is None
    async with open_transaction(base[0]) as transaction:
        digest = digest_of(secret)
        assert await account_of_secret(transaction.fetch, SecretKind.SESSION, digest) == person.account
        assert await account_of_secret(transaction.fetch, SecretKind.LINK, digest) is None


async def test_a_refresh_token_serves_once_and_gives_the_next_one(person: Person) -> None:
    session, token = await person.gives((await person.signs_in())[0])
    for _ in range(3):
        rotation = await person.refreshes(token)
        assert (rotation.outcome, rotation.session) == (Refreshed.ROTATED, session)
        assert rotation.refresh_token not in (None, token)
        token = rotation.refresh_token or ""
    assert await person.sees(session.id)


async def test_the_second_use_of_a_refresh_token_ends_its_family_and_every_token_of_it(person: Person) -> None:
    browser, secret = await person.signs_in()
    session, first = await person.gives(browser)
    other, _ = await person.gives(browser)
    second = (await person.refreshes(first)).refresh_token or ""
    assert (await person.refreshes(first)).outcome is Refreshed.REUSED
    assert (await person.refreshes(second)).outcome is Refreshed.REFUSED
    assert not await person.sees(session.id)
    assert await person.sees(other.id)
    assert await person.finds(secret) == browser


async def test_of_many_who_present_one_refresh_token_together_one_has_the_next_and_the_family_ends(
    person: Person,
) -> None:
    session, token = await person.gives((await person.signs_in())[0])
    outcomes = [rotation.outcome for rotation in await asyncio.gather(*(person.refreshes(token) for _ in range(5)))]
    assert outcomes.count(Refreshed.ROTATED) == 1
    assert outcomes.count(Refreshed.REUSED) == 1
    assert not await person.sees(session.id)


async def test_another_client_gets_nothing_for_a_refresh_token_and_spoils_nothing(person: Person) -> None:
    _, token = await person.gives((await person.signs_in())[0])
    assert (await person.refreshes(token, "another")).outcome is Refreshed.REFUSED
    assert (await person.refreshes(token)).outcome is Refreshed.ROTATED


async def test_signing_out_ends_what_the_sign_in_gave_to_clients(person: Person) -> None:
    browser, secret = await person.signs_in()
    session, token = await person.gives(browser)
    await person.ends(browser.id)
    assert await person.finds(secret) is None
    assert not await person.sees(session.id)
    assert (await person.refreshes(token)).outcome is Refreshed.REFUSED


async def test_a_client_session_lasts_no_longer_than_the_sign_in(person: Person) -> None:
    browser, _ = await person.signs_in()
    person.now += LASTS - MINUTE
    session, token = await person.gives(browser)
    assert session.expires_at == browser.expires_at
    person.now += MINUTE
    assert (await person.refreshes(token)).outcome is Refreshed.REFUSED


async def test_all_sessions_end_but_the_one_that_stays_and_what_it_gave(person: Person) -> None:
    stays, secret = await person.signs_in()
    kept, _ = await person.gives(stays)
    gone, gone_secret = await person.signs_in()
    lost, _ = await person.gives(gone)
    assert await person.ends_all(but=stays.id) == 2
    assert await person.finds(secret) == stays
    assert await person.finds(gone_secret) is None
    assert [await person.sees(session.id) for session in (kept, lost)] == [True, False]
    assert await person.ends_all() == 2


async def test_a_second_factor_is_noted_for_the_tokens_to_come_and_refreshing_does_not_move_it(person: Person) -> None:
    session, token = await person.gives((await person.signs_in())[0])
    succeeded = person.now
    async with open_transaction(person.base) as transaction:
        await person.scoped(transaction)
        await note_second_factor(transaction.fetch, person.account, session.id, ["pwd", "otp", "mfa"], succeeded)
    person.now += MINUTE
    rotation = await person.refreshes(token)
    assert rotation.session is not None
    assert (rotation.session.mfa_time, rotation.session.amr) == (succeeded, ("pwd", "otp", "mfa"))
    assert rotation.session.auth_time == session.auth_time


async def test_a_person_is_shown_their_live_sessions_without_any_secret(person: Person) -> None:
    browser, _ = await person.signs_in()
    client, _ = await person.gives(browser)
    async with open_transaction(person.base) as transaction:
        await person.scoped(transaction)
        shown = await sessions_of(transaction.fetch, person.account, person.now)
        found = await find_client_session(transaction.fetch, person.account, client.id, person.now)
        assert await find_client_session(transaction.fetch, person.account, browser.id, person.now) is None
    assert found == client
    assert {state.id: state.client_id for state in shown} == {browser.id: None, client.id: CLIENT}
    agents = {state.user_agent for state in shown if state.user_agent}
    assert [len(agent) for agent in agents] == [300]
    assert not any("\n" in agent for agent in agents)


async def test_a_disabled_account_is_found_by_no_secret(person: Person) -> None:
    session, secret = await person.signs_in()
    engine = create_async_engine(person.urls.owner, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE account SET disabled_at = now() WHERE id = :id"), {"id": person.account})
    async with open_transaction(person.base) as transaction:
        assert await account_of_secret(transaction.fetch, SecretKind.SESSION, digest_of(secret)) is None
    assert not await person.sees(session.id)


@settings(max_examples=12, deadline=None)
@given(steps=st.lists(st.integers(0, 5), min_size=1, max_size=12))
async def test_however_tokens_are_used_a_family_lives_until_one_is_used_twice(
    steps: list[int], base: tuple[Database, DatabaseUrls]
) -> None:
    person = await new_person(*base)
    session, token = await person.gives((await person.signs_in())[0])
    tokens, used, lives = [token], set[int](), True
    for step in steps:
        chosen = step % len(tokens)
        rotation = await person.refreshes(tokens[chosen])
        if not lives:
            assert rotation.outcome is Refreshed.REFUSED
        elif chosen in used:
            assert rotation.outcome is Refreshed.REUSED
            lives = False
        else:
            assert rotation.outcome is Refreshed.ROTATED
            used.add(chosen)
            tokens.append(rotation.refresh_token or "")
        assert await person.sees(session.id) is lives
