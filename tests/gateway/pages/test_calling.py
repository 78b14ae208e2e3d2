"""The scripts of our pages call the endpoints of second factors by the cookie of their browser; nobody else does so."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pyotp
import pytest

from tests.gateway.pages.visiting import ACCOUNT, House, Someone, Visitor
from tests.gateway.passkeys import BEGIN, CODES, COMPLETE, FACTORS, RECOVER, REMOVE

TOTP, CONFIRM = "/auth/factors/totp", "/auth/factors/totp/confirm"
POSTS = [BEGIN, COMPLETE, TOTP, CONFIRM, CODES, RECOVER, REMOVE]
UNUSED = "UPDATE factor SET last_step = NULL WHERE account_id = :account"


class Script:
    """The script of a page that somebody has open, who is signed in."""

    def __init__(self, visitor: Visitor, token: str) -> None:
        self.visitor = visitor
        self.headers = {"Origin": visitor.origin, "X-Form-Token": token}

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.visitor.client.post(path, json=body, headers=self.headers)


@pytest.fixture
async def someone(house: House, visitor: Visitor) -> Someone:
    """Somebody who is signed in with the browser."""
    someone = await house.person()
    assert (await visitor.sign_in(someone.email)).status_code == 303
    return someone


@pytest.fixture
async def script(someone: Someone, visitor: Visitor) -> Script:
    return Script(visitor, await visitor.token(ACCOUNT))


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_script_sets_up_a_factor_and_steps_up_in_the_session(
    house: House, someone: Someone, script: Script
) -> None:
    begun = (await script.post(TOTP)).json()
    app = pyotp.TOTP(begun["secret"])
    confirmed = await script.post(CONFIRM, factorId=begun["factorId"], code=app.now())
    assert confirmed.status_code == 200, confirmed.text
    assert (await script.visitor.client.get(FACTORS, headers=script.headers)).json()["factors"]
    await house.sql(UNUSED, account=someone.id)
    assert code_of(await script.post(CODES)) == (401, "INSUFFICIENT_USER_AUTHENTICATION")
    challenge = (await script.post(BEGIN)).json()["challengeId"]
    completed = await script.post(COMPLETE, challengeId=challenge, method="TOTP", code=app.now())
    assert completed.status_code == 200, completed.text
    assert completed.json().keys() == {"mfaTime", "approved"}, "a browser holds no token"
    ((mfa_time, amr),) = await house.sql("SELECT mfa_time, amr FROM session WHERE account_id = :id", id=someone.id)
    assert datetime.now(UTC) - mfa_time < timedelta(seconds=20)
    assert amr == ["pwd", "otp", "mfa"]
    assert len((await script.post(CODES)).json()["codes"]) == 10


@pytest.mark.parametrize("path", POSTS)
async def test_no_other_page_calls_by_the_cookie(script: Script, path: str) -> None:
    right = dict(script.headers)
    for origin in ("https://evil.example", "null"):
        script.headers = {**right, "Origin": origin}
        assert code_of(await script.post(path)) == (403, "ORIGIN_REFUSED")
    script.headers = {"X-Form-Token": right["X-Form-Token"]}
    assert code_of(await script.post(path)) == (403, "ORIGIN_REFUSED")
    for token in ("", "x", right["X-Form-Token"][:-1]):
        script.headers = {**right, "X-Form-Token": token}
        assert code_of(await script.post(path)) == (403, "FORM_REFUSED")
    script.headers = {"Origin": right["Origin"]}
    assert code_of(await script.post(path)) == (403, "FORM_REFUSED")


async def test_reading_takes_the_token_too(script: Script) -> None:
    client = script.visitor.client
    assert code_of(await client.get(FACTORS)) == (403, "FORM_REFUSED")
    foreign = {**script.headers, "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert code_of(await client.get(FACTORS, headers=foreign)) == (403, "ORIGIN_REFUSED")
    own = {"X-Form-Token": script.headers["X-Form-Token"]}
    assert (await client.get(FACTORS, headers=own)).status_code == 200


async def test_anothers_token_is_refused(house: House, script: Script) -> None:
    other = await house.person()
    async with house.visitor() as visitor:
        await visitor.sign_in(other.email)
        script.headers["X-Form-Token"] = await visitor.token(ACCOUNT)
    assert code_of(await script.post(BEGIN)) == (403, "FORM_REFUSED")


async def test_who_has_signed_out_is_nobody(script: Script, someone: Someone, house: House) -> None:
    await house.sql("UPDATE session SET ended_at = now(), ended_for = 'REVOKED' WHERE account_id = :id", id=someone.id)
    assert code_of(await script.post(BEGIN)) == (401, "UNAUTHENTICATED")
    async with house.visitor() as visitor:
        answer = await visitor.client.post(BEGIN, json={}, headers=script.headers)
    assert code_of(answer) == (401, "UNAUTHENTICATED")


async def test_a_token_that_is_sent_is_what_counts(script: Script) -> None:
    answer = await script.visitor.client.post(
        BEGIN, json={}, headers={**script.headers, "Authorization": "Bearer nonsense"}
    )
    assert code_of(answer) == (401, "UNAUTHENTICATED")
