"""Approvals of operations: asked for when a command is refused for the lack of one, found by its digest, spent by it.

A digest says exactly which operation was approved: who, what, in which Cloud, with which values. The same values give
the same digest however they were written, so that the command can be sent again as it was.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, bindparam, select, update

from auth.mfa.challenges import open_operation_challenge, open_session_challenge
from auth.mfa.tables import Approval
from auth.permissions import MFA_MAX_AGE
from auth.statements import Fetch, Statement
from auth.tables import TIMESTAMP, table

VALID_FOR: Final = timedelta(seconds=MFA_MAX_AGE)
"""How long an approval can be spent."""
LEFT_OUT: Final = frozenset({"idempotencyKey", "changeReference", "dryRun"})
"""What of an input does not change which operation it is."""

APPROVAL = table(Approval)
_AT = bindparam("at", type_=TIMESTAMP)
# Both processes may have written it; one whose clock is ahead of ours is no reason to refuse.
_USABLE = and_(
    APPROVAL.c.account_id == bindparam("of_account"),
    APPROVAL.c.digest == bindparam("of_digest"),
    APPROVAL.c.spent_at.is_(None),
    APPROVAL.c.approved_at.between(bindparam("earliest", type_=TIMESTAMP), bindparam("latest", type_=TIMESTAMP)),
)
HAS = Statement(select(APPROVAL.c.digest).where(_USABLE))
SPEND = Statement(update(APPROVAL).where(_USABLE).values(spent_at=_AT).returning(APPROVAL.c.digest))
CLOCK_SKEW: Final = timedelta(seconds=30)


def operation_digest(account_id: UUID, action: StrEnum, cloud_id: UUID, values: Mapping[str, Any]) -> bytes:
    """Give the digest of an operation: SHA-256 of canonical JSON of its action, Cloud, subject and coerced input.

    `action` is the key of its row in a table of rights. Of the input, `idempotencyKey`, `changeReference` and `dryRun`
    are left out. Values are what coercion gives: JSON values, UUIDs, aware times, dates, decimals and enums, in lists
    and mappings.

    Raises:
        TypeError: there is a value of another kind, which nobody could say how to write.
        ValueError: a time without a zone, or a number that is none.
    """
    operation = {
        "action": action.value,
        "cloud": str(cloud_id),
        "input": {name: _canonical(value) for name, value in _items(values) if name not in LEFT_OUT},
        "subject": str(account_id),
    }
    content = json.dumps(operation, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(content.encode("ascii")).digest()


async def request_approval(
    fetch: Fetch, account_id: UUID, action: StrEnum, cloud_id: UUID | None, digest: bytes, words: str, now: datetime
) -> UUID:
    """Ask a person to approve an operation; gives the challenge to answer, which may be open already.

    The transaction must be committed, although the operation is refused.
    """
    return (await open_operation_challenge(fetch, account_id, action, cloud_id, digest, words, now)).id


async def request_session(fetch: Fetch, account_id: UUID, now: datetime) -> UUID:
    """Ask a person for a fresh second factor; gives the challenge to answer, which may be open already.

    The transaction must be committed, although the operation is refused.
    """
    return (await open_session_challenge(fetch, account_id, now)).id


async def has_approval(fetch: Fetch, account_id: UUID, digest: bytes, now: datetime) -> bool:
    """Say whether there is an approval of this operation to be spent."""
    return bool(await fetch(HAS, _values(account_id, digest, now)))


async def spend_approval(fetch: Fetch, account_id: UUID, digest: bytes, now: datetime) -> bool:
    """Spend the approval of this operation; False if there is none, or another has spent it.

    Whoever comes second waits for the first's transaction: if that is rolled back, the approval is there again.
    """
    return bool(await fetch(SPEND, {**_values(account_id, digest, now), "at": now}))


def _values(account_id: UUID, digest: bytes, now: datetime) -> dict[str, Any]:
    return {
        "of_account": account_id,
        "of_digest": digest,
        "earliest": now - VALID_FOR,
        "latest": now + CLOCK_SKEW,
    }


def _canonical(value: Any) -> Any:
    """Write a value as JSON has it, in one way."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {name: _canonical(item) for name, item in _items(value)}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    return _text(value)


def _text(value: Any) -> str:
    match value:
        case UUID():
            return str(value)
        case datetime():
            if value.tzinfo is None:
                raise ValueError("A time in an operation's input needs a zone.")
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case date() | time():
            return value.isoformat()
        case Decimal():
            return f"{value.normalize():f}"
    raise TypeError(f"An operation's input holds a {type(value).__name__}, which has no canonical form.")


def _items(values: Mapping[Any, Any]) -> list[tuple[str, Any]]:
    if not all(isinstance(name, str) for name in values):
        raise TypeError("The names in an operation's input are texts.")
    return list(values.items())
