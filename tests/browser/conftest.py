import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable

import pytest
import uvicorn
from playwright.async_api import Browser, async_playwright, expect
from playwright.async_api import Error as PlaywrightError

from auth.issuer import Issuer
from gateway.app import create_app
from gateway.keys import signing_key
from gateway.settings import Settings
from gateway.web.build import build
from gateway.web.node import NodeError
from resolvers.demo import account_id, load_demo
from tests.browser.graphiql_page import GraphiQLPage
from tests.databases import Databases

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("gateway"), demo=True)


@pytest.fixture(scope="session")
async def gateway_url(settings: Settings, databases: Databases) -> AsyncIterator[str]:
    """The whole gateway, over a demo of its own."""
    urls = databases.make()
    await load_demo(urls.owner, resources=400)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(settings, urls), log_config=None, access_log=False))
        serving = asyncio.create_task(server.serve([listener]))
        try:
            # The socket listens already: a request waits until the server accepts it.
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


@pytest.fixture(scope="session")
def bearer(settings: Settings) -> Callable[[str], str]:
    """Makes an access token for a demo account, by its e-mail address."""
    issuer = Issuer(signing_key(settings), settings.issuer, settings.audience)
    return lambda email: issuer.issue(account_id(email))


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
