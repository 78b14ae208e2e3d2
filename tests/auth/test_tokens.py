"""What the gateway accepts as an access token, and everything it does not."""

import traceback
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.errors import JoseError

from auth.errors import Unauthenticated
from auth.jwt import LEEWAY
from auth.keys import SigningKey
from auth.tokens import INVALID_TOKEN, MALFORMED_HEADER, REMEMBER_FOR, JwtVerifier, TokenVerifier, bearer_token
from tests.auth.hostile_tokens import HOSTILE_TOKENS, Hostile
from tests.auth.mint import AUDIENCE, ISSUER, NOW, SECONDS, SUBJECT, Mint, joserfc_keys

SECOND = timedelta(seconds=1)
each_hostile_token = pytest.mark.parametrize("hostile", HOSTILE_TOKENS, ids=lambda hostile: hostile.name)


@pytest.fixture
def verifier(mint: Mint) -> TokenVerifier:
    return mint.verifier()


def refusal(verifier: TokenVerifier, token: str, now: datetime = NOW) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        verifier.verify(token, now)
    return caught.value


def accepted(verifier: TokenVerifier, token: str, now: datetime = NOW) -> bool:
    try:
        verifier.verify(token, now)
    except Unauthenticated:
        return False
    return True


def joserfc_accepts(mint: Mint, token: str) -> bool:
    registry = jwt.JWTClaimsRegistry(
        now=SECONDS,
        leeway=30,
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
    )
    try:
        registry.validate(jwt.decode(token, joserfc_keys(mint.keys), algorithms=["ES256", "RS256"]).claims)
    except (JoseError, ValueError, TypeError, RecursionError):
        return False
    return True


def test_the_corpus_names_each_hostile_token_once() -> None:
    names = [hostile.name for hostile in HOSTILE_TOKENS]
    assert len(names) == len(set(names)) >= 60


@each_hostile_token
def test_a_hostile_token_is_refused_with_the_one_sentence(
    hostile: Hostile, mint: Mint, verifier: TokenVerifier
) -> None:
    error = refusal(verifier, hostile.build(mint))
    assert str(error) == error.message == INVALID_TOKEN
    assert error.extensions == {}


@each_hostile_token
def test_joserfc_refuses_a_hostile_token_unless_a_rule_of_ours_alone_does(hostile: Hostile, mint: Mint) -> None:
    assert joserfc_accepts(mint, hostile.build(mint)) is (hostile.ours_alone is not None)


@each_hostile_token
def test_no_part_of_a_refused_token_is_in_the_traceback(hostile: Hostile, mint: Mint, verifier: TokenVerifier) -> None:
    token = hostile.build(mint)
    error = refusal(verifier, token)
    text = "".join(traceback.format_exception(error)) + repr(error.__cause__)
    assert not [part for part in token.split(".") if len(part) > 16 and part in text]


def test_a_token_of_each_trusted_key_is_accepted(mint: Mint, verifier: TokenVerifier) -> None:
    assert verifier.verify(mint.token(), NOW).subject == SUBJECT
    assert verifier.verify(mint.rsa_token(), NOW).subject == SUBJECT
    assert joserfc_accepts(mint, mint.token())
    assert joserfc_accepts(mint, mint.rsa_token())


def test_a_token_typed_jwt_for_several_audiences_is_accepted(mint: Mint, verifier: TokenVerifier) -> None:
    token = mint.token(mint.header(typ="JWT"), aud=["another", AUDIENCE])
    assert verifier.verify(token, NOW).subject == SUBJECT


def test_claims_that_may_be_absent_are_none_or_empty(mint: Mint, verifier: TokenVerifier) -> None:
    del_jti = {name: value for name, value in mint.claims().items() if name != "jti"}
    claims = verifier.verify(mint.token_of(mint.header(), del_jti), NOW)
    assert (claims.token_id, claims.mfa_time, claims.amr, claims.acr) == (None, None, (), None)


def test_unknown_claims_are_ignored(mint: Mint, verifier: TokenVerifier) -> None:
    assert verifier.verify(mint.token(roles=["platform"], ratio=0.5), NOW) == verifier.verify(mint.token(), NOW)


def test_a_key_that_is_withdrawn_verifies_nothing(mint: Mint) -> None:
    old, new = mint.signing_key, SigningKey.generate()
    token = mint.token()
    assert accepted(JwtVerifier([new, old], ISSUER, AUDIENCE), token)
    assert not accepted(JwtVerifier([new], ISSUER, AUDIENCE), token)
    assert not accepted(JwtVerifier([], ISSUER, AUDIENCE), token)


