"""Signing in to a client with a code: what a client is given, and everything that is wrong."""

import asyncio
import hashlib
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from jose import jwt

from auth.identity.codes import LIFETIME
from auth.tokens import JwtVerifier
from gateway.keys import signing_key
from tests.gateway.openid.house import (
    AUTHORIZE,
    BACK,
    BACK_WITH_QUERY,
    CONSOLE,
    OTHER,
    OTHER_BACK,
    House,
    Person,
    Proof,
    question,
    refused,
    sent_back,
)

LATER = "UPDATE authorization_code SET expires_at = expires_at - CAST(:by AS interval) WHERE account_id = :account"


def id_claims(house: House, tokens: dict[str, Any], client: str = CONSOLE) -> dict[str, Any]:
    """What an ID token says to a client that verifies it."""
    key = signing_key(house.gateway.settings).public.to_pem().decode()
    claims: dict[str, Any] = jwt.decode(
        tokens["id_token"],
        key,
        algorithms=["ES256"],
        audience=client,
        issuer=house.url,
        access_token=tokens["access_token"],
    )
    return claims


# -- what is right


async def test_a_code_gives_an_access_token_an_id_token_and_a_refresh_token(house: House) -> None:
    person, proof = await house.person(), Proof()
    brought = sent_back(await person.asks(proof))
    assert brought.keys() == {"code", "state", "iss"}
    assert (brought["state"], brought["iss"]) == (proof.state, house.url)
    answer = await person.takes(brought["code"], proof)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store, no-transform"
    assert answer.headers["pragma"] == "no-cache"
    tokens = answer.json()
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "id_token", "scope"}
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 900, "openid email")
    viewer = await house.viewer(tokens["access_token"])
    assert viewer.json()["data"]["viewer"]["email"] == f"{person.account}@acme.example"


async def test_the_access_token_says_which_session_client_and_sign_in_it_comes_from(house: House) -> None:
    person = await house.person()
    tokens = await person.tokens()
    claims = jwt.get_unverified_claims(tokens["access_token"])
    assert claims["iss"] == house.url
    assert (claims["aud"], claims["sub"], claims["client_id"]) == ("itcare-gateway", str(person.account), CONSOLE)
    assert (claims["amr"], claims["auth_time"]) == (["pwd"], int(person.session.auth_time.timestamp()))
    assert claims["exp"] - claims["iat"] == 900
    assert "mfa_time" not in claims
    ((parent,),) = await house.sql("SELECT parent_id FROM session WHERE id = :id", id=claims["sid"])
    assert parent == person.session.id


async def test_the_id_token_tells_the_client_who_signed_in_when_and_how(house: House) -> None:
    person, proof = await house.person(), Proof()
    tokens = (await person.takes(await person.code(proof), proof)).json()
    claims, access = id_claims(house, tokens), jwt.get_unverified_claims(tokens["access_token"])
    assert (claims["sub"], claims["nonce"], claims["amr"]) == (str(person.account), proof.nonce, ["pwd"])
    assert (claims["auth_time"], claims["sid"]) == (access["auth_time"], access["sid"])
    assert "acr" not in claims
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == urlsafe_b64encode(half).rstrip(b"=").decode()


async def test_a_second_factor_of_the_sign_in_is_in_both_tokens(house: House) -> None:
    person = await house.person()
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=3)
    await house.sql(
        "UPDATE session SET mfa_time = :at, amr = '{pwd,otp,mfa}' WHERE id = :id", at=at, id=person.session.id
    )
    tokens = await person.tokens()
    for claims in (id_claims(house, tokens), jwt.get_unverified_claims(tokens["access_token"])):
        assert (claims["acr"], claims["amr"]) == ("mfa", ["pwd", "otp", "mfa"])
    assert jwt.get_unverified_claims(tokens["access_token"])["mfa_time"] == int(at.timestamp())


async def test_an_id_token_opens_nothing(house: House) -> None:
    tokens = await (await house.person()).tokens()
    assert not await house.is_let_in(tokens["id_token"])
    assert await house.is_let_in(tokens["access_token"])


