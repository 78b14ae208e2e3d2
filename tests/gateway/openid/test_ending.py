"""Revoking tokens, who signed in, and how often a client may fail."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest
from jose import jwt

from auth.identity.codes import take_code
from auth.identity.secrets import digest_of
from auth.identity.sessions import end_session, end_sessions
from auth.identity.tables import SessionEnd
from auth.principal import set_scope
from resolvers.transaction import open_transaction
from tests.gateway.openid.house import BACK, CONSOLE, OTHER, REVOKE, USERINFO, House, Person, Proof, refused

ALL = "all"


async def revoke(house: House, token: str, **form: str) -> httpx.Response:
    return await house.http.post(REVOKE, data={"client_id": CONSOLE, "token": token, **form})


# -- revoking


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
async def test_revoking_a_token_ends_the_session_that_it_is_of(house: House, which: str) -> None:
    person = await house.person()
    tokens, others = await person.tokens(), await person.tokens()
    answer = await revoke(house, tokens[which], token_type_hint=which)
    assert (answer.status_code, answer.content) == (200, b"")
    assert "no-store" in answer.headers["cache-control"]
    assert not await house.is_let_in(tokens["access_token"])
    refused(await person.refreshes(tokens["refresh_token"]), "invalid_grant")
    assert await house.is_let_in(others["access_token"])
    (record,) = await house.records("REVOKE_TOKEN", person.account)
    session = jwt.get_unverified_claims(tokens["access_token"])["sid"]
    assert (record["decision"], record["target_type"], record["target_id"]) == ("ALLOWED", "Session", session)


async def test_revoking_a_refresh_token_that_was_used_ends_the_session_too(house: House) -> None:
    person = await house.person()
    tokens = await person.tokens()
    after = (await person.refreshes(tokens["refresh_token"])).json()
    assert (await revoke(house, tokens["refresh_token"])).status_code == 200
    assert not await house.is_let_in(after["access_token"])


async def test_what_is_no_token_or_over_is_as_good_as_revoked(house: House) -> None:
    person = await house.person()
    tokens = await person.tokens()
    for _ in range(2):
        assert (await revoke(house, tokens["refresh_token"])).status_code == 200
        assert (await revoke(house, tokens["access_token"])).status_code == 200
    for text in ("x", "a.b.c", "x" * 5000, "é", tokens["id_token"]):
        assert (await revoke(house, text)).status_code == 200
    assert len(await house.records("REVOKE_TOKEN", person.account)) == 1


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
async def test_a_client_revokes_no_tokens_of_another(house: House, which: str) -> None:
    person = await house.person()
    tokens = await person.tokens()
    refused(await revoke(house, tokens[which], client_id=OTHER), "invalid_grant")
    assert await house.is_let_in(tokens["access_token"])
    (record,) = await house.denials(person.account, event="REVOKE_TOKEN")
    assert record["code"] == "INVALID_GRANT"


async def test_revoking_takes_a_client_and_a_token(house: House) -> None:
    tokens = await (await house.person()).tokens()
    refused(await house.http.post(REVOKE, data={"token": tokens["refresh_token"]}), "invalid_request")
    refused(await house.http.post(REVOKE, data={"client_id": CONSOLE}), "invalid_request")
    refused(await revoke(house, tokens["refresh_token"], client_id="nobody"), "invalid_client", 401)
    refused(await revoke(house, tokens["refresh_token"], client_secret="guessed"), "invalid_client", 401)
    refused(await house.http.get(REVOKE, params={"token": "x"}), "invalid_request", 405)
    assert await house.is_let_in(tokens["access_token"])


async def test_tokens_that_have_no_session_end_by_themselves(house: House) -> None:
    refused(await revoke(house, house.gateway.token(house.shop.account)), "unsupported_token_type")
    program = await house.program()
    token = (await program.asks()).json()["access_token"]
    auth = (str(program.account), program.secret)
    refused(await house.http.post(REVOKE, data={"token": token}, auth=auth), "unsupported_token_type")
    assert (await house.http.post(REVOKE, data={"token": "x"}, auth=auth)).status_code == 200
    assert await house.is_let_in(token)


# -- who signed in


async def told(house: House, token: str | None, method: str = "GET") -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return await house.http.request(method, USERINFO, headers=headers)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_client_is_told_who_signed_in(house: House, method: str) -> None:
    person = await house.person()
    answer = await told(house, (await person.tokens())["access_token"], method)
    assert answer.status_code == 200, answer.text
    assert "no-store" in answer.headers["cache-control"]
    assert answer.json() == {
        "sub": str(person.account),
        "email": f"{person.account}@acme.example",
        "email_verified": False,
    }
    assert (await told(house, (await person.tokens(scope="openid"))["access_token"])).json() == {
        "sub": str(person.account)
    }


async def test_an_address_is_verified_once_a_password_was_chosen_by_a_link_to_it(house: House) -> None:
    person = await house.person()
    await person.choose_password()
    assert (await told(house, (await person.tokens())["access_token"])).json()["email_verified"] is True


async def test_nobody_is_told_without_a_token_of_a_person_that_is_good(house: House) -> None:
    person = await house.person()
    tokens = await person.tokens()
    answer = await told(house, None)
    refused(answer, "invalid_token", 401)
    assert answer.headers["www-authenticate"] == "Bearer"
    for token in ("x", tokens["id_token"], tokens["refresh_token"]):
        answer = await told(house, token)
        refused(answer, "invalid_token", 401)
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    await revoke(house, tokens["refresh_token"])
    refused(await told(house, tokens["access_token"]), "invalid_token", 401)
    program = (await (await house.program()).asks()).json()["access_token"]
    refused(await told(house, program), "insufficient_scope", 403)
    refused(await told(house, tokens["access_token"], "DELETE"), "invalid_request", 405)


# -- failing too often


async def test_a_client_that_fails_too_often_has_to_wait_and_no_other_has(house: House) -> None:
    program, other = await house.program(), await house.program()
    right, program.secret = program.secret, "s" * 43
    for _ in range(5):
        refused(await program.asks(), "invalid_client", 401)
    program.secret = right
    answer = await program.asks()
    assert "wait" in refused(answer, "temporarily_unavailable", 429)
    assert 1 <= int(answer.headers["retry-after"]) <= 30
    assert (await other.asks()).status_code == 200
    *_, limited = await house.denials(program.account, 5)
    await house.sql(
        "UPDATE sign_in_failures SET failed_at = ARRAY(SELECT f - interval '1 min' FROM unnest(failed_at) f)"
    )
    assert (await program.asks()).status_code == 200
    assert limited["code"] == "INVALID_CLIENT"


async def test_a_client_that_succeeds_is_not_counted(house: House) -> None:
    program = await house.program()
    for _ in range(8):
        assert (await program.asks()).status_code == 200


# -- ending while something is given


@pytest.mark.parametrize("which", ["one", ALL])
async def test_signing_out_ends_what_a_code_gives_at_the_same_time(house: House, which: str) -> None:
    person, proof = await house.person(), Proof()
    code = await person.code(proof)

    async def sign_out(person: Person) -> None:
        async with open_transaction(house.base) as transaction:
            await set_scope(transaction.fetch, person.account)
            now = datetime.now(UTC)
            if which == ALL:
                await end_sessions(transaction.fetch, person.account, SessionEnd.PASSWORD_CHANGED, now)
            else:
                await end_session(transaction.fetch, person.account, person.session.id, SessionEnd.SIGNED_OUT, now)

    async with open_transaction(house.base) as transaction:
        await set_scope(transaction.fetch, person.account)
        taken = await take_code(
            transaction.fetch, person.account, digest_of(code), CONSOLE, BACK, proof.verifier, datetime.now(UTC)
        )
        assert taken.session is not None
        # It waits for the sign-in, which is being read.
        ending = asyncio.create_task(sign_out(person))
        async with asyncio.timeout(20):
            waits = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            while await house.sql(waits) == [(0,)]:  # noqa: ASYNC110 - what is waited for is in the database
                await asyncio.sleep(0.02)
    await ending
    ((ended,),) = await house.sql("SELECT ended_at IS NOT NULL FROM session WHERE id = :id", id=taken.session.id)
    assert ended
