"""Secrets at rest: AES-256-GCM under a key outside the database, each bound to what it is the secret of.

A sealed secret is a version, a random nonce, and the ciphertext with its tag. Who can write to the database but lacks
the key can neither read a secret, nor make one, nor move one elsewhere: the id of its owner is sealed with it, and the
purpose, so that the secret of a factor is not taken for one that an operation brings to a driver.
"""

import secrets
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
FACTORS: Final = b"itcare factor secret 1 "
OPERATIONS: Final = b"itcare operation secret 1 "
NONCES: Final = b"itcare device nonce 1 "


class SealBroken(Exception):
    """A sealed secret cannot be opened: another key, another owner, or it was changed."""


class SecretSeal:
    """Seals with the first of `keys`, of 32 bytes each, and opens what any of them sealed for the same purpose."""

    def __init__(self, keys: Sequence[bytes], purpose: bytes = FACTORS) -> None:
        self._ciphers = [AESGCM(key) for key in keys]
        self._purpose = purpose

    def seal(self, owner_id: UUID, secret: bytes) -> bytes:
        """Seal a secret."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._ciphers[0].encrypt(nonce, secret, self._purpose + owner_id.bytes)

    def open(self, owner_id: UUID, sealed: bytes) -> bytes:
        """Give a secret.

        Raises:
            SealBroken: it was not sealed for this owner with one of the keys.
        """
        start = len(_VERSION) + _NONCE_BYTES
        if sealed.startswith(_VERSION):
            for cipher in self._ciphers:
                try:
                    return cipher.decrypt(sealed[len(_VERSION) : start], sealed[start:], self._purpose + owner_id.bytes)
                except (InvalidTag, ValueError):
                    continue
        raise SealBroken("The secret cannot be opened with the key there is.")
