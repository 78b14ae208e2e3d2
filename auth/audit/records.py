"""What is recorded, as an `Entry`; its canonical bytes; and how it becomes the next record of its chain.

    hash = SHA-256(previous || canonical)

`previous` is the hash of the record before it, 32 zero bytes for the first. The canonical bytes are JSON in UTF-8, of
all fields and the record's place, with sorted names and no white space: whoever has an export can compute them.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, Final, Self
from uuid import UUID, uuid5

import orjson
from sqlalchemy import text

from auth.statements import Fetch, Statement
from auth.tokens import Claims

PLATFORM: Final = UUID(int=0)
"""The platform's chain; every other chain is an organization's, by its id."""
GENESIS: Final = bytes(32)
"""The hash before a chain's first record."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_METHOD = re.compile(r"[a-z0-9_-]{1,32}")
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}")
_CORRELATION_ID = re.compile(r"[0-9a-f]{32}")
# Our own tokens are identified by UUIDs; another text is recorded as the UUID that is made of it.
_TOKEN_IDS = UUID("7c9e0a52-53d6-5b1e-9b0a-6f1f4dd0c2a7")


class Decision(StrEnum):
    """What came of it."""

    ALLOWED = "ALLOWED"
    DENIED = "DENIED"
    DRY_RUN = "DRY_RUN"


class Event(StrEnum):
    """What is recorded beside actions and administration."""

    SIGN_IN = "SIGN_IN"
    SIGN_OUT = "SIGN_OUT"
    END_SESSIONS = "END_SESSIONS"
    INVITATION = "INVITATION"
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105
    PASSWORD_CHANGE = "PASSWORD_CHANGE"  # noqa: S105
    AUTHORIZE = "AUTHORIZE"
    """A client asks for a code for a person who is signed in."""
    TOKEN = "TOKEN"  # noqa: S105
    """A client asks for tokens."""
    REVOKE_TOKEN = "REVOKE_TOKEN"  # noqa: S105
    STEP_UP = "STEP_UP"
    CLI_TOKEN = "CLI_TOKEN"  # noqa: S105
    CLI_RETRY = "CLI_RETRY"
    CLI_CANCEL = "CLI_CANCEL"
    EXPORT = "EXPORT"
    DENIALS_DROPPED = "DENIALS_DROPPED"
    """So many denials (`count`) came faster than they could be written; they are not in the chain."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who did it, from where, with which token and which factors.

    `email` is that of the account found, never what was typed: people type passwords into the wrong field.

    Raises:
        ValueError: a value is not of its form; the message names the field and does not quote it.
    """

    account_id: UUID | None = None
    email: str | None = None
    address: str | None = None
    token_id: UUID | None = None
    mfa_time: datetime | None = None
    amr: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what a secret could hide in."""
        _require(self.email is None or _is_email(self.email), "email")
        _require(self.address is None or self.address == _address(self.address), "address")
        _require(self.mfa_time is None or self.mfa_time.tzinfo is not None, "mfa_time")
        _require(all(_METHOD.fullmatch(method) for method in self.amr), "amr")

    @classmethod
    def of(cls, claims: Claims | None, *, email: str | None = None, host: str | None = None) -> Self:
        """Who sent a request: what its verified token says, the account's address, and the peer's `host`.

        Never raises: what is not of its form is left out.
        """
        email = email if email is not None and _is_email(email) else None
        address = None if host is None else _address(host)
        if claims is None:
            return cls(email=email, address=address)
        return cls(
            account_id=claims.subject,
            email=email,
            address=address,
            token_id=None if claims.token_id is None else token_uuid(claims.token_id),
            mfa_time=claims.mfa_time,
            amr=tuple(method for method in claims.amr if _METHOD.fullmatch(method)),
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to record: in whose chain, what, who, what came of it, and on what.

    `label` is an action's label, the name of an administration, or an `Event`. `input_digest` is the SHA-256 of the
    coerced input, never the input. `count` is how many such things it stands for. No field takes free text.

    Raises:
        ValueError: a value is not of its form; the message names the field and does not quote it.
    """

    chain: UUID
    label: str
    decision: Decision
    who: Who = field(default_factory=Who)
    code: str | None = None
    reasons: tuple[str, ...] = ()
    target_type: str | None = None
    target_id: UUID | None = None
    cloud_id: UUID | None = None
    input_digest: bytes | None = None
    correlation_id: str | None = None
    count: int = 1
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        """Refuse what a secret could hide in, and what the table would."""
        _require(_NAME.fullmatch(self.label) is not None, "label")
        _require(self.code is None or _CODE.fullmatch(self.code) is not None, "code")
        _require(all(_CODE.fullmatch(reason) for reason in self.reasons), "reasons")
        _require(self.target_type is None or _NAME.fullmatch(self.target_type) is not None, "target_type")
        _require(self.input_digest is None or len(self.input_digest) == 32, "input_digest")
        _require(
            self.correlation_id is None or _CORRELATION_ID.fullmatch(self.correlation_id) is not None, "correlation_id"
        )
        _require(0 < self.count < 2**31, "count")
        _require(self.at.tzinfo is not None, "at")


