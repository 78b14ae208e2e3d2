"""GraphiQL signed in by the gateway's own pages: tokens, their refreshing, and the second factor."""

import json
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import PASSWORD
from tests.browser.graphiql_page import GraphiQLPage
from tests.browser.signing_in import Axe

POWER_USER = "pow@demo.example"
START = 'mutation Start { startInstance(input: {instanceId: "%s"}) { operation { status } userErrors { code } } }'
INACTIVE = (
    "query Find { viewer { memberships { nodes { cloud { name } profiles } } }"
    " resources(first: 100, filter: {type: [INSTANCE], status: [INACTIVE]}) { nodes { id name } } }"
)


async def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Fill in the sign-in page, which is open."""
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


@pytest.fixture
async def signed_in(graphiql: GraphiQLPage, passwords: None) -> GraphiQLPage:
    await graphiql.page.get_by_role("button", name="Sign in").click()
    await sign_in(graphiql.page, POWER_USER)
    await expect(graphiql.status).to_have_text(f"Signed in as {POWER_USER}")
    return graphiql


async def test_who_signs_in_on_the_sign_in_page_comes_back_signed_in(signed_in: GraphiQLPage) -> None:
    page = signed_in.page
    assert page.url.endswith("/graphiql")
    assert await page.evaluate("localStorage.getItem('itcare.token')") is None
    kept = json.loads(await page.evaluate("sessionStorage.getItem('itcare.token')"))
    assert kept.keys() == {"access", "refresh", "until"}
    await page.reload()
    await expect(signed_in.status).to_have_text(f"Signed in as {POWER_USER}")
    assert signed_in.problems == []


async def test_a_token_that_is_about_to_end_is_refreshed_once_for_all_who_need_it(signed_in: GraphiQLPage) -> None:
    page = signed_in.page
    before = json.loads(await page.evaluate("sessionStorage.getItem('itcare.token')"))
    await page.evaluate("kept => sessionStorage.setItem('itcare.token', JSON.stringify({...kept, until: 0}))", before)
    refreshed: list[str] = []
    page.on("request", lambda request: refreshed.append(request.url) if request.url.endswith("/auth/token") else None)
    await page.reload()
    await expect(signed_in.status).to_have_text(f"Signed in as {POWER_USER}")
    await signed_in.write("query Probe { __typename }", "Probe")
    assert (await signed_in.run("Probe"))["data"]
    after = json.loads(await page.evaluate("sessionStorage.getItem('itcare.token')"))
    assert after["access"] != before["access"]
    assert after["refresh"] != before["refresh"]
    assert len(refreshed) == 1


async def test_signing_out_ends_what_the_page_was_given(signed_in: GraphiQLPage) -> None:
    page = signed_in.page
    kept = json.loads(await page.evaluate("sessionStorage.getItem('itcare.token')"))
    async with page.expect_response(lambda response: response.url.endswith("/auth/revoke")) as revoked:
        await page.get_by_role("button", name="Sign out").click()
    assert (await revoked.value).status == 200
    await expect(signed_in.status).to_contain_text("Not signed in")
    await signed_in.token_field.fill(kept["access"])
    await signed_in.token_field.press("Enter")
    await expect(signed_in.status).to_contain_text("The token was refused")


async def test_a_mutation_that_needs_the_second_factor_asks_for_it_and_is_sent_again(
    signed_in: GraphiQLPage, code_of: Callable[[str], Awaitable[str]]
) -> None:
    page = signed_in.page
    await signed_in.write(INACTIVE, "Find")
    found = (await signed_in.run("Find"))["data"]["resources"]["nodes"]
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    await signed_in.write(START % found[0]["id"], "Start")
    await signed_in.editor.click()
    await page.keyboard.press("Control+Enter")
    dialog = page.get_by_role("dialog", name="Confirm with your second factor")
    await expect(dialog).to_contain_text("Confirm that it is you")
    await dialog.get_by_label("Code").fill("000000")
    await dialog.get_by_role("button", name="Confirm").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("This was not accepted")
    await dialog.get_by_label("Code").fill(await code_of(POWER_USER))
    await dialog.get_by_label("Code").press("Enter")
    await expect(dialog).to_have_count(0)
    await expect(signed_in.result).to_contain_text("startInstance")
    await expect(signed_in.result).to_contain_text("IN_PROGRESS")
    assert len([body for body in sent if "mutation Start" in body]) == 2


async def test_who_gives_the_second_factor_up_reads_the_refusal(signed_in: GraphiQLPage) -> None:
    page = signed_in.page
    await signed_in.write(INACTIVE, "Find")
    found = (await signed_in.run("Find"))["data"]["resources"]["nodes"]
    await signed_in.write(START % found[-1]["id"], "Start")
    await signed_in.editor.click()
    await page.keyboard.press("Control+Enter")
    dialog = page.get_by_role("dialog", name="Confirm with your second factor")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(signed_in.result).to_contain_text("INSUFFICIENT_USER_AUTHENTICATION")
    await expect(dialog).to_have_count(0)


async def test_a_sign_in_that_was_not_begun_here_is_refused(graphiql: GraphiQLPage, passwords: None) -> None:
    page = graphiql.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/auth/token") else None)
    await page.goto(f"{page.url}?code=stolen&state=of-somebody")
    await expect(graphiql.status).to_contain_text("This sign-in was not begun here")
    assert page.url.endswith("/graphiql")
    assert asked == []


async def test_axe_finds_nothing_wrong_with_signing_in_and_with_the_second_factor(
    graphiql: GraphiQLPage, passwords: None, axe: Axe
) -> None:
    page = graphiql.page
    assert await axe.violations(page, "header") == []
    await page.get_by_role("button", name="Sign in").click()
    await sign_in(page, POWER_USER)
    await expect(graphiql.status).to_have_text(f"Signed in as {POWER_USER}")
    await graphiql.write(INACTIVE, "Find")
    found = (await graphiql.run("Find"))["data"]["resources"]["nodes"]
    await graphiql.write(START % found[-1]["id"], "Start")
    await graphiql.editor.click()
    await page.keyboard.press("Control+Enter")
    dialog = page.get_by_role("dialog", name="Confirm with your second factor")
    await dialog.get_by_label("Code").fill("000000")
    await dialog.get_by_role("button", name="Confirm").click()
    await expect(dialog.get_by_role("alert")).to_be_visible()
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        assert await axe.violations(page, "header") == []
        assert await axe.violations(page, ".step-up") == []