async def test_the_answer_is_added_to_the_query_of_a_clients_url(house: House) -> None:
    answer = await (await house.person()).asks(redirect_uri=BACK_WITH_QUERY)
    assert sent_back(answer, f"{BACK_WITH_QUERY}&")["from"] == "itcare"


@pytest.mark.parametrize("port", ["", ":1", ":49152"])
async def test_an_app_on_a_loopback_address_may_take_any_port(house: House, port: str) -> None:
    person, proof = await house.person(), Proof()
    uri = f"http://127.0.0.1{port}/signed-in"
    code = sent_back(await person.asks(proof, redirect_uri=uri), f"{uri}?")["code"]
    assert (await person.takes(code, proof, redirect_uri=uri)).status_code == 200


async def test_graphiql_is_a_client_from_the_beginning(house: House) -> None:
    person, proof = await house.person(), Proof()
    client = {"client_id": "graphiql", "redirect_uri": f"{house.url}/graphiql"}
    code = sent_back(await person.asks(proof, **client), f"{house.url}/graphiql?")["code"]
    assert (await person.takes(code, proof, **client)).status_code == 200


# -- signing in first


async def test_who_is_not_signed_in_does_so_first_and_comes_back_to_the_same_question(house: House) -> None:
    person, proof = await house.person(), Proof()
    secret, person.secret = person.secret, ""
    answer = await person.asks(proof, prompt="login", max_age="0")
    assert answer.status_code == 303
    page = urlsplit(answer.headers["location"])
    assert page.path == "/auth/sign-in"
    back = dict(parse_qsl(page.query))["continue"]
    assert back.startswith(f"{AUTHORIZE}?")
    person.secret = secret
    code = sent_back(await house.http.get(back, headers=person.cookie))["code"]
    assert (await person.takes(code, proof)).status_code == 200


@pytest.mark.parametrize("again", [{"prompt": "login"}, {"max_age": "60"}])
async def test_a_client_may_want_a_sign_in_that_is_not_old(house: House, again: dict[str, str]) -> None:
    person = await house.person()
    await person.sign_in(datetime.now(UTC) - timedelta(minutes=5))
    answer = await person.asks(None, **again)
    assert urlsplit(answer.headers["location"]).path == "/auth/sign-in"
    assert "code" in sent_back(await person.asks(max_age="3600"))


@pytest.mark.parametrize("again", [{}, {"max_age": "60"}])
async def test_a_client_that_wants_no_page_is_told_that_there_would_be_one(house: House, again: dict[str, str]) -> None:
    person = await house.person()
    assert "code" in sent_back(await person.asks(prompt="none"))
    await person.sign_in(datetime.now(UTC) - timedelta(minutes=5))
    if not again:
        person.secret = ""
    answer = await person.asks(None, prompt="none", **again)
    assert sent_back(answer)["error"] == "login_required"


async def test_an_ended_session_and_a_disabled_account_have_to_sign_in(house: House) -> None:
    person = await house.person()
    await person.sign_out()
    assert urlsplit((await person.asks()).headers["location"]).path == "/auth/sign-in"
    disabled = await house.person()
    await house.sql("UPDATE account SET disabled_at = now() WHERE id = :id", id=disabled.account)
    assert urlsplit((await disabled.asks()).headers["location"]).path == "/auth/sign-in"


