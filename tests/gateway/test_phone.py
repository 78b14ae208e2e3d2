"""Phone calls as a second factor, over real HTTP: set up, approved, refused, and everything that is wrong."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import NullPool, insert
from sqlalchemy.ext.asyncio import create_async_engine

from auth.errors import BadUserInput
from auth.issuer import Issuer
from auth.mfa.phone import is_right, read_number
from auth.tables import Account, table
from gateway.keys import signing_key
from gateway.postgres import DatabaseUrls
from gateway.settings import PhoneSettings, Settings
from tests.databases import Databases
from tests.gateway.running import Gateway, fill, free_port, running
from tests.gateway.voice_api import ACCOUNT, NUMBER, TOKEN, VoiceApi, post_signed, voice_api
from tests.resolvers.shop import Shop

TELEPHONE = "+33 6 12 34 56 78"
BEGIN, COMPLETE = "/auth/step-up", "/auth/step-up/complete"
PHONE, CONFIRM = "/auth/factors/phone", "/auth/factors/phone/confirm"
RECORDED = (
    "SELECT array_to_string(reasons, ' ') || ' ' || decision FROM audit_record"
    " WHERE account_id = '{id}' ORDER BY at, seq"
)
AN_HOUR_AGO = (
    "UPDATE sendings SET sent_at = ARRAY(SELECT t - interval '1 hour' FROM unnest(sent_at) t) WHERE account_id = '{id}'"
)
FACTORS = "SELECT count(*) FROM factor WHERE account_id = '{id}'"
DISABLE = "UPDATE account SET disabled_at = now() WHERE id = '{id}'"
EXPIRE = "UPDATE mfa_challenge SET expires_at = now() WHERE account_id = '{id}'"
CALL, TELL = "/auth/phone/call", "/auth/phone/tell"


def code_in(said: str) -> str:
    """The code that was told, digit by digit."""
    (spelt,) = re.findall(r"The code is: ([0-9, ]+)\.", said)
    return str(spelt).replace(", ", "")


class Person:
    """An account that signed in with its password."""

    def __init__(self, gateway: Gateway, voice: VoiceApi, databases: Databases, urls: DatabaseUrls, id_: UUID) -> None:
        self.gateway, self.voice, self.databases, self.urls, self.id = gateway, voice, databases, urls, id_
        settings = gateway.settings
        issuer = Issuer(signing_key(settings), settings.issuer, settings.audience)
        self.token = issuer.issue(id_, amr=("pwd",))

    async def post(self, path: str, **body: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.gateway.client.post(path, json=body, headers=headers)

    async def enrol(self, number: str = TELEPHONE) -> None:
        self.voice.press = lambda words: "1"
        begun = await self.post(PHONE, number=number)
        assert begun.status_code == 200, begun.text
        call = await self.voice.end_of_call()
        confirmed = await self.post(CONFIRM, factorId=begun.json()["factorId"], code=code_in(call.said[-1]))
        assert confirmed.status_code == 200, confirmed.text

    async def is_called(self, pressing: str | None = "the digits") -> tuple[str, Any]:
        """Ask for a call, and press the digits that the screen shows, or others, or nothing."""
        self.voice.press = lambda words: None  # the call may come before the screen shows anything
        begun = (await self.post(BEGIN, method="PHONE")).json()
        await self.voice.end_of_call()
        if pressing is not None:
            digits = begun["display"] if pressing == "the digits" else pressing
            await self.presses(digits)
        return begun["challengeId"], begun

    async def presses(self, digits: str) -> str:
        url = self.voice.calls[-1].url
        async with httpx.AsyncClient() as client:
            answer = await post_signed(client, url, {"CallSid": "CA1", "Digits": digits})
        assert answer.status_code == 200
        return answer.text

    async def complete(self, challenge: str) -> httpx.Response:
        return await self.post(COMPLETE, challengeId=challenge, method="PHONE")

    def recorded(self) -> list[str]:
        """What is in the audit log of this person, the last thing last."""
        return self.sql(RECORDED).splitlines()

    def sql(self, statement: str) -> str:
        """Run a statement about this person as the owner."""
        return self.databases.run(statement.format(id=self.id), self.urls)


@pytest.fixture(scope="module")
async def voice() -> AsyncIterator[VoiceApi]:
    async with voice_api() as api:
        yield api


@pytest.fixture(scope="module")
async def gateway(
    voice: VoiceApi, database: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    shop = Shop()
    await fill(database, shop)
    folder = tmp_path_factory.mktemp("gateway")
    token_file = folder / "voice.token"
    token_file.write_text(TOKEN)
    token_file.chmod(0o600)
    port = free_port()
    settings = Settings(
        data_dir=folder,
        pool_size=4,
        port=port,
        public_url=f"http://127.0.0.1:{port}",
        egress_hosts=[voice.url.removeprefix("http://")],
        egress_plain_loopback=True,
        phone=PhoneSettings(account=ACCOUNT, token_file=token_file, number=NUMBER, api_url=voice.url),
    )
    async with running(settings, database, shop, port=port) as gateway:
        yield gateway


@pytest.fixture
async def person(gateway: Gateway, voice: VoiceApi, databases: Databases, database: DatabaseUrls) -> Person:
    account = uuid4()
    async with create_async_engine(database.owner, poolclass=NullPool).begin() as connection:
        values = Account(id=account, email=f"{account.hex}@acme.example").model_dump()
        await connection.execute(insert(table(Account)), values)
    voice.calls.clear()
    voice.status = 201
    return Person(gateway, voice, databases, database, account)


@pytest.fixture(autouse=True)
def without_secrets_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.DEBUG):
        yield
    assert TOKEN not in caplog.text
    assert "33612345678" not in caplog.text
    assert "?d=" not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith(("gateway", "auth"))
    )


async def test_a_telephone_is_set_up_by_a_code_that_is_told_to_who_presses_a_key(person: Person) -> None:
    begun = await person.post(PHONE, number=TELEPHONE)
    assert begun.json()["label"] == "Telephone ending in 78"
    assert len(begun.json()["instructions"]) >= 4
    silent = await person.voice.end_of_call()
    assert silent.to == "+33612345678"
    assert not silent.heard("The code is")
    person.voice.press = lambda words: "5"
    begun = await person.post(PHONE, number=TELEPHONE)
    call = await person.voice.end_of_call()
    code = code_in(call.said[-1])
    wrong = await person.post(CONFIRM, factorId=begun.json()["factorId"], code="000000" if code != "000000" else "1")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (403, "CHALLENGE_REFUSED")
    confirmed = await person.post(CONFIRM, factorId=begun.json()["factorId"], code=code)
    (factor,) = confirmed.json()["factors"]
    assert (factor["method"], factor["label"], factor["usableFrom"]) == ("PHONE", "Telephone ending in 78", None)
    rows = person.databases.run("SELECT encode(secret, 'escape') FROM factor", person.urls)
    assert "33612345678" not in rows


async def test_an_operation_is_approved_by_pressing_what_the_screen_shows(person: Person) -> None:
    await person.enrol()
    challenge, begun = await person.is_called()
    assert re.fullmatch(r"[0-9]{6}", begun["display"])
    assert person.voice.calls[-1].heard("Confirm that it is you")
    assert not person.voice.calls[-1].heard(begun["display"])
    done = await person.complete(challenge)
    assert done.status_code == 200, done.text
    assert done.json()["accessToken"]
    again = await person.complete(challenge)
    assert again.json()["error"]["code"] == "CHALLENGE_REFUSED"
    await asyncio.sleep(0)
    assert "CHALLENGE_ACCEPTED PHONE ALLOWED" in person.recorded()


async def test_until_something_is_pressed_the_screen_waits_and_no_try_is_lost(person: Person) -> None:
    await person.enrol()
    challenge, begun = await person.is_called(pressing=None)
    for _ in range(7):
        waiting = await person.complete(challenge)
        assert (waiting.status_code, waiting.json()["status"]) == (202, "PENDING")
    await person.presses(begun["display"])
    assert (await person.complete(challenge)).status_code == 200


async def test_an_answering_machine_approves_nothing(person: Person) -> None:
    await person.enrol()
    challenge, _ = await person.is_called(pressing=None)
    assert person.voice.calls[-1].heard("Nothing was pressed, and nothing is approved.")
    assert (await person.complete(challenge)).status_code == 202


async def test_five_wrong_tries_close_the_challenge_even_for_the_right_digits(person: Person) -> None:
    await person.enrol()
    challenge, begun = await person.is_called(pressing=None)
    wrong = "000000" if begun["display"] != "000000" else "111111"
    for _ in range(5):
        await person.presses(wrong)
    said = await person.presses(begun["display"])
    assert "There is nothing to approve any more" in said
    assert (await person.complete(challenge)).json()["error"]["code"] == "CHALLENGE_REFUSED"


FULL_WIDTH = "\uff11\uff12\uff13\uff14\uff15\uff16"


@pytest.mark.parametrize("pressed", ["", "12345", "1234567", "#", "abcdef", FULL_WIDTH, "0" * 5000])
async def test_what_is_no_six_digits_is_wrong(person: Person, pressed: str) -> None:
    await person.enrol()
    challenge, _ = await person.is_called(pressing=None)
    assert "Those were not the digits" in await person.presses(pressed)
    assert (await person.complete(challenge)).status_code == 202


async def test_who_says_that_it_was_not_them_ends_it_and_is_called_no_more(person: Person) -> None:
    await person.enrol()
    challenge, begun = await person.is_called(pressing="*")
    assert (await person.complete(challenge)).json()["error"]["code"] == "CHALLENGE_REFUSED"
    assert "nothing to approve" in await person.presses(begun["display"])
    refused = await person.post(BEGIN, method="PHONE")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert int(refused.headers["retry-after"]) > 3000
    await eventually(lambda: "NOT_ME PHONE DENIED" in " ".join(person.recorded()))


async def test_nobody_is_called_more_than_three_times_an_hour(person: Person) -> None:
    await person.enrol()
    for _ in range(2):
        await person.is_called(pressing=None)
    refused = await person.post(BEGIN, method="PHONE")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert len(person.voice.calls) == 3
    person.sql(AN_HOUR_AGO)
    await person.is_called(pressing=None)
    await eventually(lambda: "RATE_LIMITED PHONE DENIED" in person.recorded())


@pytest.mark.parametrize(
    "number",
    [
        "+1 202 555 0143",  # another country
        "+32 470 12 34 56",
        "+33 8 99 10 10 10",  # premium rate
        "06 12 34 56 78",  # no country's code
        "+33 6 12",
        "+999999999999",
        "tel:+33612345678;ext=1",
        "+33612345678\r\nTo: +1",
        "x" * 40,
    ],
)
async def test_a_number_that_is_not_called_is_refused_and_changes_nothing(person: Person, number: str) -> None:
    refused = await person.post(PHONE, number=number)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BAD_USER_INPUT")
    assert refused.json()["error"]["argument"] == "number"
    assert person.voice.calls == []
    assert person.sql(FACTORS) == "0"
    await eventually(lambda: person.recorded() == ["ENROLMENT_REFUSED PHONE DENIED"])


async def test_without_a_fresh_factor_no_other_telephone_is_set_up(person: Person) -> None:
    await person.enrol()
    refused = await person.post(PHONE, number="+33 6 98 76 54 32")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "INSUFFICIENT_USER_AUTHENTICATION")
    assert refused.json()["error"]["methods"] == ["PHONE"]
    assert len(person.voice.calls) == 1


async def test_a_voice_api_that_places_no_call_leaves_the_screen_waiting(person: Person) -> None:
    await person.enrol()
    person.voice.status = 401
    begun = await person.post(BEGIN, method="PHONE")
    assert begun.status_code == 200
    assert (await person.complete(begun.json()["challengeId"])).status_code == 202


async def test_a_voice_api_that_hangs_keeps_nobody_waiting_for_the_digits(person: Person) -> None:
    await person.enrol()
    person.voice.press = lambda words: None
    person.voice.goes_on.clear()
    async with asyncio.timeout(5):
        begun = await person.post(BEGIN, method="PHONE")
    person.voice.goes_on.set()
    assert begun.status_code == 200
    await person.voice.end_of_call()
    await person.presses(begun.json()["display"])
    assert (await person.complete(begun.json()["challengeId"])).status_code == 200


async def test_what_the_voice_api_has_not_signed_is_told_nothing(person: Person) -> None:
    await person.enrol()
    challenge, begun = await person.is_called(pressing=None)
    url, form = person.voice.calls[-1].url, {"Digits": begun["display"]}
    async with httpx.AsyncClient() as client:
        answers = [
            await client.post(url, data=form),
            await post_signed(client, url, form, "another-token"),
            await client.post(url, data=form, headers={b"X-Twilio-Signature": "é".encode()}),
            await client.post(url, content=b"\xff", headers={"X-Twilio-Signature": "x"}),
            await client.get(url),
        ]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 400, 401]
    assert (await person.complete(challenge)).status_code == 202


async def test_an_unknown_call_and_one_that_is_over_are_told_the_same(person: Person) -> None:
    await person.enrol()
    challenge, begun = await person.is_called()
    assert (await person.complete(challenge)).status_code == 200
    over = await person.presses(begun["display"])
    base = person.gateway.settings.public_url
    async with httpx.AsyncClient() as client:
        unknown = await post_signed(client, f"{base}{CALL}?d=unknown", {"Digits": "123456"})
        told = await post_signed(client, f"{base}{TELL}?d=unknown", {})
        crossed = await post_signed(client, person.voice.calls[-1].url.replace(CALL, TELL), {"Digits": "1"})
    assert over == unknown.text == told.text == crossed.text


async def test_a_disabled_account_approves_nothing(person: Person) -> None:
    await person.enrol()
    _, begun = await person.is_called(pressing=None)
    person.sql(DISABLE)
    assert "nothing to approve" in await person.presses(begun["display"])


async def test_a_call_for_one_challenge_says_nothing_of_the_next(person: Person) -> None:
    await person.enrol()
    first, begun = await person.is_called()
    person.sql(EXPIRE)
    second = (await person.post(BEGIN)).json()["challengeId"]
    assert second != first
    for challenge in (first, second):
        assert (await person.complete(challenge)).json()["error"]["code"] == "CHALLENGE_REFUSED"
    assert "nothing to approve" in await person.presses(begun["display"])


@given(text=st.text(max_size=60) | st.from_regex(r"\+[0-9 ().-]{3,30}", fullmatch=True))
def test_whatever_is_written_is_a_number_of_the_countries_or_refused(text: str) -> None:
    try:
        number = read_number(text, {"FR"})
    except BadUserInput:
        return
    assert re.fullmatch(r"\+33[0-9]{9}", number)


@given(given_=st.text(max_size=10), expected=st.from_regex(r"[0-9]{6}", fullmatch=True))
def test_only_the_digits_themselves_are_right(given_: str, expected: str) -> None:
    assert is_right(given_, expected) is (given_.replace(" ", "") == expected)
    assert is_right(expected, expected)


def test_calls_need_all_that_they_take(tmp_path: Path) -> None:
    whole: dict[str, Any] = {"account": ACCOUNT, "token_file": tmp_path / "token", "number": NUMBER}
    for missing in ("token_file", "number"):
        with pytest.raises(ValidationError, match="ITCARE_PHONE_TOKEN_FILE"):
            Settings(
                public_url="https://itcare.example",
                egress_hosts=["api.twilio.com"],
                phone=PhoneSettings(**{**whole, missing: None}),
            )
    with pytest.raises(ValidationError, match="may not be called"):
        Settings(public_url="https://itcare.example", phone=PhoneSettings(**whole))


async def eventually(holds: Any) -> None:
    """Wait until something holds: refusals are recorded in the background."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.05)
