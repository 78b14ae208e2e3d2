"""Mints tokens for the tests: as our issuer does, and as it never would."""

import base64
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from uuid import UUID

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from joserfc.jwk import KeySet

from auth.keys import SigningKey, VerificationKey, jwks
from auth.tokens import JwtVerifier

ISSUER = "https://gateway.example"
AUDIENCE = "itcare-gateway"
SUBJECT = UUID("0198c1a2-7c55-7e3b-9f00-3f2a1b4c5d6e")
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

ABSENT = object()


def encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def with_changes(members: dict[str, object], changes: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in {**members, **changes}.items() if value is not ABSENT}


def raw_signature(der: bytes) -> bytes:
    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def joserfc_keys(keys: Iterable[VerificationKey]) -> KeySet:
    """The published keys as another library reads them."""
    return KeySet.import_key_set(json.loads(json.dumps(jwks(keys))))


class Mint:
    """Two keys the gateway trusts (P-256 and RSA) and one of a stranger, with everything that can be signed by them."""

    def __init__(self) -> None:
        self.ec_key = ec.generate_private_key(ec.SECP256R1())
        self.rsa_key = rsa.generate_private_key(65537, 2048)
        self.stranger_key = ec.generate_private_key(ec.SECP256R1())
        self.signing_key = SigningKey(self.ec_key)
        self.rsa_verification_key = VerificationKey(self.rsa_key.public_key())
        self.keys = [self.signing_key, self.rsa_verification_key]

    def verifier(self, remember: int = 16) -> JwtVerifier:
        return JwtVerifier(self.keys, ISSUER, AUDIENCE, remember=remember)

    def header(self, **changes: object) -> dict[str, object]:
        return with_changes({"alg": "ES256", "kid": self.signing_key.kid, "typ": "at+jwt"}, changes)

    def claims(self, **changes: object) -> dict[str, object]:
        usual: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(SUBJECT),
            "iat": SECONDS - 60,
            "exp": SECONDS + 840,
            "jti": "4f0c5c1e-4a93-4a9b-9d0f-2f5f4a6f3d11",
        }
        return with_changes(usual, changes)

    def token(self, header: bytes | Mapping[str, object] | None = None, **claims: object) -> str:
        """A token with these claims changed, signed by our P-256 key."""
        return self.token_of(self.header() if header is None else header, self.claims(**claims))

    def token_of(self, header: bytes | Mapping[str, object], payload: bytes | Mapping[str, object]) -> str:
        return self.signed(f"{encode(as_json(header))}.{encode(as_json(payload))}")

    def headed(self, **changes: object) -> str:
        """A token with these header members changed, signed by our P-256 key."""
        return self.token(self.header(**changes))

    def signed(self, signing_input: str, key: ec.EllipticCurvePrivateKey | None = None) -> str:
        return f"{signing_input}.{encode(self.signature(signing_input, key))}"

    def signature(self, signing_input: str, key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
        return raw_signature((key or self.ec_key).sign(signing_input.encode(), ec.ECDSA(hashes.SHA256())))

    def with_signature(self, signature: bytes) -> str:
        return f"{self.signing_input()}.{encode(signature)}"

    def signing_input(self, header: Mapping[str, object] | None = None) -> str:
        return f"{encode(as_json(header or self.header()))}.{encode(as_json(self.claims()))}"

    def rsa_token(self, algorithm: hashes.HashAlgorithm | None = None, *, pss: bool = False, **header: object) -> str:
        """A token signed by our RSA key: RS256 unless told otherwise."""
        usual = {"alg": "RS256", "kid": self.rsa_verification_key.kid}
        signing_input = self.signing_input(self.header(**{**usual, **header}))
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if pss else padding.PKCS1v15()
        signature = self.rsa_key.sign(signing_input.encode(), scheme, algorithm or hashes.SHA256())
        return f"{signing_input}.{encode(signature)}"

    def twin(self, token: str) -> str:
        """The same token with the other signature that ECDSA allows: s replaced by n - s."""
        signing_input, _, part = token.rpartition(".")
        signature = decode(part)
        s = P256_ORDER - int.from_bytes(signature[32:], "big")
        return f"{signing_input}.{encode(signature[:32] + s.to_bytes(32, 'big'))}"

    def der_signature(self) -> bytes:
        signature = self.signature(self.signing_input())
        return encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))

    def public_bytes(self, encoding: serialization.Encoding) -> bytes:
        return self.ec_key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


def as_json(part: bytes | Mapping[str, object]) -> bytes:
    return part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()
