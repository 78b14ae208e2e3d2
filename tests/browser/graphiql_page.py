"""GraphiQL as people use it: what they see, press and type."""

from typing import Any

from playwright.async_api import ConsoleMessage, Error, Locator, Page, Request, Route, expect


def asks_for(operation: str, request: Request) -> bool:
    """Say whether a request asks the gateway for the operation of that name."""
    return request.url.endswith("/graphql") and f"query {operation}" in (request.post_data or "")


class GraphiQLPage:
    """One browser tab with GraphiQL; `problems` are requests to other origins, policy violations and script errors."""

    def __init__(self, page: Page, gateway_url: str) -> None:
        self.page = page
        self.problems: list[str] = []
        self._origin = gateway_url.rstrip("/")
        page.on("console", self._note_console)
        page.on("pageerror", self._note_error)

    async def open(self) -> None:
        await self.page.route("**/*", self._stay_at_home)
        await self.page.goto(f"{self._origin}/graphiql")
        await expect(self.editor.locator(".view-line").first).to_be_visible()

    async def sign_in(self, token: str) -> None:
        await self.token_field.fill(token)
        await self.token_field.press("Enter")
        await expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()

    async def write(self, operation: str, name: str) -> None:
        """Put the caret into the editor and write `operation`, called `name`, in place of what is there."""
        await self.editor.click()
        await self.page.keyboard.press("Control+A")
        await self.page.keyboard.insert_text(operation)
        # The title follows once GraphiQL has read the operation, a moment after the last key.
        current = self.page.get_by_role("tab", selected=True)
        await expect(current.get_by_role("button", name=name, exact=True)).to_be_visible()

    async def run(self, name: str) -> dict[str, Any]:
        """Run the operation in the editor, called `name`, by keyboard, and return the gateway's answer."""
        await self.editor.click()
        async with self.page.expect_response(lambda response: asks_for(name, response.request)) as caught:
            await self.page.keyboard.press("Control+Enter")
        answer: dict[str, Any] = await (await caught.value).json()
        return answer

    @property
    def editor(self) -> Locator:
        return self.page.get_by_label("Operation Editor").locator(".monaco-editor").first

    @property
    def result(self) -> Locator:
        return self.page.locator(".result-window")

    @property
    def tabs(self) -> Locator:
        return self.page.get_by_role("tab")

    @property
    def token_field(self) -> Locator:
        return self.page.get_by_label("or with an access token")

    @property
    def status(self) -> Locator:
        return self.page.get_by_label("Sign-in").get_by_role("status")

    async def _stay_at_home(self, route: Route) -> None:
        url = route.request.url
        if url.startswith((f"{self._origin}/", "data:", "blob:")):
            await route.continue_()
        else:
            self.problems.append(f"request to {url}")
            await route.abort()

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text}")

    def _note_error(self, error: Error) -> None:
        self.problems.append(f"script error: {error.message}")
