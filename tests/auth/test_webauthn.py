"""Reading what browsers make and sign: whatever arrives, it is right or it is refused."""

from typing import Any, Final
from uuid import uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auth.mfa.webauthn import ALGORITHMS, Passkey, RelyingParty, made, signed
from tests.authenticators import JSON, Authenticator, base64url, spoil

PARTY: Final = RelyingParty("itcare.example", "https://itcare.example")
DRAWN, ACCOUNT = bytes(32), uuid4()


def creation() -> dict[str, Any]:
    return {
        "rp": {"id": PARTY.id},
        "user": {"id": base64url(ACCOUNT.bytes)},
        "challenge": base64url(DRAWN),
        "pubKeyCredParams": [{"alg": algorithm} for algorithm in ALGORITHMS],
    }


AUTHENTICATOR: Final = Authenticator(PARTY.origin)
_FOUND = made(AUTHENTICATOR.create(creation()), DRAWN, PARTY)
assert _FOUND is not None
PASSKEY: Final[Passkey] = _FOUND


def answered() -> dict[str, Any]:
    return AUTHENTICATOR.get({"rpId": PARTY.id, "challenge": base64url(DRAWN)})


def test_what_was_made_signs() -> None:
    assert PASSKEY.id == AUTHENTICATOR.credential_id
    assert PASSKEY.aaguid == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert signed(answered(), PASSKEY, DRAWN, PARTY, ACCOUNT) == AUTHENTICATOR.count
    assert signed(answered(), PASSKEY, b"other", PARTY, ACCOUNT) is None


def test_a_passkey_is_read_as_it_was_written() -> None:
    assert Passkey.read(PASSKEY.written()) == PASSKEY


@given(data=st.data())
def test_no_changed_answer_is_taken_for_one(data: st.DataObject) -> None:
    answer = answered()
    spoil(answer, data)
    assert signed(answer, PASSKEY, DRAWN, PARTY, ACCOUNT) is None


@given(data=st.data())
def test_no_changed_credential_is_a_fault(data: st.DataObject) -> None:
    credential = AUTHENTICATOR.create(creation())
    spoil(credential, data)
    found = made(credential, DRAWN, PARTY)
    assert found is None or found.id


@given(JSON)
@example({"response": {"clientDataJSON": "", "attestationObject": ""}})
@example({"response": 7})
def test_nothing_else_is_a_fault(value: object) -> None:
    credential = value if isinstance(value, dict) else {"response": value}
    assert made(credential, DRAWN, PARTY) is None
    assert signed(credential, PASSKEY, DRAWN, PARTY, ACCOUNT) is None


@pytest.mark.parametrize(
    ("url", "host", "origin"),
    [
        ("https://itcare.example", "itcare.example", "https://itcare.example"),
        ("https://ITCare.example:443", "itcare.example", "https://itcare.example"),
        ("https://itcare.example:8443", "itcare.example", "https://itcare.example:8443"),
        ("http://localhost:8000", "localhost", "http://localhost:8000"),
        ("http://itcare.localhost:80", "itcare.localhost", "http://itcare.localhost"),
    ],
)
def test_passkeys_are_for_the_host_that_browsers_reach_us_at(url: str, host: str, origin: str) -> None:
    assert RelyingParty.at(url) == RelyingParty(host, origin)


@pytest.mark.parametrize(
    "url",
    [
        "http://itcare.example",
        "https://192.0.2.7",
        "http://127.0.0.1:8000",
        "https://[2001:db8::7]",
        "http://localhost.example",
        "https://itcare.example:port",
        "https://[itcare.example",
        "ftp://localhost",
    ],
)
def test_there_are_no_passkeys_where_browsers_would_not_use_them(url: str) -> None:
    assert RelyingParty.at(url) is None
