"""Confirming on pages by a telephone: the screen shows digits, and has a button for when they are pressed."""

import html
import re
from collections.abc import AsyncIterator

import pytest

from auth.issuer import Issuer
from gateway.keys import signing_key
from gateway.postgres import DatabaseUrls
from gateway.settings import PhoneSettings
from tests.databases import Databases
from tests.gateway.pages.visiting import ACCOUNT, House, Visitor, house_of, problems_of
from tests.gateway.running import free_port
from tests.gateway.voice_api import ACCOUNT as VOICE_ACCOUNT
from tests.gateway.voice_api import NUMBER, TOKEN, VoiceApi, post_signed, voice_api

CONFIRM, ANSWER, PHONE = "/auth/confirm", "/auth/confirm/answer", "/auth/factors/phone"


@pytest.fixture(scope="module")
async def voice() -> AsyncIterator[VoiceApi]:
    async with voice_api() as api:
        yield api


@pytest.fixture(scope="module")
async def house(
    voice: VoiceApi, database: DatabaseUrls, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    folder, port = tmp_path_factory.mktemp("house"), free_port()
    token_file = folder / "voice.token"
    token_file.write_text(TOKEN)
    token_file.chmod(0o600)
    phone = PhoneSettings(account=VOICE_ACCOUNT, token_file=token_file, number=NUMBER, api_url=voice.url)
    async with house_of(
        folder,
        database,
        databases,
        port=port,
        public_url=f"http://127.0.0.1:{port}",
        egress_hosts=[voice.url.removeprefix("http://")],
        egress_plain_loopback=True,
        phone=phone,
    ) as house:
        yield house


async def test_the_screen_shows_digits_and_goes_on_when_they_are_pressed(
    house: House, visitor: Visitor, voice: VoiceApi
) -> None:
    someone = await house.person()
    settings = house.settings
    issuer = Issuer(signing_key(settings), settings.issuer, settings.audience)
    bearer = {"Authorization": f"Bearer {issuer.issue(someone.id)}"}
    voice.press = lambda words: "1"
    begun = await house.gateway.client.post(PHONE, json={"number": "+33612345678"}, headers=bearer)
    (spelt,) = re.findall(r"The code is: ([0-9, ]+)\.", (await voice.end_of_call()).said[-1])
    body = {"factorId": begun.json()["factorId"], "code": spelt.replace(", ", "")}
    confirmed = await house.gateway.client.post(f"{PHONE}/confirm", json=body, headers=bearer)
    assert confirmed.status_code == 200, confirmed.text

    await visitor.sign_in(someone.email)
    voice.press = lambda words: None
    asked = await visitor.submit(CONFIRM, headers=None, method="PHONE")
    (digits,) = re.findall(r'<strong class="code">(\d{6})</strong>', asked.text)
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', asked.text)
    fields = {name: html.unescape(value) for name, value in hidden}
    await voice.end_of_call()
    waiting = await visitor.client.post(ANSWER, data=fields)
    assert "There is no answer yet." in waiting.text
    assert digits in waiting.text
    assert "I have answered</button>" in waiting.text
    await post_signed(visitor.client, voice.calls[-1].url, {"CallSid": "CA1", "Digits": digits})
    answered = await visitor.client.post(ANSWER, data=fields)
    assert (answered.status_code, answered.headers["location"]) == (303, ACCOUNT)
    again = await visitor.client.post(ANSWER, data=fields)
    assert (again.status_code, len(problems_of(again))) == (403, 1)