# -- what is wrong with a question


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "nobody"},
        {"client_id": "<script>alert(1)</script>"},
        {"redirect_uri": None},
        {"redirect_uri": OTHER_BACK},
        {"redirect_uri": f"{BACK}/"},
        {"redirect_uri": f"{BACK}?more=1"},
        {"redirect_uri": BACK.upper()},
        {"redirect_uri": "https://console.example.evil.example/signed-in"},
        {"redirect_uri": "https://console.example@evil.example/signed-in"},
        {"redirect_uri": "http://127.0.0.1:1/elsewhere"},
        {"redirect_uri": "http://127.0.0.1:1@evil.example/signed-in"},
        {"redirect_uri": "http://127.0.0.1:99999/signed-in"},
        {"redirect_uri": "https://127.0.0.1/signed-in"},
        {"redirect_uri": "http://localhost/signed-in"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": f"{BACK}\r\nSet-Cookie: a=b"},
        {"state": "s" * 2001},
        {"state": "s\0"},
    ],
)
async def test_a_client_that_is_not_known_is_never_sent_to(house: House, changes: dict[str, str | None]) -> None:
    answer = await (await house.person()).asks(None, **changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")
    assert "evil" not in answer.text
    assert "<script" not in answer.text


async def test_a_parameter_that_is_given_twice_is_refused_on_a_page(house: House) -> None:
    query = httpx.QueryParams([*question(Proof()).items(), ("redirect_uri", OTHER_BACK)])
    answer = await house.http.get(f"{AUTHORIZE}?{query}")
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "c" * 42}, "invalid_request"),
        ({"code_challenge": "c" * 42 + "="}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "email"}, "invalid_scope"),
        ({"nonce": "n" * 501}, "invalid_request"),
        ({"nonce": "n\n"}, "invalid_request"),
        ({"prompt": "consent"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://console.example/request"}, "request_uri_not_supported"),
    ],
)
async def test_a_client_is_told_what_is_wrong_with_its_question(
    house: House, changes: dict[str, str | None], error: str
) -> None:
    person, proof = await house.person(), Proof()
    brought = sent_back(await person.asks(proof, **changes))
    assert (brought["error"], brought["state"], brought["iss"]) == (error, proof.state, house.url)
    assert "code" not in brought
    assert await house.sql("SELECT 1 FROM authorization_code WHERE account_id = :id", id=person.account) == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_authorize_is_asked_with_get(house: House, method: str) -> None:
    answer = await house.http.request(method, AUTHORIZE, params=question(Proof()))
    assert "code=" not in answer.headers.get("location", "")
    assert answer.status_code in {303, 405}


# -- what is wrong with a code


async def unchanged(person: Person, code: str, proof: Proof, answer: httpx.Response) -> None:
    """A refusal says nothing, and the code is as good as before."""
    refused(answer, "invalid_grant")
    assert (await person.takes(code, proof)).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": BACK_WITH_QUERY},
        {"redirect_uri": f"{BACK}/"},
        {"client_id": OTHER},
        {"client_id": OTHER, "redirect_uri": OTHER_BACK},
        {"code_verifier": "v" * 43},
        {"code_verifier": "v"},
        {"code_verifier": "v" * 200},
        {"code_verifier": "é" * 43},
    ],
)
async def test_a_code_is_of_no_use_without_all_that_belongs_to_it(house: House, changes: dict[str, str]) -> None:
    person, proof = await house.person(), Proof()
    code = await person.code(proof)
    await unchanged(person, code, proof, await person.takes(code, proof, **changes))


async def test_the_challenge_itself_is_no_verifier(house: House) -> None:
    person, proof = await house.person(), Proof()
    code = await person.code(proof)
    await unchanged(person, code, proof, await person.takes(code, proof, code_verifier=proof.challenge))


@pytest.mark.parametrize("name", ["code", "redirect_uri", "code_verifier", "client_id", "grant_type"])
async def test_nothing_of_what_belongs_to_a_code_may_be_missing(house: House, name: str) -> None:
    person, proof = await house.person(), Proof()
    code = await person.code(proof)
    assert name in refused(await person.takes(code, proof, **{name: None}), "invalid_request")
    assert (await person.takes(code, proof)).status_code == 200


async def test_what_is_no_code_is_refused_in_the_same_words(house: House) -> None:
    person, proof = await house.person(), Proof()
    words = {
        refused(await person.takes(text, proof), "invalid_grant") for text in ("x", "x" * 5000, "é\u2028", "'; --")
    }
    code = await person.code(proof)
    words.add(refused(await person.takes(code, proof, code_verifier="v" * 43), "invalid_grant"))
    assert len(words) == 1


async def test_a_code_is_good_for_a_minute(house: House) -> None:
    assert timedelta(seconds=60) == LIFETIME
    person, proof = await house.person(), Proof()
    code = await person.code(proof)
    await house.sql(LATER, by=timedelta(seconds=61), account=person.account)
    refused(await person.takes(code, proof), "invalid_grant")
    late = await person.code(proof)
    await house.sql(LATER, by=timedelta(seconds=50), account=person.account)
    assert (await person.takes(late, proof)).status_code == 200


