"""Public keys that others give us, as JSON Web Keys."""

from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey

from auth.jwk import MOST_KEYS, key_of_jwk, keys_of_jwks
from auth.keys import VerificationKey
from tests.auth.mint import ABSENT, Mint, encode, with_changes

BIG = rsa.generate_private_key(65537, 2048)
SMALL = encode(rsa.generate_private_key(65537, 2048).public_key().public_numbers().n.to_bytes(256, "big")[-128:])


def ec_jwk(mint: Mint, **changes: object) -> dict[str, object]:
    """Our P-256 key as joserfc writes it, with some members changed."""
    return with_changes({**ECKey.import_key(mint.ec_key.public_key()).as_dict(private=False), "kid": "ec"}, changes)


def rsa_jwk(key: rsa.RSAPrivateKey = BIG, **changes: object) -> dict[str, object]:
    return with_changes({**RSAKey.import_key(key.public_key()).as_dict(private=False), "kid": "rsa"}, changes)


def test_keys_are_read_as_another_library_writes_them(mint: Mint) -> None:
    assert key_of_jwk(ec_jwk(mint)).kid == mint.signing_key.kid
    assert key_of_jwk(rsa_jwk(mint.rsa_key)).kid == mint.rsa_verification_key.kid


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"},
        {"use": None},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"alg": "ES384"},
        {"alg": "RS256"},
        {"alg": "none"},
        {"crv": "P-384"},
        {"crv": ABSENT},
        {"kty": "OKP"},
        {"kty": "RSA"},
        {"kty": "oct", "k": "AAAA"},
        {"kty": ABSENT},
        {"d": "AAAA"},
        {"x": ABSENT},
        {"x": 1},
        {"x": "AAAA"},
        {"x": encode(bytes(32))},
        {"x": encode(b"\xff" * 32)},
        {"y": encode(bytes(33))},
        {"y": "not base64url"},
        {"y": "é"},
    ],
    ids=lambda changes: str({name: "absent" if value is ABSENT else value for name, value in changes.items()}),
)
def test_a_key_that_is_of_no_use_is_refused(mint: Mint, changes: Mapping[str, object]) -> None:
    assert key_of_jwk(ec_jwk(mint, use="sig", key_ops=["verify"], alg="ES256"))
    with pytest.raises(ValueError):  # noqa: PT011  # of whatever message
        key_of_jwk(ec_jwk(mint, **changes))


@pytest.mark.parametrize(
    "jwk",
    [
        rsa_jwk(n=SMALL),
        rsa_jwk(e=encode(b"\1")),
        rsa_jwk(e=encode(b"\2")),
        rsa_jwk(n=encode(b"\xff" * 1025)),
        rsa_jwk(n=ABSENT),
        rsa_jwk(alg="PS256"),
        rsa_jwk(alg="RS512"),
    ],
    ids=["1024 bits", "e = 1", "e = 2", "8,200 bits", "no n", "PS256", "RS512"],
)
def test_an_rsa_key_that_is_weak_or_slow_or_for_something_else_is_refused(jwk: Mapping[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        key_of_jwk(jwk)


def test_a_set_gives_its_keys_by_the_names_of_its_issuer(mint: Mint) -> None:
    keys = keys_of_jwks({"keys": [ec_jwk(mint, kid="first"), rsa_jwk(kid="second", alg="RS256", x5c=["MIIB"])]})
    assert {kid: key.algorithm for kid, key in keys.items()} == {"first": "ES256", "second": "RS256"}


def test_keys_of_no_use_are_left_out_of_a_set_and_all_of_one_name(mint: Mint) -> None:
    nameless = [ec_jwk(mint, kid=ABSENT), ec_jwk(mint, kid=""), ec_jwk(mint, kid=1), ec_jwk(mint, kid="a\nb")]
    twice = [ec_jwk(mint, kid="twice"), rsa_jwk(kid="twice")]
    others = [rsa_jwk(kid="for encryption", use="enc"), "a text", None, {"kid": "empty"}]
    assert list(keys_of_jwks({"keys": [*nameless, *twice, *others, ec_jwk(mint, kid="good")]})) == ["good"]


def test_a_set_may_be_empty_and_then_everything_is_withdrawn() -> None:
    assert keys_of_jwks({"keys": []}) == {}


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {}}, {"keys": "x"}], ids=str)
def test_what_is_no_set_is_refused(document: Mapping[str, object]) -> None:
    with pytest.raises(ValueError, match="at most 20"):
        keys_of_jwks(document)


def test_a_set_of_more_than_twenty_keys_is_refused(mint: Mint) -> None:
    many = [ec_jwk(mint, kid=str(number)) for number in range(MOST_KEYS + 1)]
    assert len(keys_of_jwks({"keys": many[1:]})) == MOST_KEYS
    with pytest.raises(ValueError, match="at most 20"):
        keys_of_jwks({"keys": many})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
BYTES = st.binary(max_size=300).map(encode)
MEMBERS = st.fixed_dictionaries(
    {"kty": st.sampled_from(["EC", "RSA"]) | JSON, "kid": st.sampled_from(["a", "b"]) | JSON},
    optional={
        "crv": st.just("P-256") | JSON,
        "x": st.binary(min_size=32, max_size=32).map(encode) | JSON,
        "y": st.binary(min_size=32, max_size=32).map(encode) | JSON,
        "n": BYTES | st.binary(min_size=256, max_size=256).map(encode) | JSON,
        "e": st.just("AQAB") | BYTES | JSON,
        "use": st.just("sig") | JSON,
        "alg": st.sampled_from(["ES256", "RS256"]) | JSON,
        "key_ops": st.just(["verify"]) | JSON,
    },
)


@settings(deadline=None)
@given(keys=st.lists(MEMBERS | JSON, max_size=4))
def test_of_any_set_those_are_given_that_can_verify(keys: list[object]) -> None:
    found = keys_of_jwks({"keys": keys})
    assert all(isinstance(key, VerificationKey) for key in found.values())
    # What another library takes for the same key has the same fingerprint.
    for kid, key in found.items():
        (members,) = [each for each in keys if isinstance(each, dict) and each.get("kid") == kid]
        library, names = (ECKey, "kty crv x y") if key.algorithm == "ES256" else (RSAKey, "kty n e")
        assert library.import_key({name: members[name] for name in names.split()}).thumbprint() == key.kid


@settings(deadline=None)
@given(x=st.integers(0, 2**256 - 1), y=st.integers(0, 2**256 - 1))
def test_a_point_that_is_not_on_the_curve_is_refused(x: int, y: int) -> None:
    jwk = {"kty": "EC", "crv": "P-256", "x": encode(x.to_bytes(32, "big")), "y": encode(y.to_bytes(32, "big"))}
    with pytest.raises(ValueError):  # noqa: PT011
        key_of_jwk(jwk)


def test_a_point_of_the_curve_is_read(mint: Mint) -> None:
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    x, y = (encode(each.to_bytes(32, "big")) for each in (numbers.x, numbers.y))
    assert key_of_jwk({"kty": "EC", "crv": "P-256", "x": x, "y": y}).algorithm == "ES256"
