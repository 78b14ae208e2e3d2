"""The pages under /auth/ as people use them in a browser, and what axe finds in them."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pyotp
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page, ViewportSize, expect

from tests.gateway.pages.visiting import PASSWORD, SIGN_IN, House, Someone

NARROW: ViewportSize = {"width": 320, "height": 640}
# Chromium says so of every answer that is not a success.
_STATUS = re.compile(r"Failed to load resource: the server responded with a status of (403|410|422)")


@dataclass
class Guest:
    """One browser, with cookies of its own; `problems` are policy violations and script errors."""

    context: BrowserContext
    page: Page
    house: House
    url: str
    problems: list[str]

    async def open(self, path: str) -> None:
        await self.page.goto(self.url + path)

    async def title(self, text: str) -> None:
        """Wait until the page has this heading."""
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(text)

    async def sign_in(self, person: Someone, password: str = PASSWORD) -> None:
        await self.open(f"{SIGN_IN}?again=1")
        await self.page.get_by_label("E-mail address").fill(person.email)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Sign in").click()

    async def set_up_app(self) -> pyotp.TOTP:
        """Set up an authenticator app, from the page that leads through it."""
        await self.open("/auth/account/factors/totp")
        await self.page.get_by_role("button", name="Begin").click()
        app = pyotp.TOTP(await self.page.locator("#secret").inner_text())
        await self.page.get_by_label("The 6 digits").fill(app.now())
        await self.page.get_by_role("button", name="Confirm").click()
        await self.title("Your recovery codes")
        return app

    async def go_to_account(self) -> None:
        await self.page.get_by_role("link", name="I have kept them").click()
        await self.title("Your account")

    async def width(self) -> int:
        """How wide the page is, with what is beyond its window."""
        wide: int = await self.page.evaluate("document.documentElement.scrollWidth")
        return wide


@asynccontextmanager
async def guest_of(browser: Browser, house: House, **given: Any) -> AsyncIterator[Guest]:
    """A browser that has not been here before."""
    problems: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not _STATUS.match(message.text):
            problems.append(f"console: {message.text}")

    def fail(error: Error) -> None:
        problems.append(f"script error: {error.message}")

    async with await browser.new_context(**given) as context:
        page = await context.new_page()
        page.on("console", note)
        page.on("pageerror", fail)
        yield Guest(context, page, house, house.settings.public_url, problems)


class Axe:
    """Runs axe in pages."""

    def __init__(self, source: str) -> None:
        self._source = source

    async def violations(self, page: Page, within: str | None = None) -> list[str]:
        """What axe finds wrong with a page, or what is within an element of it, by all its rules, WCAG 2.2 at AA."""
        await page.evaluate(self._source)
        options = "{resultTypes: ['violations']}"
        found = await page.evaluate(f"within => axe.run(within ?? document, {options})", within)
        assert len(found["passes"]) > (10 if within is None else 0)
        return [
            f"{violation['id']}: {node['html']} {node['failureSummary']}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]
