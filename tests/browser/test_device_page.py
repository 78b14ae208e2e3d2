"""The page on a person's own device, in a real browser: set up, notified, approving, refusing."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal

import httpx
import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import BrowserContext, CDPSession, ConsoleMessage, Locator, Page, expect

from auth.identity.sessions import begin_browser_session
from auth.principal import set_scope
from gateway.pages.browser import SESSION
from gateway.postgres import DatabaseUrls
from gateway.settings import PushSettings, Settings
from resolvers.database import Database
from resolvers.transaction import open_transaction
from tests.browser.signing_in import Axe
from tests.databases import Databases
from tests.gateway.pushing import Browser, Notified, PushService, b64, push_service
from tests.gateway.running import fill, free_port, running
from tests.gateway.test_step_up import BEGIN, COMPLETE, WORDS, House, Person
from tests.resolvers.shop import Shop

# No push service can be reached from here: the browser gets a subscription of ours, and what arrives there is handed to
# its service worker by its own tools, which is where a push service's would arrive.
SUBSCRIBED = """
    let held = null;
    PushManager.prototype.getSubscription = async () => held;
    PushManager.prototype.subscribe = async function (options) {
        const all = %s, count = Number(sessionStorage.subscriptions ?? 0);
        sessionStorage.subscriptions = count + 1;
        const subscription = all[Math.min(count, all.length - 1)];
        window.subscribedWith = options;
        const unsubscribe = async () => { held = null; };
        held = { endpoint: subscription.endpoint, options, unsubscribe, toJSON: () => subscription };
        return held;
    };
