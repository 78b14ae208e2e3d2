"""Setting up passkeys over real HTTP, with an authenticator in software: what is right, and everything that is not."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth.mfa.webauthn import MOST_ANSWER, MOST_PASSKEYS
from gateway.postgres import DatabaseUrls
from tests.authenticators import EDDSA, ES256, RS256, Authenticator, base64url, spoil, unbase64url
from tests.databases import Databases
from tests.gateway.passkeys import (
    BROKEN,
    CONFIRM,
    ORIGIN,
    PASSKEY,
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


async def test_a_browser_is_asked_to_make_a_passkey_that_knows_its_person(house: House) -> None:
    person = await house.person()
    begun = await person.begin_enrolment()
    options = begun["options"]
    assert options["rp"] == {"id": "itcare.example", "name": "ITCare"}
    assert options["user"]["name"] == f"{person.account}@acme.example"
    assert unbase64url(options["user"]["id"]) == person.account.bytes
    assert [parameter["alg"] for parameter in options["pubKeyCredParams"]] == [ES256, RS256, EDDSA]
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "preferred"
    assert (options["attestation"], options["excludeCredentials"]) == ("none", [])
    assert len(unbase64url(options["challenge"])) == 32
    assert len(begun["instructions"]) >= 4
    assert (await person.begin_enrolment())["options"]["challenge"] != options["challenge"]


async def test_a_passkey_is_set_up_under_the_name_that_its_person_gives_it(house: House) -> None:
    person = await house.person()
    answer = await person.enrol(person.passkey, "  Dan's laptop ")
    (factor,) = answer.json()["factors"]
    assert (factor["method"], factor["label"], factor["usableFrom"]) == ("WEBAUTHN", "Dan's laptop", None)
    assert await person.factors() == answer.json()["factors"]
    assert person.recorded() == ["ENROLMENT_BEGUN", "FACTOR_CONFIRMED"]


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
async def test_authenticators_sign_in_any_of_three_ways(house: House, algorithm: int) -> None:
    person = await house.person()
    passkey = Authenticator(ORIGIN, algorithm)
    await person.enrol(passkey)
    claims = person.claims(await person.step_up(passkey))
    assert (claims.amr, claims.acr) == (("pwd", "swk", "mfa"), "mfa")
    assert claims.mfa_time == claims.issued_at


async def test_a_person_may_have_several_and_confirm_with_any(house: House) -> None:
    person = await house.enrolled()
    person.sign_in(mfa_age=10)
    begun = await person.begin_enrolment()
    (excluded,) = begun["options"]["excludeCredentials"]
    assert unbase64url(excluded["id"]) == person.passkey.credential_id
    assert set(excluded["transports"]) == {"internal", "hybrid"}
    second = Authenticator(ORIGIN, transports=("usb", "unheard-of", 7))
    await person.enrol(second, "Key on the ring")
    assert [factor["label"] for factor in await person.factors()] == ["Laptop", "Key on the ring"]
    for passkey in (person.passkey, second):
        assert (await person.step_up(passkey)).status_code == 200
    _, options = await person.asked()
    assert {unbase64url(allowed["id"]) for allowed in options["allowCredentials"]} == {
        person.passkey.credential_id,
        second.credential_id,
    }


async def test_a_token_alone_adds_no_passkey(house: House) -> None:
    person = await house.enrolled()
    said = error(await person.post(PASSKEY), 401, "INSUFFICIENT_USER_AUTHENTICATION")
    assert said["methods"] == ["WEBAUTHN"]
    person.sign_in(mfa_age=10)
    begun = await person.begin_enrolment()
    person.sign_in(mfa_age=301)
    credential = Authenticator(ORIGIN).create(begun["options"])
    answer = await person.post(CONFIRM, factorId=begun["factorId"], credential=json.dumps(credential), label="x")
    error(answer, 401, "INSUFFICIENT_USER_AUTHENTICATION")
    assert len(await person.factors()) == 1


async def test_a_person_has_ten_passkeys_at_the_most(house: House) -> None:
    person = await house.person()
    person.sign_in(mfa_age=10)
    for number in range(MOST_PASSKEYS):
        await person.enrol(Authenticator(ORIGIN), f"Passkey {number}")
    said = error(await person.post(PASSKEY), 409, "LIMIT_EXCEEDED")
    assert (said["limit"], said["maximum"]) == ("factors", MOST_PASSKEYS)
    assert len(await person.factors()) == MOST_PASSKEYS
    assert house.run(f"SELECT count(*) FROM factor WHERE account_id = '{person.account}'") == str(MOST_PASSKEYS)  # noqa: S608


async def test_one_authenticator_is_not_set_up_twice(house: House) -> None:
    person = await house.enrolled()
    person.sign_in(mfa_age=10)
    begun = await person.begin_enrolment()
    credential = person.passkey.create(begun["options"])
    answer = await person.post(CONFIRM, factorId=begun["factorId"], credential=json.dumps(credential), label="Again")
    error(answer, 403, "CHALLENGE_REFUSED")


def attested(fmt: str, statement: object) -> Callable[[dict[str, Any]], object]:
    """Says of the same credential that it was attested otherwise."""

    def change(response: dict[str, Any]) -> None:
        attestation = cbor2.loads(unbase64url(response["attestationObject"]))
        response["attestationObject"] = base64url(cbor2.dumps({**attestation, "fmt": fmt, "attStmt": statement}))

    return response_of(change)


NO_ATTESTATION: dict[str, Callable[[dict[str, Any]], object]] = {
    "CBOR that ends early": response_of(lambda response: response.update(attestationObject=base64url(b"\xa3\x63"))),
    "CBOR that is nested": response_of(lambda response: response.update(attestationObject=base64url(b"\x81" * 8000))),
    "CBOR that claims much": response_of(
        lambda response: response.update(attestationObject=base64url(b"\x9b" + b"\xff" * 8))
    ),
    "CBOR of another form": response_of(lambda response: response.update(attestationObject=base64url(b"\x81\x01"))),
    "an attestation that is none": attested("none", {"x5c": [b"certificate"]}),
    "an attestation of no known kind": attested("tpm", {}),
    "an attestation by itself that is not signed": attested("packed", {"alg": ES256, "sig": b"no signature"}),
}


@pytest.mark.parametrize("name", [*BROKEN, *NO_ATTESTATION])
async def test_what_no_browser_would_make_sets_up_nothing(house: House, name: str) -> None:
    person = await house.person()
    begun = await person.begin_enrolment()
    credential = person.passkey.create(begun["options"])
    (BROKEN | NO_ATTESTATION)[name](credential)
    answer = await person.post(CONFIRM, factorId=begun["factorId"], credential=json.dumps(credential), label="Laptop")
    error(answer, 403, "CHALLENGE_REFUSED")
    assert await person.factors() == []


@pytest.mark.parametrize("name", WRONG)
async def test_a_passkey_made_elsewhere_or_by_nobody_sets_up_nothing(house: House, name: str) -> None:
    person = await house.person()
    begun = await person.begin_enrolment()
    credential = WRONG[name](person.passkey).create(begun["options"])
    answer = await person.post(CONFIRM, factorId=begun["factorId"], credential=json.dumps(credential), label="Laptop")
    error(answer, 403, "CHALLENGE_REFUSED")
    assert await person.factors() == []


async def test_a_passkey_made_for_what_was_drawn_before_sets_up_nothing(house: House) -> None:
    person = await house.person()
    before, begun = await person.begin_enrolment(), await person.begin_enrolment()
    credential = person.passkey.create(before["options"])
    for factor in (before["factorId"], begun["factorId"], str(uuid4())):
        answer = await person.post(CONFIRM, factorId=factor, credential=json.dumps(credential), label="Laptop")
        error(answer, 403, "CHALLENGE_REFUSED")
    credential = person.passkey.create(begun["options"])
    other = await house.person()
    error(
        await other.post(CONFIRM, factorId=begun["factorId"], credential=json.dumps(credential), label="x"),
        403,
        "CHALLENGE_REFUSED",
    )


@pytest.mark.parametrize("label", ["", "   ", "x" * 101, "two\nlines", "right\N{RIGHT-TO-LEFT OVERRIDE}left", 7, None])
async def test_a_name_must_be_one_that_can_be_read(house: House, label: object) -> None:
    person = await house.person()
    begun = await person.begin_enrolment()
    credential = person.passkey.create(begun["options"])
    answer = await person.post(CONFIRM, factorId=begun["factorId"], credential=json.dumps(credential), label=label)
    assert error(answer, 400, "BAD_USER_INPUT")["argument"] == "label"


@pytest.mark.parametrize("credential", [None, {}, [], 7, "", "x" * (MOST_ANSWER + 1)])
async def test_a_credential_must_be_a_text(house: House, credential: object) -> None:
    person = await house.person()
    begun = await person.begin_enrolment()
    answer = await person.post(CONFIRM, factorId=begun["factorId"], credential=credential, label="Laptop")
    assert error(answer, 400, "BAD_USER_INPUT")["argument"] == "credential"


@pytest.mark.parametrize("credential", ["{", "[]", "7", "[" * MOST_ANSWER, "{}"])
async def test_a_text_that_is_no_credential_is_refused(house: House, credential: str) -> None:
    person = await house.person()
    begun = await person.begin_enrolment()
    answer = await person.post(CONFIRM, factorId=begun["factorId"], credential=credential, label="Laptop")
    error(answer, 403, "CHALLENGE_REFUSED")


@settings(max_examples=20, deadline=None)
@given(data=st.data())
async def test_malformed_credentials_are_never_a_fault(house: House, data: st.DataObject) -> None:
    person = await house.person()
    begun = await person.begin_enrolment()
    credential = person.passkey.create(begun["options"])
    spoil(credential, data)
    answer = await person.post(CONFIRM, factorId=begun["factorId"], credential=json.dumps(credential), label="Laptop")
    # Nobody attests what a browser makes, so that another id in it is as good as the right one.
    assert answer.status_code in (200, 403), answer.text
