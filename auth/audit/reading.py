"""Reads chains back, a page at a time, from a snapshot: else what is written meanwhile looks tampered with."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select, union
from sqlalchemy.types import BigInteger, Uuid

from auth.audit.checkpoints import Checkpoint
from auth.audit.records import json_values
from auth.audit.tables import AuditChain, AuditCheckpoint, AuditRecord
from auth.statements import Fetch, Statement
from auth.tables import Organization, table

PAGE: Final = 1000


class Head(NamedTuple):
    """The head of a chain as the table has it."""

    seq: int
    hash: bytes


class Link(NamedTuple):
    """A record as it stands in its chain: its place, its two hashes, and its fields as JSON values."""

    seq: int
    previous: bytes
    hash: bytes
    members: dict[str, Any]


ORGANIZATION = table(Organization)
RECORD, CHAIN, CHECKPOINT = table(AuditRecord), table(AuditChain), table(AuditCheckpoint)
_CHAIN, _AFTER = bindparam("chain", type_=Uuid), bindparam("after", type_=BigInteger)
# Also chains whose head, or whose records, somebody took away.
CHAINS: Final = Statement(union(*(select(each.c.chain) for each in (CHAIN, RECORD, CHECKPOINT))))
HEAD: Final = Statement(select(CHAIN.c.seq, CHAIN.c.hash).where(CHAIN.c.chain == _CHAIN))
CHECKPOINTS: Final = Statement(select(*CHECKPOINT.c).where(CHECKPOINT.c.chain == _CHAIN).order_by(CHECKPOINT.c.seq))
_COLUMNS: Final = [column for column in RECORD.c if column.name not in {"previous", "hash"}]
_NAMES: Final = [column.name for column in _COLUMNS]
RECORDS: Final = Statement(
    select(RECORD.c.seq.label("place"), RECORD.c.previous, RECORD.c.hash, *_COLUMNS)
    .where(RECORD.c.chain == _CHAIN, RECORD.c.seq > _AFTER)
    .order_by(RECORD.c.seq)
    .limit(PAGE)
)
ORGANIZATION_BY_CODE: Final = Statement(select(ORGANIZATION.c.id).where(ORGANIZATION.c.code == bindparam("code")))


async def find_organization(fetch: Fetch, code: str) -> UUID | None:
    """Give the chain of an organization; None if there is no such organization."""
    rows = await fetch(ORGANIZATION_BY_CODE, {"code": code})
    return rows[0][0] if rows else None


async def read_chains(fetch: Fetch) -> list[UUID]:
    """Give all chains, the platform's first."""
    return sorted((UUID(bytes=row[0].bytes) for row in await fetch(CHAINS, {})), key=lambda chain: chain.bytes)


async def read_head(fetch: Fetch, chain: UUID) -> Head | None:
    """Give the head of a chain."""
    rows = await fetch(HEAD, {"chain": chain})
    return Head(*rows[0]) if rows else None


async def read_checkpoints(fetch: Fetch, chain: UUID) -> Sequence[Checkpoint]:
    """Give the checkpoints of a chain, the oldest first."""
    return [Checkpoint(*row) for row in await fetch(CHECKPOINTS, {"chain": chain})]


async def read_links(fetch: Fetch, chain: UUID) -> AsyncIterator[Link]:
    """Give the records of a chain by their place."""
    after = -(2**63)
    while True:
        rows = await fetch(RECORDS, {"chain": chain, "after": after})
        for place, previous, digest, *values in rows:
            yield Link(place, previous, digest, json_values(dict(zip(_NAMES, values, strict=True))))
        if len(rows) < PAGE:
            return
        after = rows[-1][0]