"""


class DevicePage:
    """The page of a person's phone; `problems` are violations of the page's policy, and errors of its script."""

    def __init__(self, person: Person, context: BrowserContext, page: Page, service: PushService) -> None:
        self.person, self.context, self.page, self.service = person, context, page, service
        self.browsers = [Browser(service)]
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(f"script error: {error.message}"))
        page.on("console", self._note)

    def _note(self, message: ConsoleMessage) -> None:
        # The browser says so of every answer that is no 2xx, and of these the page makes something.
        if message.type in ("error", "warning") and "the server responded with a status of" not in message.text:
            self.problems.append(f"console: {message.text}")

    @property
    def origin(self) -> str:
        return str(self.person.house.gateway.client.base_url).rstrip("/")

    @property
    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    async def sign_in(self) -> None:
        """Give the browser a session, as the sign-in page does."""
        async with open_transaction(self.person.house.base) as transaction:
            await set_scope(transaction.fetch, self.person.account)
            now = datetime.now(UTC)
            _, secret = await begin_browser_session(transaction.fetch, self.person.account, ("pwd",), now)
        await self.context.add_cookies([{"name": SESSION, "value": secret, "domain": "127.0.0.1", "path": "/auth"}])

    async def open(self) -> None:
        await self.page.add_init_script(SUBSCRIBED % json.dumps([browser.subscription for browser in self.browsers]))
        await self.page.goto(f"{self.origin}/auth/device")

    async def set_up(self, name: str = "Pixel 9") -> None:
        await expect(self.heading).to_have_text("Set up this device")
        await self.page.get_by_label("Name of this device").fill(name)
        await self.page.keyboard.press("Enter")
        await expect(self.page.get_by_role("status")).to_have_text("This device is your second factor now.")
        key = await self.page.evaluate("Array.from(window.subscribedWith.applicationServerKey)")
        self.service.vapid_key = b64(bytes(key))
        assert await self.page.evaluate("window.subscribedWith.userVisibleOnly") is True

    async def asked(self, challenge: str | None = None) -> Mapping[str, Any]:
        """Begin to step up on the screen."""
        answer = await self.person.post(BEGIN, method="PUSH", challengeId=challenge)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def deliver(self, notified: Notified) -> None:
        """Hand what arrived at the push service to the browser."""
        tools: CDPSession = await self.context.new_cdp_session(self.page)
        registrations: list[Any] = []
        tools.on("ServiceWorker.workerRegistrationUpdated", lambda event: registrations.extend(event["registrations"]))
        await tools.send("ServiceWorker.enable")
        await self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        data = json.dumps({name: value for name, value in notified.content.items() if name != "claims"})
        await tools.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": self.origin, "registrationId": registrations[0]["registrationId"], "data": data},
        )
        await tools.detach()

    async def notifications(self) -> list[tuple[str, str]]:
        found: list[list[str]] = await self.page.evaluate(
            """async () => {
                const registration = await navigator.serviceWorker.ready;
                const shown = await registration.getNotifications();
                return shown.map((each) => [each.title, each.body]);
            }"""
        )
        return [(title, body) for title, body in found]

    async def enter(self, digits: str) -> None:
        await self.page.get_by_label("The 6 digits that your screen shows").fill(digits)
        await self.page.get_by_role("button", name="Approve").click()

    async def completed(self, challenge: str) -> httpx.Response:
        return await self.person.post(COMPLETE, challengeId=challenge, method="PUSH")


@pytest.fixture(scope="module")
async def service() -> AsyncIterator[PushService]:
    async with push_service() as service:
        yield service
        assert service.refused == []


@pytest.fixture(scope="module")
async def house(
    database: DatabaseUrls, databases: Databases, service: PushService, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    shop = Shop()
    await fill(database, shop)
    base = Database(database.app, pool_size=4, statement_seconds=20)
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("keys"),
        port=free_port(),
        egress_plain_loopback=True,
        push=PushSettings(hosts=[httpx.URL(service.url).netloc.decode()]),
    )
    async with running(settings, database, shop, port=settings.port) as gateway:
        yield House(gateway, database, base, databases, shop)
    await base.close()


@asynccontextmanager
async def phone_of(
    chromium: Chromium, house: House, service: PushService, *, signed_in: bool = True, subscriptions: int = 1
) -> AsyncIterator[DevicePage]:
    """The browser of a person, who is signed in on their phone."""
    person = await house.person()
    async with await chromium.new_context(viewport={"width": 390, "height": 844}) as context:
        phone = DevicePage(person, context, await context.new_page(), service)
        await context.grant_permissions(["notifications"], origin=phone.origin)
        phone.browsers = [Browser(service) for _ in range(subscriptions)]
        if signed_in:
            await phone.sign_in()
        await phone.open()
        yield phone


@pytest.fixture
async def phone(browser: Chromium, house: House, service: PushService) -> AsyncIterator[DevicePage]:
    async with phone_of(browser, house, service) as phone:
        yield phone
        assert phone.problems == []


async def test_a_device_is_set_up_notified_and_approves_what_the_screen_asked_for(
    phone: DevicePage, service: PushService
) -> None:
    await phone.set_up()
    await expect(phone.page.locator("#code-list li")).to_have_count(10)
    challenge, digest = await phone.person.asks_to_delete()
    begun = await phone.asked(challenge)
    await phone.deliver(await service.next())
    await expect(phone.heading).to_have_text("Is this you?")
    await expect(phone.page.locator("blockquote")).to_have_text(WORDS)
    assert await phone.notifications() == [("ITCare: is this you?", WORDS)]
    await expect(phone.page.get_by_label("The 6 digits that your screen shows")).to_be_focused()
    await phone.enter(begun["display"])
    await expect(phone.page.get_by_role("status")).to_have_text("Approved. Go on at your screen.")
    answer = await phone.completed(challenge)
    assert answer.json()["approved"]["words"] == WORDS
    assert await phone.person.has_approved(digest)


async def test_the_page_that_is_opened_by_hand_shows_what_waits(phone: DevicePage, service: PushService) -> None:
    await phone.set_up()
    await expect(phone.heading).to_have_text("Nothing to approve")
    begun = await phone.asked()
    await service.next()
    await phone.page.get_by_role("button", name="Look again").click()
    await expect(phone.heading).to_have_text("Is this you?")
    await phone.page.reload()
    await expect(phone.heading).to_have_text("Is this you?")
    await phone.enter(f"{begun['display'][:3]} {begun['display'][3:]}")
    await expect(phone.page.get_by_role("status")).to_have_text("Approved. Go on at your screen.")
    assert (await phone.completed(begun["challengeId"])).status_code == 200


async def test_who_presses_a_notification_sees_what_waits(phone: DevicePage, service: PushService) -> None:
    await phone.set_up()
    await phone.asked()
    notified = await service.next()
    (worker,) = phone.context.service_workers
    await worker.evaluate("show('Delete something')")
    await expect(phone.heading).to_have_text("Nothing to approve")
    await worker.evaluate(
        """async () => {
            const [notification] = await self.registration.getNotifications();
            self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
        }"""
    )
    await expect(phone.heading).to_have_text("Is this you?")
    assert await phone.notifications() == []
    assert notified.content["words"].startswith("Confirm that it is you")


async def test_who_says_that_it_was_not_them_ends_it(phone: DevicePage, service: PushService) -> None:
    await phone.set_up()
    begun = await phone.asked()
    await phone.deliver(await service.next())
    await phone.page.get_by_role("button", name="This was not me").click()
    await expect(phone.page.get_by_role("status")).to_contain_text("Refused.")
    await expect(phone.heading).to_have_text("Nothing to approve")
    assert (await phone.completed(begun["challengeId"])).status_code == 403
    assert (await phone.person.post(BEGIN, method="PUSH")).status_code == 429


async def test_nothing_is_approved_without_the_digits_of_the_screen(phone: DevicePage, service: PushService) -> None:
    await phone.set_up()
    begun = await phone.asked()
    await phone.deliver(await service.next())
    alert = phone.page.get_by_role("alert")
    for typed in ("", "12345", "abcdef", "\uff11" * 6):
        await phone.enter(typed)
        await expect(alert).to_have_text("Enter the 6 digits that your screen shows.")
    await phone.enter(f"{(int(begun['display']) + 1) % 1_000_000:06}")
    await expect(alert).to_have_text("These are not the digits that your screen shows now. Look again.")
    assert (await phone.completed(begun["challengeId"])).status_code == 202
    await phone.enter(begun["display"])
    await expect(phone.page.get_by_role("status")).to_have_text("Approved. Go on at your screen.")


async def test_the_key_of_the_device_is_used_and_never_read(phone: DevicePage) -> None:
    await phone.set_up()
    found = await phone.page.evaluate(
        """async () => {
            const { kept } = await import("/auth/device/keys.js");
            const { privateKey, ...rest } = await kept();
            const read = await crypto.subtle.exportKey("pkcs8", privateKey).then(() => true, () => false);
            return [privateKey.extractable, privateKey.usages, read, Object.keys(rest), localStorage.length];
        }"""
    )
    assert found == [False, ["sign"], False, ["factorId", "name", "endpoint"], 0]


async def test_a_device_that_was_removed_is_told_so_and_can_be_set_up_again(phone: DevicePage, house: House) -> None:
    await phone.set_up()
    house.databases.run(f"DELETE FROM factor WHERE account_id = '{phone.person.account}'", house.urls)  # noqa: S608
    await phone.page.get_by_role("button", name="Look again").click()
    await expect(phone.page.get_by_role("alert")).to_contain_text("not your second factor any more")
    await phone.set_up("Pixel 10")


async def test_who_is_not_signed_in_is_led_to_that_and_back(
    browser: Chromium, house: House, service: PushService
) -> None:
    async with phone_of(browser, house, service, signed_in=False) as phone:
        await phone.page.get_by_role("link", name="Sign in").click()
        await expect(phone.page).to_have_url(f"{phone.origin}/auth/sign-in?continue=/auth/device")
        await phone.sign_in()
        await phone.page.goto(f"{phone.origin}/auth/device")
        await phone.set_up()


async def test_who_has_a_factor_already_confirms_with_it_first(phone: DevicePage) -> None:
    await phone.set_up()
    await phone.page.evaluate("import('/auth/device/keys.js').then(({ forget }) => forget())")
    await phone.page.reload()
    await phone.page.get_by_label("Name of this device").fill("Another")
    await phone.page.keyboard.press("Enter")
    await phone.page.get_by_role("link", name="Confirm").click()
    await expect(phone.heading).to_have_text("Confirm that it is you")
    await expect(phone.page.get_by_role("button", name="Notification on your phone")).to_be_visible()


async def test_a_browser_that_cannot_be_notified_is_told_what_to_do(
    browser: Chromium, house: House, service: PushService
) -> None:
    async with phone_of(browser, house, service) as phone:
        await phone.page.add_init_script("delete window.PushManager")
        await phone.page.reload()
        await expect(phone.heading).to_have_text("This device cannot be set up")
        await expect(phone.page.get_by_text("add this page to the Home Screen")).to_be_visible()


async def test_notifications_that_are_blocked_are_said_to_be(
    browser: Chromium, house: House, service: PushService
) -> None:
    async with phone_of(browser, house, service) as phone:
        await phone.page.add_init_script(
            "PushManager.prototype.subscribe = async () => { throw new DOMException('', 'NotAllowedError') }"
        )
        await phone.page.reload()
        await phone.page.get_by_label("Name of this device").fill("Pixel")
        await phone.page.keyboard.press("Enter")
        await expect(phone.page.get_by_role("alert")).to_contain_text("Notifications are blocked for this page.")


async def test_a_device_whose_browser_has_another_subscription_is_notified_by_that(
    browser: Chromium, house: House, service: PushService
) -> None:
    async with phone_of(browser, house, service, subscriptions=2) as phone:
        await phone.set_up()
        async with phone.page.expect_response("**/push/renew") as renewed:
            await phone.page.reload()
        assert (await renewed.value).status == 200
        del service.browsers[phone.browsers[0].name]
        await phone.asked()
        assert (await service.next()).content["words"]


async def test_a_device_that_the_push_service_does_not_know_any_more_subscribes_anew_when_it_is_opened(
    browser: Chromium, house: House, service: PushService
) -> None:
    async with phone_of(browser, house, service, subscriptions=2) as phone:
        await phone.set_up()
        service.status = 410
        await phone.asked()
        await service.next()
        service.status = 201
        while (await phone.person.post(BEGIN, method="PUSH")).status_code != 409:
            await service.next()
        async with phone.page.expect_response("**/push/renew"):
            await phone.page.get_by_role("button", name="Look again").click()
        await expect(phone.heading).to_have_text("Is this you?")
        await phone.asked()


async def test_a_device_whose_notifications_were_blocked_later_says_so_and_serves_by_hand(
    phone: DevicePage, service: PushService
) -> None:
    await phone.set_up()
    begun = await phone.asked()
    await service.next()
    await phone.page.add_init_script(
        "PushManager.prototype.subscribe = async () => { throw new DOMException('', 'NotAllowedError') }"
    )
    await phone.page.reload()
    await expect(phone.page.get_by_role("alert")).to_contain_text("notifications are blocked")
    await phone.enter(begun["display"])
    await expect(phone.page.get_by_role("status")).to_have_text("Approved. Go on at your screen.")


async def test_the_browser_runs_no_other_script_on_the_page(phone: DevicePage) -> None:
    ran = await phone.page.evaluate(
        """async () => {
            const script = document.createElement('script');
            script.textContent = 'window.ranInline = true';
            document.head.append(script);
            const reached = await fetch('https://elsewhere.example/').then(() => true, () => false);
            return [window.ranInline ?? false, reached];
        }"""
    )
    assert ran == [False, False]
    assert sum("Content Security Policy" in problem for problem in phone.problems) >= 2
    phone.problems.clear()


async def test_the_page_can_be_installed(phone: DevicePage) -> None:
    tools = await phone.context.new_cdp_session(phone.page)
    manifest = await tools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    read = json.loads(manifest["data"])
    assert (read["start_url"], read["display"]) == ("/auth/device", "standalone")
    for icon in read["icons"]:
        answer = await phone.person.send("GET", icon["src"])
        assert (answer.status_code, answer.headers["content-type"]) == (200, icon["type"])
    errors = (await tools.send("Page.getInstallabilityErrors"))["installabilityErrors"]
    assert [error["errorId"] for error in errors] == ["in-incognito"]  # which the browser of a test always is


async def test_the_page_of_second_factors_shows_the_way_to_the_page_on_the_phone(phone: DevicePage) -> None:
    page = phone.page
    await page.goto(f"{phone.origin}/auth/account/factors")
    await page.get_by_role("link", name="Set up: Notification on your phone").click()
    await expect(phone.heading).to_have_text("Set up: Notification on your phone")
    assert await page.locator("ol > li").count() == 6
    await expect(page.locator("code")).to_have_text(f"{phone.origin}/auth/device")
    drawn = await page.get_by_alt_text("QR code").evaluate("(image) => image.naturalWidth")
    assert drawn > 100
    await page.get_by_role("link", name="Set up the device that I am using now").click()
    await phone.set_up()


async def test_the_screen_confirms_by_the_device_on_our_own_pages(
    phone: DevicePage, browser: Chromium, service: PushService
) -> None:
    await phone.set_up()
    async with await browser.new_context() as context:
        screen = DevicePage(phone.person, context, await context.new_page(), service)
        await screen.sign_in()
        await screen.page.goto(f"{phone.origin}/auth/confirm")
        await screen.page.get_by_role("button", name="Notification on your phone").click()
        digits = await screen.page.locator("strong").inner_text()
        go_on = screen.page.get_by_role("button", name="I have answered")
        await go_on.click()
        await expect(screen.page.get_by_role("status")).to_contain_text("There is no answer yet.")
        await phone.deliver(await service.next())
        await phone.enter(digits)
        await expect(phone.page.get_by_role("status")).to_have_text("Approved. Go on at your screen.")
        await go_on.click()
        await expect(screen.heading).to_have_text("Your account")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_is_for_everybody_whatever_it_shows(
    phone: DevicePage, service: PushService, axe: Axe, scheme: Literal["light", "dark"]
) -> None:
    page = phone.page
    await page.emulate_media(color_scheme=scheme)
    await expect(phone.heading).to_have_text("Set up this device")
    await page.get_by_role("button", name="Set up this device").click()
    await expect(page.get_by_role("alert")).to_have_text("Give the device a name.")
    assert await axe.violations(page) == []
    await phone.set_up()
    assert await axe.violations(page) == []
    await phone.asked()
    await phone.deliver(await service.next())
    await phone.enter("1")
    await expect(page.get_by_role("alert")).to_be_visible()
    assert await axe.violations(page) == []
    await page.goto(f"{phone.origin}/auth/account/factors/push")
    assert await axe.violations(page) == []


async def test_the_page_is_used_by_keyboard_alone(phone: DevicePage, service: PushService) -> None:
    await phone.set_up()
    begun = await phone.asked()
    await phone.deliver(await service.next())
    await expect(phone.page.get_by_label("The 6 digits that your screen shows")).to_be_focused()
    await phone.page.keyboard.type(begun["display"])
    await phone.page.keyboard.press("Enter")
    await expect(phone.page.get_by_role("status")).to_have_text("Approved. Go on at your screen.")
    await expect(phone.heading).to_be_focused()
