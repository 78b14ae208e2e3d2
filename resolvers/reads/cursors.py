"""Cursors: where a page stopped, authenticated, and bound to the list, its parent, its order and its filter."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from auth.errors import BadUserInput

MAC_BYTES = 16


class CursorSeal:
    """Makes and reads cursors with a secret key.

    A cursor is base64url of a MAC and the row's order values. What it is bound to goes into the MAC only: a cursor that
    was changed, or is used on another list, does not verify.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, binding: bytes, values: Sequence[Any]) -> str:
        """Make the cursor of a row."""
        payload = orjson.dumps([v.isoformat() if isinstance(v, datetime) else v for v in values], default=str)
        return _encode(self._mac(binding, payload) + payload)

    def open(self, binding: bytes, cursor: str, kinds: Sequence[type], *, argument: str) -> tuple[Any, ...]:
        """Give the order values of a cursor, as the Python types `kinds`; raises BadUserInput naming the argument."""
        refused = BadUserInput(
            "The cursor is not valid here: take it from the same list, with the same order and filter.",
            argument=argument,
        )
        try:
            sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise refused from None
        mac, payload = sealed[:MAC_BYTES], sealed[MAC_BYTES:]
        # Many texts decode to the same bytes; one of them is the cursor.
        if _encode(sealed) != cursor or not hmac.compare_digest(mac, self._mac(binding, payload)):
            raise refused
        return tuple(_typed(kind, value) for kind, value in zip(kinds, orjson.loads(payload), strict=True))

    def _mac(self, binding: bytes, payload: bytes) -> bytes:
        return hmac.digest(self._key, binding + payload, "sha256")[:MAC_BYTES]


def binding(*parts: object) -> bytes:
    """Digest what a cursor is bound to; the parts' `repr` says all that tells them apart."""
    return hashlib.sha256(repr(parts).encode()).digest()


def _encode(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _typed(kind: type, value: Any) -> Any:
    if kind is datetime:
        return datetime.fromisoformat(value)
    return UUID(value) if kind is UUID else value
