"""How often an account may be wrong: ten times in any hour, over all methods, or its answers are not looked at.

An answer is counted as wrong before it is looked at, and taken off the count if it was right: those who answer together
cannot be more than that. The row is locked until the transaction ends, so that the last entry is one's own.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import array, insert

from auth.mfa.tables import MfaFailures
from auth.statements import Fetch, Statement
from auth.tables import TIMESTAMP, table

MOST_FAILURES: Final = 10
WITHIN: Final = timedelta(hours=1)

FAILURES = table(MfaFailures)
_COUNT = func.cardinality(FAILURES.c.failed_at)
_AT = bindparam("at", type_=TIMESTAMP)

COUNT_FAILURE = Statement(
    insert(FAILURES)
    .values(account_id=bindparam("of_account"), failed_at=array([_AT]))
    .on_conflict_do_update(
        index_elements=[FAILURES.c.account_id],
        set_={
            "failed_at": func.array_append(
                case((_COUNT < MOST_FAILURES, FAILURES.c.failed_at), else_=FAILURES.c.failed_at[2:MOST_FAILURES]), _AT
            )
        },
        where=or_(_COUNT < MOST_FAILURES, FAILURES.c.failed_at[1] <= bindparam("hour_ago", type_=TIMESTAMP)),
    )
    .returning(FAILURES.c.account_id)
)
FORGIVE = Statement(
    update(FAILURES)
    .where(FAILURES.c.account_id == bindparam("of_account"))
    .values(failed_at=FAILURES.c.failed_at[1 : _COUNT - 1])
)
OLDEST = Statement(select(FAILURES.c.failed_at[1]).where(FAILURES.c.account_id == bindparam("of_account")))


async def count_failure(fetch: Fetch, account_id: UUID, now: datetime) -> timedelta | None:
    """Count an answer as wrong, before it is looked at.

    Gives None, or how long it will take until one may be looked at again: then this one is not counted, and must not be
    looked at.
    """
    if await fetch(COUNT_FAILURE, {"of_account": account_id, "at": now, "hour_ago": now - WITHIN}):
        return None
    rows = await fetch(OLDEST, {"of_account": account_id})
    return rows[0][0] + WITHIN - now if rows else timedelta(0)


async def forgive(fetch: Fetch, account_id: UUID) -> None:
    """Take back what was counted last in this transaction: the answer was right, or was not looked at."""
    await fetch(FORGIVE, {"of_account": account_id})