async def test_the_second_use_of_a_code_ends_what_the_first_one_gave(house: House) -> None:
    person, proof = await house.person(), Proof()
    code = await person.code(proof)
    tokens = (await person.takes(code, proof)).json()
    another = await person.tokens()
    refused(await person.takes(code, proof), "invalid_grant")
    assert not await house.is_let_in(tokens["access_token"])
    refused(await person.refreshes(tokens["refresh_token"]), "invalid_grant")
    assert await house.is_let_in(another["access_token"])
    assert (await person.refreshes(another["refresh_token"])).status_code == 200


async def test_of_two_who_take_a_code_together_one_is_given_tokens_which_then_end(house: House) -> None:
    person, proof = await house.person(), Proof()
    code = await person.code(proof)
    answers = await asyncio.gather(*[person.takes(code, proof) for _ in range(4)])
    (given,) = [answer for answer in answers if answer.status_code == 200]
    for answer in answers:
        if answer is not given:
            refused(answer, "invalid_grant")
    assert not await house.is_let_in(given.json()["access_token"])


async def test_a_code_of_who_has_signed_out_or_was_disabled_gives_nothing(house: House) -> None:
    gone, proof = await house.person(), Proof()
    code = await gone.code(proof)
    await gone.sign_out()
    refused(await gone.takes(code, proof), "invalid_grant")
    disabled = await house.person()
    code = await disabled.code(proof)
    await house.sql("UPDATE account SET disabled_at = now() WHERE id = :id", id=disabled.account)
    refused(await disabled.takes(code, proof), "invalid_grant")


async def test_signing_out_ends_what_clients_were_given(house: House) -> None:
    person = await house.person()
    tokens = await person.tokens()
    await person.sign_out()
    assert not await house.is_let_in(tokens["access_token"])
    refused(await person.refreshes(tokens["refresh_token"]), "invalid_grant")


async def test_a_public_client_has_no_secret_to_show(house: House) -> None:
    person, proof = await house.person(), Proof()
    code = await person.code(proof)
    refused(await person.takes(code, proof, client_secret="guessed"), "invalid_client", 401)


async def test_the_database_holds_neither_codes_nor_tokens(house: House) -> None:
    person, proof = await house.person(), Proof()
    code = await person.code(proof)
    tokens = (await person.takes(code, proof)).json()
    for name in ("authorization_code", "refresh_token", "session", "audit_record"):
        rows = str(await house.sql(f"SELECT to_jsonb(t) FROM {name} t"))  # noqa: S608 - our own tables
        for secret in (code, tokens["refresh_token"], tokens["access_token"], proof.verifier, person.secret):
            assert secret not in rows


async def test_what_is_given_and_what_is_refused_is_in_the_audit_log(house: House) -> None:
    person, proof = await house.person(), Proof()
    code = await person.code(proof)
    tokens = (await person.takes(code, proof)).json()
    access = jwt.get_unverified_claims(tokens["access_token"])
    (asked,) = await house.records("AUTHORIZE", person.account)
    assert (asked["decision"], asked["target_id"], asked["email"]) == (
        "ALLOWED",
        str(person.session.id),
        f"{person.account}@acme.example",
    )
    (given,) = await house.records("TOKEN", person.account)
    assert (given["decision"], given["reasons"], given["chain"]) == (
        "ALLOWED",
        ["AUTHORIZATION_CODE"],
        str(house.shop.acme),
    )
    assert (given["token_id"], given["target_type"], given["target_id"]) == (access["jti"], "Session", access["sid"])
    refused(await person.takes(code, proof), "invalid_grant")
    refusals = await house.denials(person.account)
    assert [(each["code"], each["reasons"]) for each in refusals] == [
        ("INVALID_GRANT", ["AUTHORIZATION_CODE", "REUSED"])
    ]


def test_the_issuer_of_a_token_is_where_the_gateway_is_reached(house: House) -> None:
    settings = house.gateway.settings
    verifier = JwtVerifier([signing_key(settings)], house.url, settings.audience)
    token = house.gateway.token(house.shop.account)
    assert verifier.verify(token, datetime.now(UTC)).subject == house.shop.account
