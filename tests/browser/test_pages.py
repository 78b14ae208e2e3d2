"""The pages under /auth/ in a real browser: for everybody, by keyboard, without JavaScript, and against other sites."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, Route, ViewportSize, expect

from gateway.settings import OpenIdSettings, PhoneSettings
from gateway.web import SOURCES
from tests.browser.signing_in import NARROW, Axe, Guest, guest_of
from tests.databases import Databases
from tests.gateway.pages.visiting import ACCOUNT, PASSWORD, SIGN_IN, House, house_of
from tests.gateway.running import free_port

BACK = "https://console.example/signed-in"
NEW = "an entirely new phrase of ours"
WIDE: ViewportSize = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
async def house(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A gateway that browsers reach where it says, with everything that pages can offer."""
    folder, urls = tmp_path_factory.mktemp("pages"), databases.make()
    token = folder / "voice-token"
    token.write_text("0123456789abcdef0123456789abcdef")
    token.chmod(0o600)
    port = free_port()
    async with house_of(
        folder,
        urls,
        databases,
        port=port,
        # Passkeys need a name.
        public_url=f"http://localhost:{port}",
        openid=OpenIdSettings(clients={"console": [BACK]}),
        phone=PhoneSettings(account="AC1", token_file=token, number="+33123456789"),
        egress_hosts=["api.twilio.com"],
    ) as house:
        yield house


@pytest.fixture
async def guest(browser: Browser, house: House) -> AsyncIterator[Guest]:
    async with guest_of(browser, house) as guest:
        yield guest


# -- for everybody


async def open_sign_in(guest: Guest) -> None:
    await guest.open(SIGN_IN)


async def open_problems(guest: Guest) -> None:
    await guest.open(SIGN_IN)
    await guest.page.get_by_role("button", name="Sign in").click()
    await expect(guest.page.get_by_role("alert")).to_contain_text("Enter your password.")


async def open_notice(guest: Guest) -> None:
    await guest.open(f"{SIGN_IN}?notice=signed-out")


async def open_forgot(guest: Guest) -> None:
    await guest.open("/auth/forgot-password")


async def open_sent(guest: Guest) -> None:
    await open_forgot(guest)
    await guest.page.get_by_label("E-mail address").fill("nobody@acme.example")
    await guest.page.get_by_role("button", name="Send the link").click()
    await guest.title("Look into your mailbox")


async def open_refused_link(guest: Guest) -> None:
    await guest.open("/auth/reset-password?link=x")
    await guest.title("This did not work")


async def open_invitation(guest: Guest) -> None:
    await guest.open(await guest.house.invite(await guest.house.person(None)))
    await guest.title("Choose your password")


async def open_weak_password(guest: Guest) -> None:
    await open_invitation(guest)
    await guest.page.get_by_label("New password").fill("passwordpassword")
    await guest.page.get_by_label("The same password again").fill("passwordpassword")
    await guest.page.get_by_role("button", name="Keep this password").click()
    await expect(guest.page.get_by_role("alert")).to_contain_text("common words")


async def open_account(guest: Guest) -> None:
    await guest.sign_in(await guest.house.person())
    await guest.title("Your account")


async def open_codes(guest: Guest) -> None:
    await open_account(guest)
    await guest.set_up_app()


async def open_account_with_app(guest: Guest) -> None:
    await open_codes(guest)
    await guest.go_to_account()


async def open_renewal(guest: Guest) -> None:
    await open_account_with_app(guest)
    await guest.page.get_by_role("link", name="Recovery codes").click()
    await guest.title("Recovery codes")


async def open_recovery(guest: Guest) -> None:
    await open_account_with_app(guest)
    await guest.page.get_by_role("link", name="I have lost my second factor").click()
    await guest.page.get_by_label("Recovery code").fill("x")
    await guest.page.get_by_role("button", name="Go on").click()
    await expect(guest.page.get_by_role("alert")).to_contain_text("This is none of your recovery codes")


async def open_removal(guest: Guest) -> None:
    await open_account_with_app(guest)
    await guest.page.get_by_role("link", name="Remove").click()
    await guest.title("Remove a second factor")


async def open_passkey(guest: Guest) -> None:
    await open_factors(guest)
    await guest.page.get_by_role("link", name="Set up: Passkey").click()
    await guest.title("Set up: Passkey")


