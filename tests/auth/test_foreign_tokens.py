"""What is accepted of the tokens of a foreign issuer, and everything that is not."""

import traceback
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from auth.errors import Unauthenticated
from auth.foreign_tokens import INVALID_FOREIGN_TOKEN, ForeignClaims, ForeignIssuer, Kind, said_by, verify_foreign
from auth.keys import VerificationKey
from tests.auth.hostile_tokens import ACCOUNT_ID, HOSTILE_TOKENS, Hostile
from tests.auth.mint import AUDIENCE, ISSUER, NOW, SECONDS, SUBJECT, Mint, joserfc_keys
from tests.auth.test_tokens import joserfc_accepts

PLAIN: Final = ForeignIssuer(audience=AUDIENCE)
GOLD: Final = ForeignIssuer(audience=AUDIENCE, mfa={"acr": ["gold", "platinum"]})
OTP: Final = ForeignIssuer(audience=AUDIENCE, mfa={"amr": ["otp", "hwk"]})
BOTH: Final = ForeignIssuer(audience=AUDIENCE, mfa={"acr": ["gold"], "amr": ["otp"]})
AT: Final = SECONDS - 100


def keys_of(mint: Mint) -> dict[str, VerificationKey]:
    return {key.kid: key for key in mint.keys}


def verified(
    mint: Mint, token: str, settings: ForeignIssuer = PLAIN, now: datetime = NOW, kind: Kind | None = None
) -> ForeignClaims:
    return verify_foreign(token, keys_of(mint), ISSUER, settings, now, kind)


def refusal(mint: Mint, token: str, now: datetime = NOW, kind: Kind | None = None) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        verified(mint, token, now=now, kind=kind)
    return caught.value


def means_nothing_here(hostile: Hostile) -> bool:
    """Whether what is wrong with it is wrong of our own tokens only.

    A subject is a text of the issuer's, and `mfa_time` a claim of ours, which of others is not read at all.
    """
    return hostile.ours_alone == ACCOUNT_ID or hostile.name.startswith("mfa_time ")


FOREIGN = [hostile for hostile in HOSTILE_TOKENS if not means_nothing_here(hostile)]
each_hostile_token = pytest.mark.parametrize("hostile", FOREIGN, ids=lambda hostile: hostile.name)


@each_hostile_token
def test_a_hostile_token_is_refused_with_the_one_sentence(hostile: Hostile, mint: Mint) -> None:
    token = hostile.build(mint)
    error = refusal(mint, token)
    assert str(error) == error.message == INVALID_FOREIGN_TOKEN
    assert error.extensions == {}
    said = "".join(traceback.format_exception(error)) + repr(error.__cause__)
    assert not [part for part in token.split(".") if len(part) > 16 and part in said]


@pytest.mark.parametrize(
    "hostile", [each for each in HOSTILE_TOKENS if means_nothing_here(each)], ids=lambda hostile: hostile.name
)
def test_what_is_wrong_of_our_tokens_only_makes_nobody_of_ours_of_a_foreign_one(hostile: Hostile, mint: Mint) -> None:
    claims = verified(mint, hostile.build(mint), GOLD)
    assert (claims.subject != str(SUBJECT)) is (hostile.ours_alone == ACCOUNT_ID)
    assert claims.mfa_time is None


def test_a_token_of_each_key_is_accepted(mint: Mint) -> None:
    for token in (mint.token(), mint.rsa_token(), mint.token(mint.header(typ="JWT"))):
        claims = verified(mint, token)
        assert (claims.issuer, claims.subject, claims.mfa_time) == (ISSUER, str(SUBJECT), None)
        assert joserfc_accepts(mint, token)


def test_a_token_says_whose_keys_it_needs(mint: Mint) -> None:
    said = said_by(mint.token(iss="https://evil.example"))
    assert (said.issuer, said.kid) == ("https://evil.example", mint.signing_key.kid)


@pytest.mark.parametrize("iss", ["", "x" * 501, 1, None, ["https://evil.example"]], ids=repr)
def test_a_token_without_a_usable_issuer_says_nothing(mint: Mint, iss: object) -> None:
    with pytest.raises(Unauthenticated, match=INVALID_FOREIGN_TOKEN):
        said_by(mint.token(iss=iss))


def test_a_key_is_called_as_its_issuer_calls_it(mint: Mint) -> None:
    token = mint.headed(kid="1")
    assert verify_foreign(token, {"1": mint.signing_key}, ISSUER, PLAIN, NOW).subject == str(SUBJECT)
    with pytest.raises(Unauthenticated):
        verify_foreign(token, {mint.signing_key.kid: mint.signing_key}, ISSUER, PLAIN, NOW)