def test_the_other_signature_of_ecdsa_says_the_same(mint: Mint, verifier: TokenVerifier) -> None:
    token = mint.token()
    twin = mint.twin(token)
    assert twin != token
    assert verifier.verify(twin, NOW) == verifier.verify(token, NOW)
    assert joserfc_accepts(mint, twin)


def test_a_time_without_zone_verifies_nothing(mint: Mint, verifier: TokenVerifier) -> None:
    assert not accepted(verifier, mint.token(), NOW.replace(tzinfo=None))


@given(data=st.data())
def test_a_token_with_one_byte_changed_is_refused(mint: Mint, data: st.DataObject) -> None:
    verifier = mint.verifier()
    token = mint.token(mfa_time=SECONDS - 10, amr=["pwd", "otp"])
    verifier.verify(token, NOW)  # remembered, which must not help its neighbours
    index = data.draw(st.integers(0, len(token) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: chr(value) != token[index]))
    refusal(verifier, token[:index] + chr(byte) + token[index + 1 :])


def test_a_token_with_any_one_bit_changed_is_refused(mint: Mint, verifier: TokenVerifier) -> None:
    token = mint.token()
    for index, character in enumerate(token):
        changed = token[:index] + chr(ord(character) ^ 1) + token[index + 1 :]
        assert not accepted(verifier, changed), index


@given(token=st.text(max_size=300) | st.binary(max_size=300).map(lambda content: content.decode("latin-1")))
@example("\ud800")
@example("." * 9000)
def test_random_text_is_unauthenticated_and_nothing_else(mint: Mint, token: str) -> None:
    refusal(mint.verifier(), token)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["iss", "aud", "sub", "iat", "exp", "nbf", "jti", "mfa_time", "amr", "acr", "alg", "kid", "typ"]
)


@given(header=st.dictionaries(NAMES, JSON, max_size=3), claims=st.dictionaries(NAMES, JSON, max_size=4))
def test_random_json_under_a_good_signature_is_accepted_or_unauthenticated(
    mint: Mint, header: dict[str, object], claims: dict[str, object]
) -> None:
    if accepted(mint.verifier(), mint.token_of(mint.header(**header), mint.claims(**claims))):
        merged = mint.claims(**claims)
        assert (merged["iss"], merged["sub"]) == (ISSUER, str(SUBJECT))
        assert all(type(merged[name]) is int for name in ("iat", "exp"))


@given(content=st.binary(max_size=200))
def test_random_bytes_under_a_good_signature_are_unauthenticated(mint: Mint, content: bytes) -> None:
    refusal(mint.verifier(), mint.token_of(mint.header(), content))
    refusal(mint.verifier(), mint.token_of(content, mint.claims()))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (NOW + 14 * 60 * SECOND, True),
        (NOW + 14 * 60 * SECOND + LEEWAY - timedelta(microseconds=1), True),
        (NOW + 14 * 60 * SECOND + LEEWAY, False),
        (NOW - 60 * SECOND, True),
        (NOW - 60 * SECOND - LEEWAY, True),
        (NOW - 60 * SECOND - LEEWAY - timedelta(microseconds=1), False),
    ],
    ids=["at exp", "just before exp + 30 s", "at exp + 30 s", "at iat", "at iat - 30 s", "just before iat - 30 s"],
)
def test_clocks_may_differ_by_thirty_seconds(mint: Mint, now: datetime, expected: bool) -> None:
    assert accepted(mint.verifier(), mint.token(iat=SECONDS - 60, exp=SECONDS + 840), now) is expected


@pytest.mark.parametrize("claim", ["nbf", "mfa_time"])
def test_nbf_and_mfa_time_may_be_thirty_seconds_ahead_and_no_more(mint: Mint, claim: str) -> None:
    at_the_edge, beyond = (mint.claims(**{claim: SECONDS + ahead}) for ahead in (30, 31))
    assert accepted(mint.verifier(), mint.token_of(mint.header(), at_the_edge))
    assert not accepted(mint.verifier(), mint.token_of(mint.header(), beyond))


@given(offset=st.integers(-2000, 2000))
def test_a_token_holds_from_iat_to_exp_and_thirty_seconds_beyond_each(mint: Mint, offset: int) -> None:
    token = mint.token(iat=SECONDS, exp=SECONDS + 900)
    assert accepted(mint.verifier(), token, NOW + offset * SECOND) is (-30 <= offset < 930)


