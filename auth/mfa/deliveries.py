"""Challenges that are put to a person elsewhere than on the screen: by a call, a notification, a passkey.

A delivery belongs to one challenge and one kind of factor; asking again takes the place of the one before. What comes
in from outside (digits pressed on a telephone, a signature of a device) names the delivery by a secret of its own, and
is an answer to the challenge like any other: it is counted, and five are looked at. Then the challenge is completed
from the screen, which is told that the person has answered.

While a factor is set up, the factor's own id stands in the place of the challenge's.

Every function works in the scope of the account, and gives its outcome rather than raising it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import BindParameter, Text, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import array, insert

from auth.identity.secrets import digest_of, new_secret
from auth.mfa.challenges import CHALLENGE, TAKE_TRY, Outcome, find_challenge
from auth.mfa.factor import Challenge, Verdict
from auth.mfa.failures import count_failure, forgive
from auth.mfa.recording import MfaEvent, MfaEventKind, Record, record_nothing
from auth.mfa.sealing import SecretSeal
from auth.mfa.tables import Delivery, Sendings
from auth.statements import Fetch, Statement
from auth.tables import TIMESTAMP, FactorKind, table

DELIVERY, SENDINGS = table(Delivery), table(Sendings)
_AT = bindparam("at", type_=TIMESTAMP)
_OF_ACCOUNT = DELIVERY.c.account_id == bindparam("of_account")
_OF_KIND = DELIVERY.c.kind == bindparam("of_kind", type_=Text())
_KEPT: Final = timedelta(hours=1)

FORGET = Statement(delete(DELIVERY).where(_OF_ACCOUNT, DELIVERY.c.sent_at < bindparam("before", type_=TIMESTAMP)))


def _deliver() -> Statement:
    new = insert(DELIVERY).values(
        challenge_id=bindparam("of_challenge"),
        kind=bindparam("of_kind", type_=Text()),
        account_id=bindparam("of_account"),
        factor_id=bindparam("of_factor", type_=DELIVERY.c.factor_id.type),
        digest=bindparam("new_digest"),
        expected=bindparam("new_expected"),
        sent_at=_AT,
    )
    replaced = ["factor_id", "digest", "expected", "sent_at", "confirmed_at", "refused_at"]
    return Statement(
        new.on_conflict_do_update(
            index_elements=[DELIVERY.c.challenge_id, DELIVERY.c.kind],
            set_={name: new.excluded[name] for name in replaced},
        )
    )


DELIVER = _deliver()
FIND = Statement(
    select(
        DELIVERY.c.challenge_id,
        DELIVERY.c.kind,
        DELIVERY.c.factor_id,
        DELIVERY.c.expected,
        DELIVERY.c.sent_at,
        DELIVERY.c.confirmed_at,
    ).where(_OF_ACCOUNT, DELIVERY.c.digest == bindparam("of_digest"), DELIVERY.c.refused_at.is_(None))
)
STATE = Statement(
    select(DELIVERY.c.factor_id, DELIVERY.c.expected, DELIVERY.c.confirmed_at, DELIVERY.c.refused_at).where(
        _OF_ACCOUNT, _OF_KIND, DELIVERY.c.challenge_id == bindparam("of_challenge")
    )
)
TAKE = Statement(
    delete(DELIVERY)
    .where(_OF_ACCOUNT, _OF_KIND, DELIVERY.c.challenge_id == bindparam("of_challenge"))
    .returning(DELIVERY.c.expected)
)
CONFIRM = Statement(
    update(DELIVERY)
    .where(_OF_ACCOUNT, _OF_KIND, DELIVERY.c.challenge_id == bindparam("of_challenge"))
    .values(confirmed_at=_AT)
)
REFUSE = Statement(
    update(DELIVERY)
    .where(_OF_ACCOUNT, _OF_KIND, DELIVERY.c.challenge_id == bindparam("of_challenge"))
    .values(refused_at=_AT, confirmed_at=None)
)
CLOSE = Statement(update(CHALLENGE).where(CHALLENGE.c.id == bindparam("of_challenge")).values(tries_left=0))


def _count_sending() -> Statement:
    count = func.cardinality(SENDINGS.c.sent_at)
    most: BindParameter[int] = bindparam("most")
    new = insert(SENDINGS).values(
        account_id=bindparam("of_account"), kind=bindparam("of_kind", type_=Text()), sent_at=array([_AT])
    )
    oldest_that_counts = SENDINGS.c.sent_at[count - most + 1]
    return Statement(
        new.on_conflict_do_update(
            index_elements=[SENDINGS.c.account_id, SENDINGS.c.kind],
            set_={"sent_at": func.array_append(SENDINGS.c.sent_at[count - most + 2 : count], _AT)},
            where=(
                func.coalesce(SENDINGS.c.blocked_until <= _AT, True)
                & ((count < most) | (oldest_that_counts <= bindparam("since", type_=TIMESTAMP)))
            ),
        ).returning(SENDINGS.c.account_id)
    )


COUNT_SENDING = _count_sending()
SENT = Statement(
    select(SENDINGS.c.sent_at, SENDINGS.c.blocked_until).where(
        SENDINGS.c.account_id == bindparam("of_account"), SENDINGS.c.kind == bindparam("of_kind", type_=Text())
    )
)


def _block() -> Statement:
    until = bindparam("until", type_=TIMESTAMP)
    new = insert(SENDINGS).values(
        account_id=bindparam("of_account"),
        kind=bindparam("of_kind", type_=Text()),
        sent_at=array([_AT]),
        blocked_until=until,
    )
    return Statement(
        new.on_conflict_do_update(
            index_elements=[SENDINGS.c.account_id, SENDINGS.c.kind],
            set_={"blocked_until": func.greatest(SENDINGS.c.blocked_until, until)},
        )
    )


BLOCK = _block()


@dataclass(frozen=True, slots=True)
class Delivered:
    """A challenge that was put to a person elsewhere, and, unsealed, what the answer must be."""

    challenge: Challenge
    kind: FactorKind
    factor_id: UUID | None
    expected: bytes
    is_confirmed: bool = False
    """Whether it was answered rightly before."""


Check = Callable[[Delivered], Awaitable[bool]]
"""Looks at what came in from outside."""


async def deliver(
    fetch: Fetch,
    seal: SecretSeal,
    challenge: Challenge,
    kind: FactorKind,
    expected: bytes,
    now: datetime,
    *,
    factor_id: UUID | None = None,
) -> str:
    """Keep what the answer to a challenge must be; gives the secret by which the outside names it."""
    return await _deliver_for(fetch, seal, challenge.account_id, challenge.id, kind, expected, now, factor_id)


async def deliver_to_enrol(
    fetch: Fetch,
    seal: SecretSeal,
    account_id: UUID,
    factor_id: UUID,
    kind: FactorKind,
    expected: bytes,
    now: datetime,
) -> str:
    """Keep what is told to a person who sets a factor up; gives the secret by which the outside names it."""
    return await _deliver_for(fetch, seal, account_id, factor_id, kind, expected, now, factor_id)


async def find_to_enrol(
    fetch: Fetch, seal: SecretSeal, account_id: UUID, digest: bytes, now: datetime, lasts: timedelta
) -> bytes | None:
    """Give what is to be told to a person who sets a factor up; None if it was not for that, or is over."""
    rows = await fetch(FIND, {"of_account": account_id, "of_digest": digest})
    if not rows or rows[0]["challenge_id"] != rows[0]["factor_id"] or rows[0]["sent_at"] + lasts <= now:
        return None
    return seal.open(rows[0]["challenge_id"], rows[0]["expected"])


async def find_delivery(
    fetch: Fetch, seal: SecretSeal, account_id: UUID, digest: bytes, now: datetime
) -> Delivered | None:
    """Find what a secret of which this is the digest was sent for; None if its challenge is over, or was refused."""
    rows = await fetch(FIND, {"of_account": account_id, "of_digest": digest})
    if not rows:
        return None
    challenge = await find_challenge(fetch, account_id, rows[0]["challenge_id"], now)
    if challenge is None:
        return None
    expected = seal.open(challenge.id, rows[0]["expected"])
    is_confirmed = rows[0]["confirmed_at"] is not None
    return Delivered(challenge, FactorKind(rows[0]["kind"]), rows[0]["factor_id"], expected, is_confirmed)


async def answer_delivery(
    fetch: Fetch, delivered: Delivered, check: Check, now: datetime, record: Record = record_nothing
) -> Outcome:
    """Look at what came in from outside, if there is a try left for it; if right, it can be completed on the screen."""
    account_id, challenge_id = delivered.challenge.account_id, delivered.challenge.id
    if await count_failure(fetch, account_id, now) is not None:
        await record(fetch, MfaEvent(MfaEventKind.RATE_LIMITED, account_id, delivered.kind, now))
        return Outcome.RATE_LIMITED
    of = {"of_challenge": challenge_id, "of_account": account_id, "at": now}
    is_open = bool(await fetch(TAKE_TRY, of))
    if not is_open or not await check(delivered):
        if not is_open:
            await forgive(fetch, account_id)
        event = MfaEvent(MfaEventKind.CHALLENGE_REFUSED, account_id, delivered.kind, now, delivered.challenge)
        await record(fetch, event)
        return Outcome.REFUSED
    await forgive(fetch, account_id)
    await fetch(CONFIRM, {**of, "of_kind": delivered.kind.value})
    return Outcome.ACCEPTED


async def refuse_delivery(
    fetch: Fetch, delivered: Delivered, now: datetime, blocked_for: timedelta, record: Record = record_nothing
) -> None:
    """Note that the person says it was not them: the challenge is over, and nothing is sent for a while."""
    account_id, challenge_id = delivered.challenge.account_id, delivered.challenge.id
    of = {"of_challenge": challenge_id, "of_account": account_id, "of_kind": delivered.kind.value, "at": now}
    await fetch(REFUSE, of)
    await fetch(CLOSE, {"of_challenge": challenge_id})
    await fetch(BLOCK, {**of, "until": now + blocked_for})
    await record(fetch, MfaEvent(MfaEventKind.NOT_ME, account_id, delivered.kind, now, delivered.challenge))


async def verdict_on(fetch: Fetch, challenge: Challenge, kind: FactorKind) -> Verdict:
    """Say what the person answered elsewhere: for who completes the challenge on the screen."""
    of = {"of_challenge": challenge.id, "of_account": challenge.account_id, "of_kind": kind.value}
    rows = await fetch(STATE, of)
    if not rows or rows[0]["refused_at"] is not None:
        return Verdict.WRONG
    return Verdict.PENDING if rows[0]["confirmed_at"] is None else Verdict.RIGHT


async def expected_of(fetch: Fetch, seal: SecretSeal, challenge: Challenge, kind: FactorKind) -> bytes | None:
    """Give what the answer to a challenge must be, for who answers on the screen; None if nothing was sent."""
    of = {"of_challenge": challenge.id, "of_account": challenge.account_id, "of_kind": kind.value}
    rows = await fetch(STATE, of)
    return seal.open(challenge.id, rows[0]["expected"]) if rows else None


async def take_expected(fetch: Fetch, seal: SecretSeal, challenge: Challenge, kind: FactorKind) -> bytes | None:
    """Give what the answer to a challenge must be, and forget it: no second answer is looked at."""
    of = {"of_challenge": challenge.id, "of_account": challenge.account_id, "of_kind": kind.value}
    rows = await fetch(TAKE, of)
    return seal.open(challenge.id, rows[0]["expected"]) if rows else None


async def count_sending(
    fetch: Fetch, account_id: UUID, kind: FactorKind, now: datetime, *, most: int, within: timedelta
) -> timedelta | None:
    """Count a call or a notification before it goes out; None, or how long to wait: then it must not go out."""
    of = {"of_account": account_id, "of_kind": kind.value, "at": now}
    if await fetch(COUNT_SENDING, {**of, "most": most, "since": now - within}):
        return None
    rows = await fetch(SENT, of)
    if not rows:
        return timedelta(0)
    waits = [rows[0]["sent_at"][-most] + within - now] if len(rows[0]["sent_at"]) >= most else []
    if rows[0]["blocked_until"] is not None:
        waits.append(rows[0]["blocked_until"] - now)
    return max(waits, default=timedelta(0))


async def _deliver_for(
    fetch: Fetch,
    seal: SecretSeal,
    account_id: UUID,
    subject_id: UUID,
    kind: FactorKind,
    expected: bytes,
    now: datetime,
    factor_id: UUID | None,
) -> str:
    secret = new_secret()
    await fetch(FORGET, {"of_account": account_id, "before": now - _KEPT})
    values = {
        "of_challenge": subject_id,
        "of_kind": kind.value,
        "of_account": account_id,
        "of_factor": factor_id,
        "new_digest": digest_of(secret),
        "new_expected": seal.seal(subject_id, expected),
        "at": now,
    }
    await fetch(DELIVER, values)
    return secret
