"""Recovery codes and the removal of factors over real HTTP: what they open, and everything that they do not."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import NullPool, insert
from sqlalchemy.ext.asyncio import create_async_engine

from auth.errors import InsufficientUserAuthentication
from auth.mfa.enrolment import FactorHolder
from auth.mfa.errors import ChallengeRefused
from auth.mfa.recording import MfaEvent, MfaEventKind
from auth.mfa.recovery import ALPHABET, new_code, plain
from auth.tables import Membership, Profile, table
from auth.tokens import JwtVerifier
from gateway.http.factors import Calling
from gateway.http.factors.recovery import recover, remove
from gateway.keys import signing_key
from gateway.postgres import DatabaseUrls
from resolvers.database import unavailable
from schema.ids import global_id
from tests.authenticators import Authenticator
from tests.databases import Databases
from tests.gateway.passkeys import (
    BEGIN,
    CODES,
    COMPLETE,
    CONFIRM,
    ORIGIN,
    PASSKEY,
    RECOVER,
    REMOVE,
    House,
    Person,
    error,
    housed,
)
from tests.gateway.privileged import START


@pytest.fixture(scope="module")
async def house(
    database: DatabaseUrls, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    async with housed(database, databases, tmp_path_factory.mktemp("keys")) as served:
        yield served


@pytest.fixture
async def person(house: House) -> Person:
    """Someone with a passkey who has not stepped up."""
    return await house.enrolled()


async def recovered(person: Person) -> Authenticator:
    """Another passkey, set up with a recovery code."""
    (code, *_) = await person.codes()
    assert (await person.post(RECOVER, code=code)).status_code == 200
    passkey = Authenticator(ORIGIN)
    await person.enrol(passkey, "New phone")
    return passkey


# -- the codes


@given(st.integers(0, 4))
def test_a_code_is_read_however_it_is_typed(at: int) -> None:
    code = new_code()
    assert re.fullmatch("([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", code)
    right = plain(code)
    assert right == code.replace("-", "")
    typed = [code.lower(), right, code.replace("-", " "), code.replace("0", "o"), code.replace("1", "lIi"[at % 3])]
    assert plain(typed[at]) == right


@pytest.mark.parametrize(
    "text",
    ["", "-", "0000-0000-0000-000", "0000-0000-0000-00000", "UUUU-0000-0000-0000", "\N{FULLWIDTH DIGIT ONE}" * 16],
)
def test_what_cannot_be_a_code_is_none(text: str) -> None:
    assert plain(text) is None


def test_letters_that_look_alike_are_in_codes_once() -> None:
    assert len(set(ALPHABET)) == 32
    assert not set("ILOU") & set(ALPHABET)


async def test_codes_are_drawn_with_a_fresh_factor_and_shown_once(person: Person) -> None:
    error(await person.post(CODES), 401, "INSUFFICIENT_USER_AUTHENTICATION")
    before = await person.codes()
    person.sign_in(mfa_age=10)
    answer = await person.post(CODES)
    assert answer.status_code == 200, answer.text
    codes = answer.json()["codes"]
    assert len(set(codes)) == 10
    assert not set(codes) & set(before)
    kept = person.house.run(f"SELECT to_jsonb(c) FROM recovery_code c WHERE account_id = '{person.account}'")  # noqa: S608
    assert kept.count("digest") == 10
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)
    error(await person.post(RECOVER, code=before[0]), 403, "CHALLENGE_REFUSED")
    assert (await person.post(RECOVER, code=codes[0])).json() == {"expiresIn": 900, "codesLeft": 9}
    assert "RECOVERY_CODES_RENEWED" in person.recorded()


async def test_each_code_serves_once_until_all_are_used(person: Person) -> None:
    codes = await person.codes()
    for left, code in reversed(list(enumerate(codes))):
        assert (await person.post(RECOVER, code=code.lower())).json()["codesLeft"] == left
        error(await person.post(RECOVER, code=code), 403, "CHALLENGE_REFUSED")
        person.house.run("DELETE FROM mfa_failures")
    error(await person.post(RECOVER, code=new_code()), 403, "CHALLENGE_REFUSED")


async def test_of_those_who_use_a_code_together_one_does(person: Person) -> None:
    (code, *_) = await person.codes()
    answers = await asyncio.gather(*(person.post(RECOVER, code=code) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403]


async def test_anothers_code_is_refused(house: House, person: Person) -> None:
    other = await house.enrolled()
    (code, *_) = await other.codes()
    error(await person.post(RECOVER, code=code), 403, "CHALLENGE_REFUSED")
    assert (await other.post(RECOVER, code=code)).status_code == 200


async def test_wrong_codes_count_with_all_other_answers(person: Person) -> None:
    codes = await person.codes()
    challenge, _ = await person.asked()
    for _ in range(5):
        error(await person.complete(challenge, "{}"), 403, "CHALLENGE_REFUSED")
        error(await person.post(RECOVER, code=new_code()), 403, "CHALLENGE_REFUSED")
    error(await person.post(RECOVER, code=codes[0]), 429, "RATE_LIMITED")
    left = f"SELECT count(*) FROM recovery_code WHERE account_id = '{person.account}' AND used_at IS NULL"  # noqa: S608
    assert person.house.run(left) == "10"


@pytest.mark.parametrize("code", ["", "x" * 65, None, 7, ["x"]])
async def test_a_code_must_be_a_text(person: Person, code: object) -> None:
    assert error(await person.post(RECOVER, code=code), 400, "BAD_USER_INPUT")["argument"] == "code"


# -- what a code opens


async def test_a_code_opens_the_setting_up_of_a_factor_for_a_quarter_of_an_hour(person: Person) -> None:
    (code, *_) = await person.codes()
    error(await person.post(PASSKEY), 401, "INSUFFICIENT_USER_AUTHENTICATION")
    await person.post(RECOVER, code=code)
    begun = await person.begin_enrolment()
    person.house.run(
        f"UPDATE recovery_code SET used_at = now() - interval '901 s' WHERE account_id = '{person.account}'"  # noqa: S608
        " AND used_at IS NOT NULL"
    )
    error(await person.post(PASSKEY), 401, "INSUFFICIENT_USER_AUTHENTICATION")
    credential = json.dumps(Authenticator(ORIGIN).create(begun["options"]))
    answer = await person.post(CONFIRM, factorId=begun["factorId"], credential=credential, label="Late")
    error(answer, 401, "INSUFFICIENT_USER_AUTHENTICATION")
    assert len(await person.factors()) == 1


async def test_what_a_code_set_up_serves_after_a_day(person: Person) -> None:
    passkey = await recovered(person)
    factor = (await person.factors())[1]
    serves_from = datetime.fromisoformat(factor["usableFrom"])
    assert timedelta(hours=23, minutes=59) < serves_from - datetime.now(UTC) <= timedelta(hours=24)
    assert "FACTOR_RECOVERED" in person.recorded()
    _, options = await person.asked()
    assert len(options["allowCredentials"]) == 1
    error(await person.step_up(passkey), 403, "CHALLENGE_REFUSED")
    assert (await person.step_up()).status_code == 200
    person.house.run(f"UPDATE factor SET usable_from = now() WHERE id = '{factor['id']}'")  # noqa: S608
    assert (await person.step_up(passkey)).status_code == 200


async def test_without_another_factor_what_a_code_set_up_serves_nothing_until_then(person: Person) -> None:
    passkey = await recovered(person)
    person.house.run(f"DELETE FROM factor WHERE account_id = '{person.account}' AND usable_from IS NULL")  # noqa: S608
    error(await person.post(BEGIN, method="WEBAUTHN"), 403, "MFA_ENROLMENT_REQUIRED")
    person.house.run(f"UPDATE factor SET usable_from = now() WHERE account_id = '{person.account}'")  # noqa: S608
    assert (await person.step_up(passkey)).status_code == 200


async def test_what_a_code_set_up_takes_nothing_away(person: Person) -> None:
    await recovered(person)
    assert [factor["label"] for factor in await person.factors()] == ["Laptop", "New phone"]
    assert (await person.step_up()).status_code == 200


async def test_a_code_satisfies_no_mutation(house: House, person: Person) -> None:
    shop = house.shop
    held = Membership(
        organization_id=shop.acme, cloud_id=shop.alpha, account_id=person.account, profile=Profile.POW.value
    )
    async with create_async_engine(house.urls.owner, poolclass=NullPool).begin() as connection:
        await connection.execute(insert(table(Membership)).values(held.model_dump()))
    codes = await person.codes()
    variables = {"input": {"instanceId": global_id("Instance", shop.spare)}}

    async def code_of_mutation() -> str:
        answer = await person.post("/graphql", query=START % "operation { id }", variables=variables)
        (refused,) = answer.json()["errors"]
        found: str = refused["extensions"]["code"]
        return found

    assert await code_of_mutation() == "INSUFFICIENT_USER_AUTHENTICATION"
    await person.post(RECOVER, code=codes[0])
    assert await code_of_mutation() == "INSUFFICIENT_USER_AUTHENTICATION"
    challenge, _ = await person.asked()
    for code in codes[:2]:
        error(await person.complete(challenge, code), 403, "CHALLENGE_REFUSED")
    answer = await person.post(COMPLETE, challengeId=challenge, method="RECOVERY", code=codes[1])
    assert error(answer, 400, "BAD_USER_INPUT")["argument"] == "method"


# -- removing


async def test_a_factor_is_removed_with_a_fresh_one_and_never_the_last(person: Person) -> None:
    (only,) = await person.factors()
    person.sign_in(mfa_age=10)
    error(await person.post(REMOVE, factorId=only["id"]), 409, "LAST_FACTOR")
    second = Authenticator(ORIGIN)
    await person.enrol(second, "Second")
    person.sign_in(mfa_age=301)
    error(await person.post(REMOVE, factorId=only["id"]), 401, "INSUFFICIENT_USER_AUTHENTICATION")
    person.sign_in(mfa_age=10)
    answer = await person.post(REMOVE, factorId=only["id"])
    assert answer.status_code == 200, answer.text
    assert [factor["label"] for factor in answer.json()["factors"]] == ["Second"]
    assert "FACTOR_REMOVED" in person.recorded()
    error(await person.post(REMOVE, factorId=only["id"]), 404, "NOT_FOUND")
    error(await person.step_up(), 403, "CHALLENGE_REFUSED")
    assert (await person.step_up(second)).status_code == 200


async def test_a_factor_that_does_not_serve_yet_can_be_removed_and_is_no_reason_to_remove_the_last(
    person: Person,
) -> None:
    await recovered(person)
    old, new = await person.factors()
    person.sign_in(mfa_age=10)
    error(await person.post(REMOVE, factorId=old["id"]), 409, "LAST_FACTOR")
    assert (await person.post(REMOVE, factorId=new["id"])).status_code == 200
    assert [factor["id"] for factor in await person.factors()] == [old["id"]]


async def test_anothers_factor_is_not_there(house: House, person: Person) -> None:
    other = await house.enrolled()
    (factor,) = await other.factors()
    person.sign_in(mfa_age=10)
    error(await person.post(REMOVE, factorId=factor["id"]), 404, "NOT_FOUND")
    error(await person.post(REMOVE, factorId=str(uuid4())), 404, "NOT_FOUND")
    assert error(await person.post(REMOVE, factorId="x"), 400, "BAD_USER_INPUT")["argument"] == "factorId"
    assert await other.factors() == [factor]


async def test_of_two_factors_that_are_removed_together_one_stays(person: Person) -> None:
    person.sign_in(mfa_age=10)
    await person.enrol(Authenticator(ORIGIN), "Second")
    ids = [factor["id"] for factor in await person.factors()]
    answers = await asyncio.gather(*(person.post(REMOVE, factorId=factor) for factor in ids))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(await person.factors()) == 1


# -- who is told


async def test_what_has_happened_is_told_once_it_is_committed(house: House, person: Person) -> None:
    told: list[tuple[str, MfaEventKind]] = []

    def on_event(holder: FactorHolder, event: MfaEvent) -> None:
        told.append((holder.email, event.kind))

    given = house.gateway.settings
    verifier = JwtVerifier([signing_key(given)], given.issuer, given.audience)
    calling = Calling(house.base, verifier, seconds=10, translate=unavailable, on_event=on_event)
    (code, *_) = await person.codes()
    claims = verifier.verify(person.token, datetime.now(UTC))
    await calling.answer(claims, None, recover, {"code": code})
    with pytest.raises(ChallengeRefused):
        await calling.answer(claims, None, recover, {"code": code})
    with pytest.raises(InsufficientUserAuthentication):
        await calling.answer(claims, None, remove, {"factorId": str(uuid4())})
    email = f"{person.account}@acme.example"
    assert told == [
        (email, MfaEventKind.RECOVERY_CODE_USED),
        (email, MfaEventKind.RECOVERY_REFUSED),
        (email, MfaEventKind.REMOVAL_REFUSED),
    ]
