"""Tokens to resume by: how far somebody had come in the log of each organization, for their account's eyes alone.

A token is a version, a random nonce, and sealed content: when it was made, and a number for each organization. Whoever
holds it can read none of it, and nobody but the account it was made for can use it.
"""

import base64
import binascii
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from auth.errors import BadUserInput

LONGEST: Final = 64 * 1024
"""How many characters are looked at: a token of some thousand organizations."""
_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
# The key is the one of cursors: what is derived from it for one purpose is of no use for another.
_PURPOSE: Final = b"itcare resume token 1 "
_MADE: Final = struct.Struct(">Q")
_PLACE: Final = struct.Struct(">16sQ")


@dataclass(frozen=True, slots=True)
class Resume:
    """What a token says: when it was made, and the last event seen of each organization."""

    made_at: datetime
    positions: Mapping[UUID, int]


class ResumeSeal:
    """Makes and opens tokens with a secret key, of which each account has its own derived one."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, account_id: UUID, resume: Resume) -> str:
        """Make a token of an account."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        content = _MADE.pack(int(resume.made_at.timestamp())) + b"".join(
            _PLACE.pack(organization.bytes, seq) for organization, seq in resume.positions.items()
        )
        return _written(_VERSION + nonce + self._cipher(account_id).encrypt(nonce, content, _VERSION))

    def open(self, account_id: UUID, token: str, *, argument: str) -> Resume:
        """Read a token; raises BadUserInput, naming the argument, if it is none that was made for this account."""
        refused = BadUserInput(
            "This is not a cursor of yours: take it from what the same account was told last.", argument=argument
        )
        try:
            sealed = base64.b64decode(token[:LONGEST] + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            start = len(_VERSION) + _NONCE_BYTES
            # Many texts decode to the same bytes; one of them is the token.
            if not sealed.startswith(_VERSION) or _written(sealed) != token:
                raise refused
            nonce = sealed[len(_VERSION) : start]
            content = self._cipher(account_id).decrypt(nonce, sealed[start:], _VERSION)
        except (ValueError, binascii.Error, InvalidTag):
            raise refused from None
        places = _PLACE.iter_unpack(content[_MADE.size :])
        return Resume(
            datetime.fromtimestamp(_MADE.unpack_from(content)[0], UTC),
            {UUID(bytes=organization): seq for organization, seq in places},
        )

    def _cipher(self, account_id: UUID) -> AESGCM:
        derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE + account_id.bytes)
        return AESGCM(derive.derive(self._key))


def _written(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
