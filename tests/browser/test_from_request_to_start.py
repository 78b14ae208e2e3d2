"""From the request for an account to a started instance: a person, their browser, their telephone, and nothing faked
but who they are on the other end of a call, a push service, an authenticator and a mailbox."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

import httpx
import pyotp
import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import BrowserContext, Locator, Page, expect

from gateway.postgres import DatabaseUrls
from gateway.settings import PhoneSettings, PushSettings
from schema.ids import global_id
from tests.browser.graphiql_page import GraphiQLPage
from tests.browser.test_device_page import DevicePage
from tests.browser.test_passkeys import AUTHENTICATOR
from tests.gateway.administered import Administered, new_people, populate
from tests.gateway.pages.visiting import PASSWORD, cheap
from tests.gateway.privileged import Privileged
from tests.gateway.pushing import PushService, push_service
from tests.gateway.running import free_port, running
from tests.gateway.test_phone import TELEPHONE, code_in
from tests.gateway.voice_api import ACCOUNT, NUMBER, TOKEN, VoiceApi, post_signed, voice_api
from tests.mailbox import Mailbox, link_in, mail_server
from tests.resolvers.shop import Shop

START: Final = (
    'mutation Start { startInstance(input: {instanceId: "%s"}) { operation { status } userErrors { code message } } }'
)
STATUS: Final = 'query Status { resource: node(id: "%s") { ... on Instance { status } } }'
STOPPED: Final = "UPDATE resource SET status = 'INACTIVE' WHERE id = :id"
UNUSED: Final = "UPDATE factor SET last_step = NULL WHERE kind = 'TOTP'"


@dataclass(frozen=True)
class House:
    """A gateway that reaches people, who ask it for administrative changes; and what reaches them."""

    console: Administered
    mailbox: Mailbox
    voice: VoiceApi
    push: PushService

    @property
    def people(self) -> Privileged:
        return self.console.people

    @property
    def url(self) -> str:
        return self.people.gateway.settings.public_url


class Phone(DevicePage):
    """The browser of a person's phone, where they sign in themselves."""

    def __init__(self, house: House, email: str, context: BrowserContext, page: Page) -> None:
        super().__init__(cast("Any", None), context, page, house.push)
        self._url, self._email = house.url, email

    @property
    def origin(self) -> str:
        return self._url

    async def sign_in(self) -> None:
        await self.page.get_by_role("link", name="Sign in").click()
        await self.page.get_by_label("E-mail address").fill(self._email)
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign in").click()


class Newcomer:
    """Somebody who was invited, at their own browser."""

    def __init__(self, house: House, email: str, page: Page) -> None:
        self.house, self.email, self.page = house, email, page
        self.app: pyotp.TOTP | None = None
        self.phone: Phone | None = None

    async def accepts(self) -> None:
        """Open the invitation, and choose a password."""
        await self.page.goto(self.house.url + link_in(await self.house.mailbox.next(self.email)))
        await self.page.get_by_label("New password").fill(PASSWORD)
        await self.page.get_by_label("The same password again").fill(PASSWORD)
        await self.page.get_by_role("button", name="Keep this password").click()
        await self.heading("Set up a second factor")

    async def heading(self, words: str) -> None:
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(words)

    async def begins(self, factor: str) -> None:
        await self.page.get_by_role("link", name=f"Set up: {factor}").click()


Acts = Callable[[Newcomer], Awaitable[None]]
Answers = Callable[[Newcomer, Locator], Awaitable[None]]


async def sets_up_app(person: Newcomer) -> None:
    await person.begins("Authenticator app")
    await person.page.get_by_role("button", name="Begin").click()
    person.app = pyotp.TOTP(await person.page.locator("#secret").inner_text())
    await person.page.get_by_label("The 6 digits").fill(person.app.now())
    await person.page.get_by_role("button", name="Confirm").click()
    await person.heading("Your recovery codes")
    await person.house.people.sql(UNUSED)


async def types_code(person: Newcomer, dialog: Locator) -> None:
    assert person.app
    await dialog.get_by_label("Code").fill(person.app.now())
    await dialog.get_by_role("button", name="Confirm").click()


async def sets_up_passkey(person: Newcomer) -> None:
    tools = await person.page.context.new_cdp_session(person.page)
    await tools.send("WebAuthn.enable")
    await tools.send("WebAuthn.addVirtualAuthenticator", {"options": {**AUTHENTICATOR, "isUserVerified": True}})
    await person.begins("Passkey")
    await person.page.get_by_role("button", name="Begin").click()
    await person.page.get_by_label("Name of this passkey").fill("Laptop")
    await person.page.get_by_role("button", name="Make the passkey").click()
    await person.heading("Your recovery codes")


async def uses_passkey(_: Newcomer, dialog: Locator) -> None:
    await dialog.get_by_role("button", name="Use your passkey").click()


async def sets_up_telephone(person: Newcomer) -> None:
    person.house.voice.press = lambda words: "1"
    await person.begins("Phone call")
    await person.page.get_by_label("Telephone number").fill(TELEPHONE)
    await person.page.get_by_role("button", name="Begin").click()
    call = await person.house.voice.end_of_call()
    await person.page.get_by_label("The 6 digits").fill(code_in(call.said[-1]))
    await person.page.get_by_role("button", name="Confirm").click()
    await person.heading("Your recovery codes")
    person.house.voice.press = lambda words: None


