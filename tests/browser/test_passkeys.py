"""Passkeys on the real pages, in Chromium with an authenticator of its own (DevTools' WebAuthn domain)."""

import json
import re
import socket
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from playwright.async_api import Browser, CDPSession, Page, Route, expect

from gateway.postgres import DatabaseUrls
from schema.ids import global_id
from tests.browser.graphiql_page import GraphiQLPage
from tests.databases import Databases
from tests.gateway.pages.visiting import PASSWORD, House, Someone, house_of

AUTHENTICATOR: Final = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "automaticPresenceSimulation": True,
}

POWER_USER: Final = (
    "INSERT INTO membership (organization_id, cloud_id, account_id, profile, created_at)"
    " VALUES (:organization, :cloud, :account, 'POW', now())"
)
STOP: Final = 'mutation Stop { stopInstance(input: {instanceId: "%s"}) { operation { status } userErrors { code } } }'


@pytest.fixture(scope="module")
async def house(
    database: DatabaseUrls, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    # Browsers use no passkeys at an address, so that this is reached by a name, whose port is known beforehand.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://localhost:{port}"
    async with house_of(tmp_path_factory.mktemp("keys"), database, databases, port=port, public_url=url) as house:
        yield house


class Visit:
    """Somebody who is signed in in Chromium, with an authenticator that verifies them or does not."""

    def __init__(self, house: House, someone: Someone, page: Page, devtools: CDPSession) -> None:
        self.house, self.someone, self.page, self._devtools = house, someone, page, devtools
        self._authenticator = ""

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self.house.settings.public_url}{path}")

    async def sign_in(self) -> None:
        await self.open("/auth/sign-in")
        await self.page.get_by_label("E-mail address").fill(self.someone.email)
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.page.get_by_role("heading", level=1)).to_have_text("Your account")

    async def plug_in(self, *, verified: bool = True) -> None:
        options = {**AUTHENTICATOR, "isUserVerified": verified}
        await self._devtools.send("WebAuthn.enable")
        added: Any = await self._devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._authenticator = added["authenticatorId"]

    async def verify(self, *, verified: bool) -> None:
        """Let the authenticator verify its person, or not."""
        of = {"authenticatorId": self._authenticator, "isUserVerified": verified}
        await self._devtools.send("WebAuthn.setUserVerified", of)

    async def enrol(self, label: str = "Test laptop") -> None:
        await self.open("/auth/account/factors")
        await self.page.get_by_role("link", name="Set up: Passkey").click()
        await self.page.get_by_role("button", name="Begin").click()
        await self.page.get_by_label("Name of this passkey").fill(label)
        await self.page.get_by_role("button", name="Make the passkey").click()

    async def confirm(self) -> None:
        """Confirm with a passkey, for a page of recovery codes."""
        await self.open("/auth/confirm?continue=/auth/account/recovery-codes")
        await self.page.get_by_role("button", name="Passkey").click()
        await self.page.get_by_role("button", name="Use your passkey").click()

    async def heading(self, text: str) -> None:
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(text)


@pytest.fixture
async def visit(house: House, browser: Browser) -> AsyncIterator[Visit]:
    problems: list[str] = []
    async with await browser.new_context() as context:
        page = await context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if "Policy" in message.text else None)
        visit = Visit(house, await house.person(), page, await context.new_cdp_session(page))
        await visit.sign_in()
        yield visit
    assert problems == []


async def test_a_passkey_is_set_up_and_confirmed_with(visit: Visit) -> None:
    await visit.plug_in()
    await visit.enrol()
    await visit.heading("Your recovery codes")
    await expect(visit.page.locator("#codes li")).to_have_count(10)
    await visit.open("/auth/account")
    await expect(visit.page.get_by_role("listitem").filter(has_text="Test laptop")).to_be_visible()
    await visit.confirm()
    await visit.heading("Recovery codes")
    await visit.page.get_by_role("button", name="Make new codes").click()
    await visit.heading("Your recovery codes")
    ((amr,),) = await visit.house.sql("SELECT amr FROM session WHERE account_id = :id", id=visit.someone.id)
    assert amr == ["pwd", "swk", "mfa"]


