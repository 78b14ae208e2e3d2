"""Identifiers and times of the demo: all are known beforehand, none is read from a clock."""

import hashlib
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

AS_OF: Final = datetime(2026, 1, 15, 9, tzinfo=UTC)
"""The demo's "now": everything that has happened happened before it."""

FOUNDED: Final = AS_OF - timedelta(days=3 * 365)
"""When the first organizations, Clouds and accounts were created."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_VERSION_AND_VARIANT: Final = 0x7 << 76 | 0b10 << 62


def uuid7_at(at: datetime, bits: int) -> UUID:
    """Make the UUIDv7 of a moment out of 74 bits."""
    milliseconds = (at - _EPOCH) // _MILLISECOND
    return UUID(int=milliseconds << 80 | _VERSION_AND_VARIANT | bits >> 62 << 64 | bits & (1 << 62) - 1)


def drawn_id(random: Random, at: datetime) -> UUID:
    """Draw the identifier of something created at a moment."""
    return uuid7_at(at, random.getrandbits(74))


def named_id(name: str, at: datetime = FOUNDED) -> UUID:
    """Derive the identifier of something known by name, such as `account:pow@demo.example`, from its name."""
    return uuid7_at(at, int.from_bytes(hashlib.sha256(name.encode()).digest()) >> 182)


def account_id(email: str) -> UUID:
    """Derive the identifier of a demo account: a UUIDv7 of `FOUNDED` whose random bits are a digest of the address."""
    return named_id(f"account:{email}")
