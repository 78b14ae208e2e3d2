"""Passwords: kept as argon2id hashes, under a pepper that is outside the database, and verified beside the event loop.

Hashing takes long and much memory on purpose. It is done in threads, so many at once, and never while a connection of
the database is held. For an account that is not there or has no password, a dummy is verified: the work is the same.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Text, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from auth.identity.password_policy import BreachFile, Weakness, normalized, weakness_of
from auth.identity.tables import Password
from auth.statements import Fetch, Statement
from auth.tables import TIMESTAMP, table

LEAST_MEMORY_KIB: Final = 19 * 1024
LEAST_PASSES: Final = 2

PASSWORD = table(Password)
_AT = bindparam("at", type_=TIMESTAMP)
_HASH = bindparam("new_hash", type_=Text())
FIND = Statement(select(PASSWORD.c.hash).where(PASSWORD.c.account_id == bindparam("of_account")))
SET = Statement(
    insert(PASSWORD)
    .values(account_id=bindparam("of_account"), hash=_HASH, changed_at=_AT)
    .on_conflict_do_update(index_elements=[PASSWORD.c.account_id], set_={"hash": _HASH, "changed_at": _AT})
)
# Only the hash that was verified: the password may have been changed since.
REHASH = Statement(
    update(PASSWORD)
    .where(PASSWORD.c.account_id == bindparam("of_account"), PASSWORD.c.hash == bindparam("old_hash", type_=Text()))
    .values(hash=_HASH)
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What it costs to hash one password, in memory and in passes over it."""

    memory_kib: int
    passes: int


class Passwords:
    """Hashes with the first of `peppers`, of 32 bytes each, and verifies what was hashed with any; `at_once` at a time.

    A hash says which pepper it was made with, and what it cost.
    """

    def __init__(
        self, peppers: Sequence[bytes], cost: Cost, *, at_once: int = 2, breaches: BreachFile | None = None
    ) -> None:
        self._peppers = {_name_of(pepper): pepper for pepper in peppers}
        self._current = _name_of(peppers[0])
        self._hasher = PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=1)
        self._room = asyncio.Semaphore(at_once)
        self._breaches = breaches
        self._dummy = self._hash(secrets.token_urlsafe())

    async def weakness(self, password: str, words: Sequence[str]) -> Weakness | None:
        """Say why a password is refused for a person of whom these words are known; None if it is good."""
        async with self._room:
            return await asyncio.to_thread(self._weakness, password, words)

    async def hash(self, password: str) -> str:
        """Hash a password."""
        async with self._room:
            return await asyncio.to_thread(self._hash, password)

    async def verify(self, password: str, kept: str | None) -> bool:
        """Say whether a password is the one of a hash; without one it is not, which takes as long."""
        async with self._room:
            is_right = await asyncio.to_thread(self._verify, password, kept or self._dummy)
        return is_right and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Tell a hash that was made with another pepper, or at another cost, than one that is made now."""
        name, _, encoded = kept.partition(":")
        return name != self._current or self._hasher.check_needs_rehash(encoded)

    def _weakness(self, password: str, words: Sequence[str]) -> Weakness | None:
        weakness = weakness_of(password, words)
        if weakness is None and self._breaches is not None and self._breaches.holds(password):
            return Weakness.BREACHED
        return weakness

    def _hash(self, password: str) -> str:
        return f"{self._current}:{self._hasher.hash(_peppered(self._peppers[self._current], password))}"

    def _verify(self, password: str, kept: str) -> bool:
        name, _, encoded = kept.partition(":")
        pepper = self._peppers.get(name)
        if pepper is None:
            return False
        try:
            return self._hasher.verify(encoded, _peppered(pepper, password))
        except (VerificationError, InvalidHashError):
            return False


def _peppered(pepper: bytes, password: str) -> bytes:
    return hmac.digest(pepper, normalized(password).encode(), "sha256")


def _name_of(pepper: bytes) -> str:
    return hashlib.sha256(b"itcare pepper 1 " + pepper).hexdigest()[:8]


async def find_hash(fetch: Fetch, account_id: UUID) -> str | None:
    """Give the hash of an account's password; None if it has none."""
    rows = await fetch(FIND, {"of_account": account_id})
    return rows[0]["hash"] if rows else None


async def set_hash(fetch: Fetch, account_id: UUID, new_hash: str, now: datetime) -> None:
    """Give an account a password, in the place of the one before."""
    await fetch(SET, {"of_account": account_id, "new_hash": new_hash, "at": now})


async def renew_hash(fetch: Fetch, account_id: UUID, old_hash: str, new_hash: str) -> None:
    """Keep the same password at another cost or under another pepper."""
    await fetch(REHASH, {"of_account": account_id, "old_hash": old_hash, "new_hash": new_hash})