async def open_passkey_form(guest: Guest) -> None:
    await open_passkey(guest)
    await guest.page.get_by_role("button", name="Begin").click()
    await expect(guest.page.get_by_role("button", name="Make the passkey")).to_be_visible()


async def open_device(guest: Guest) -> None:
    await open_account(guest)
    await guest.open("/auth/device")
    await expect(guest.page.locator("#heading")).to_have_text("Set up this device")


async def open_password(guest: Guest) -> None:
    await open_account(guest)
    await guest.page.get_by_role("link", name="Change your password").click()
    await guest.title("Change your password")


async def open_factors(guest: Guest) -> None:
    await open_account(guest)
    await guest.page.get_by_role("link", name="Set up a second factor").click()
    await guest.title("Set up a second factor")


async def open_totp(guest: Guest) -> None:
    await open_factors(guest)
    await guest.page.get_by_role("link", name="Set up: Authenticator app").click()


async def open_totp_code(guest: Guest) -> None:
    await open_totp(guest)
    await guest.page.get_by_role("button", name="Begin").click()
    await guest.title("Confirm: Authenticator app")


async def open_wrong_code(guest: Guest) -> None:
    await open_totp_code(guest)
    await guest.page.get_by_label("The 6 digits").fill("x")
    await guest.page.get_by_role("button", name="Confirm").click()
    await expect(guest.page.get_by_role("alert")).to_contain_text("This was not accepted.")


async def open_phone(guest: Guest) -> None:
    await open_factors(guest)
    await guest.page.get_by_role("link", name="Set up: Phone call").click()
    await guest.page.get_by_label("Telephone number").fill("0000")
    await guest.page.get_by_role("button", name="Begin").click()
    await expect(guest.page.get_by_role("alert")).to_be_visible()


async def open_confirm(guest: Guest) -> None:
    await open_account_with_app(guest)
    await guest.open("/auth/confirm")
    await guest.title("Confirm that it is you")


async def open_confirm_code(guest: Guest) -> None:
    await open_confirm(guest)
    await guest.page.get_by_role("button", name="Authenticator app").click()
    await guest.title("Authenticator app")


async def open_sign_out(guest: Guest) -> None:
    await open_account(guest)
    await guest.page.get_by_role("link", name="Sign out").click()
    await guest.title("Sign out")


PAGES = [
    open_sign_in,
    open_problems,
    open_notice,
    open_forgot,
    open_sent,
    open_refused_link,
    open_invitation,
    open_weak_password,
    open_account,
    open_account_with_app,
    open_codes,
    open_renewal,
    open_recovery,
    open_removal,
    open_passkey,
    open_passkey_form,
    open_device,
    open_password,
    open_factors,
    open_totp,
    open_totp_code,
    open_wrong_code,
    open_phone,
    open_confirm,
    open_confirm_code,
    open_sign_out,
]
Open = Callable[[Guest], Awaitable[None]]


@pytest.mark.parametrize("open_page", PAGES, ids=lambda open_page: open_page.__name__.removeprefix("open_"))
async def test_axe_finds_nothing_wrong_in_the_light_in_the_dark_nor_on_a_small_screen(
    open_page: Open, guest: Guest, axe: Axe
) -> None:
    await open_page(guest)
    for scheme in ("light", "dark"):
        await guest.page.emulate_media(color_scheme=scheme)
        for viewport in (WIDE, NARROW):
            await guest.page.set_viewport_size(viewport)
            assert await axe.violations(guest.page) == [], (scheme, viewport)
            assert await guest.width() <= viewport["width"]
    assert await guest.page.locator("html").get_attribute("lang") == "en"
    assert guest.problems == []


# -- by keyboard


async def test_somebody_signs_in_by_keyboard_alone(guest: Guest) -> None:
    person, keyboard = await guest.house.person(), guest.page.keyboard
    await guest.open(SIGN_IN)
    await keyboard.press("Tab")
    await expect(guest.page.get_by_role("link", name="Skip to content")).to_be_focused()
    await keyboard.press("Enter")
    await expect(guest.page.get_by_role("main")).to_be_focused()
    await keyboard.press("Tab")
    await expect(guest.page.get_by_label("E-mail address")).to_be_focused()
    await keyboard.type(person.email)
    await keyboard.press("Tab")
    await keyboard.type("not the password of anybody")
    await keyboard.press("Enter")

    # What went wrong has the focus, and leads to where it did.
    await expect(guest.page.get_by_role("alert")).to_be_focused()
    await keyboard.press("Tab")
    await keyboard.press("Enter")
    await expect(guest.page.get_by_label("E-mail address")).to_be_focused()
    await expect(guest.page.get_by_label("E-mail address")).to_have_value(person.email)
    await keyboard.press("Tab")
    await keyboard.type(PASSWORD)
    await keyboard.press("Enter")
    await guest.title("Your account")
    assert guest.problems == []


