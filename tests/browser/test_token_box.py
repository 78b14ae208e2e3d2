from collections.abc import Callable

from playwright.async_api import expect

from tests.browser.graphiql_page import GraphiQLPage, asks_for

Bearer = Callable[[str], str]
POWER_USER = "pow@demo.example"


async def test_the_token_box_is_used_by_keyboard_and_says_who_is_signed_in(
    graphiql: GraphiQLPage, bearer: Bearer
) -> None:
    page = graphiql.page
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Sign in")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(graphiql.token_field).to_be_focused()
    await page.keyboard.insert_text(bearer(POWER_USER))
    await page.keyboard.press("Enter")
    await expect(graphiql.status).to_have_text(f"Signed in as {POWER_USER}")
    leave = page.get_by_role("button", name="Sign out")
    await expect(leave).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Sign in")).to_be_focused()
    await expect(graphiql.status).to_contain_text("Not signed in")
    assert graphiql.problems == []


async def test_every_request_of_a_signed_in_page_carries_the_token_as_bearer(
    graphiql: GraphiQLPage, bearer: Bearer
) -> None:
    token = bearer(POWER_USER)
    await graphiql.sign_in(token)
    await graphiql.write("query Probe { __typename }", "Probe")
    async with graphiql.page.expect_request(lambda request: asks_for("Probe", request)) as caught:
        await graphiql.page.keyboard.press("Control+Enter")
    request = await caught.value
    assert await request.header_value("authorization") == f"Bearer {token}"
    assert await request.header_value("cookie") is None


async def test_the_token_stays_in_the_storage_of_its_browser_tab(graphiql: GraphiQLPage, bearer: Bearer) -> None:
    token = bearer(POWER_USER)
    page = graphiql.page
    await graphiql.sign_in(token)
    await graphiql.write("query Probe { __typename }", "Probe")
    await graphiql.run("Probe")
    assert token not in page.url
    assert token not in await page.evaluate("JSON.stringify(localStorage) + document.cookie")
    await page.reload()
    await expect(graphiql.status).to_have_text(f"Signed in as {POWER_USER}")

    neighbour = await page.context.new_page()
    await neighbour.goto(page.url)
    await expect(neighbour.get_by_role("status").first).to_contain_text("Not signed in")

    await page.get_by_role("button", name="Sign out").click()
    assert token not in await page.evaluate("JSON.stringify(sessionStorage)")


async def test_a_refused_token_is_not_kept_and_the_page_says_so(graphiql: GraphiQLPage) -> None:
    for refused, reason in [("eyJhbGciOiJub25lIn0.e30.", "The token was refused"), ("naïve", "not an access token")]:
        await graphiql.token_field.fill(refused)
        await graphiql.token_field.press("Enter")
        await expect(graphiql.status).to_contain_text(reason)
        await expect(graphiql.token_field).to_have_value("")
        assert await graphiql.page.evaluate("sessionStorage.length") == 0


async def test_without_a_token_the_page_asks_the_gateway_for_nothing(graphiql: GraphiQLPage) -> None:
    asked = await graphiql.page.evaluate(
        "performance.getEntriesByType('resource').map(entry => entry.name).filter(name => name.endsWith('/graphql'))"
    )
    assert asked == []
