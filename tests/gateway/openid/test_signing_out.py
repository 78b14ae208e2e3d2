"""Clients send people to sign out at the gateway, too."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.gateway.openid.house import (
    BACK,
    BACK_WITH_QUERY,
    CONSOLE,
    END_SESSION,
    OTHER,
    OTHER_BACK,
    House,
    Person,
    refused,
)

ASKED = {"client_id": CONSOLE, "post_logout_redirect_uri": BACK, "state": "a state & more"}


async def signs_out(person: Person, answer: httpx.Response) -> httpx.Response:
    """Confirm on the page that an answer leads to; gives where that leads."""
    page = answer.headers["location"]
    assert urlsplit(page).path == "/auth/sign-out"
    async with httpx.AsyncClient(base_url=person.house.url, headers=person.cookie) as browser:
        shown = await browser.get(page)
        fields = dict(re.findall(r'name="(form|continue)" value="([^"]*)"', shown.text))
        form = {name: html.unescape(value) for name, value in fields.items()}
        cookie = f"{person.cookie['Cookie']}; itcare-form={shown.cookies['itcare-form']}"
        signed_out = await browser.post(
            "/auth/sign-out", data=form, headers={"Origin": person.house.url, "Cookie": cookie}
        )
    assert signed_out.status_code == 303, signed_out.text
    # The cookie is dropped with the answer.
    return await person.house.http.get(signed_out.headers["location"])


async def test_a_person_signs_out_and_goes_back_to_the_client(house: House) -> None:
    person = await house.person()
    tokens = await person.tokens()
    asked = await house.http.get(END_SESSION, params=ASKED, headers=person.cookie)
    back = await signs_out(person, asked)
    assert back.headers["location"].startswith(f"{BACK}?")
    assert parse_qs(urlsplit(back.headers["location"]).query) == {"state": [ASKED["state"]]}
    assert not await house.is_let_in(tokens["access_token"])


async def test_nobody_is_signed_out_without_being_asked(house: House) -> None:
    person = await house.person()
    tokens = await person.tokens()
    await house.http.get(END_SESSION, params=ASKED, headers=person.cookie)
    await house.http.post(END_SESSION, data=ASKED, headers=person.cookie)
    assert await house.is_let_in(tokens["access_token"])


async def test_a_form_of_another_site_leads_to_the_same(house: House) -> None:
    answer = await house.http.post(END_SESSION, data=ASKED, headers={"Origin": "https://console.example"})
    assert answer.status_code == 303
    person = await house.person()
    back = await signs_out(person, await house.http.get(answer.headers["location"], headers=person.cookie))
    assert back.headers["location"].startswith(f"{BACK}?state=")


async def test_an_id_token_names_the_client_too(house: House) -> None:
    tokens = await (await house.person()).tokens()
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": BACK_WITH_QUERY}
    back = await house.http.get(END_SESSION, params=asked)
    assert back.headers["location"] == BACK_WITH_QUERY


async def test_without_a_url_to_go_back_to_the_person_stays_here(house: House) -> None:
    answer = await house.http.get(END_SESSION)
    assert (answer.status_code, answer.headers["location"]) == (303, "/auth/sign-in")


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": OTHER},
        {"client_id": ""},
        {"post_logout_redirect_uri": OTHER_BACK},
        {"post_logout_redirect_uri": "https://evil.example"},
        {"post_logout_redirect_uri": "javascript:alert(1)"},
        {"id_token_hint": "x"},
        {"id_token_hint": "a.b.c"},
        {"state": "s" * 6000},
    ],
)
async def test_a_person_is_sent_to_no_url_that_is_not_the_clients(house: House, changes: dict[str, str]) -> None:
    answer = await house.http.get(END_SESSION, params={**ASKED, **changes})
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")


async def test_an_id_token_of_another_client_is_no_hint(house: House) -> None:
    person = await house.person()
    tokens = await person.tokens()
    other = {"client_id": OTHER, "post_logout_redirect_uri": OTHER_BACK, "id_token_hint": tokens["id_token"]}
    assert (await house.http.get(END_SESSION, params=other)).status_code == 400


async def test_a_client_whose_session_is_over_by_signing_out_refreshes_nothing(house: House) -> None:
    person = await house.person()
    tokens = await person.tokens()
    await signs_out(person, await house.http.get(END_SESSION, headers=person.cookie))
    refused(await person.refreshes(tokens["refresh_token"]), "invalid_grant")
