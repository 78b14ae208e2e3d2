"""A person's own device: the subscription by which a browser is notified, and the key that it signs with.

Both come from a page's script as JSON, and are held to their form before anything is kept. The key is on the curve
P-256; its private half never leaves the browser. What is signed says what it is for, so that no signature of a device
serves for anything else.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Self
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

MOST_ENDPOINT: Final = 2000
"""Characters of the address by which a push service notifies a browser."""
POINT_BYTES: Final = 65
COORDINATE_BYTES: Final = 32
SECRET_BYTES: Final = 16
SIGNATURE_BYTES: Final = 64

_ENDPOINT: Final = re.compile(r"https?://[!-~]+", re.ASCII)
_UNCOMPRESSED: Final = b"\x04"
# What browsers write of a public key; a private or a secret one has others.
_PUBLIC_MEMBERS: Final = frozenset({"kty", "crv", "x", "y", "alg", "use", "ext", "key_ops", "kid"})


class DeviceMalformed(ValueError):
    """What a browser sent of itself is not of its form; `member` says which part."""

    def __init__(self, member: str, message: str) -> None:
        super().__init__(message)
        self.member = member


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a browser is notified, and what notifications to it are encrypted for (RFC 8291)."""

    endpoint: str
    key: bytes
    secret: bytes


@dataclass(frozen=True, slots=True)
class Device:
    """A browser on a person's device, with the public key of what it signs; `is_gone` if it is notified no more."""

    subscription: Subscription
    key: bytes
    is_gone: bool = False

    def has_signed(self, text: bytes, signature: str) -> bool:
        """Say whether a text was signed with the key of the device (ES256)."""
        return has_signed(self.key, text, signature)

    def gone(self) -> Self:
        """Give the same device, notified no more."""
        return replace(self, is_gone=True)

    def at(self, subscription: Subscription) -> Self:
        """Give the same device, notified by another subscription."""
        return replace(self, subscription=subscription, is_gone=False)

    def written(self) -> bytes:
        """Write it down, to be sealed."""
        subscription = self.subscription
        members = {
            "endpoint": subscription.endpoint,
            "p256dh": base64url(subscription.key),
            "auth": base64url(subscription.secret),
            "key": base64url(self.key),
            "gone": self.is_gone,
        }
        return json.dumps(members).encode("ascii")

    @classmethod
    def read(cls, written: bytes) -> Self:
        """Read what was written down."""
        members = json.loads(written)
        key, secret = from_base64url(members["p256dh"]), from_base64url(members["auth"])
        return cls(Subscription(members["endpoint"], key, secret), from_base64url(members["key"]), members["gone"])


def read_subscription(members: Mapping[str, object]) -> Subscription:
    """Read a subscription as `PushSubscription.toJSON()` gives it; raises DeviceMalformed."""
    endpoint, keys = members.get("endpoint"), members.get("keys")
    if not isinstance(endpoint, str) or len(endpoint) > MOST_ENDPOINT or not _ENDPOINT.fullmatch(endpoint):
        raise DeviceMalformed("subscription", f"`endpoint` must be a URL of at most {MOST_ENDPOINT} characters.")
    if not isinstance(keys, dict):
        raise DeviceMalformed("subscription", "`keys` must be an object with `p256dh` and `auth`.")
    try:
        point = _point(from_base64url(keys.get("p256dh")))
        secret = from_base64url(keys.get("auth"))
    except ValueError:
        raise DeviceMalformed("subscription", "`p256dh` must be a point of P-256, and `auth` 16 bytes.") from None
    if len(secret) != SECRET_BYTES:
        raise DeviceMalformed("subscription", "`auth` must be 16 bytes in base64url.")
    return Subscription(endpoint, point, secret)


def read_public_key(members: Mapping[str, object]) -> bytes:
    """Read a public key of P-256 from a JSON Web Key, and give its point; raises DeviceMalformed."""
    if members.keys() - _PUBLIC_MEMBERS:
        raise DeviceMalformed("publicKey", "Send the public key only, with `kty`, `crv`, `x` and `y`.")
    if members.get("kty") != "EC" or members.get("crv") != "P-256":
        raise DeviceMalformed("publicKey", "The key must be on the curve P-256.")
    try:
        x, y = from_base64url(members.get("x")), from_base64url(members.get("y"))
        if (len(x), len(y)) != (COORDINATE_BYTES, COORDINATE_BYTES):
            raise ValueError("a coordinate of another length")
        return _point(_UNCOMPRESSED + x + y)
    except ValueError:
        raise DeviceMalformed("publicKey", "`x` and `y` must be a point of P-256.") from None


def has_signed(point: bytes, text: bytes, signature: str) -> bool:
    """Say whether a text was signed (ES256, r and s in 32 bytes each, base64url) with the key of a point."""
    try:
        raw = from_base64url(signature)
        if len(raw) != SIGNATURE_BYTES:
            return False
        r, s = raw[:COORDINATE_BYTES], raw[COORDINATE_BYTES:]
        der = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        key.verify(der, text, ec.ECDSA(SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return True


def enrolment_text(factor_id: UUID, challenge: str) -> bytes:
    """Say what a device signs to be set up."""
    return _text("enrolment", str(factor_id), challenge)


def question_text(factor_id: UUID, nonce: str) -> bytes:
    """Say what a device signs to be told what is waiting for it."""
    return _text("question", str(factor_id), nonce)


def subscription_text(factor_id: UUID, nonce: str, subscription: Subscription) -> bytes:
    """Say what a device signs to be notified by another subscription."""
    parts = subscription.endpoint, base64url(subscription.key), base64url(subscription.secret)
    return _text("subscription", str(factor_id), nonce, *parts)


def answer_text(challenge_id: UUID, digest: bytes | None, digits: str, secret: str) -> bytes:
    """Say what a device signs to answer: which challenge, which operation, the screen's digits, and its own secret."""
    return _text("answer", str(challenge_id), digest.hex() if digest else "", digits, secret)


def base64url(content: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def from_base64url(text: object) -> bytes:
    """Read bytes that are written in the one way that they can be; raises ValueError."""
    if not isinstance(text, str) or not text.isascii():
        raise ValueError("not base64url")
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("not base64url") from None
    if base64url(content) != text:
        raise ValueError("written in another way than ours")
    return content


def _point(content: bytes) -> bytes:
    if len(content) != POINT_BYTES or not content.startswith(_UNCOMPRESSED):
        raise ValueError("not an uncompressed point")
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), content)
    return content


def _text(purpose: str, *parts: str) -> bytes:
    return "\n".join([f"itcare push {purpose} 1", *parts]).encode()
