"""Setting up a factor: begun with a secret of the factor's kind, confirmed by an answer that shows that it works.

Who has a factor already adds or replaces one only with a fresh success of a factor, at both steps: a token alone, which
may be stolen, adds none. A recovery code opens this, too; what is set up with it serves only after a day, beside what
was there, so that whoever found the code gains nothing before its owner is warned. Like answers to challenges, wrong
ones are counted, and outcomes are given rather than raised.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, bindparam, delete, insert, select, update

from auth.mfa.failures import count_failure, forgive
from auth.mfa.recording import MfaEvent, MfaEventKind, Record, record_nothing
from auth.mfa.tables import RecoveryCode
from auth.mfa.usable import usable
from auth.statements import Fetch, Statement
from auth.tables import TIMESTAMP, Account, AccountKind, Factor, FactorKind, table, uuid7

ENROLMENT_LASTS: Final = timedelta(minutes=15)
RECOVERY_LASTS: Final = timedelta(minutes=15)
"""How long after a recovery code was used a factor can be set up with it."""
SERVES_AFTER: Final = timedelta(hours=24)
"""How long a factor that was set up with a recovery code serves nothing, unless a representative approves it."""

ACCOUNT, FACTOR, RECOVERY = table(Account), table(Factor), table(RecoveryCode)
_AT = bindparam("at", type_=TIMESTAMP)
_OF_ACCOUNT = FACTOR.c.account_id == bindparam("of_account")
_OF_KIND = FACTOR.c.kind == bindparam("of_kind", type_=Text())

HOLDER = Statement(
    select(ACCOUNT.c.email, ACCOUNT.c.kind).where(
        ACCOUNT.c.id == bindparam("of_account"), ACCOUNT.c.disabled_at.is_(None)
    )
)
# Whoever changes the factors of an account locks it first: of two who confirm together, the second sees the first's.
LOCK = Statement(select(ACCOUNT.c.id).where(ACCOUNT.c.id == bindparam("of_account")).with_for_update(key_share=True))
_STATE = [FACTOR.c.id, FACTOR.c.kind, FACTOR.c.label, FACTOR.c.confirmed_at, FACTOR.c.usable_from]
STATES = Statement(
    select(*_STATE).where(_OF_ACCOUNT, FACTOR.c.confirmed_at.is_not(None)).order_by(FACTOR.c.confirmed_at, FACTOR.c.id)
)
USABLE = Statement(select(FACTOR.c.kind).where(_OF_ACCOUNT, usable()).order_by(FACTOR.c.confirmed_at, FACTOR.c.id))
RECOVERED = Statement(
    select(RECOVERY.c.digest)
    .where(
        RECOVERY.c.account_id == bindparam("of_account"),
        RECOVERY.c.used_at.between(bindparam("earliest", type_=TIMESTAMP), _AT),
    )
    .limit(1)
)
DROP_UNCONFIRMED = Statement(delete(FACTOR).where(_OF_ACCOUNT, _OF_KIND, FACTOR.c.confirmed_at.is_(None)))
DROP_OTHERS = Statement(
    delete(FACTOR).where(_OF_ACCOUNT, _OF_KIND, FACTOR.c.id != bindparam("of_factor")).returning(FACTOR.c.confirmed_at)
)
ADD = Statement(
    insert(FACTOR).values(
        id=bindparam("new_id"),
        account_id=bindparam("of_account"),
        kind=bindparam("of_kind", type_=Text()),
        label=bindparam("new_label", type_=Text()),
        secret=bindparam("sealed"),
        created_at=_AT,
    )
)
UNCONFIRMED = Statement(
    select(FACTOR.c.secret).where(
        _OF_ACCOUNT,
        FACTOR.c.id == bindparam("of_factor"),
        _OF_KIND,
        FACTOR.c.confirmed_at.is_(None),
        FACTOR.c.created_at > bindparam("earliest", type_=TIMESTAMP),
    )
)
CONFIRM = Statement(
    update(FACTOR)
    .where(FACTOR.c.id == bindparam("of_factor"))
    .values(
        confirmed_at=_AT,
        secret=bindparam("sealed"),
        usable_from=bindparam("serves_from", type_=TIMESTAMP),
    )
)


@dataclass(frozen=True, slots=True)
class FactorHolder:
    """A person or a program with an account that is not disabled."""

    account_id: UUID
    email: str
    kind: AccountKind


@dataclass(frozen=True, slots=True)
class FactorState:
    """What may be told of a confirmed factor; until `usable_from`, if there is one, it serves nothing."""

    id: UUID
    kind: FactorKind
    label: str
    confirmed_at: datetime
    usable_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A factor that is being set up."""

    factor_id: UUID
    expires_at: datetime


class Leave(StrEnum):
    """By what right a factor may be set up."""

    FIRST = "FIRST"
    FRESH = "FRESH"
    RECOVERED = "RECOVERED"
    NONE = "NONE"


class Confirmation(StrEnum):
    """What came of an answer that should confirm a factor."""

    CONFIRMED = "CONFIRMED"
    CONFIRMED_FOR_LATER = "CONFIRMED_FOR_LATER"
    """It serves after `SERVES_AFTER`."""
    REFUSED = "REFUSED"
    RATE_LIMITED = "RATE_LIMITED"
    FRESH_FACTOR_REQUIRED = "FRESH_FACTOR_REQUIRED"


Draw = Callable[[UUID], bytes]
"""Gives the sealed secret of a factor with this id."""
Check = Callable[[UUID, bytes], Awaitable[bytes | None]]
"""Looks at an answer that should confirm the factor with this id and sealed secret; gives the sealed secret to keep."""


