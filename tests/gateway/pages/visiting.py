"""Browsers that visit the pages of a gateway over real HTTP, and people with passwords."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import NullPool, insert, text
from sqlalchemy.ext.asyncio import create_async_engine

from auth.identity.links import new_link
from auth.identity.passwords import LEAST_MEMORY_KIB, LEAST_PASSES, set_hash
from auth.identity.tables import LinkPurpose
from auth.tables import Account, AccountKind, OrganizationMember, now, table
from gateway.mail import write
from gateway.messages import invitation
from gateway.pages.pages import password_keeper
from gateway.postgres import DatabaseUrls
from gateway.postgres.connecting import fetching
from gateway.settings import MailSettings, Settings, SignInSettings
from tests.databases import Databases
from tests.gateway.running import Gateway, fill, running
from tests.mailbox import Mailbox, link_in, mail_server
from tests.resolvers.shop import Shop

SIGN_IN: Final = "/auth/sign-in"
ACCOUNT: Final = "/auth/account"
PASSWORD: Final = "a rather long phrase of ours"
WRONG: Final = "quite another phrase of ours"
_TOKEN = re.compile(r'name="form" value="([^"]+)"')


@dataclass(frozen=True)
class House:
    """A gateway that serves, with its database."""

    gateway: Gateway
    urls: DatabaseUrls
    databases: Databases
    shop: Shop
    mailbox: Mailbox

    @property
    def settings(self) -> Settings:
        return self.gateway.settings

    @asynccontextmanager
    async def visitor(self, address: str | None = None) -> AsyncIterator["Visitor"]:
        """A browser without cookies, which comes from an address."""
        headers = {"X-Forwarded-For": address} if address else {}
        async with httpx.AsyncClient(base_url=self.gateway.client.base_url, headers=headers, timeout=30) as client:
            yield Visitor(client)

    async def person(self, password: str | None = PASSWORD, *, kind: AccountKind = AccountKind.PERSON) -> "Someone":
        """Somebody of acme with a password."""
        account, email = uuid4(), f"{uuid4().hex[:12]}@acme.example"
        organization = self.shop.acme if kind is AccountKind.API_ACCOUNT else None
        row = Account(id=account, email=email, kind=kind, organization_id=organization)
        engine = create_async_engine(self.urls.owner, poolclass=NullPool)
        async with engine.begin() as connection:
            await connection.execute(insert(table(Account)), row.model_dump())
            if kind is AccountKind.PERSON:
                member = OrganizationMember(organization_id=self.shop.acme, account_id=account)
                await connection.execute(insert(table(OrganizationMember)), member.model_dump())
            if password is not None:
                hashed = await password_keeper(self.settings).hash(password)
                await set_hash(fetching(connection), account, hashed, now())
        return Someone(account, email)

    async def invite(self, person: "Someone") -> str:
        """Make an invitation; gives the path of its link."""
        engine = create_async_engine(self.urls.owner, poolclass=NullPool)
        async with engine.begin() as connection:
            secret = await new_link(fetching(connection), person.id, LinkPurpose.INVITATION, now())
        return link_in(write(invitation(person.email, "https://itcare.example", secret), "a@b.example"))

    async def reset_link(self, visitor: "Visitor", person: "Someone") -> str:
        """Ask for a new password; gives the path of the link that is sent."""
        assert (await visitor.submit("/auth/forgot-password", email=person.email)).status_code == 200
        return link_in(await self.mailbox.next(person.email))

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        """Run a statement as the owner."""
        engine = create_async_engine(self.urls.owner, poolclass=NullPool)
        async with engine.begin() as connection:
            result = await connection.execute(text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    async def audited(self, account: UUID, least: int = 0) -> list[tuple[str, str, str | None]]:
        """What the audit log has of an account: label, decision, code.

        Denials are written in the background: it is waited for so many records at the least.
        """
        statement = "SELECT label, decision, code FROM audit_record WHERE account_id = :account ORDER BY at, seq"
        async with asyncio.timeout(10):
            while len(found := await self.sql(statement, account=account)) < least:  # noqa: ASYNC110 - it is in the database
                await asyncio.sleep(0.02)
        return found


@dataclass(frozen=True)
class Someone:
    """An account."""

    id: UUID
    email: str


class Visitor:
    """A browser: it keeps cookies, and sends forms as a page gave them."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path)

    async def token(self, path: str = SIGN_IN) -> str:
        """The token of the forms of a page."""
        return token_of(await self.get(path))

    async def submit(
        self, path: str, *, page: str | None = None, headers: dict[str, str] | None = None, **fields: str
    ) -> httpx.Response:
        """Load a page, and send a form to a path."""
        fields = {"form": await self.token(page or path), **fields}
        return await self.client.post(path, data=fields, headers={"Origin": self.origin, **(headers or {})})

    async def sign_in(self, email: str, password: str = PASSWORD, going_on: str = "") -> httpx.Response:
        fields = {"email": email, "password": password, "continue": going_on}
        return await self.submit(SIGN_IN, page=f"{SIGN_IN}?again=1", headers=None, **fields)

    async def signed_in_as(self) -> str | None:
        """The address that the account page shows; None if it asks to sign in."""
        answer = await self.get(ACCOUNT)
        if answer.status_code == 303:
            assert answer.headers["location"].startswith(SIGN_IN)
            return None
        (email,) = re.findall(r"You are signed in as ([^<]+)\.</p>", answer.text)
        return html.unescape(email)

    @property
    def origin(self) -> str:
        return str(self.client.base_url).rstrip("/")


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """All that the product has logged; what a test's own client and server log is none of it."""
    records = [record for record in caplog.records if record.name.startswith(("gateway", "auth", "resolvers"))]
    return "".join(f"{record.getMessage()} {vars(record)}" for record in records)


def token_of(answer: httpx.Response) -> str:
    """The token of the first form of a page."""
    assert answer.status_code == 200, answer.text
    return html.unescape(_TOKEN.findall(answer.text)[0])


def problems_of(answer: httpx.Response) -> list[tuple[str, str]]:
    """The fields and texts of a page's summary of problems."""
    found = re.findall(r'<li><a href="#([^"]+)">([^<]*)</a></li>', answer.text)
    return [(field, html.unescape(words)) for field, words in found]


def code_of(answer: httpx.Response) -> str:
    """The code of a page that says what went wrong."""
    (code,) = re.findall(r"Code: <code>([A-Z_]+)</code>", answer.text)
    return str(code)


def cheap(data_dir: Path, mailbox: Mailbox, **given: Any) -> Settings:
    """Settings with passwords that cost the least that is allowed, and one trusted proxy: the tests."""
    sign_in = SignInSettings(
        hash_memory_kib=LEAST_MEMORY_KIB,
        hash_passes=LEAST_PASSES,
        trusted_proxies=["127.0.0.0/8"],
    )
    mail = MailSettings(host="127.0.0.1", port=mailbox.port, security="none", sender="ITCare <itcare@mail.example>")
    return Settings(data_dir=data_dir, sign_in=sign_in, mail=mail, **given)


@asynccontextmanager
async def house_of(
    data_dir: Path, urls: DatabaseUrls, databases: Databases, *, port: int = 0, **given: Any
) -> AsyncIterator[House]:
    """Serve the gateway over an empty database, with a shop in it, and a mailbox for what it sends."""
    shop = Shop()
    await fill(urls, shop)
    async with mail_server() as mailbox, running(cheap(data_dir, mailbox, **given), urls, shop, port=port) as gateway:
        yield House(gateway, urls, databases, shop, mailbox)