def token_uuid(token_id: str) -> UUID:
    """The UUID that a token (`jti`) is recorded by."""
    try:
        return UUID(token_id)
    except ValueError:
        return uuid5(_TOKEN_IDS, token_id)


def members(entry: Entry, seq: int) -> dict[str, Any]:
    """Give the fields of a record as JSON values; hashes are hexadecimal, times are in UTC to the microsecond."""
    values = {each.name: getattr(entry, each.name) for each in fields(Entry) if each.name != "who"}
    values |= {each.name: getattr(entry.who, each.name) for each in fields(Who)}
    return json_values({**values, "seq": seq})


def json_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values of a record's columns as JSON values."""
    return {name: _json_value(value) for name, value in values.items()}


def canonical(values: Mapping[str, Any]) -> bytes:
    """Write the fields of a record, as `members` gives them, in their one form."""
    return orjson.dumps(values, option=orjson.OPT_SORT_KEYS)


def hash_of(previous: bytes, content: bytes) -> bytes:
    """Give the hash of a record that follows the one with the hash `previous`."""
    return hashlib.sha256(previous + content).digest()


HEAD: Final = Statement(text("SELECT seq, hash FROM audit_chain WHERE chain = :chain FOR UPDATE"))
BEGIN: Final = Statement(
    text("INSERT INTO audit_chain (chain, seq, hash) VALUES (:chain, 0, :hash) ON CONFLICT DO NOTHING")
)
_FIELDS: Final = [each.name for each in (*fields(Who), *fields(Entry)) if each.name != "who"]
_COLUMNS: Final = ", ".join([*_FIELDS, "seq", "previous", "hash"])
# All in one statement: what the head says is what is there. One parameter holds all records, however many.
WRITE: Final = Statement(
    text(
        "WITH head AS (UPDATE audit_chain SET seq = :seq, hash = :hash WHERE chain = :chain)"  # noqa: S608 - our columns
        f" INSERT INTO audit_record ({_COLUMNS}) SELECT {_COLUMNS}"
        " FROM json_populate_recordset(NULL::audit_record, CAST(CAST(:records AS text) AS json))"
    )
)


async def append(fetch: Fetch, entries: Sequence[Entry]) -> None:
    """Append entries to their chains, in their order and in the caller's transaction.

    Nobody else appends to these chains until the transaction ends: call it last, once, with all that there is to
    record. Chains are always locked in the same order, so that two such transactions never wait for one another.
    """
    by_chain: dict[UUID, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_chain[entry.chain].append(entry)
    for chain in sorted(by_chain, key=lambda chain: chain.bytes):
        await _append(fetch, chain, by_chain[chain])


async def _append(fetch: Fetch, chain: UUID, entries: Iterable[Entry]) -> None:
    seq, previous = await _head(fetch, chain)
    rows: list[dict[str, Any]] = []
    for entry in entries:
        seq += 1
        values = members(entry, seq)
        digest = hash_of(previous, canonical(values))
        rows.append(
            {
                **values,
                "input_digest": None if entry.input_digest is None else _bytea(entry.input_digest),
                "previous": _bytea(previous),
                "hash": _bytea(digest),
            }
        )
        previous = digest
    await fetch(WRITE, {"chain": chain, "seq": seq, "hash": previous, "records": orjson.dumps(rows).decode()})


async def _head(fetch: Fetch, chain: UUID) -> tuple[int, bytes]:
    """Lock the head of a chain, which is made if it is not there."""
    rows = await fetch(HEAD, {"chain": chain})
    if not rows:
        await fetch(BEGIN, {"chain": chain, "hash": GENESIS})
        rows = await fetch(HEAD, {"chain": chain})
    return rows[0][0], rows[0][1]


def _json_value(value: object) -> object:
    match value:
        case UUID():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case bytes():
            return value.hex()
        case StrEnum():
            return value.value
        case tuple() | list():
            return list(value)
        case _:
            return value


def _bytea(content: bytes) -> str:
    return f"\\x{content.hex()}"


def _require(holds: bool, name: str) -> None:
    if not holds:
        raise ValueError(f"{name} is not of its form")


def _is_email(value: str) -> bool:
    return value.isprintable() and _EMAIL.fullmatch(value) is not None


def _address(host: str) -> str | None:
    """Give the one spelling of an IP address, without a zone; None for anything else."""
    try:
        return str(ip_address(host.partition("%")[0]))
    except ValueError:
        return None
