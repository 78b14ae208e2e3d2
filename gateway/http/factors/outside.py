"""Answers that come from elsewhere than a person's own session: the account is found by what was sent."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from auth.identity.secrets import SecretKind, account_of_secret, digest_of
from auth.mfa.enrolment import FactorHolder, find_holder
from auth.mfa.recording import MfaEvent, Record
from auth.principal import set_scope
from auth.statements import Fetch
from gateway.http.factors.calling import OnEvent, RecordFor
from resolvers.database import Database
from resolvers.transaction import open_transaction

Find = Callable[[Fetch], Awaitable[UUID | None]]
"""Finds an account before there is a scope."""


@dataclass(frozen=True, slots=True)
class Outsider:
    """Who answers from elsewhere, in a transaction in the scope of their account."""

    holder: FactorHolder
    now: datetime
    fetch: Fetch
    record: Record


@dataclass(frozen=True, slots=True)
class Addressee(Outsider):
    """Whom something was delivered to; `digest` is that of the delivery's secret."""

    digest: bytes


def _tell_nobody(_: FactorHolder, __: MfaEvent) -> None:
    pass


@asynccontextmanager
async def outsider(
    database: Database, record_for: RecordFor, find: Find, host: str | None, on_event: OnEvent = _tell_nobody
) -> AsyncIterator[Outsider | None]:
    """Find who answers; None if there is no such account, or it is disabled.

    `on_event` is told what has happened, once that is committed.
    """
    events: list[tuple[FactorHolder, MfaEvent]] = []
    async with open_transaction(database) as transaction:
        account_id = await find(transaction.fetch)
        holder = None
        if account_id is not None:
            await set_scope(transaction.fetch, account_id)
            holder = await find_holder(transaction.fetch, account_id)
        if holder is None:
            yield None
            return
        recorded = record_for(None, holder, host)

        async def record(fetch: Fetch, event: MfaEvent) -> None:
            await recorded(fetch, event)
            events.append((holder, event))

        yield Outsider(holder, datetime.now(UTC), transaction.fetch, record)
    for told, event in events:
        on_event(told, event)


@asynccontextmanager
async def addressee(
    database: Database, record_for: RecordFor, secret: str, host: str | None, on_event: OnEvent = _tell_nobody
) -> AsyncIterator[Addressee | None]:
    """Find whom a delivery is for; None if there is none with this secret, or the account is disabled."""
    digest = digest_of(secret)

    async def find(fetch: Fetch) -> UUID | None:
        return await account_of_secret(fetch, SecretKind.DELIVERY, digest)

    async with outsider(database, record_for, find, host, on_event) as found:
        yield None if found is None else Addressee(found.holder, found.now, found.fetch, found.record, digest)