# -- without JavaScript


async def test_everything_works_without_javascript(browser: Browser, house: House) -> None:
    async with guest_of(browser, house, java_script_enabled=False) as guest:
        person, page = await house.person(None), guest.page
        await guest.open(await house.invite(person))
        await page.get_by_label("New password").fill(PASSWORD)
        await page.get_by_label("The same password again").fill(PASSWORD)
        await page.get_by_role("button", name="Keep this password").click()
        await guest.title("Set up a second factor")
        await guest.set_up_app()
        await guest.go_to_account()
        await page.get_by_role("link", name="Change your password").click()
        await page.get_by_label("Current password").fill(PASSWORD)
        await page.get_by_label("New password", exact=True).fill(NEW)
        await page.get_by_label("The new password again").fill(NEW)
        await page.get_by_role("button", name="Change the password").click()
        await expect(page.get_by_role("status")).to_contain_text("Your password was changed")
        await page.get_by_role("button", name="Sign out everywhere else").click()
        await expect(page.get_by_role("status")).to_contain_text("signed out everywhere else")
        await page.get_by_role("link", name="Sign out").click()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("status")).to_contain_text("You are signed out.")
        await guest.sign_in(person, NEW)
        await guest.title("Your account")


# -- with and against other sites


async def test_a_browser_goes_on_to_the_client_that_it_came_from(guest: Guest) -> None:
    async def client(route: Route) -> None:
        await route.fulfill(body="<h1>The console</h1>", content_type="text/html")

    await guest.context.route("https://console.example/**", client)
    asked = (
        f"response_type=code&client_id=console&redirect_uri={BACK}&scope=openid&state=s&nonce=n"
        f"&code_challenge={'x' * 43}&code_challenge_method=S256"
    )
    person = await guest.house.person()
    await guest.open(f"/auth/authorize?{asked}")
    await guest.page.get_by_label("E-mail address").fill(person.email)
    await guest.page.get_by_label("Password").fill(PASSWORD)
    await guest.page.get_by_role("button", name="Sign in").click()
    await guest.title("The console")
    assert re.match(f"{re.escape(BACK)}\\?.*code=", guest.page.url)
    assert guest.problems == []


async def test_a_form_of_another_site_signs_nobody_in_or_out(guest: Guest) -> None:
    person = await guest.house.person()
    await guest.sign_in(person)
    await guest.title("Your account")

    async def elsewhere(route: Route) -> None:
        form = f'<form method="post" action="{guest.url}/auth/sign-out"><button>Win</button></form>'
        await route.fulfill(body=f"<title>x</title>{form}", content_type="text/html")

    await guest.context.route("http://evil.example/**", elsewhere)
    await guest.page.goto("http://evil.example/")
    await guest.page.get_by_role("button", name="Win").click()
    await expect(guest.page.locator("code")).to_have_text("ORIGIN_REFUSED")
    await guest.open(ACCOUNT)
    await guest.title("Your account")


async def test_the_pages_stand_in_no_frame_and_run_no_script_that_is_put_into_them(guest: Guest) -> None:
    await guest.open(SIGN_IN)
    ran = await guest.page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = true';"
        " document.body.append(s); return window.ran === true }"
    )
    assert ran is False
    assert any("script-src 'self'" in problem for problem in guest.problems)

    async def elsewhere(route: Route) -> None:
        await route.fulfill(body=f'<iframe src="{guest.url}{SIGN_IN}"></iframe>', content_type="text/html")

    await guest.context.route("http://evil.example/**", elsewhere)
    await guest.page.goto("http://evil.example/")
    # What Chromium shows in the place of a page that may not be framed.
    assert [frame.url for frame in guest.page.frames[1:]] == ["chrome-error://chromewebdata/"]


def test_axe_is_of_the_lock(axe: Axe) -> None:
    lock = (Path(SOURCES) / "package-lock.json").read_text()
    assert '"node_modules/axe-core"' in lock
