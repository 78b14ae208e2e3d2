"""A gateway that exchanges the tokens of some realms, and of an issuer that is not there."""

import hashlib
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
from sqlalchemy import NullPool, insert
from sqlalchemy.ext.asyncio import create_async_engine

from auth.identity.foreign import link_identity, unlink_identity
from auth.principal import set_scope
from auth.tables import AccountKind, OrganizationMember, table
from auth.tokens import Claims, JwtVerifier
from gateway.keys import signing_key
from resolvers.transaction import open_transaction
from tests.gateway.foreign.realm import Realm
from tests.gateway.openid.house import CONSOLE, House

EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS: Final = "urn:ietf:params:oauth:token-type:access_token"
ABSENT: Final = "http://127.0.0.1:9/realms/absent"
"""An issuer that nobody listens at."""


class Door:
    """Realms by what the settings say of them, and those who come in; some stop to answer, or take long."""

    def __init__(self, house: House, plain: Realm, gold: Realm, down: Realm, slow: Realm) -> None:
        self.house, self.plain, self.gold, self.down, self.slow = house, plain, gold, down, slow

    async def person(self, subject: str, realm: Realm, kind: AccountKind = AccountKind.PERSON) -> UUID:
        """An account of acme whom a realm calls by a subject."""
        organization = self.house.shop.acme if kind is AccountKind.API_ACCOUNT else None
        account = await self.house.account(kind, organization_id=organization)
        if kind is AccountKind.PERSON:
            member = OrganizationMember(organization_id=self.house.shop.acme, account_id=account)
            async with create_async_engine(self.house.urls.owner, poolclass=NullPool).begin() as connection:
                await connection.execute(insert(table(OrganizationMember)), member.model_dump())
        platform = await self.house.account(AccountKind.PERSON, is_platform=True)
        async with open_transaction(self.house.base) as transaction:
            await set_scope(transaction.fetch, platform)
            assert await link_identity(transaction.fetch, realm.issuer, subject, account, datetime.now(UTC))
        return account

    async def unlink(self, subject: str, realm: Realm) -> None:
        platform = await self.house.account(AccountKind.PERSON, is_platform=True)
        async with open_transaction(self.house.base) as transaction:
            await set_scope(transaction.fetch, platform)
            assert await unlink_identity(transaction.fetch, realm.issuer, subject)

    async def exchanges(self, token: str, **changes: str | None) -> httpx.Response:
        """Exchange a token as the console's frontend does, but for `changes`."""
        form = {
            "grant_type": EXCHANGE,
            "client_id": CONSOLE,
            "subject_token": token,
            "subject_token_type": ACCESS,
            **changes,
        }
        return await self.house.token(**{name: value for name, value in form.items() if value is not None})

    async def comes_in(self, token: str, **changes: str | None) -> dict[str, Any]:
        """What a token is exchanged for."""
        answer = await self.exchanges(token, **changes)
        assert answer.status_code == 200, answer.text
        assert "no-store" in answer.headers["cache-control"]
        given: dict[str, Any] = answer.json()
        return given

    def claims(self, given: dict[str, Any]) -> Claims:
        settings = self.house.gateway.settings
        verifier = JwtVerifier([signing_key(settings)], settings.issuer, settings.audience)
        return verifier.verify(given["access_token"], datetime.now(UTC))


def new_subject() -> str:
    """What a realm of Keycloak calls somebody."""
    return str(uuid4())


def digest_of_identity(issuer: str, subject: str) -> str:
    """As docs/foreign-issuers.md has it."""
    return hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()