async def presses_digits(person: Newcomer, dialog: Locator) -> None:
    digits = await dialog.locator("output").inner_text()
    call = await person.house.voice.end_of_call()
    assert call.heard("Confirm that it is you")
    async with httpx.AsyncClient() as client:
        await post_signed(client, call.url, {"CallSid": "CA1", "Digits": digits})


async def sets_up_phone(person: Newcomer) -> None:
    await person.begins("Notification on your phone")
    assert person.phone
    await person.phone.open()
    await person.phone.sign_in()
    await person.phone.set_up()


async def approves_on_phone(person: Newcomer, dialog: Locator) -> None:
    assert person.phone
    digits = await dialog.locator("output").inner_text()
    await person.phone.deliver(await person.house.push.next())
    await person.phone.enter(digits)
    await expect(person.phone.page.get_by_role("status")).to_have_text("Approved. Go on at your screen.")


WAYS: Final[dict[str, tuple[Acts, Answers]]] = {
    "passkey": (sets_up_passkey, uses_passkey),
    "app": (sets_up_app, types_code),
    "call": (sets_up_telephone, presses_digits),
    "notification": (sets_up_phone, approves_on_phone),
}


@pytest.fixture(scope="module")
async def house(
    database: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory, graphiql_built: None
) -> AsyncIterator[House]:
    folder, port = tmp_path_factory.mktemp("keys"), free_port()
    token_file = folder / "voice.token"
    token_file.write_text(TOKEN)
    token_file.chmod(0o600)
    shop, people = Shop(), new_people()
    async with voice_api() as voice, push_service() as push, mail_server() as mailbox:
        settings = cheap(
            folder,
            mailbox,
            port=port,
            # Browsers use no passkeys at an address, so that this is reached by a name.
            public_url=f"http://localhost:{port}",
            egress_hosts=[voice.url.removeprefix("http://")],
            egress_plain_loopback=True,
            phone=PhoneSettings(account=ACCOUNT, token_file=token_file, number=NUMBER, api_url=voice.url),
            push=PushSettings(hosts=[httpx.URL(push.url).netloc.decode()]),
        )
        async with running(settings, database, shop, port=port) as gateway:
            found = Privileged(gateway, database, shop, people)
            async with found.owner.begin() as connection:
                await populate(connection, shop, people)
            yield House(Administered(found), mailbox, voice, push)
            await found.close()


async def request_account(house: House, email: str) -> None:
    """A representative asks for an account, and the platform makes it."""
    wanted = {"organizationId": house.console.acme, "account": {"email": email}, "reason": "joins the team"}
    request = (await house.console.ask("representative", "requestAccount", wanted)).payload["accountRequest"]
    made = await house.console.approved("platform", "approveAccount", {"requestId": request["id"]})
    assert made.payload["accountRequest"]["status"] == "APPROVED"


async def give_profile(house: House, email: str) -> None:
    """A representative proposes the profile OPE, and another gives it."""
    values = {"cloudId": house.console.alpha, "account": {"email": email}, "profile": "OPE"}
    proposal = (await house.console.approved("representative", "proposeProfile", values)).payload["proposal"]["id"]
    given = await house.console.approved("deputy", "approveProfile", {"proposalId": proposal})
    assert given.payload["proposal"]["status"] == "GIVEN"


@asynccontextmanager
async def newcomer(chromium: Chromium, house: House, email: str, *, has_phone: bool) -> AsyncIterator[Newcomer]:
    async with (
        await chromium.new_context(viewport={"width": 1400, "height": 900}) as desk,
        await chromium.new_context(viewport={"width": 390, "height": 844}) as pocket,
    ):
        person = Newcomer(house, email, await desk.new_page())
        if has_phone:
            await pocket.grant_permissions(["notifications"], origin=house.url)
            person.phone = Phone(house, email, pocket, await pocket.new_page())
        yield person
        assert person.phone is None or person.phone.problems == []


@pytest.mark.parametrize("way", WAYS)
async def test_a_person_is_invited_sets_up_a_factor_and_starts_an_instance(
    browser: Chromium, house: House, way: str
) -> None:
    sets_up, answers = WAYS[way]
    email, instance = f"{way}@acme.example", global_id("Instance", house.people.shop.spare)
    await house.people.sql(STOPPED, id=house.people.shop.spare)
    await request_account(house, email)
    async with newcomer(browser, house, email, has_phone=way == "notification") as person:
        await person.accepts()
        await sets_up(person)
        await give_profile(house, email)

        graphiql = GraphiQLPage(person.page, house.url)
        await graphiql.open()
        await person.page.get_by_role("button", name="Sign in").click()
        await expect(graphiql.status).to_have_text(f"Signed in as {email}")
        await graphiql.write(START % instance, "Start")
        await graphiql.editor.click()
        await person.page.keyboard.press("Control+Enter")
        dialog = person.page.get_by_role("dialog", name="Confirm with your second factor")
        await expect(dialog).to_contain_text("Confirm that it is you")
        await answers(person, dialog)
        await expect(dialog).to_have_count(0)
        await expect(graphiql.result).to_contain_text("IN_PROGRESS")

        await house.people.settle()
        await graphiql.write(STATUS % instance, "Status")
        answer = await graphiql.run("Status")
        assert answer["data"]["resource"]["status"] == "ACTIVE"
        # The browser says so of the answer that asked for the second factor.
        assert [problem for problem in graphiql.problems if "status of 401" not in problem] == []
