"""Removing a factor: with a fresh success of one, and never the last one that serves."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import bindparam, delete, select

from auth.mfa.enrolment import LOCK
from auth.mfa.recording import MfaEvent, MfaEventKind, Record, record_nothing
from auth.mfa.usable import usable
from auth.statements import Fetch, Statement
from auth.tables import Factor, FactorKind, table

FACTOR = table(Factor)
CONFIRMED = Statement(
    select(FACTOR.c.id, FACTOR.c.kind, usable().label("serves")).where(
        FACTOR.c.account_id == bindparam("of_account"), FACTOR.c.confirmed_at.is_not(None)
    )
)
REMOVE = Statement(delete(FACTOR).where(FACTOR.c.id == bindparam("of_factor")))


class Removal(StrEnum):
    """What came of a wish to remove a factor."""

    REMOVED = "REMOVED"
    LAST = "LAST"
    """No other serves: without it nothing could be confirmed any more."""
    MISSING = "MISSING"
    FRESH_FACTOR_REQUIRED = "FRESH_FACTOR_REQUIRED"


async def remove_factor(
    fetch: Fetch,
    account_id: UUID,
    factor_id: UUID,
    now: datetime,
    *,
    is_fresh: bool,
    record: Record = record_nothing,
) -> Removal:
    """Remove a confirmed factor of an account."""
    # Of two who remove at the same time, the second sees what the first has left.
    await fetch(LOCK, {"of_account": account_id})
    rows = await fetch(CONFIRMED, {"of_account": account_id, "at": now})
    found = next((row for row in rows if row["id"] == factor_id), None)
    if not is_fresh:
        outcome = Removal.FRESH_FACTOR_REQUIRED
    elif found is None:
        outcome = Removal.MISSING
    elif found["serves"] and not any(row["serves"] for row in rows if row["id"] != factor_id):
        outcome = Removal.LAST
    else:
        await fetch(REMOVE, {"of_factor": factor_id})
        outcome = Removal.REMOVED
    event = MfaEventKind.FACTOR_REMOVED if outcome is Removal.REMOVED else MfaEventKind.REMOVAL_REFUSED
    kind, own_id = (FactorKind(found["kind"]), factor_id) if found else (None, None)
    await record(fetch, MfaEvent(event, account_id, kind, now, factor_id=own_id))
    return outcome
