"""An authenticator in software, with the browser in front of it: does rightly, and on demand wrongly, what they do."""

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import strategies as st

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40
ES256, EDDSA, RS256 = -7, -8, -257
PARTS: Final = ("clientDataJSON", "attestationObject", "authenticatorData", "signature")
BYTES: Final = st.binary(min_size=1, max_size=50)
JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text("abc", max_size=3), parts, max_size=3),
    max_leaves=6,
)
AAGUID: Final = bytes(range(16))


def base64url(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def spoil(credential: dict[str, Any], data: st.DataObject) -> None:
    """Put something else in the place of one part of what a browser sends, or a change into its bytes."""
    response = credential["response"]
    name = data.draw(st.sampled_from([name for name in PARTS if name in response]))
    right = unbase64url(response[name])
    at, bits, more = data.draw(st.integers(0, 10_000)) % len(right), data.draw(st.integers(1, 255)), data.draw(BYTES)
    flipped = right[:at] + bytes([right[at] ^ bits]) + right[at + 1 :]
    changed = (flipped, right[:at], right + more, right[:at] + more + right[at:], more)
    response[name] = data.draw(st.sampled_from([base64url(content) for content in changed]) | JSON)


def unbase64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "==")


@dataclass
class Authenticator:
    """Holds one credential; `verifies` its person unless told otherwise, and counts unless `count` is None."""

    origin: str
    algorithm: int = ES256
    verifies: bool = True
    count: int | None = 0
    cross_origin: bool = False
    rp_id: str | None = None
    """Another one than asked for, if given."""
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    user_handle: bytes = b""
    transports: tuple[object, ...] = ("internal", "hybrid")

    def __post_init__(self) -> None:
        self.key: Any
        if self.algorithm == EDDSA:
            self.key = ed25519.Ed25519PrivateKey.generate()
        elif self.algorithm == RS256:
            self.key = rsa.generate_private_key(65537, 2048)
        else:
            self.key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Answer what a browser is asked to make, as `toJSON()` of what it gives."""
        assert self.algorithm in [parameter["alg"] for parameter in options["pubKeyCredParams"]]
        self.user_handle = unbase64url(options["user"]["id"])
        attested = AAGUID + len(self.credential_id).to_bytes(2, "big") + self.credential_id
        data = self._data(options["rp"]["id"], ATTESTED) + attested + cbor2.dumps(self.public_key)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": base64url(self._client_data("webauthn.create", options["challenge"])),
            "attestationObject": base64url(attestation),
            "transports": list(self.transports),
        }
        return self._credential(response)

    def get(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Answer what a browser is asked to sign."""
        if self.count is not None:
            self.count += 1
        data = self._data(options["rpId"], 0)
        client_data = self._client_data("webauthn.get", options["challenge"])
        response = {
            "clientDataJSON": base64url(client_data),
            "authenticatorData": base64url(data),
            "signature": base64url(self.sign(data + hashlib.sha256(client_data).digest())),
            "userHandle": base64url(self.user_handle),
        }
        return self._credential(response)

    @property
    def public_key(self) -> dict[int, Any]:
        """The key as COSE has it."""
        public = self.key.public_key()
        if self.algorithm == EDDSA:
            return {1: 1, 3: EDDSA, -1: 6, -2: public.public_bytes_raw()}
        numbers = public.public_numbers()
        if self.algorithm == RS256:
            return {1: 3, 3: RS256, -1: numbers.n.to_bytes(256, "big"), -2: numbers.e.to_bytes(3, "big")}
        return {1: 2, 3: ES256, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}

    def sign(self, content: bytes) -> bytes:
        signature: bytes
        if self.algorithm == EDDSA:
            signature = self.key.sign(content)
        elif self.algorithm == RS256:
            signature = self.key.sign(content, padding.PKCS1v15(), SHA256())
        else:
            signature = self.key.sign(content, ec.ECDSA(SHA256()))
        return signature

    def twin(self, **changes: Any) -> "Authenticator":
        """Another one that has the same key."""
        other = replace(self, **changes)
        other.key = self.key
        return other

    def _data(self, rp_id: str, flags: int) -> bytes:
        flags |= USER_PRESENT | (USER_VERIFIED if self.verifies else 0)
        party = hashlib.sha256((self.rp_id or rp_id).encode()).digest()
        return party + bytes([flags]) + (self.count or 0).to_bytes(4, "big")

    def _client_data(self, of: str, challenge: str) -> bytes:
        data = {"type": of, "challenge": challenge, "origin": self.origin, "crossOrigin": self.cross_origin}
        return json.dumps(data).encode()

    def _credential(self, response: Mapping[str, Any]) -> dict[str, Any]:
        named = base64url(self.credential_id)
        return {
            "id": named,
            "rawId": named,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": dict(response),
        }
