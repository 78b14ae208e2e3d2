"""Refreshing, API accounts, and everything that the token endpoint refuses."""

import asyncio
import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from jose import jwt

from auth.identity.clients import revoke_credential
from auth.principal import set_scope
from auth.tables import AccountKind
from resolvers.transaction import open_transaction
from tests.gateway.openid.house import CONSOLE, OTHER, TOKEN, House, Person, Program, refused

FORM = "application/x-www-form-urlencoded"


# -- refreshing


async def test_a_refresh_token_gives_the_next_one_and_the_sign_in_stays_when_it_was(house: House) -> None:
    person = await house.person()
    await person.sign_in(datetime.now(UTC) - timedelta(hours=2))
    await house.sql(
        "UPDATE session SET mfa_time = :at, amr = '{pwd,otp,mfa}' WHERE id = :id",
        at=datetime.now(UTC) - timedelta(hours=1),
        id=person.session.id,
    )
    first = await person.tokens()
    answer = await person.refreshes(first["refresh_token"])
    assert answer.status_code == 200, answer.text
    second = answer.json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["scope"] == "openid email"
    before, after = (jwt.get_unverified_claims(tokens["access_token"]) for tokens in (first, second))
    assert before["jti"] != after["jti"]
    for claim in ("sid", "sub", "auth_time", "mfa_time", "amr", "acr", "client_id", "iss", "aud"):
        assert before[claim] == after[claim]
    assert "nonce" not in jwt.get_unverified_claims(second["id_token"])
    assert await house.is_let_in(first["access_token"])
    assert await house.is_let_in(second["access_token"])


async def test_a_refresh_token_that_is_used_twice_ends_its_family_at_once(house: House) -> None:
    person = await house.person()
    first, another = await person.tokens(), await person.tokens()
    second = (await person.refreshes(first["refresh_token"])).json()
    refused(await person.refreshes(first["refresh_token"]), "invalid_grant")
    for tokens in (first, second):
        assert not await house.is_let_in(tokens["access_token"])
        refused(await person.refreshes(tokens["refresh_token"]), "invalid_grant")
    assert await house.is_let_in(another["access_token"])
    reused, *later = await house.denials(person.account, 3)
    assert (reused["reasons"], reused["target_id"]) == (
        ["REFRESH_TOKEN", "REUSED"],
        jwt.get_unverified_claims(first["access_token"])["sid"],
    )
    assert [record["reasons"] for record in later] == [["REFRESH_TOKEN", "REFUSED"]] * 2


async def test_of_two_who_refresh_together_one_wins_and_the_family_ends(house: House) -> None:
    person = await house.person()
    first = await person.tokens()
    answers = await asyncio.gather(*[person.refreshes(first["refresh_token"]) for _ in range(2)])
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert not await house.is_let_in(won["access_token"])
    refused(await person.refreshes(won["refresh_token"]), "invalid_grant")


async def test_a_refresh_token_is_for_the_client_that_it_was_given_to(house: House) -> None:
    person = await house.person()
    tokens = await person.tokens()
    refused(await person.refreshes(tokens["refresh_token"], client_id=OTHER), "invalid_grant")
    assert (await person.refreshes(tokens["refresh_token"])).status_code == 200


async def test_a_client_may_ask_for_less_and_never_for_more(house: House) -> None:
    person = await house.person()
    tokens = await person.tokens(scope="openid offline_access")
    assert tokens["scope"] == "openid"
    for scope in ("openid email", "openid profile", "email"):
        refused(await person.refreshes(tokens["refresh_token"], scope=scope), "invalid_scope")
    answer = await person.refreshes(tokens["refresh_token"], scope="openid")
    assert answer.json()["scope"] == "openid"


async def test_a_disabled_person_refreshes_nothing(house: House) -> None:
    person = await house.person()
    tokens = await person.tokens()
    await house.sql("UPDATE account SET disabled_at = now() WHERE id = :id", id=person.account)
    assert not await house.is_let_in(tokens["access_token"])
    refused(await person.refreshes(tokens["refresh_token"]), "invalid_grant")


async def test_a_family_ends_with_the_sign_in_that_it_comes_from(house: House) -> None:
    person = await house.person()
    tokens = await person.tokens()
    await house.sql("UPDATE session SET expires_at = now() WHERE account_id = :id", id=person.account)
    assert not await house.is_let_in(tokens["access_token"])
    refused(await person.refreshes(tokens["refresh_token"]), "invalid_grant")


# -- API accounts


