"""Public keys as JSON Web Keys (RFC 7517), as others give them to us."""

from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from auth.jwt import base64url, text
from auth.keys import VerificationKey

MOST_KEYS: Final = 20
"""Keys of a set."""
MOST_RSA_BITS: Final = 8192
COORDINATE_BYTES: Final = 32
PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def key_of_jwk(members: Mapping[str, object]) -> VerificationKey:
    """Read a public key that signatures are verified with: P-256 for ES256, or RSA for RS256.

    Raises:
        ValueError: it is another kind of key, is for something else, or is no public key.
    """
    if PRIVATE_MEMBERS & members.keys():
        raise ValueError("a private key, or a secret")
    if members.get("use", "sig") != "sig":
        raise ValueError("a key that is not for signatures")
    operations = members.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise ValueError("a key that is not for verifying")
    key = VerificationKey(_ec_key(members) if members.get("kty") == "EC" else _rsa_key(members))
    if members.get("alg", key.algorithm) != key.algorithm:
        raise ValueError("a key for another algorithm")
    return key


def keys_of_jwks(document: Mapping[str, object]) -> dict[str, VerificationKey]:
    """Read the keys of a set by their ids; those that are of no use here are left out, and all of an id given twice.

    Raises:
        ValueError: it is no set, or has more than `MOST_KEYS` keys.
    """
    members = document.get("keys")
    if not isinstance(members, list) or len(members) > MOST_KEYS:
        raise ValueError(f"not a list of at most {MOST_KEYS} keys")
    ids = [each.get("kid") for each in members if isinstance(each, dict)]
    found: dict[str, VerificationKey] = {}
    for each in members:
        if not isinstance(each, dict) or ids.count(each.get("kid")) > 1:
            continue
        try:
            found[text(each.get("kid"), "kid")] = key_of_jwk(each)
        except (ValueError, TypeError):
            continue
    return found


def _ec_key(members: Mapping[str, object]) -> ec.EllipticCurvePublicKey:
    if members.get("crv") != "P-256":
        raise ValueError("another curve")
    x, y = (_bytes(members, name) for name in ("x", "y"))
    if len(x) != COORDINATE_BYTES or len(y) != COORDINATE_BYTES:
        raise ValueError("coordinates of another length")
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1())
    return numbers.public_key()


def _rsa_key(members: Mapping[str, object]) -> rsa.RSAPublicKey:
    if members.get("kty") != "RSA":
        raise ValueError("another kind of key")
    n, e = (_bytes(members, name) for name in ("n", "e"))
    if len(n) * 8 > MOST_RSA_BITS:
        raise ValueError("a modulus that takes too long")
    return rsa.RSAPublicNumbers(int.from_bytes(e, "big"), int.from_bytes(n, "big")).public_key()


def _bytes(members: Mapping[str, object], name: str) -> bytes:
    value = members.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a text")
    return base64url(value)
