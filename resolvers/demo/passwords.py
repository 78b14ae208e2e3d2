"""The password of the demo's people: one for all, known to everybody. It is given to whoever has none."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity.tables import Password
from auth.tables import Account, AccountKind, table
from resolvers.demo.accounts import ACCOUNTS

DEMO_PASSWORD: Final = "seven otters juggle lanterns"  # noqa: S105 - the demo's, known to everybody
ACCOUNT, PASSWORD = table(Account), table(Password)
_EMAILS: Final = [account.email for account in ACCOUNTS if account.kind is AccountKind.PERSON]


async def add_passwords(connection: AsyncConnection, hash_of: Callable[[str], Awaitable[str]], now: datetime) -> int:
    """Give everybody the password who has none; says to how many. Programs sign in by other means."""
    without = (
        select(ACCOUNT.c.id)
        .outerjoin(PASSWORD, PASSWORD.c.account_id == ACCOUNT.c.id)
        .where(ACCOUNT.c.email.in_(_EMAILS), PASSWORD.c.account_id.is_(None))
    )
    people = (await connection.execute(without)).scalars().all()
    for person in people:
        hashed = await hash_of(DEMO_PASSWORD)
        await connection.execute(insert(PASSWORD).values(account_id=person, hash=hashed, changed_at=now))
    return len(people)