async def test_an_api_account_gets_a_token_for_its_secret(house: House) -> None:
    program = await house.program()
    answer = await program.asks()
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
    claims = jwt.get_unverified_claims(answer.json()["access_token"])
    assert (claims["sub"], claims["client_id"]) == (str(program.account), str(program.account))
    assert claims["sid"] == str(program.credential)
    assert "amr" not in claims
    assert await house.is_let_in(answer.json()["access_token"])
    (record,) = await house.records("TOKEN", program.account)
    assert (record["decision"], record["reasons"], record["chain"]) == (
        "ALLOWED",
        ["CLIENT_CREDENTIALS"],
        str(house.shop.acme),
    )
    assert (record["target_type"], record["target_id"]) == ("ClientCredential", str(program.credential))
    assert record["token_id"] == claims["jti"]


async def test_the_secret_may_come_in_the_form_too(house: House) -> None:
    program = await house.program()
    form = {"client_id": str(program.account), "client_secret": program.secret}
    answer = await house.token(grant_type="client_credentials", **form)
    assert answer.status_code == 200
    assert await house.is_let_in(answer.json()["access_token"])


async def test_a_revoked_credential_ends_its_tokens_and_no_others(house: House) -> None:
    program = await house.program()
    token, first, secret = (await program.asks()).json()["access_token"], program.credential, program.secret
    await program.add_secret()
    other = (await program.asks()).json()["access_token"]
    async with open_transaction(house.base) as transaction:
        await set_scope(transaction.fetch, program.representative)
        assert await revoke_credential(transaction.fetch, program.account, first, datetime.now(UTC))
        assert not await revoke_credential(transaction.fetch, program.account, first, datetime.now(UTC))
    assert not await house.is_let_in(token)
    assert await house.is_let_in(other)
    assert (await program.asks()).status_code == 200
    program.secret = secret
    refused(await program.asks(), "invalid_client", 401)


async def test_a_secret_that_expires_is_good_until_then(house: House) -> None:
    program = await house.program()
    await program.add_secret(datetime.now(UTC) + timedelta(hours=1))
    token = (await program.asks()).json()["access_token"]
    assert await house.is_let_in(token)
    await house.sql("UPDATE client_credential SET expires_at = now() WHERE id = :id", id=program.credential)
    assert not await house.is_let_in(token)
    refused(await program.asks(), "invalid_client", 401)


async def test_a_disabled_api_account_gets_nothing(house: House) -> None:
    program = await house.program()
    token = (await program.asks()).json()["access_token"]
    await house.sql("UPDATE account SET disabled_at = now() WHERE id = :id", id=program.account)
    assert not await house.is_let_in(token)
    refused(await program.asks(), "invalid_client", 401)


async def test_that_a_credential_is_used_is_noted_once_a_minute(house: House) -> None:
    program = await house.program()

    async def used() -> datetime | None:
        ((at,),) = await house.sql("SELECT last_used_at FROM client_credential WHERE id = :id", id=program.credential)
        return at  # type: ignore[no-any-return]

    assert await used() is None
    await program.asks()
    first = await used()
    assert first is not None
    await program.asks()
    assert await used() == first
    await house.sql(
        "UPDATE client_credential SET last_used_at = last_used_at - interval '1 minute' WHERE id = :id",
        id=program.credential,
    )
    await program.asks()
    later = await used()
    assert later is not None
    assert later > first


async def wrong(house: House, program: Program) -> Mapping[str, httpx.Response]:
    """What is refused of a client, by what is wrong with it."""
    person = await house.account(AccountKind.PERSON)
    tries = {
        "secret": (str(program.account), "s" * 43),
        "no secret": (str(program.account), ""),
        "long secret": (str(program.account), program.secret + "s" * 2000),
        "nobody": (str(uuid4()), program.secret),
        "person": (str(person), program.secret),
        "upper case": (str(program.account).upper(), program.secret),
        "braces": ("{" + str(program.account) + "}", program.secret),
        "no id": ("", program.secret),
        "not text": ("é", "\u2028"),
        "public": (CONSOLE, program.secret),
    }
    form = {"grant_type": "client_credentials"}
    return {name: await house.http.post(TOKEN, data=form, auth=auth) for name, auth in tries.items()}


async def test_a_client_that_does_not_show_that_it_is_it_is_refused_in_the_same_words(house: House) -> None:
    program = await house.program()
    answers = await wrong(house, program)
    assert {refused(answer, "invalid_client", 401) for answer in answers.values()} == {
        "There is no such client, or it did not show that it is it."
    }
    assert all(answer.headers["www-authenticate"].startswith("Basic ") for answer in answers.values())
    in_form = await house.token(grant_type="client_credentials", client_id=str(program.account), client_secret="s" * 43)
    refused(in_form, "invalid_client", 401)
    assert "www-authenticate" not in in_form.headers
    (record, *_) = await house.denials(program.account)
    assert (record["code"], record["reasons"], record["target_id"]) == (
        "INVALID_CLIENT",
        ["CLIENT_CREDENTIALS", "CLIENT"],
        None,
    )


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !", "Basic " + base64.b64encode(b"no colon").decode(), "Bearer abc", "Basic \u00e9", "Digest a=b"],
)
async def test_an_authorization_that_cannot_be_read_is_refused(house: House, header: str) -> None:
    headers = [(b"Authorization", header.encode())]
    answer = await house.http.post(TOKEN, data={"grant_type": "client_credentials"}, headers=headers)
    refused(answer, "invalid_client", 401)


