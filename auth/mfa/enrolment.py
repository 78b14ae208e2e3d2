"""Setting up a factor: begun with a new secret, confirmed with a code of it.

Who has a factor already replaces it only with a fresh success of that factor, at both steps: a token alone, which may
be stolen, adds none. Like answers to challenges, wrong codes are counted, and outcomes are given rather than raised.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update

from auth.mfa.failures import count_failure, forgive
from auth.mfa.recording import MfaEvent, MfaEventKind, Record, record_nothing
from auth.mfa.sealing import SecretSeal
from auth.mfa.totp import new_secret, use_code
from auth.statements import Fetch, Statement
from auth.tables import TIMESTAMP, Account, AccountKind, Factor, FactorKind, table, uuid7

ENROLMENT_LASTS: Final = timedelta(minutes=15)
LABEL: Final = "Authenticator app"

ACCOUNT, FACTOR = table(Account), table(Factor)
_AT = bindparam("at", type_=TIMESTAMP)
_OF_ACCOUNT = FACTOR.c.account_id == bindparam("of_account")

HOLDER = Statement(
    select(ACCOUNT.c.email, ACCOUNT.c.kind).where(
        ACCOUNT.c.id == bindparam("of_account"), ACCOUNT.c.disabled_at.is_(None)
    )
)
# Whoever changes the factors of an account locks it first: of two who confirm together, the second sees the first's.
LOCK = Statement(select(ACCOUNT.c.id).where(ACCOUNT.c.id == bindparam("of_account")).with_for_update(key_share=True))
STATES = Statement(
    select(FACTOR.c.id, FACTOR.c.kind, FACTOR.c.label, FACTOR.c.confirmed_at)
    .where(_OF_ACCOUNT, FACTOR.c.confirmed_at.is_not(None))
    .order_by(FACTOR.c.confirmed_at, FACTOR.c.id)
)
DROP_UNCONFIRMED = Statement(
    delete(FACTOR).where(_OF_ACCOUNT, FACTOR.c.kind == FactorKind.TOTP.value, FACTOR.c.confirmed_at.is_(None))
)
DROP_OTHERS = Statement(
    delete(FACTOR)
    .where(_OF_ACCOUNT, FACTOR.c.kind == FactorKind.TOTP.value, FACTOR.c.id != bindparam("of_factor"))
    .returning(FACTOR.c.confirmed_at)
)
ADD = Statement(
    insert(FACTOR).values(
        id=bindparam("new_id"),
        account_id=bindparam("of_account"),
        kind=FactorKind.TOTP.value,
        label=LABEL,
        secret=bindparam("sealed"),
        created_at=_AT,
    )
)
UNCONFIRMED = Statement(
    select(FACTOR.c.secret).where(
        _OF_ACCOUNT,
        FACTOR.c.id == bindparam("of_factor"),
        FACTOR.c.kind == FactorKind.TOTP.value,
        FACTOR.c.confirmed_at.is_(None),
        FACTOR.c.created_at > bindparam("earliest", type_=TIMESTAMP),
    )
)
CONFIRM = Statement(update(FACTOR).where(FACTOR.c.id == bindparam("of_factor")).values(confirmed_at=_AT))


@dataclass(frozen=True, slots=True)
class FactorHolder:
    """A person or a program with an account that is not disabled."""

    account_id: UUID
    email: str
    kind: AccountKind


@dataclass(frozen=True, slots=True)
class FactorState:
    """What may be told of a confirmed factor."""

    id: UUID
    kind: FactorKind
    label: str
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A factor that is being set up: its secret is shown this once."""

    factor_id: UUID
    secret: bytes
    expires_at: datetime


class Confirmation(StrEnum):
    """What came of a code that should confirm a factor."""

    CONFIRMED = "CONFIRMED"
    REFUSED = "REFUSED"
    RATE_LIMITED = "RATE_LIMITED"
    FRESH_FACTOR_REQUIRED = "FRESH_FACTOR_REQUIRED"


async def find_holder(fetch: Fetch, account_id: UUID) -> FactorHolder | None:
    """Give an account; None if it does not exist or is disabled."""
    rows = await fetch(HOLDER, {"of_account": account_id})
    return FactorHolder(account_id, rows[0]["email"], AccountKind(rows[0]["kind"])) if rows else None


