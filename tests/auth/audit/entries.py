"""Entries of every kind, and chains of them."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st

from auth.audit import Decision, Entry, Who, append
from auth.audit.files import export
from auth.audit.verifying import Finding, Keys, verify_database
from resolvers.database import Database
from resolvers.snapshot import open_snapshot
from resolvers.trace import Trace
from resolvers.transaction import open_transaction

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
# Few values, so that entries are often nearly the same.
CHAINS = st.sampled_from([UUID(int=n) for n in range(3)])
IDS = st.none() | st.uuids() | CHAINS
CODES = st.sampled_from(["FORBIDDEN", "NOT_FOUND", "MFA_STALE", "A", "B", "A_B"])
METHODS = st.sampled_from(["pwd", "otp", "hwk", "pwd-otp"])
WHOS = st.builds(
    Who,
    account_id=IDS,
    email=st.none() | st.emails().map(str.lower),
    address=st.none() | st.ip_addresses().map(str),
    token_id=IDS,
    mfa_time=st.none() | MOMENTS,
    amr=st.lists(METHODS, max_size=3).map(tuple),
)
ENTRIES = st.builds(
    Entry,
    chain=CHAINS,
    label=st.sampled_from(["CREATE_INSTANCE", "DELETE_INSTANCE", "SIGN_IN", "proposeGrant"]),
    decision=st.sampled_from(Decision),
    who=WHOS,
    code=st.none() | CODES,
    reasons=st.lists(CODES, max_size=3).map(tuple),
    target_type=st.none() | st.sampled_from(["Instance", "Cloud"]),
    target_id=IDS,
    cloud_id=IDS,
    input_digest=st.none() | st.binary(min_size=32, max_size=32),
    correlation_id=st.none() | st.uuids().map(lambda each: each.hex),
    count=st.integers(1, 2**31 - 1),
    at=MOMENTS,
)


@st.composite
def neighbours(draw: st.DrawFn) -> tuple[Entry, Entry]:
    """Two entries that differ in one field at the most."""
    one, other = draw(ENTRIES), draw(ENTRIES)
    name = draw(st.sampled_from([each.name for each in fields(Entry)]))
    if name == "who":
        part = draw(st.sampled_from([each.name for each in fields(Who)]))
        return one, replace(one, who=replace(one.who, **{part: getattr(other.who, part)}))
    return one, replace(one, **{name: getattr(other, name)})


def entry(chain: UUID, **values: Any) -> Entry:
    return Entry(chain, **{"label": "START_INSTANCE", "decision": Decision.ALLOWED, **values})


async def written(base: Database, number: int, *, chain: UUID | None = None) -> UUID:
    """A chain with so many records more."""
    chain = chain or uuid4()
    async with open_transaction(base) as transaction:
        await append(transaction.fetch, [entry(chain) for _ in range(number)])
    return chain


async def findings(base: Database, chains: Iterable[UUID], keys: Keys | None = None, **options: Any) -> list[Finding]:
    """What is wrong with some chains of the database."""
    wanted = set(chains)
    async with reading(base) as fetch:
        found = [finding async for finding in verify_database(fetch, keys or {}, **options)]
    return [finding for finding in found if finding.chain in wanted]


async def exported(base: Database, *chains: UUID) -> list[bytes]:
    async with reading(base) as fetch:
        return [line async for line in export(fetch, chains)]


@asynccontextmanager
async def reading(base: Database) -> AsyncIterator[Any]:
    async with open_snapshot(base, Trace()) as snapshot:
        yield snapshot.fetch


READABLE = "CREATE POLICY reading ON audit_record FOR SELECT USING (true)"
"""Lets the app's role read what it has recorded, which it may not; for tests that look whether it is there."""
