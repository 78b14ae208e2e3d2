"""A gateway that people and programs sign in to, at the URL that it says it has."""

import asyncio
import base64
import hashlib
import json
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import httpx
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import NullPool, insert, text
from sqlalchemy.ext.asyncio import create_async_engine

from auth.identity.clients import add_public_key, add_secret
from auth.identity.passwords import LEAST_MEMORY_KIB, LEAST_PASSES, set_hash
from auth.identity.sessions import BrowserSession, begin_browser_session, end_session
from auth.identity.tables import SessionEnd
from auth.principal import set_scope
from auth.tables import Account, AccountKind, OrganizationMember, table
from gateway.addresses import settings_at
from gateway.pages.pages import password_keeper
from gateway.postgres import DatabaseUrls
from gateway.settings import OpenIdSettings, Settings, SignInSettings
from resolvers.database import Database
from resolvers.transaction import open_transaction
from tests.gateway.running import Gateway, fill, running
from tests.resolvers.shop import Shop

AUTHORIZE, TOKEN, REVOKE, USERINFO = "/auth/authorize", "/auth/token", "/auth/revoke", "/auth/userinfo"
END_SESSION: Final = "/auth/end-session"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CONSOLE: Final = "console"
BACK: Final = "https://console.example/signed-in"
BACK_WITH_QUERY: Final = "https://console.example/signed-in?from=itcare"
LOOPBACK: Final = "http://127.0.0.1/signed-in"
OTHER: Final = "other"
OTHER_BACK: Final = "https://other.example/signed-in"
ORIGIN: Final = "https://console.example"
CLIENTS: Final = {CONSOLE: [BACK, BACK_WITH_QUERY, LOOPBACK], OTHER: [OTHER_BACK]}
PASSWORD: Final = "a rather long phrase of ours"
COOKIE: Final = "itcare-session"


