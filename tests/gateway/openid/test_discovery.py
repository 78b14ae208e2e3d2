"""What the gateway says of itself."""

import pytest
from jose import jwt

from gateway.keys import rotate
from tests.gateway.openid.house import CONSOLE, ORIGIN, House, refused

DOCUMENTS = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_discovery_describes_what_there_is(house: House, path: str) -> None:
    answer = await house.http.get(path)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    described = answer.json()
    assert described["issuer"] == house.url
    for name, url in described.items():
        if name.endswith(("_endpoint", "_uri")):
            found = await house.http.get(url)
            assert found.status_code != 404, name
    assert described["code_challenge_methods_supported"] == ["S256"]
    assert described["response_types_supported"] == ["code"]
    assert described["authorization_response_iss_parameter_supported"] is True
    assert described["request_uri_parameter_supported"] is False


async def test_the_grants_that_are_described_are_those_that_there_are(house: House) -> None:
    described = (await house.http.get(DOCUMENTS[0])).json()
    for grant_type in described["grant_types_supported"]:
        answer = await house.token(grant_type=grant_type, client_id=CONSOLE)
        assert answer.json()["error"] != "unsupported_grant_type"
    assert "password" not in described["grant_types_supported"]


async def test_tokens_are_in_the_name_that_discovery_gives(house: House) -> None:
    tokens = await (await house.person()).tokens()
    issuer = (await house.http.get(DOCUMENTS[0])).json()["issuer"]
    assert {jwt.get_unverified_claims(tokens[name])["iss"] for name in ("access_token", "id_token")} == {issuer}


async def test_after_a_rotation_tokens_of_both_keys_are_good_and_both_keys_are_published(house: House) -> None:
    person = await house.person()
    before = await person.tokens()
    rotate(house.gateway.settings)
    after = (await person.refreshes(before["refresh_token"])).json()
    kids = [jwt.get_unverified_header(tokens["access_token"])["kid"] for tokens in (before, after)]
    assert kids[0] != kids[1]
    assert jwt.get_unverified_header(after["id_token"])["kid"] == kids[1]
    published = (await house.http.get("/.well-known/jwks.json")).json()["keys"]
    assert [key["kid"] for key in published][:2] == kids[::-1]
    assert await house.is_let_in(before["access_token"])
    assert await house.is_let_in(after["access_token"])


@pytest.mark.parametrize("path", ["/auth/token", DOCUMENTS[0]])
async def test_pages_of_listed_origins_may_read_answers_and_others_may_not(house: House, path: str) -> None:
    method = "POST" if path == "/auth/token" else "GET"
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": method}
    assert (await house.http.options(path, headers=asked)).headers["access-control-allow-origin"] == ORIGIN
    answer = await house.http.request(method, path, headers={"Origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in answer.headers
    foreign = await house.http.request(method, path, headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers


async def test_a_refusal_says_nothing_of_what_was_sent(house: House) -> None:
    answer = await house.token(grant_type="refresh_token", client_id=CONSOLE, refresh_token="my-secret-token")
    refused(answer, "invalid_grant")
    assert "my-secret-token" not in answer.text
