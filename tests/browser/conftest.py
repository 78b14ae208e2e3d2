import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import pytest
import uvicorn
from playwright.async_api import Browser, async_playwright, expect
from playwright.async_api import Error as PlaywrightError
from sqlalchemy import NullPool, update
from sqlalchemy.ext.asyncio import create_async_engine

from auth.identity.passwords import LEAST_MEMORY_KIB, LEAST_PASSES, set_hash
from auth.issuer import Issuer
from auth.mfa.sealing import SecretSeal
from auth.tables import AccountKind, Factor, table
from gateway.app import create_app
from gateway.keys import mfa_key, signing_key
from gateway.pages.pages import password_keeper
from gateway.postgres import DatabaseUrls
from gateway.postgres.connecting import fetching
from gateway.settings import Settings, SignInSettings
from gateway.web import SOURCES
from gateway.web.build import build
from gateway.web.node import NodeError
from resolvers.demo import ACCOUNTS, account_id, add_factors, demo_secrets, load_demo
from resolvers.demo.factors import next_code
from tests.browser.graphiql_page import GraphiQLPage
from tests.browser.signing_in import Axe
from tests.databases import Databases
from tests.gateway.running import free_port

PASSWORD = "a rather long phrase of ours"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    cheap = SignInSettings(hash_memory_kib=LEAST_MEMORY_KIB, hash_passes=LEAST_PASSES)
    return Settings(data_dir=tmp_path_factory.mktemp("gateway"), demo=True, port=free_port(), sign_in=cheap)


@pytest.fixture(scope="session")
async def demo(databases: Databases) -> DatabaseUrls:
    """A database with a demo."""
    urls = databases.make()
    await load_demo(urls.owner, resources=400)
    return urls


@pytest.fixture(scope="session")
async def gateway_url(settings: Settings, demo: DatabaseUrls) -> AsyncIterator[str]:
    """The whole gateway, over a demo of its own."""
    with socket.create_server(("127.0.0.1", settings.port)) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(settings, demo), log_config=None, access_log=False))
        serving = asyncio.create_task(server.serve([listener]))
        try:
            # The socket listens already: a request waits until the server accepts it.
            yield settings.public_url
        finally:
            server.should_exit = True
            await serving


@pytest.fixture(scope="session")
def bearer(settings: Settings) -> Callable[[str], str]:
    """Makes an access token for a demo account, by its e-mail address."""
    issuer = Issuer(signing_key(settings), settings.issuer, settings.audience)
    return lambda email: issuer.issue(account_id(email))


@pytest.fixture(scope="session")
async def passwords(settings: Settings, demo: DatabaseUrls) -> None:
    """Gives the demo's people a password, and authenticator apps."""
    hashed = await password_keeper(settings).hash(PASSWORD)
    seal = SecretSeal([mfa_key(settings)])
    async with create_async_engine(demo.owner, poolclass=NullPool).begin() as connection:
        for account in ACCOUNTS:
            if account.kind is AccountKind.PERSON:
                await set_hash(fetching(connection), account_id(account.email), hashed, datetime.now(UTC))
        await add_factors(connection, seal, datetime.now(UTC))


@pytest.fixture
def code_of(settings: Settings, demo: DatabaseUrls) -> Callable[[str], Awaitable[str]]:
    """Reads the authenticator app of one of the demo's people, as if none of its codes had been used."""

    async def read(email: str) -> str:
        seal = SecretSeal([mfa_key(settings)])
        async with create_async_engine(demo.owner, poolclass=NullPool).begin() as connection:
            await connection.execute(update(table(Factor)).values(last_step=None))
            held = (await demo_secrets(connection, seal))[email]
        code, _ = next_code(held, datetime.now(UTC))
        assert code is not None
        return code

    return read


@pytest.fixture(scope="session")
async def graphiql_built() -> None:
    try:
        await asyncio.to_thread(build)
    except NodeError as error:
        unavailable(f"GraphiQL cannot be built: {error}")


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    expect.set_options(timeout=20_000)
    installed = next((path for path in map(shutil.which, CHROMIUMS) if path), None)
    async with async_playwright() as playwright:
        try:
            chromium = await playwright.chromium.launch(executable_path=installed, args=["--no-sandbox"])
        except PlaywrightError as error:
            unavailable(f"no Chromium starts: {error.message.splitlines()[0]}")
        else:
            yield chromium
            await chromium.close()


@pytest.fixture(scope="session")
def axe(graphiql_built: None) -> Axe:
    path = SOURCES / "node_modules" / "axe-core" / "axe.min.js"
    if not path.is_file():
        unavailable("axe-core is not installed: ./dev run python -m gateway.web.build")
    return Axe(path.read_text())


@pytest.fixture
async def graphiql(browser: Browser, gateway_url: str, graphiql_built: None) -> AsyncIterator[GraphiQLPage]:
    """GraphiQL as a first visitor sees it."""
    async with await browser.new_context(viewport={"width": 1400, "height": 900}) as context:
        visit = GraphiQLPage(await context.new_page(), gateway_url)
        await visit.open()
        yield visit


def unavailable(reason: str) -> None:
    """Skip where a developer lacks something; never in continuous integration."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
