"""Stepping up with passkeys over real HTTP: an answer serves once, for what was asked, and nothing else is one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth.mfa.webauthn import MOST_ANSWER
from gateway.postgres import DatabaseUrls
from tests.authenticators import Authenticator, base64url, spoil, unbase64url
from tests.databases import Databases
from tests.gateway.passkeys import (
    BROKEN,
    ORIGIN,
    WRONG,
    House,
    error,
    housed,
    response_of,
)


@pytest.fixture(scope="module")
async def house(
    database: DatabaseUrls, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    async with housed(database, databases, tmp_path_factory.mktemp("keys")) as served:
        yield served


async def test_an_operation_is_approved_by_a_signature_of_that_operation(house: House) -> None:
    person = await house.enrolled()
    challenge, digest = await person.asks_to_delete()
    _, options = await person.asked(challenge)
    assert (options["rpId"], options["userVerification"]) == ("itcare.example", "required")
    answer = await person.complete(challenge, person.passkey.get(options))
    assert answer.status_code == 200, answer.text
    assert answer.json()["approved"]["action"] == "DELETE_INSTANCE"
    assert await person.has_approved(digest)


async def test_a_signature_for_one_operation_approves_no_other(house: House) -> None:
    person = await house.enrolled()
    first, _ = await person.asks_to_delete("web-01")
    _, options = await person.asked(first)
    signed = person.passkey.get(options)
    other, digest = await person.asks_to_delete("web-02")
    error(await person.complete(other, signed), 403, "CHALLENGE_REFUSED")
    await person.asked(other)
    error(await person.complete(other, signed), 403, "CHALLENGE_REFUSED")
    assert not await person.has_approved(digest)


async def test_a_signature_says_which_operation_it_approves(house: House) -> None:
    # Were the operation of a challenge changed after the person had seen it, what they signed would not be for it.
    person = await house.enrolled()
    challenge, digest = await person.asks_to_delete()
    _, options = await person.asked(challenge)
    house.run(f"UPDATE mfa_challenge SET digest = sha256('other') WHERE id = '{challenge}'")  # noqa: S608
    error(await person.complete(challenge, person.passkey.get(options)), 403, "CHALLENGE_REFUSED")
    assert not await person.has_approved(digest)


async def test_a_signature_for_the_session_approves_no_operation(house: House) -> None:
    person = await house.enrolled()
    _, options = await person.asked()
    operation, digest = await person.asks_to_delete()
    await person.asked(operation)
    error(await person.complete(operation, person.passkey.get(options)), 403, "CHALLENGE_REFUSED")
    assert not await person.has_approved(digest)


async def test_an_answer_serves_once(house: House) -> None:
    person = await house.enrolled()
    challenge, options = await person.asked()
    answer = person.passkey.get(options)
    assert (await person.complete(challenge, answer)).status_code == 200
    error(await person.complete(challenge, answer), 403, "CHALLENGE_REFUSED")
    again, _ = await person.asked()
    error(await person.complete(again, answer), 403, "CHALLENGE_REFUSED")


async def test_of_answers_that_come_together_one_serves(house: House) -> None:
    person = await house.enrolled()
    challenge, options = await person.asked()
    answer = person.passkey.get(options)
    answers = await asyncio.gather(*(person.complete(challenge, answer) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403]


async def test_what_was_answered_wrongly_is_not_looked_at_again(house: House) -> None:
    person = await house.enrolled()
    challenge, options = await person.asked()
    error(await person.complete(challenge, "{}"), 403, "CHALLENGE_REFUSED")
    error(await person.complete(challenge, person.passkey.get(options)), 403, "CHALLENGE_REFUSED")
    _, options = await person.asked(challenge)
    assert (await person.complete(challenge, person.passkey.get(options))).status_code == 200


async def test_nothing_is_answered_that_was_not_asked(house: House) -> None:
    person = await house.enrolled()
    challenge, options = await person.asked()
    house.run(f"DELETE FROM delivery WHERE challenge_id = '{challenge}'")  # noqa: S608
    error(await person.complete(challenge, person.passkey.get(options)), 403, "CHALLENGE_REFUSED")


@pytest.mark.parametrize("name", WRONG)
async def test_an_answer_made_elsewhere_or_by_nobody_is_refused(house: House, name: str) -> None:
    person = await house.enrolled()
    challenge, options = await person.asked()
    passkey = WRONG[name](person.passkey)
    error(await person.complete(challenge, passkey.get(options)), 403, "CHALLENGE_REFUSED")
    challenge, options = await person.asked(challenge)
    assert (await person.complete(challenge, person.passkey.get(options))).status_code == 200


async def test_anothers_passkey_is_refused(house: House) -> None:
    person, other = await house.enrolled(), await house.enrolled()
    challenge, options = await person.asked()
    error(await person.complete(challenge, other.passkey.get(options)), 403, "CHALLENGE_REFUSED")
    challenge, options = await person.asked()
    posing = other.passkey.twin(credential_id=person.passkey.credential_id)
    error(await person.complete(challenge, posing.get(options)), 403, "CHALLENGE_REFUSED")
    challenge, options = await person.asked()
    posing = person.passkey.twin(user_handle=other.account.bytes)
    error(await person.complete(challenge, posing.get(options)), 403, "CHALLENGE_REFUSED")


async def test_a_count_that_does_not_grow_is_refused_and_recorded_as_a_possible_clone(house: House) -> None:
    person = await house.enrolled()
    copied = person.passkey.twin()
    for _ in range(2):
        assert (await person.step_up()).status_code == 200
    error(await person.step_up(copied), 403, "CHALLENGE_REFUSED")
    error(await person.step_up(copied), 403, "CHALLENGE_REFUSED")
    assert (await person.step_up()).status_code == 200
    async with asyncio.timeout(20):
        while person.recorded().count("POSSIBLE_CLONE") < 2:  # noqa: ASYNC110 - denials are written beside requests
            await asyncio.sleep(0.05)


async def test_a_passkey_that_does_not_count_serves(house: House) -> None:
    person = await house.person()
    passkey = Authenticator(ORIGIN, count=None)
    await person.enrol(passkey)
    for _ in range(2):
        assert (await person.step_up(passkey)).status_code == 200
    passkey.count = 5
    assert (await person.step_up(passkey)).status_code == 200
    passkey.count = None
    error(await person.step_up(passkey), 403, "CHALLENGE_REFUSED")


async def test_after_ten_wrong_answers_none_is_looked_at(house: House) -> None:
    person = await house.enrolled()
    for _ in range(2):
        challenge, _ = await person.asked()
        for _ in range(5):
            error(await person.complete(challenge, "{}"), 403, "CHALLENGE_REFUSED")
    challenge, options = await person.asked()
    error(await person.complete(challenge, person.passkey.get(options)), 429, "RATE_LIMITED")


async def test_a_long_answer_is_not_read(house: House) -> None:
    person = await house.enrolled()
    challenge, _ = await person.asked()
    assert error(await person.complete(challenge, "x" * (MOST_ANSWER + 1)), 400, "BAD_USER_INPUT")["argument"] == "code"
    error(await person.complete(challenge, "[" * MOST_ANSWER), 403, "CHALLENGE_REFUSED")
    error(await person.complete(challenge, "x" * 17_000), 413, "LIMIT_EXCEEDED")


NO_SIGNATURE: dict[str, Callable[[dict[str, Any]], object]] = {
    "no signature": response_of(lambda response: response.pop("signature")),
    "another signature": response_of(lambda response: response.update(signature=base64url(b"no signature"))),
    "data that ends early": response_of(lambda response: response.update(authenticatorData=base64url(b"\0" * 36))),
    "data that goes on": response_of(
        lambda response: response.update(
            authenticatorData=base64url(unbase64url(response["authenticatorData"]) + b"\0")
        )
    ),
    "a user of another form": response_of(lambda response: response.update(userHandle=["x"])),
}


@pytest.mark.parametrize("name", [*BROKEN, *NO_SIGNATURE])
async def test_what_no_browser_would_answer_is_refused(house: House, name: str) -> None:
    person = await house.enrolled()
    challenge, options = await person.asked()
    answer = person.passkey.get(options)
    (BROKEN | NO_SIGNATURE)[name](answer)
    error(await person.complete(challenge, answer), 403, "CHALLENGE_REFUSED")


@settings(max_examples=20, deadline=None)
@given(data=st.data())
async def test_malformed_answers_are_refused_and_never_a_fault(house: House, data: st.DataObject) -> None:
    person = await house.enrolled()
    challenge, options = await person.asked()
    answer = person.passkey.get(options)
    spoil(answer, data)
    error(await person.complete(challenge, answer), 403, "CHALLENGE_REFUSED")