# -- what kind of token


@pytest.mark.parametrize(
    ("typ", "kind", "accepted"),
    [
        ("Bearer", "access_token", True),
        ("Bearer", "id_token", False),
        ("Bearer", None, True),
        ("ID", "access_token", False),
        ("ID", "id_token", True),
        ("ID", None, True),
        ("Refresh", None, False),
        ("Offline", None, False),
        ("Logout", None, False),
        ("DPoP", "access_token", False),
        (["Bearer"], None, False),
        (None, None, False),
    ],
)
def test_a_token_that_says_its_kind_is_taken_for_that_alone(
    mint: Mint, typ: object, kind: Kind | None, accepted: bool
) -> None:
    token = mint.token(typ=typ)
    if accepted:
        assert verified(mint, token, kind=kind).subject == str(SUBJECT)
    else:
        refusal(mint, token, kind=kind)


@pytest.mark.parametrize("kind", ["access_token", "id_token", None])
def test_a_token_that_does_not_say_its_kind_is_taken_for_any(mint: Mint, kind: Kind | None) -> None:
    assert verified(mint, mint.token(), kind=kind).subject == str(SUBJECT)


def test_a_token_that_is_bound_to_its_holders_key_is_refused(mint: Mint) -> None:
    refusal(mint, mint.token(cnf={"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}))
    refusal(mint, mint.token(cnf=None))


def test_a_notice_of_a_sign_out_is_refused(mint: Mint) -> None:
    refusal(mint, mint.token(events={"http://schemas.openid.net/event/backchannel-logout": {}}))


# -- a second factor


@pytest.mark.parametrize(
    ("settings", "claims", "counts"),
    [
        (PLAIN, {"acr": "gold", "amr": ["otp", "mfa"], "auth_time": AT, "mfa_time": AT}, False),
        (GOLD, {"acr": "gold", "auth_time": AT}, True),
        (GOLD, {"acr": "platinum", "auth_time": AT}, True),
        (GOLD, {"acr": "gold"}, False),
        (GOLD, {"acr": "silver", "auth_time": AT}, False),
        (GOLD, {"acr": "Gold", "auth_time": AT}, False),
        (GOLD, {"acr": "gold platinum", "auth_time": AT}, False),
        (GOLD, {"auth_time": AT}, False),
        (GOLD, {"amr": ["gold"], "auth_time": AT}, False),
        (GOLD, {"mfa_time": AT, "auth_time": AT}, False),
        (OTP, {"amr": ["pwd", "otp"], "auth_time": AT}, True),
        (OTP, {"amr": ["hwk"], "auth_time": AT}, True),
        (OTP, {"amr": ["pwd"], "auth_time": AT}, False),
        (OTP, {"amr": [], "auth_time": AT}, False),
        (OTP, {"amr": ["otp"]}, False),
        (OTP, {"acr": "otp", "auth_time": AT}, False),
        (BOTH, {"acr": "gold", "amr": ["otp"], "auth_time": AT}, True),
        (BOTH, {"acr": "gold", "amr": ["pwd"], "auth_time": AT}, False),
        (BOTH, {"amr": ["otp"], "auth_time": AT}, False),
    ],
)
def test_a_second_factor_counts_if_the_settings_name_the_claim_and_the_token_its_time(
    mint: Mint, settings: ForeignIssuer, claims: dict[str, object], counts: bool
) -> None:
    found = verified(mint, mint.token_of(mint.header(), mint.claims(**claims)), settings)
    assert found.mfa_time == (datetime.fromtimestamp(AT, UTC) if counts else None)


@pytest.mark.parametrize(
    "claims",
    [
        {"auth_time": None},
        {"auth_time": str(AT)},
        {"auth_time": AT + 0.5},
        {"auth_time": True},
        {"auth_time": SECONDS + 3600},
        {"auth_time": 10**30},
        {"auth_time": AT, "acr": None},
        {"auth_time": AT, "acr": ["gold"]},
        {"auth_time": AT, "amr": "otp"},
        {"auth_time": AT, "amr": [["otp"]]},
        {"acr": ["gold"]},
    ],
    ids=str,
)
@pytest.mark.parametrize("settings", [PLAIN, GOLD, OTP], ids=["not mapped", "acr", "amr"])
def test_what_is_said_of_a_sign_in_in_another_form_is_refused(
    mint: Mint, settings: ForeignIssuer, claims: dict[str, object]
) -> None:
    with pytest.raises(Unauthenticated, match=INVALID_FOREIGN_TOKEN):
        verified(mint, mint.token_of(mint.header(), mint.claims(**claims)), settings)


def test_a_second_factor_by_a_clock_that_is_ahead_has_succeeded_now(mint: Mint) -> None:
    claims = verified(mint, mint.token(acr="gold", auth_time=SECONDS + 20), GOLD)
    assert claims.mfa_time == claims.auth_time == NOW


def test_without_a_time_somebody_signed_in_when_the_token_was_issued(mint: Mint) -> None:
    assert verified(mint, mint.token()).auth_time == NOW - timedelta(seconds=60)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"audience": ""},
        {"audience": ["a"]},
        {"audience": "a", "mfa": {}},
        {"audience": "a", "mfa": {"acr": []}},
        {"audience": "a", "mfa": {"acr": "gold"}},
        {"audience": "a", "mfa": {"acr": [""]}},
        {"audience": "a", "mfa": {"email_verified": ["true"]}},
        {"audience": "a", "mfa": True},
        {"audience": "a", "keys": "https://evil.example"},
    ],
    ids=str,
)
def test_settings_that_would_trust_by_mistake_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ForeignIssuer.model_validate(settings)