async def find_holder(fetch: Fetch, account_id: UUID) -> FactorHolder | None:
    """Give an account; None if it does not exist or is disabled."""
    rows = await fetch(HOLDER, {"of_account": account_id})
    return FactorHolder(account_id, rows[0]["email"], AccountKind(rows[0]["kind"])) if rows else None


async def confirmed_factors(fetch: Fetch, account_id: UUID) -> tuple[FactorState, ...]:
    """Give the confirmed factors of an account, without their secrets; some may not serve yet."""
    rows = await fetch(STATES, {"of_account": account_id})
    return tuple(
        FactorState(row["id"], FactorKind(row["kind"]), row["label"], row["confirmed_at"], row["usable_from"])
        for row in rows
    )


async def methods_of_account(fetch: Fetch, account_id: UUID, now: datetime) -> tuple[FactorKind, ...]:
    """Say by which methods an account can answer a challenge now."""
    rows = await fetch(USABLE, {"of_account": account_id, "at": now})
    return tuple(dict.fromkeys(FactorKind(row["kind"]) for row in rows))


async def leave_to_enrol(fetch: Fetch, account_id: UUID, now: datetime, *, is_fresh: bool) -> Leave:
    """Say by what right an account may set up a factor now; the account is locked from then on."""
    await fetch(LOCK, {"of_account": account_id})
    if is_fresh:
        return Leave.FRESH
    if not await confirmed_factors(fetch, account_id):
        return Leave.FIRST
    values = {"of_account": account_id, "earliest": now - RECOVERY_LASTS, "at": now}
    return Leave.RECOVERED if await fetch(RECOVERED, values) else Leave.NONE


async def begin_enrolment(
    fetch: Fetch,
    account_id: UUID,
    kind: FactorKind,
    label: str,
    draw: Draw,
    now: datetime,
    *,
    is_fresh: bool,
    record: Record = record_nothing,
) -> Enrolment | None:
    """Begin to set up a factor, in the place of one of its kind that was begun and not confirmed.

    None if there is no right to: a factor is confirmed, and its last success is not fresh.
    """
    if await leave_to_enrol(fetch, account_id, now, is_fresh=is_fresh) is Leave.NONE:
        return None
    enrolment = Enrolment(uuid7(), now + ENROLMENT_LASTS)
    of: dict[str, Any] = {"of_account": account_id, "of_kind": kind.value}
    await fetch(DROP_UNCONFIRMED, of)
    sealed = draw(enrolment.factor_id)
    await fetch(ADD, {**of, "new_id": enrolment.factor_id, "new_label": label, "sealed": sealed, "at": now})
    await record(fetch, MfaEvent(MfaEventKind.ENROLMENT_BEGUN, account_id, kind, now, factor_id=enrolment.factor_id))
    return enrolment


async def confirm_enrolment(
    fetch: Fetch,
    account_id: UUID,
    factor_id: UUID,
    kind: FactorKind,
    check: Check,
    now: datetime,
    *,
    is_fresh: bool,
    is_one_of_many: bool = False,
    record: Record = record_nothing,
) -> tuple[Confirmation, timedelta]:
    """Confirm a factor by an answer that `check` looks at. Gives also how long to wait, if so.

    It takes the place of the one before, unless a person may have several (`is_one_of_many`).
    """

    async def refuse(outcome: Confirmation, event: MfaEventKind, wait: timedelta) -> tuple[Confirmation, timedelta]:
        await record(fetch, MfaEvent(event, account_id, kind, now, factor_id=factor_id))
        return outcome, wait

    none = timedelta(0)
    leave = await leave_to_enrol(fetch, account_id, now, is_fresh=is_fresh)
    if leave is Leave.NONE:
        return await refuse(Confirmation.FRESH_FACTOR_REQUIRED, MfaEventKind.ENROLMENT_REFUSED, none)
    wait = await count_failure(fetch, account_id, now)
    if wait is not None:
        return await refuse(Confirmation.RATE_LIMITED, MfaEventKind.RATE_LIMITED, wait)
    of: dict[str, Any] = {"of_account": account_id, "of_kind": kind.value, "of_factor": factor_id}
    rows = await fetch(UNCONFIRMED, {**of, "earliest": now - ENROLMENT_LASTS})
    if not rows:
        await forgive(fetch, account_id)
        return await refuse(Confirmation.REFUSED, MfaEventKind.ENROLMENT_REFUSED, none)
    kept = await check(factor_id, rows[0]["secret"])
    if kept is None:
        return await refuse(Confirmation.REFUSED, MfaEventKind.ENROLMENT_REFUSED, none)
    await forgive(fetch, account_id)
    is_recovered = leave is Leave.RECOVERED
    # What a recovery code opened takes away nothing: its holder may be somebody else.
    before = [] if is_one_of_many or is_recovered else await fetch(DROP_OTHERS, of)
    serves_from = now + SERVES_AFTER if is_recovered else None
    await fetch(CONFIRM, {"of_factor": factor_id, "sealed": kept, "serves_from": serves_from, "at": now})
    replaced = any(row["confirmed_at"] is not None for row in before)
    event = MfaEventKind.FACTOR_REPLACED if replaced else MfaEventKind.FACTOR_CONFIRMED
    if is_recovered:
        event = MfaEventKind.FACTOR_RECOVERED
    await record(fetch, MfaEvent(event, account_id, kind, now, factor_id=factor_id))
    return Confirmation.CONFIRMED_FOR_LATER if is_recovered else Confirmation.CONFIRMED, none