async def confirmed_factors(fetch: Fetch, account_id: UUID) -> tuple[FactorState, ...]:
    """Give the confirmed factors of an account, without their secrets."""
    rows = await fetch(STATES, {"of_account": account_id})
    return tuple(FactorState(row["id"], FactorKind(row["kind"]), row["label"], row["confirmed_at"]) for row in rows)


async def methods_of_account(fetch: Fetch, account_id: UUID) -> tuple[FactorKind, ...]:
    """Say by which methods an account can answer a challenge."""
    return tuple(dict.fromkeys(factor.kind for factor in await confirmed_factors(fetch, account_id)))


async def begin_totp(
    fetch: Fetch,
    seal: SecretSeal,
    account_id: UUID,
    now: datetime,
    *,
    is_fresh: bool,
    record: Record = record_nothing,
) -> Enrolment | None:
    """Draw the secret of a new factor, in the place of one that was begun and not confirmed.

    None if there is a confirmed factor, and the account's last success with it is not fresh.
    """
    await fetch(LOCK, {"of_account": account_id})
    if not is_fresh and await confirmed_factors(fetch, account_id):
        return None
    enrolment = Enrolment(uuid7(), new_secret(), now + ENROLMENT_LASTS)
    await fetch(DROP_UNCONFIRMED, {"of_account": account_id})
    sealed = seal.seal(enrolment.factor_id, enrolment.secret)
    await fetch(ADD, {"new_id": enrolment.factor_id, "of_account": account_id, "sealed": sealed, "at": now})
    await record(
        fetch, MfaEvent(MfaEventKind.ENROLMENT_BEGUN, account_id, FactorKind.TOTP, now, factor_id=enrolment.factor_id)
    )
    return enrolment


async def confirm_totp(
    fetch: Fetch,
    seal: SecretSeal,
    account_id: UUID,
    factor_id: UUID,
    code: str,
    now: datetime,
    *,
    is_fresh: bool,
    record: Record = record_nothing,
) -> tuple[Confirmation, timedelta]:
    """Confirm a factor with a code of it: it takes the place of the one before. Gives also how long to wait, if so."""

    async def refuse(outcome: Confirmation, kind: MfaEventKind, wait: timedelta) -> tuple[Confirmation, timedelta]:
        await record(fetch, MfaEvent(kind, account_id, FactorKind.TOTP, now, factor_id=factor_id))
        return outcome, wait

    none = timedelta(0)
    await fetch(LOCK, {"of_account": account_id})
    if not is_fresh and await confirmed_factors(fetch, account_id):
        return await refuse(Confirmation.FRESH_FACTOR_REQUIRED, MfaEventKind.ENROLMENT_REFUSED, none)
    wait = await count_failure(fetch, account_id, now)
    if wait is not None:
        return await refuse(Confirmation.RATE_LIMITED, MfaEventKind.RATE_LIMITED, wait)
    rows = await fetch(
        UNCONFIRMED, {"of_account": account_id, "of_factor": factor_id, "earliest": now - ENROLMENT_LASTS}
    )
    if not rows:
        await forgive(fetch, account_id)
        return await refuse(Confirmation.REFUSED, MfaEventKind.ENROLMENT_REFUSED, none)
    if not await use_code(fetch, factor_id, seal.open(factor_id, rows[0]["secret"]), code, now):
        return await refuse(Confirmation.REFUSED, MfaEventKind.ENROLMENT_REFUSED, none)
    await forgive(fetch, account_id)
    before = await fetch(DROP_OTHERS, {"of_account": account_id, "of_factor": factor_id})
    await fetch(CONFIRM, {"of_factor": factor_id, "at": now})
    replaced = any(row["confirmed_at"] is not None for row in before)
    kind = MfaEventKind.FACTOR_REPLACED if replaced else MfaEventKind.FACTOR_CONFIRMED
    await record(fetch, MfaEvent(kind, account_id, FactorKind.TOTP, now, factor_id=factor_id))
    return Confirmation.CONFIRMED, none
