"""A gateway for people with passkeys: their tokens, their authenticators, and what they are answered."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
from sqlalchemy import NullPool, insert
from sqlalchemy.ext.asyncio import create_async_engine

from auth.issuer import Issuer
from auth.mfa.approvals import has_approval, operation_digest, request_approval
from auth.mfa.recovery import new_codes
from auth.permissions import Action
from auth.principal import set_scope
from auth.tables import Account, AccountKind, table
from auth.tokens import Claims, JwtVerifier
from gateway.keys import signing_key
from gateway.postgres import DatabaseUrls
from gateway.settings import Settings
from resolvers.database import Database
from resolvers.transaction import open_transaction
from tests.authenticators import Authenticator, base64url
from tests.databases import Databases
from tests.gateway.running import Gateway, fill, running
from tests.resolvers.shop import Shop

ORIGIN: Final = "https://itcare.example"
BEGIN, COMPLETE = "/auth/step-up", "/auth/step-up/complete"
FACTORS, REMOVE = "/auth/factors", "/auth/factors/remove"
PASSKEY, CONFIRM = "/auth/factors/passkey", "/auth/factors/passkey/confirm"
CODES, RECOVER = "/auth/factors/recovery-codes", "/auth/factors/recover"


@dataclass
class House:
    """A gateway that serves, and its database."""

    gateway: Gateway
    urls: DatabaseUrls
    base: Database
    databases: Databases
    shop: Shop

    @property
    def issuer(self) -> Issuer:
        settings = self.gateway.settings
        return Issuer(signing_key(settings), settings.issuer, settings.audience)

    async def person(self) -> "Person":
        person = Person(self, uuid4())
        values = Account(id=person.account, email=f"{person.account}@acme.example", kind=AccountKind.PERSON)
        async with create_async_engine(self.urls.owner, poolclass=NullPool).begin() as connection:
            await connection.execute(insert(table(Account)), values.model_dump())
        person.sign_in()
        return person

    async def enrolled(self) -> "Person":
        """A person with one passkey."""
        person = await self.person()
        await person.enrol(person.passkey)
        return person

    def run(self, statement: str) -> str:
        """Run a statement as the owner."""
        return self.databases.run(statement, self.urls)


@dataclass
class Person:
    """An account, its token, and an authenticator."""

    house: House
    account: UUID
    passkey: Authenticator = field(default_factory=lambda: Authenticator(ORIGIN))
    token: str = ""

    def sign_in(self, mfa_age: int | None = None) -> None:
        """Take a token that says that a second factor succeeded so many seconds ago."""
        time = None if mfa_age is None else datetime.now(UTC) - timedelta(seconds=mfa_age)
        self.token = self.house.issuer.issue(self.account, amr=("pwd",), mfa_time=time)

    async def post(self, path: str, **body: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.house.gateway.client.post(path, json=body, headers=headers)

    async def factors(self) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = await self.house.gateway.client.get(FACTORS, headers=headers)
        found: list[dict[str, Any]] = answer.json()["factors"]
        return found

    async def begin_enrolment(self) -> dict[str, Any]:
        answer = await self.post(PASSKEY)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def enrol(self, passkey: Authenticator, label: str = "Laptop") -> httpx.Response:
        begun = await self.begin_enrolment()
        credential = json.dumps(passkey.create(begun["options"]))
        answer = await self.post(CONFIRM, factorId=begun["factorId"], credential=credential, label=label)
        assert answer.status_code == 200, answer.text
        return answer

    async def asked(self, challenge: str | None = None) -> tuple[str, dict[str, Any]]:
        """Begin to step up with a passkey: the challenge, and what the browser is given."""
        answer = await self.post(BEGIN, method="WEBAUTHN", challengeId=challenge)
        assert answer.status_code == 200, answer.text
        return answer.json()["challengeId"], answer.json()["options"]

    async def complete(self, challenge: str, answer: dict[str, Any] | str) -> httpx.Response:
        code = answer if isinstance(answer, str) else json.dumps(answer)
        return await self.post(COMPLETE, challengeId=challenge, method="WEBAUTHN", code=code)

    async def step_up(self, passkey: Authenticator | None = None) -> httpx.Response:
        challenge, options = await self.asked()
        return await self.complete(challenge, (passkey or self.passkey).get(options))

    def claims(self, answer: httpx.Response) -> Claims:
        settings = self.house.gateway.settings
        verifier = JwtVerifier([signing_key(settings)], settings.issuer, settings.audience)
        return verifier.verify(answer.json()["accessToken"], datetime.now(UTC))

    async def asks_to_delete(self, name: str = "web-01") -> tuple[str, bytes]:
        """The challenge of an operation that is refused for the lack of an approval, and the operation's digest."""
        now, cloud = datetime.now(UTC), self.house.shop.alpha
        digest = operation_digest(self.account, Action.DELETE_INSTANCE, cloud, {"name": name})
        async with open_transaction(self.house.base) as transaction:
            await set_scope(transaction.fetch, self.account)
            challenge = await request_approval(
                transaction.fetch, self.account, Action.DELETE_INSTANCE, cloud, digest, f"Delete {name}", now
            )
        return str(challenge), digest

    async def has_approved(self, digest: bytes) -> bool:
        async with open_transaction(self.house.base) as transaction:
            await set_scope(transaction.fetch, self.account)
            return await has_approval(transaction.fetch, self.account, digest, datetime.now(UTC))

    async def codes(self) -> list[str]:
        """New recovery codes, as the pages show them after the first factor."""
        async with open_transaction(self.house.base) as transaction:
            await set_scope(transaction.fetch, self.account)
            return await new_codes(transaction.fetch, self.account, datetime.now(UTC))

    def recorded(self) -> list[str]:
        """The kinds of events in the audit log of whom it is about, in their order; denials may come later."""
        rows = self.house.run(f"SELECT reasons[1] FROM audit_record WHERE account_id = '{self.account}' ORDER BY seq")  # noqa: S608
        return rows.split()


