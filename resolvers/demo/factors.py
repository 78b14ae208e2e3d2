"""The second factors of the demo's people: authenticator apps with secrets of the data folder's own, sealed as any.

The demo's rows are the same everywhere; these are not, so that nobody's demo has codes that others know. They are added
whenever they are missing, to demos made before there were any, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.mfa.sealing import SealBroken, SecretSeal
from auth.mfa.totp import LABEL, SKEW_STEPS, STEP, code_at, new_secret, step_at
from auth.tables import Account, Factor, FactorKind, table, uuid7
from resolvers.demo.accounts import ACCOUNTS

ACCOUNT, FACTOR = table(Account), table(Factor)
_EMAILS: Final = [account.email for account in ACCOUNTS]
_HELD: Final = (
    select(ACCOUNT.c.email, FACTOR.c.id, FACTOR.c.secret, FACTOR.c.last_step)
    .join(FACTOR, FACTOR.c.account_id == ACCOUNT.c.id)
    .where(FACTOR.c.kind == FactorKind.TOTP.value, FACTOR.c.confirmed_at.is_not(None), ACCOUNT.c.email.in_(_EMAILS))
)


class FactorUnreadable(Exception):
    """A secret was sealed with another key than this folder's."""

    def __init__(self) -> None:
        super().__init__("The demo's second factors were sealed with another MFA key; --reset makes the demo anew.")


@dataclass(frozen=True, slots=True)
class DemoFactor:
    """The secret of a demo account's app, and the step of the code that was used last."""

    secret: bytes
    last_step: int | None


async def add_factors(connection: AsyncConnection, seal: SecretSeal, now: datetime) -> int:
    """Give everybody a confirmed factor who should have one and has none; says to how many."""
    held = {row.email for row in await connection.execute(_HELD)}
    wanted = [account.email for account in ACCOUNTS if account.has_factor and account.email not in held]
    people = (await connection.execute(select(ACCOUNT.c.id).where(ACCOUNT.c.email.in_(wanted)))).scalars().all()
    for person in people:
        factor_id = uuid7()
        await connection.execute(
            insert(FACTOR).values(
                id=factor_id,
                account_id=person,
                kind=FactorKind.TOTP.value,
                label=LABEL,
                secret=seal.seal(factor_id, new_secret()),
                confirmed_at=now,
                created_at=now,
            )
        )
    return len(people)


async def demo_secrets(connection: AsyncConnection, seal: SecretSeal) -> Mapping[str, DemoFactor]:
    """Give the factors of the demo's accounts by their addresses.

    Raises:
        FactorUnreadable: they were sealed with another key.
    """
    try:
        return {
            row.email: DemoFactor(seal.open(row.id, row.secret), row.last_step)
            for row in await connection.execute(_HELD)
        }
    except SealBroken as error:
        raise FactorUnreadable from error


def next_code(factor: DemoFactor, now: datetime) -> tuple[str | None, int]:
    """Give a code that is accepted now, or None if those were used; and for how many seconds that stays so."""
    current, seconds = step_at(now), int(STEP.total_seconds())
    step = current if factor.last_step is None else max(current, factor.last_step + 1)
    if step > current + SKEW_STEPS:
        return None, (step - SKEW_STEPS) * seconds - int(now.timestamp())
    return code_at(factor.secret, step), (step + SKEW_STEPS + 1) * seconds - int(now.timestamp())