async def test_an_authenticator_that_verifies_nobody_confirms_nothing(visit: Visit) -> None:
    await visit.plug_in()
    await visit.enrol()
    await visit.heading("Your recovery codes")
    await visit.verify(verified=False)
    await visit.confirm()
    await expect(visit.page.get_by_role("alert")).to_contain_text("Nothing was confirmed")
    ((fresh,),) = await visit.house.sql(
        "SELECT mfa_time IS NOT NULL FROM session WHERE account_id = :id", id=visit.someone.id
    )
    assert not fresh
    await visit.verify(verified=True)
    await visit.page.get_by_role("button", name="Use your passkey").click()
    await visit.heading("Recovery codes")


async def test_an_authenticator_that_verifies_nobody_sets_up_nothing(visit: Visit) -> None:
    await visit.plug_in(verified=False)
    await visit.enrol()
    await expect(visit.page.get_by_role("alert")).to_contain_text("Nothing was confirmed")
    factors = "SELECT id FROM factor WHERE account_id = :id AND confirmed_at IS NOT NULL"
    assert await visit.house.sql(factors, id=visit.someone.id) == []


async def test_a_device_is_not_set_up_twice(visit: Visit) -> None:
    await visit.plug_in()
    await visit.enrol()
    await visit.heading("Your recovery codes")
    await visit.confirm()
    await visit.heading("Recovery codes")
    await visit.enrol("Again")
    await expect(visit.page.get_by_role("alert")).to_contain_text("holds a passkey of yours already")


async def test_graphiql_puts_a_challenge_anew_to_a_passkey_whose_answer_was_refused(
    visit: Visit, graphiql_built: None
) -> None:
    shop, page = visit.house.shop, visit.page
    await visit.house.sql(POWER_USER, organization=shop.acme, cloud=shop.alpha, account=visit.someone.id)
    await visit.plug_in()
    await visit.enrol()
    await visit.heading("Your recovery codes")
    graphiql = GraphiQLPage(page, visit.house.settings.public_url)
    await visit.open("/graphiql")
    await page.get_by_role("button", name="Sign in").click()
    await expect(graphiql.status).to_have_text(f"Signed in as {visit.someone.email}")
    await graphiql.write(STOP % global_id("Instance", shop.web), "Stop")
    await graphiql.editor.click()
    await page.keyboard.press("Control+Enter")
    dialog = page.get_by_role("dialog", name="Confirm with your second factor")

    async def spoil(route: Route) -> None:
        body = route.request.post_data_json
        await route.continue_(post_data=json.dumps({**(body or {}), "code": "{}"}))

    await page.route("**/auth/step-up/complete", spoil, times=1)
    await dialog.get_by_role("button", name="Use your passkey").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("This was not accepted")
    await dialog.get_by_role("button", name="Use your passkey").click()
    await expect(dialog).to_have_count(0)
    await expect(graphiql.result).to_contain_text("IN_PROGRESS")


async def test_without_javascript_the_page_says_so_and_other_ways_are_there(house: House, browser: Browser) -> None:
    someone = await house.person()
    async with await browser.new_context(java_script_enabled=False) as context:
        page = await context.new_page()
        url = house.settings.public_url
        await page.goto(f"{url}/auth/sign-in")
        await page.get_by_label("E-mail address").fill(someone.email)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.goto(f"{url}/auth/account/factors/passkey")
        await page.get_by_role("button", name="Begin").click()
        await expect(page.get_by_text("Passkeys need JavaScript.")).to_be_visible()
        await expect(page.get_by_role("button", name="Make the passkey")).to_be_hidden()
        await page.get_by_role("link", name="Choose another kind").click()
        await expect(page.get_by_role("link", name=re.compile("Authenticator app"))).to_be_visible()