@asynccontextmanager
async def housed(database: DatabaseUrls, databases: Databases, folder: Path, **settings: Any) -> AsyncIterator[House]:
    """Serve a gateway that browsers reach at `ORIGIN`, over an empty database that is filled."""
    shop = Shop()
    await fill(database, shop)
    base = Database(database.app, pool_size=4, statement_seconds=20)
    given = Settings(data_dir=folder, **{"public_url": ORIGIN, **settings})
    async with running(given, database, shop) as gateway:
        yield House(gateway, database, base, databases, shop)
    await base.close()


def error(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """What a refusal says; every one is JSON of one form, and kept by nobody."""
    assert answer.status_code == status, answer.text
    assert "no-store" in answer.headers["cache-control"]
    assert answer.json().keys() == {"error"}
    said: dict[str, Any] = answer.json()["error"]
    assert said["code"] == code
    assert isinstance(said["message"], str)
    return said


def response_of(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    return lambda credential: change(credential["response"])


BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "no response": lambda credential: credential.pop("response"),
    "another id": lambda credential: credential.update(id=base64url(b"other")),
    "an id that is none": lambda credential: credential.update(id=7, rawId=7),
    "another type": lambda credential: credential.update(type="password"),
    "no client data": response_of(lambda response: response.pop("clientDataJSON")),
    "client data that is not JSON": response_of(lambda response: response.update(clientDataJSON=base64url(b"{"))),
    "client data of another form": response_of(lambda response: response.update(clientDataJSON=base64url(b"[[]]"))),
    "client data that is not base64": response_of(lambda response: response.update(clientDataJSON="\N{SNOWMAN}")),
}
WRONG: dict[str, Callable[[Authenticator], Authenticator]] = {
    "another origin": lambda right: right.twin(origin="https://itcare.example.evil.example"),
    "another port": lambda right: right.twin(origin=f"{ORIGIN}:8443"),
    "without TLS": lambda right: right.twin(origin="http://itcare.example"),
    "another relying party": lambda right: right.twin(rp_id="evil.example"),
    "no verified person": lambda right: right.twin(verifies=False),
    "a page within another's": lambda right: right.twin(cross_origin=True),
}
