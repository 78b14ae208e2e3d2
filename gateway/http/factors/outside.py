"""Answers that come from elsewhere than a person's own session: the account is found by the secret of a delivery."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from auth.identity.secrets import SecretKind, account_of_secret, digest_of
from auth.mfa.enrolment import FactorHolder, find_holder
from auth.mfa.recording import Record
from auth.principal import set_scope
from auth.statements import Fetch
from gateway.http.factors.calling import RecordFor
from resolvers.database import Database
from resolvers.transaction import open_transaction


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom something was delivered to, in a transaction in their scope; `digest` is that of the delivery's secret."""

    holder: FactorHolder
    digest: bytes
    now: datetime
    fetch: Fetch
    record: Record


@asynccontextmanager
async def addressee(
    database: Database, record_for: RecordFor, secret: str, host: str | None
) -> AsyncIterator[Addressee | None]:
    """Find whom a delivery is for; None if there is none with this secret, or the account is disabled."""
    digest = digest_of(secret)
    async with open_transaction(database) as transaction:
        account_id = await account_of_secret(transaction.fetch, SecretKind.DELIVERY, digest)
        holder = None
        if account_id is not None:
            await set_scope(transaction.fetch, account_id)
            holder = await find_holder(transaction.fetch, account_id)
        if holder is None:
            yield None
            return
        record = record_for(None, holder, host)
        yield Addressee(holder, digest, datetime.now(UTC), transaction.fetch, record)