def test_a_token_is_verified_once_in_sixty_seconds(mint: Mint, verifier: TokenVerifier) -> None:
    token = mint.token()
    first = verifier.verify(token, NOW)
    assert verifier.verify(token, NOW + REMEMBER_FOR) is first
    again = verifier.verify(token, NOW + REMEMBER_FOR + SECOND)
    assert again == first
    assert again is not first


def test_a_remembered_token_is_verified_anew_when_the_clock_goes_back(mint: Mint, verifier: TokenVerifier) -> None:
    token = mint.token(nbf=SECONDS - 20)
    first = verifier.verify(token, NOW)
    assert verifier.verify(token, NOW - SECOND) is not first
    refusal(verifier, token, NOW - 51 * SECOND)


@given(life=st.integers(1, 120), steps=st.lists(st.integers(-40, 100), min_size=1, max_size=8))
def test_remembering_changes_no_answer(mint: Mint, life: int, steps: list[int]) -> None:
    token = mint.token(iat=SECONDS, exp=SECONDS + life)
    remembering, now = mint.verifier(), NOW
    for step in steps:
        now += step * SECOND
        assert accepted(remembering, token, now) is accepted(mint.verifier(), token, now)


def test_a_remembered_token_expires_on_its_second(mint: Mint, verifier: TokenVerifier) -> None:
    token = mint.token(iat=SECONDS - 60, exp=SECONDS + 1)
    verifier.verify(token, NOW + 20 * SECOND)
    verifier.verify(token, NOW + 30 * SECOND)
    refusal(verifier, token, NOW + 31 * SECOND)


def test_the_oldest_token_is_forgotten_when_there_are_many(mint: Mint) -> None:
    verifier = mint.verifier(remember=2)
    tokens = [mint.token(jti=str(number)) for number in range(3)]
    first, second, third = (verifier.verify(token, NOW) for token in tokens)
    assert verifier.verify(tokens[2], NOW) is third
    assert verifier.verify(tokens[1], NOW) is second
    assert verifier.verify(tokens[0], NOW) is not first


def test_a_verifier_that_remembers_nothing_still_verifies(mint: Mint) -> None:
    verifier = mint.verifier(remember=0)
    token = mint.token()
    assert verifier.verify(token, NOW) == verifier.verify(token, NOW)


def test_claims_cannot_be_changed(mint: Mint, verifier: TokenVerifier) -> None:
    claims = verifier.verify(mint.token(), NOW)
    with pytest.raises(AttributeError):
        claims.acr = "mfa"  # type: ignore[misc]
    assert replace(claims, acr="mfa") != claims


def test_a_request_without_an_authorization_header_has_no_token() -> None:
    assert bearer_token(None) is None


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer  "])
def test_the_scheme_bearer_is_read_in_any_case(scheme: str) -> None:
    assert bearer_token(f"{scheme} eyJhbGciOi.J9._-~+/==") == "eyJhbGciOi.J9._-~+/=="


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "abc",
        "Basic dXNlcjpwYXNz",
        "Token abc",
        "DPoP abc",
        "Bearerabc",
        "Bearer\tabc",
        "Bearer\u00a0abc",
        "Bearer abc def",
        "Bearer abc,def",
        "Bearer abc, Bearer def",
        "Basic dXNlcjpwYXNz, Bearer abc",
        "Bearer Bearer abc",
        " Bearer abc",
        "Bearer abc ",
        "Bearer abc\n",
        'Bearer "abc"',
        "Bearer token=abc",
        "Bearer =",
        "Bearer é",
        "Bear\u0435r abc",
        "Bearer abc\0",
        "Bearer: abc",
    ],
)
def test_a_malformed_authorization_header_is_refused(header: str) -> None:
    with pytest.raises(Unauthenticated, match=f"^{MALFORMED_HEADER}$"):
        bearer_token(header)


@given(header=st.text(max_size=60) | st.text("Bear \t,=abc.", max_size=20).map("Bearer {}".format))
def test_any_text_as_an_authorization_header_is_read_or_refused(header: str) -> None:
    try:
        token = bearer_token(header)
    except Unauthenticated as error:
        token = error.message
    assert token == MALFORMED_HEADER or (header[:7].lower(), header.split(" ")[-1]) == ("bearer ", token)


def test_a_header_of_a_megabyte_is_read_in_one_pass() -> None:
    assert bearer_token("Bearer " + "a" * 1_000_000) == "a" * 1_000_000
    with pytest.raises(Unauthenticated):
        bearer_token("Bearer " + "=" * 1_000_000)
