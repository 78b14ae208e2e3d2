"""Checkpoints: signatures over the heads of chains, so that not even the database's owner can write history anew.

A checkpoint is a JWS (RFC 7515), ES256 by the key that signs access tokens, of a `typ` that no token has. It says that
at `signed_at` the record `seq` of `chain` had this hash, and with it all records before.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson
from jose import jws
from sqlalchemy import any_, bindparam, func, select, text, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger, Uuid

from auth.audit.records import json_values
from auth.audit.tables import AuditChain, AuditCheckpoint
from auth.keys import SigningKey, VerificationKey
from auth.statements import Fetch, Statement
from auth.tables import table

TYPE: Final = "itcare-audit-checkpoint"
_HEADER: Final = frozenset({"alg", "kid", "typ"})
AT_ONCE: Final = 500
"""How many heads are signed by one statement."""


class InvalidCheckpoint(Exception):
    """A checkpoint's signature is not one of ours over what the checkpoint says; the message says why."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a row of the table holds."""

    chain: UUID
    seq: int
    hash: bytes
    signed_at: datetime
    signature: str


def sign(key: SigningKey, chain: UUID, seq: int, digest: bytes, signed_at: datetime) -> Checkpoint:
    """Sign the head of a chain."""
    signature = jws.sign(
        _payload(chain, seq, digest, signed_at),
        key.private,
        headers={"typ": TYPE, "kid": key.kid},
        algorithm=key.algorithm,
    )
    return Checkpoint(chain, seq, digest, signed_at, signature)


def require_signed(checkpoint: Checkpoint, keys: Mapping[str, VerificationKey]) -> None:
    """Check that one of `keys`, by their `kid`, signed what a checkpoint says.

    Raises:
        InvalidCheckpoint: it did not.
    """
    try:
        header = jws.get_unverified_header(checkpoint.signature)
        key = keys.get(str(header.get("kid")))
        if key is None:
            raise InvalidCheckpoint("it is signed by a key that is not known here")
        if header.keys() != _HEADER or header["typ"] != TYPE or header["alg"] != key.algorithm:
            raise InvalidCheckpoint("its signature is not that of a checkpoint")
        signed = json.loads(jws.verify(checkpoint.signature, key.public, [key.algorithm]))
    except InvalidCheckpoint:
        raise
    except Exception as error:  # python-jose raises what its parsers raise
        raise InvalidCheckpoint("its signature is wrong") from error
    if signed != _payload(checkpoint.chain, checkpoint.seq, checkpoint.hash, checkpoint.signed_at):
        raise InvalidCheckpoint("its signature is over something else")


def _payload(chain: UUID, seq: int, digest: bytes, signed_at: datetime) -> dict[str, Any]:
    return json_values({"chain": chain, "hash": digest, "seq": seq, "signed_at": signed_at})


CHAIN, CHECKPOINT = table(AuditChain), table(AuditCheckpoint)
_signed = select(func.max(CHECKPOINT.c.seq).label("seq")).where(CHECKPOINT.c.chain == CHAIN.c.chain).lateral("signed")
_due = (
    select(CHAIN.c.chain, CHAIN.c.seq, CHAIN.c.hash)
    .join(_signed, true())
    .where(CHAIN.c.seq - func.coalesce(_signed.c.seq, 0) >= bindparam("least", type_=BigInteger))
    .order_by(CHAIN.c.chain)
    .limit(AT_ONCE)
)
DUE: Final = Statement(_due)
DUE_OF: Final = Statement(_due.where(CHAIN.c.chain == any_(bindparam("chains", type_=ARRAY(Uuid)))))
ADD: Final = Statement(
    text(
        "INSERT INTO audit_checkpoint (chain, seq, hash, signed_at, signature)"
        " SELECT chain, seq, hash, signed_at, signature"
        " FROM json_populate_recordset(NULL::audit_checkpoint, CAST(CAST(:checkpoints AS text) AS json))"
        # A head that is not that of a record was tampered with: that is for `verify` to tell, and no reason not to
        # sign the others.
        " JOIN audit_record USING (chain, seq, hash)"
        " ON CONFLICT DO NOTHING"  # another process signed the same head
        " RETURNING chain"
    )
)


async def add_checkpoints(
    fetch: Fetch, key: SigningKey, *, chains: Iterable[UUID] | None = None, least: int = 1
) -> int:
    """Sign the heads of all chains, or of `chains`, that have at least so many records since their last checkpoint.

    It waits for no writer and keeps none waiting. Returns how many were signed.
    """
    values: dict[str, Any] = {"least": least} if chains is None else {"least": least, "chains": list(chains)}
    signed = 0
    while True:
        due = await fetch(DUE if chains is None else DUE_OF, values)
        checkpoints = await asyncio.to_thread(_sign_all, key, due)
        added = await fetch(ADD, {"checkpoints": checkpoints}) if due else ()
        signed += len(added)
        if not added or len(due) < AT_ONCE:
            return signed


def _sign_all(key: SigningKey, heads: Sequence[Any]) -> str:
    """Sign heads, and write the rows as JSON."""
    now = datetime.now(UTC)
    made = [sign(key, chain, seq, digest, now) for chain, seq, digest in heads]
    return orjson.dumps([json_values(asdict(each)) | {"hash": f"\\x{each.hash.hex()}"} for each in made]).decode()