@dataclass
class Proof:
    """What a client keeps between its two requests."""

    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = field(default_factory=secrets.token_urlsafe)
    nonce: str = field(default_factory=secrets.token_urlsafe)

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class House:
    """A gateway that serves, and its database; `http` has no token and no cookie."""

    def __init__(
        self, gateway: Gateway, urls: DatabaseUrls, base: Database, shop: Shop, http: httpx.AsyncClient
    ) -> None:
        self.gateway, self.urls, self.base, self.shop, self.http = gateway, urls, base, shop, http
        self.url = gateway.settings.public_url

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        """Run a statement as the owner."""
        engine = create_async_engine(self.urls.owner, poolclass=NullPool)
        async with engine.begin() as connection:
            result = await connection.execute(text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    async def account(self, kind: AccountKind, **columns: Any) -> UUID:
        account = uuid4()
        values = Account(id=account, email=f"{account}@acme.example", kind=kind, **columns)
        async with create_async_engine(self.urls.owner, poolclass=NullPool).begin() as connection:
            await connection.execute(insert(table(Account)), values.model_dump())
        return account

    async def person(self) -> "Person":
        """Somebody of acme who is signed in."""
        account = await self.account(AccountKind.PERSON)
        async with create_async_engine(self.urls.owner, poolclass=NullPool).begin() as connection:
            member = OrganizationMember(organization_id=self.shop.acme, account_id=account)
            await connection.execute(insert(table(OrganizationMember)), member.model_dump())
        person = Person(self, account)
        await person.sign_in()
        return person

    async def representative(self) -> UUID:
        """A security representative of acme."""
        account = await self.account(AccountKind.PERSON)
        async with create_async_engine(self.urls.owner, poolclass=NullPool).begin() as connection:
            member = OrganizationMember(
                organization_id=self.shop.acme, account_id=account, is_security_representative=True
            )
            await connection.execute(insert(table(OrganizationMember)), member.model_dump())
        return account

    async def program(self) -> "Program":
        """An API account of acme, with a secret."""
        account = await self.account(AccountKind.API_ACCOUNT, organization_id=self.shop.acme)
        program = Program(self, account, await self.representative())
        await program.add_secret()
        return program

    async def records(self, event: str, account: UUID | None = None) -> list[dict[str, Any]]:
        """What the audit log has of an event, the oldest first."""
        rows = await self.sql(
            "SELECT to_jsonb(r) FROM audit_record r WHERE label = :label"
            " AND (CAST(:account AS uuid) IS NULL OR account_id = :account) ORDER BY at, seq",
            label=event,
            account=account,
        )
        return [row for (row,) in rows]

    async def denials(self, account: UUID | None, count: int = 1, event: str = "TOKEN") -> list[dict[str, Any]]:
        """What was denied to an account, once so much of it is written: that is done beside requests."""
        async with asyncio.timeout(20):
            while True:
                records = await self.records(event, account)
                denied = [record for record in records if record["decision"] == "DENIED"]
                if len(denied) >= count:
                    return denied
                await asyncio.sleep(0.05)

    async def viewer(self, access_token: str) -> httpx.Response:
        """Ask the graph who is calling."""
        return await self.http.post(
            "/graphql",
            json={"query": "{ viewer { email } }"},
            headers={"Authorization": f"Bearer {access_token}", "Accept": "application/graphql-response+json"},
        )

    async def is_let_in(self, access_token: str) -> bool:
        return (await self.viewer(access_token)).status_code == 200

    async def token(self, **form: str) -> httpx.Response:
        return await self.http.post(TOKEN, data=form)


class Person:
    """Somebody with a browser."""

    def __init__(self, house: House, account: UUID) -> None:
        self.house, self.account = house, account
        self.secret = ""
        self.session: BrowserSession

    async def sign_in(self, at: datetime | None = None) -> None:
        async with open_transaction(self.house.base) as transaction:
            await set_scope(transaction.fetch, self.account)
            self.session, self.secret = await begin_browser_session(
                transaction.fetch, self.account, ["pwd"], at or datetime.now(UTC)
            )

    async def choose_password(self) -> None:
        """Have a password: `PASSWORD`."""
        hashed = await password_keeper(self.house.gateway.settings).hash(PASSWORD)
        async with open_transaction(self.house.base) as transaction:
            await set_scope(transaction.fetch, self.account)
            await set_hash(transaction.fetch, self.account, hashed, datetime.now(UTC))

    async def sign_out(self) -> None:
        async with open_transaction(self.house.base) as transaction:
            await set_scope(transaction.fetch, self.account)
            await end_session(
                transaction.fetch, self.account, self.session.id, SessionEnd.SIGNED_OUT, datetime.now(UTC)
            )

    async def asks(self, proof: Proof | None = None, /, **changes: str | None) -> httpx.Response:
        """Ask for a code as the console's frontend sends the browser to, but for `changes`."""
        return await self.house.http.get(AUTHORIZE, params=question(proof or Proof(), **changes), headers=self.cookie)

    @property
    def cookie(self) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={self.secret}"} if self.secret else {}

    async def code(self, proof: Proof, **changes: str | None) -> str:
        return sent_back(await self.asks(proof, **changes))["code"]

    async def tokens(self, **changes: str | None) -> dict[str, Any]:
        """The tokens of a fresh sign-in to the console."""
        proof = Proof()
        answer = await self.takes(await self.code(proof, **changes), proof)
        assert answer.status_code == 200, answer.text
        given: dict[str, Any] = answer.json()
        return given

    async def takes(self, code: str, proof: Proof, /, **changes: str | None) -> httpx.Response:
        """Take a code as the console does, but for `changes`."""
        form = {
            "grant_type": "authorization_code",
            "client_id": CONSOLE,
            "code": code,
            "redirect_uri": BACK,
            "code_verifier": proof.verifier,
            **changes,
        }
        return await self.house.token(**{name: value for name, value in form.items() if value is not None})

    async def refreshes(self, refresh_token: str, **changes: str) -> httpx.Response:
        form = {"grant_type": "refresh_token", "client_id": CONSOLE, "refresh_token": refresh_token, **changes}
        return await self.house.token(**form)


class Program:
    """An API account."""

    def __init__(self, house: House, account: UUID, representative: UUID) -> None:
        self.house, self.account, self.representative = house, account, representative
        self.secret = ""
        self.credential = uuid4()

    async def add_secret(self, expires_at: datetime | None = None) -> None:
        async with open_transaction(self.house.base) as transaction:
            await set_scope(transaction.fetch, self.representative)
            credential, self.secret = await add_secret(
                transaction.fetch,
                self.house.shop.acme,
                self.account,
                "for reports",
                "rep@acme.example",
                datetime.now(UTC),
                expires_at,
            )
        self.credential = credential.id

    async def add_key(self, key: ECKey | RSAKey) -> None:
        """Let it sign assertions with a key."""
        await self.add_text(json.dumps(key.as_dict(private=False)))

    async def add_text(self, jwk: str) -> None:
        async with open_transaction(self.house.base) as transaction:
            await set_scope(transaction.fetch, self.representative)
            credential = await add_public_key(
                transaction.fetch,
                self.house.shop.acme,
                self.account,
                "for reports",
                jwk,
                "rep@acme.example",
                datetime.now(UTC),
            )
        self.credential = credential.id

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What an assertion says, but for `changes`; what is None there is left out."""
        now = int(datetime.now(UTC).timestamp())
        said = {
            "iss": str(self.account),
            "sub": str(self.account),
            "aud": self.house.url,
            "iat": now,
            "exp": now + 60,
            "jti": str(uuid4()),
            **changes,
        }
        return {name: value for name, value in said.items() if value is not None}

    async def asserts(self, assertion: str, **form: str) -> httpx.Response:
        """Ask for a token with private_key_jwt."""
        return await self.house.token(
            grant_type="client_credentials", client_assertion_type=ASSERTION_TYPE, client_assertion=assertion, **form
        )

    async def asks(self, **form: str) -> httpx.Response:
        """Ask for a token with client_secret_basic."""
        return await self.house.http.post(
            TOKEN, data={"grant_type": "client_credentials", **form}, auth=(str(self.account), self.secret)
        )


def question(proof: Proof, **changes: str | None) -> dict[str, str]:
    """The parameters with which the console's frontend asks for a code."""
    asked = {
        "response_type": "code",
        "client_id": CONSOLE,
        "redirect_uri": BACK,
        "scope": "openid email",
        "code_challenge": proof.challenge,
        "code_challenge_method": "S256",
        "state": proof.state,
        "nonce": proof.nonce,
        **changes,
    }
    return {name: value for name, value in asked.items() if value is not None}


def sent_back(answer: httpx.Response, uri: str = BACK) -> Mapping[str, str]:
    """What a browser brings to a client's URL."""
    assert answer.status_code == 303, answer.text
    location = answer.headers["location"]
    assert location.startswith(uri), location
    assert "no-store" in answer.headers["cache-control"]
    return dict(parse_qsl(urlsplit(location).query, strict_parsing=True))


def refused(answer: httpx.Response, error: str, status: int = 400) -> str:
    """How a program is refused; every refusal is JSON of one form, and kept by nobody."""
    assert answer.status_code == status, answer.text
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.json()["error"] == error, answer.text
    description: str = answer.json()["error_description"]
    return description


@asynccontextmanager
async def opened(urls: DatabaseUrls, folder: Path, **settings: Any) -> AsyncIterator[House]:
    """A house over an empty database, which knows two clients."""
    shop = Shop()
    await fill(urls, shop)
    base = Database(urls.app, pool_size=6, statement_seconds=20)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    # Passwords that cost the least that is allowed.
    sign_in = SignInSettings(hash_memory_kib=LEAST_MEMORY_KIB, hash_passes=LEAST_PASSES)
    settings = {"openid": OpenIdSettings(clients=CLIENTS), "sign_in": sign_in, **settings}
    given = Settings(data_dir=folder, cors_origins=[ORIGIN], **settings)
    async with (
        running(settings_at(given, url), urls, shop, listener=listener) as gateway,
        httpx.AsyncClient(base_url=url, timeout=30) as http,
    ):
        yield House(gateway, urls, base, shop, http)
    await base.close()
