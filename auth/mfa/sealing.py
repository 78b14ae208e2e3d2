"""The secrets of factors at rest: AES-256-GCM under a key outside the database, each bound to its own factor.

A sealed secret is a version, a random nonce, and the ciphertext with its tag. Who can write to the database but lacks
the key can neither read a secret, nor make one, nor move one to another account: the factor's id is sealed with it.
"""

import secrets
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_PURPOSE: Final = b"itcare factor secret 1 "


class SealBroken(Exception):
    """A sealed secret cannot be opened: another key, another factor, or it was changed."""


class SecretSeal:
    """Seals with the first of `keys`, of 32 bytes each, and opens what any of them sealed."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = [AESGCM(key) for key in keys]

    def seal(self, factor_id: UUID, secret: bytes) -> bytes:
        """Seal the secret of a factor."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._ciphers[0].encrypt(nonce, secret, _PURPOSE + factor_id.bytes)

    def open(self, factor_id: UUID, sealed: bytes) -> bytes:
        """Give the secret of a factor.

        Raises:
            SealBroken: it was not sealed for this factor with one of the keys.
        """
        start = len(_VERSION) + _NONCE_BYTES
        if sealed.startswith(_VERSION):
            for cipher in self._ciphers:
                try:
                    return cipher.decrypt(sealed[len(_VERSION) : start], sealed[start:], _PURPOSE + factor_id.bytes)
                except (InvalidTag, ValueError):
                    continue
        raise SealBroken("The secret of a second factor cannot be opened with the MFA key.")
