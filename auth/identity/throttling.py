"""How often sign-ins may fail, by account, address and device: the more have failed, the longer the next one waits.

An attempt is counted as failed before its password is looked at, and taken off the count if it was right: those who
guess together cannot be more. While one waits it is not counted, so that nobody is kept out by what is not looked at.

A browser that somebody has signed in with before is a known device of theirs. What is tried from it is counted for it
alone: strangers who guess keep neither the person's own browser out, nor do they hide behind its count.

Counts are kept by keyed digests. No address and no e-mail can be read from them, and an e-mail that is nobody's has a
count like any other.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, bindparam, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from auth.identity.tables import KnownDevice, SignInFailures
from auth.statements import Fetch, Statement
from auth.tables import TIMESTAMP, table

REMEMBERED: Final = timedelta(days=1)
"""How long a failure counts."""
MOST_KEPT: Final = 40
"""Failures of one key that are kept."""
DEVICE_LASTS: Final = timedelta(days=180)
MOST_DEVICES: Final = 10
"""Known devices of one account; the ones that were used last."""
IPV6_PREFIX: Final = 64
"""Bits of an IPv6 address that say whose it is."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How many failures are free, and how long to wait after the first that is not; each more doubles it."""

    free: int
    first: timedelta
    longest: timedelta

    def wait(self, failures: int) -> timedelta:
        """Say how long to wait after so many failures."""
        if failures < self.free:
            return timedelta(0)
        wait: timedelta = self.first * 2 ** min(failures - self.free, 20)
        return min(self.longest, wait)


WITH_ACCOUNT: Final = Patience(5, timedelta(seconds=30), timedelta(minutes=15))
WITH_ADDRESS: Final = Patience(20, timedelta(seconds=10), timedelta(minutes=15))
"""Many people may share an address."""
WITH_DEVICE: Final = Patience(10, timedelta(seconds=30), timedelta(minutes=15))

FAILURES, DEVICE = table(SignInFailures), table(KnownDevice)
_AT = bindparam("at", type_=TIMESTAMP)
_KEY = bindparam("of_key", type_=LargeBinary())
_NEVER = literal(datetime(1970, 1, 1, tzinfo=UTC), TIMESTAMP)
# The row is locked until the transaction ends: of those who guess together each sees the ones before.
LOCK = Statement(
    insert(FAILURES)
    .values(key=_KEY, failed_at=bindparam("none", type_=ARRAY(TIMESTAMP)))
    .on_conflict_do_update(index_elements=[FAILURES.c.key], set_={"failed_at": FAILURES.c.failed_at})
    .returning(FAILURES.c.failed_at)
)
KEEP = Statement(
    update(FAILURES).where(FAILURES.c.key == _KEY).values(failed_at=bindparam("all_failed", type_=ARRAY(TIMESTAMP)))
)
FORGET_KEY = Statement(delete(FAILURES).where(FAILURES.c.key == _KEY))
FORGET_OLD = Statement(
    delete(FAILURES).where(
        func.coalesce(FAILURES.c.failed_at[func.cardinality(FAILURES.c.failed_at)], _NEVER)
        < bindparam("earliest", type_=TIMESTAMP)
    )
)
FIND_DEVICE = Statement(
    select(DEVICE.c.digest).where(
        DEVICE.c.account_id == bindparam("of_account"),
        DEVICE.c.digest == bindparam("of_digest", type_=LargeBinary()),
        DEVICE.c.last_used_at > bindparam("earliest", type_=TIMESTAMP),
    )
)
KEEP_DEVICE = Statement(
    insert(DEVICE)
    .values(
        digest=bindparam("of_digest", type_=LargeBinary()),
        account_id=bindparam("of_account"),
        created_at=_AT,
        last_used_at=_AT,
    )
    .on_conflict_do_update(index_elements=[DEVICE.c.digest], set_={"last_used_at": _AT})
)
_NEWEST = (
    select(DEVICE.c.digest)
    .where(DEVICE.c.account_id == bindparam("of_account"))
    .order_by(DEVICE.c.last_used_at.desc(), DEVICE.c.digest)
    .limit(MOST_DEVICES)
    .scalar_subquery()
)
DROP_DEVICES = Statement(
    delete(DEVICE).where(DEVICE.c.account_id == bindparam("of_account"), DEVICE.c.digest.not_in(_NEWEST))
)