# -- anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["iss", "aud", "sub", "iat", "exp", "nbf", "jti", "auth_time", "amr", "acr", "typ", "cnf", "events", "mfa_time"]
)
LIKELY = st.sampled_from([ISSUER, AUDIENCE, "gold", "otp", ["otp"], "Bearer", "ID", SECONDS, AT, SECONDS + 840])


@settings(deadline=None)
@given(
    header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jwk"]), JSON, max_size=2),
    claims=st.dictionaries(NAMES, JSON | LIKELY, max_size=5),
    settings=st.sampled_from([PLAIN, GOLD, OTP, BOTH]),
)
def test_claims_of_any_shape_are_accepted_as_they_say_or_refused(
    mint: Mint, header: dict[str, object], claims: dict[str, object], settings: ForeignIssuer
) -> None:
    said = mint.claims(**claims)
    token = mint.token_of(mint.header(**header), said)
    try:
        found = verified(mint, token, settings)
    except Unauthenticated:
        return
    assert joserfc_accepts(mint, token)
    assert (found.issuer, found.subject) == (said["iss"], said["sub"]) == (ISSUER, found.subject)
    assert said["aud"] == AUDIENCE or AUDIENCE in said["aud"]  # type: ignore[operator]
    assert found.issued_at < found.expires_at
    assert found.auth_time <= NOW < found.expires_at + timedelta(seconds=30)
    assert not {"cnf", "events"} & said.keys()
    if found.mfa_time is not None:
        assert settings.mfa is not None
        assert found.mfa_time == found.auth_time
        assert "auth_time" in said
        assert all(claim in said for claim in settings.mfa)


@settings(deadline=None)
@given(token=st.text(max_size=300) | st.binary(max_size=300).map(lambda content: content.decode("latin-1")))
@example("\ud800")
@example("." * 9000)
def test_random_text_is_refused_and_nothing_else(mint: Mint, token: str) -> None:
    refusal(mint, token)
    with pytest.raises(Unauthenticated, match=INVALID_FOREIGN_TOKEN):
        said_by(token)


@settings(deadline=None)
@given(content=st.binary(max_size=200))
def test_random_bytes_under_a_good_signature_are_refused(mint: Mint, content: bytes) -> None:
    for token in (mint.token_of(mint.header(), content), mint.token_of(content, mint.claims())):
        refusal(mint, token)


@settings(deadline=None)
@given(offset=st.integers(-2000, 2000))
def test_a_token_holds_from_iat_to_exp_and_thirty_seconds_beyond_each(mint: Mint, offset: int) -> None:
    token = mint.token(iat=SECONDS, exp=SECONDS + 900)
    now = NOW + timedelta(seconds=offset)
    if -30 <= offset < 930:
        assert verified(mint, token, now=now).subject == str(SUBJECT)
    else:
        refusal(mint, token, now)


def test_a_token_with_any_one_bit_changed_is_refused(mint: Mint) -> None:
    token = mint.token()
    for index, character in enumerate(token):
        refusal(mint, token[:index] + chr(ord(character) ^ 1) + token[index + 1 :])


def test_the_keys_are_read_alike_by_both_libraries(mint: Mint) -> None:
    assert {key.kid for key in joserfc_keys(mint.keys).keys} == set(keys_of(mint))
