"""Messages between the gateway and a program that share a secret: HMAC-SHA256 of what, when, by which key.

    v1=hex(HMAC-SHA256(secret, "v1.PURPOSE.KEY.TIMESTAMP." + body))

The purpose is signed too, so that a message that goes out is not taken for one that comes in. The file of secrets is a
JSON object by the names of the keys; while one is replaced by another, both are in it:

    {"2026-11": {"secret": "BASE64 of 32 bytes or more"}, "acme-1": {"secret": "…", "organization": "UUID"}}

An organization that has keys of its own is served by those alone. The first of those that serve it signs; all verify.
"""

import base64
import binascii
import hashlib
import hmac
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson

from auth.keys import SECRET_BYTES, KeyFileError, read_private

KEY_HEADER: Final = "X-ITCare-Key"
TIMESTAMP_HEADER: Final = "X-ITCare-Timestamp"
SIGNATURE_HEADER: Final = "X-ITCare-Signature"
REQUEST: Final = "request"
"""The purpose of what the gateway asks."""
CALLBACK: Final = "callback"
"""The purpose of what it is told."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_ORGANIZATION = re.compile(r"(?:org_)?([0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})", re.ASCII)
_MEMBERS = frozenset({"secret", "organization"})

_log = logging.getLogger("gateway.keys")


@dataclass(frozen=True, slots=True)
class MessageKey:
    """A secret that both sides know, by its name; that of one organization, or of all that have none of their own."""

    name: str
    secret: bytes = field(repr=False)
    organization_id: UUID | None = None

    def sign(self, purpose: str, timestamp: int, body: bytes) -> str:
        """Give the signature of a message."""
        signed = f"v1.{purpose}.{self.name}.{timestamp}.".encode() + body
        return "v1=" + hmac.new(self.secret, signed, hashlib.sha256).hexdigest()

    def has_signed(self, signature: str, purpose: str, timestamp: int, body: bytes) -> bool:
        """Tell whether a signature is that of a message."""
        return hmac.compare_digest(self.sign(purpose, timestamp, body).encode(), signature.encode())

    def headers(self, purpose: str, timestamp: int, body: bytes) -> dict[str, str]:
        """Give the headers of a message that is sent."""
        return {
            KEY_HEADER: self.name,
            TIMESTAMP_HEADER: str(timestamp),
            SIGNATURE_HEADER: self.sign(purpose, timestamp, body),
        }


class MessageKeys:
    """The keys that there are, the one that signs before those that only verify."""

    def __init__(self, keys: Iterable[MessageKey]) -> None:
        self._keys = {key.name: key for key in keys}

    def get(self, name: str) -> MessageKey | None:
        """Give the key of that name."""
        return self._keys.get(name)

    def of(self, organization_id: UUID) -> list[MessageKey]:
        """Give the keys that serve an organization: its own, or, if it has none, those of nobody in particular."""
        own = [key for key in self._keys.values() if key.organization_id == organization_id]
        return own or [key for key in self._keys.values() if key.organization_id is None]


class MessageKeyFile:
    """The keys as their file has them at each moment, so that to replace one takes no restart.

    A file that cannot be used any more changes nothing: the process goes on with the keys it has, and logs it.

    Raises:
        KeyFileError: it cannot be used when the process starts.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._stamp()
        self._keys = load_message_keys(path)

    def keys(self) -> MessageKeys:
        """Give the keys that there are now."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._keys = load_message_keys(self._path)
            except KeyFileError as error:
                _log.warning("Going on with the keys of messages as they were. %s", error)
        return self._keys

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size


def load_message_keys(path: Path) -> MessageKeys:
    """Read the keys of messages.

    Raises:
        KeyFileError: the file is missing, unreadable, open to others, or holds something else.
    """
    content = read_private(path)
    try:
        members = orjson.loads(content)
    except ValueError:
        members = None
    if not isinstance(members, dict) or not members:
        raise KeyFileError(f"The key file {path} does not hold a JSON object of keys.")
    return MessageKeys([_key(path, name, each) for name, each in members.items()])


def _key(path: Path, name: str, members: Any) -> MessageKey:
    if not _NAME.fullmatch(name):
        raise KeyFileError(f"The key file {path} names a key otherwise than by up to 64 of A-Z a-z 0-9 _ -.")
    if not isinstance(members, Mapping) or members.keys() - _MEMBERS:
        raise KeyFileError(f"The key {name} in {path} has other members than `secret` and `organization`.")
    try:
        secret = base64.b64decode(members.get("secret", ""), validate=True)
    except (binascii.Error, TypeError, ValueError):
        secret = b""
    if len(secret) < SECRET_BYTES:
        raise KeyFileError(f"The secret of the key {name} in {path} is not {SECRET_BYTES} bytes or more in base64.")
    organization = members.get("organization")
    if organization is None:
        return MessageKey(name, secret)
    found = _ORGANIZATION.fullmatch(organization) if isinstance(organization, str) else None
    if found is None:
        raise KeyFileError(f"The organization of the key {name} in {path} is no id of an organization.")
    return MessageKey(name, secret, UUID(found[1]))