@dataclass(frozen=True, slots=True)
class Counted:
    """An attempt that was counted as failed, and by which keys; `wait` if it must not be looked at, and is not."""

    keys: Sequence[bytes]
    at: datetime
    wait: timedelta | None = None


class Throttle:
    """Counts by digests that are keyed with `key`."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    async def count_sign_in(
        self, fetch: Fetch, email: str, address: str | None, device: bytes | None, now: datetime
    ) -> Counted:
        """Count an attempt to sign in; `device` is the digest of a device that is known of the account."""
        if device is not None:
            return await self._count(fetch, [(b"device", device, WITH_DEVICE)], now)
        return await self.count(fetch, email, address, now)

    async def count(self, fetch: Fetch, email: str, address: str | None, now: datetime, what: bytes = b"") -> Counted:
        """Count an attempt at an e-mail, be it somebody's or not, from an address; `what` is counted apart."""
        of = [(b"account" + what, email.strip().lower().encode("utf-8", "replace"), WITH_ACCOUNT)]
        network = _network(address)
        if network is not None:
            of.append((b"address" + what, network, WITH_ADDRESS))
        return await self._count(fetch, of, now)

    async def count_client(self, fetch: Fetch, client_id: str, address: str | None, now: datetime) -> Counted:
        """Count an attempt of a client to show that it is it.

        By both together: nobody's secret is guessed, and a program that is set up wrongly stops no other behind the
        same address, nor does a stranger stop a program.
        """
        whose = client_id.encode("utf-8", "replace") + b"\0" + (_network(address) or b"")
        return await self._count(fetch, [(b"client", whose, WITH_ACCOUNT)], now)

    async def forgive(self, fetch: Fetch, counted: Counted) -> None:
        """Take an attempt off the counts: it was right."""
        for key in counted.keys:
            kept = [failed for failed in await _lock(fetch, key) if failed != counted.at]
            if kept:
                await fetch(KEEP, {"of_key": key, "all_failed": kept})
            else:
                await fetch(FORGET_KEY, {"of_key": key})

    async def _count(self, fetch: Fetch, of: Sequence[tuple[bytes, bytes, Patience]], now: datetime) -> Counted:
        # Always in this order, so that two transactions never wait for one another.
        keys = [hmac.digest(self._key, kind + b"\0" + whose, "sha256") for kind, whose, _ in of]
        wait = timedelta(0)
        counts = []
        for key, (_, _, patience) in zip(keys, of, strict=True):
            failed_at = [failed for failed in await _lock(fetch, key) if failed > now - REMEMBERED]
            pause = patience.wait(len(failed_at))
            # Of those who try together, one may have begun after another that is counted already.
            if pause:
                wait = max(wait, failed_at[-1] + pause - now)
            counts.append(failed_at)
        if wait > timedelta(0):
            return Counted((), now, wait)
        for key, failed_at in zip(keys, counts, strict=True):
            await fetch(KEEP, {"of_key": key, "all_failed": [*failed_at, now][-MOST_KEPT:]})
        return Counted(keys, now)


async def _lock(fetch: Fetch, key: bytes) -> list[datetime]:
    rows = await fetch(LOCK, {"of_key": key, "none": []})
    return list(rows[0]["failed_at"])


def _network(address: str | None) -> bytes | None:
    """Give what of an address says whose it is: all of IPv4, of IPv6 the network; None if there is no address."""
    try:
        parsed = ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return parsed.ipv4_mapped.packed
        return ip_network((parsed, IPV6_PREFIX), strict=False).network_address.packed
    return parsed.packed


async def forget_failures(fetch: Fetch, now: datetime) -> None:
    """Drop the counts in which no failure counts any more."""
    await fetch(FORGET_OLD, {"earliest": now - REMEMBERED})


async def is_known_device(fetch: Fetch, account_id: UUID, digest: bytes, now: datetime) -> bool:
    """Say whether somebody has signed in to this account with the device before."""
    values = {"of_account": account_id, "of_digest": digest, "earliest": now - DEVICE_LASTS}
    return bool(await fetch(FIND_DEVICE, values))


async def keep_device(fetch: Fetch, account_id: UUID, digest: bytes, now: datetime) -> None:
    """Know a device, new or the account's own; if there are too many, forget those that were used longest ago."""
    await fetch(KEEP_DEVICE, {"of_account": account_id, "of_digest": digest, "at": now})
    await fetch(DROP_DEVICES, {"of_account": account_id})
