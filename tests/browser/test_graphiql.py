from collections.abc import Callable

from playwright.async_api import expect

from tests.browser.graphiql_page import GraphiQLPage, asks_for

Bearer = Callable[[str], str]
POWER_USER = "pow@demo.example"
EXAMPLES = ["ConsoleStart", "ServicePage", "FindByTag", "WhatIsInEB4", "InventoryPage", "PrivilegeMatrix"]


async def test_the_page_renders_and_asks_no_other_origin_for_anything(graphiql: GraphiQLPage) -> None:
    page = graphiql.page
    await expect(page).to_have_title("ITCare gateway · GraphiQL")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.get_by_role("heading", name="ITCare gateway")).to_be_visible()
    assert await graphiql.tabs.all_inner_texts() == EXAMPLES
    await page.wait_for_load_state("networkidle")
    assert graphiql.problems == []


async def test_the_browser_refuses_inline_scripts_and_other_origins_on_the_page(graphiql: GraphiQLPage) -> None:
    ran = await graphiql.page.evaluate(
        """async () => {
            const script = document.createElement('script');
            script.textContent = 'window.ranInline = true';
            document.head.append(script);
            const reached = await fetch('https://elsewhere.example/').then(() => true, () => false);
            return [window.ranInline ?? false, reached];
        }"""
    )
    assert ran == [False, False]
    assert sum("Content Security Policy" in problem for problem in graphiql.problems) >= 2


async def test_a_query_typed_and_run_by_keyboard_shows_its_result(graphiql: GraphiQLPage, bearer: Bearer) -> None:
    await graphiql.sign_in(bearer(POWER_USER))
    await graphiql.write("query WhoAmI { viewer { email } }", "WhoAmI")
    await graphiql.page.keyboard.press("Control+Enter")
    await expect(graphiql.result).to_contain_text(POWER_USER)
    assert graphiql.problems == []


async def test_the_editor_completes_field_names_from_the_schema(graphiql: GraphiQLPage, bearer: Bearer) -> None:
    async with graphiql.page.expect_response(lambda response: asks_for("IntrospectionQuery", response.request)):
        await graphiql.sign_in(bearer(POWER_USER))
    await graphiql.write("query Complete { vie }", "Complete")
    await graphiql.page.keyboard.press("ArrowLeft")
    await graphiql.page.keyboard.press("ArrowLeft")
    await graphiql.page.keyboard.press("Control+Space")
    await expect(graphiql.page.locator(".suggest-widget .monaco-list-row").first).to_contain_text("viewer")
    assert graphiql.problems == []


async def test_the_explorer_and_the_history_open(graphiql: GraphiQLPage, bearer: Bearer) -> None:
    await graphiql.sign_in(bearer(POWER_USER))
    await graphiql.write("query WhoAmI { viewer { email } }", "WhoAmI")
    assert await graphiql.run("WhoAmI") == {"data": {"viewer": {"email": POWER_USER}}}
    await graphiql.page.get_by_role("button", name="GraphiQL Explorer").click()
    panel = graphiql.page.locator(".graphiql-plugin")
    await expect(panel).to_contain_text("organizations")
    await graphiql.page.get_by_role("button", name="Show History").click()
    await expect(panel).to_contain_text("WhoAmI")
    assert graphiql.problems == []


async def test_each_example_runs_without_errors(graphiql: GraphiQLPage, bearer: Bearer) -> None:
    await graphiql.sign_in(bearer(POWER_USER))
    for index, name in enumerate(EXAMPLES):
        await graphiql.tabs.nth(index).click()
        # GraphiQL reads the operation a moment after the tab has changed, and keeps it then.
        await graphiql.page.wait_for_function(
            "name => localStorage.getItem('graphiql:query')?.includes(`query ${name}`)", arg=name
        )
        answer = await graphiql.run(name)
        assert "errors" not in answer, (name, answer["errors"])
        assert all(answer["data"].values()), name
    assert graphiql.problems == []


async def test_a_subscription_shows_its_results(graphiql: GraphiQLPage, bearer: Bearer) -> None:
    await graphiql.sign_in(bearer(POWER_USER))
    await graphiql.write("query Ended { operations(first: 1, filter: {status: [SUCCESS]}) { nodes { id } } }", "Ended")
    ((operation,),) = [answer["nodes"] for answer in (await graphiql.run("Ended"))["data"].values()]
    id_ = operation["id"]
    await graphiql.write(f'subscription Follow {{ operationUpdated(id: "{id_}") {{ id progress }} }}', "Follow")
    await graphiql.page.keyboard.press("Control+Enter")
    await expect(graphiql.result).to_contain_text('"progress": 100')
    assert graphiql.problems == []