async def test_a_client_shows_one_credential_in_one_way(house: House) -> None:
    program = await house.program()
    refused(await program.asks(client_secret=program.secret), "invalid_request")
    refused(await program.asks(client_id=str(uuid4())), "invalid_request")
    assert (await program.asks(client_id=str(program.account))).status_code == 200


async def test_every_client_has_the_grants_of_its_kind(house: House) -> None:
    program, person = await house.program(), await house.person()
    tokens = await person.tokens()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    auth = (str(program.account), program.secret)
    refused(await house.http.post(TOKEN, data=form, auth=auth), "unauthorized_client")
    code = {"grant_type": "authorization_code", "code": "x", "redirect_uri": "x", "code_verifier": "x"}
    refused(await house.http.post(TOKEN, data=code, auth=auth), "unauthorized_client")
    refused(await house.token(grant_type="client_credentials", client_id=CONSOLE), "unauthorized_client")
    assert (await person.refreshes(tokens["refresh_token"])).status_code == 200


# -- what is no request


async def post(house: House, content: bytes, content_type: str | None = FORM, **headers: str) -> httpx.Response:
    named = {"Content-Type": content_type} if content_type else {}
    return await house.http.post(TOKEN, content=content, headers={**named, **headers})


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", FORM),
        (b"grant_type=password&username=a&password=b", "application/json"),
        (b'{"grant_type": "client_credentials"}', "application/json"),
        (b"grant_type=client_credentials", None),
        (b"grant_type=client_credentials", "multipart/form-data; boundary=x"),
        (b"grant_type", FORM),
        (b"grant_type=client_credentials&grant_type=refresh_token", FORM),
        (b"grant_type=refresh_token&scope=&scope=", FORM),
        (b"grant_type=refresh_token&refresh_token=%FF", FORM),
        (b"grant_type=refresh_token&refresh_token=%ED%A0%80", FORM),
        (b"grant_type=refresh_token&refresh_token=\xff", FORM),
        (b"grant_type=refresh_token&refresh_token=%00&client_id=console", FORM),
        (b"grant_type=&client_id=console", FORM),
        (b"grant_type=refresh_token&client_id=console", FORM),
        (b"grant_type=refresh_token&refresh_token=x", FORM),
        (b"&".join(b"a%d=b" % number for number in range(51)), FORM),
    ],
)
async def test_what_is_not_a_form_with_what_is_needed_once_is_refused(
    house: House, content: bytes, content_type: str | None
) -> None:
    refused(await post(house, content, content_type), "invalid_request")


async def test_a_form_is_small_and_not_compressed(house: House) -> None:
    refused(await post(house, b"grant_type=" + b"x" * 12300), "invalid_request", 413)
    refused(await post(house, b"grant_type=x", **{"Content-Encoding": "gzip"}), "invalid_request")


@pytest.mark.parametrize("grant_type", ["password", "implicit", "urn:ietf:params:oauth:grant-type:device_code", "é"])
async def test_there_is_no_other_grant(house: House, grant_type: str) -> None:
    answer = await house.token(grant_type=grant_type, client_id=CONSOLE, username="a", password="b")
    assert "authorization_code" in refused(answer, "unsupported_grant_type")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_tokens_are_asked_for_with_post(house: House, method: str) -> None:
    answer = await house.http.request(method, TOKEN, params={"grant_type": "client_credentials"})
    refused(answer, "invalid_request", 405)
    assert answer.headers["allow"] == "POST"


async def test_a_refusal_without_an_account_is_in_the_platforms_chain(house: House) -> None:
    await post(house, b"grant_type=refresh_token&refresh_token=x&client_id=console")
    async with asyncio.timeout(20):
        while True:
            records = [each for each in await house.records("TOKEN") if each["code"] == "INVALID_GRANT"]
            if any(each["account_id"] is None for each in records):
                break
            await asyncio.sleep(0.05)
    record = next(each for each in records if each["account_id"] is None)
    assert (record["chain"], record["reasons"]) == ("00000000-0000-0000-0000-000000000000", ["REFRESH_TOKEN"])
    assert record["address"] == "127.0.0.1"


async def test_tokens_of_one_person_say_nothing_of_another(house: House) -> None:
    first, second = await house.person(), await house.person()

    async def email(person: Person) -> str:
        answer = await house.viewer((await person.tokens())["access_token"])
        found: str = answer.json()["data"]["viewer"]["email"]
        return found

    assert await email(first) == f"{first.account}@acme.example"
    assert await email(second) == f"{second.account}@acme.example"
