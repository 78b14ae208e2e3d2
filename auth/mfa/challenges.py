"""Opening a challenge, and answering it: five tries each, within five minutes.

Every function works in the transaction of `fetch`, and gives its outcome rather than raising it: what was counted must
be committed when the answer was wrong, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, LargeBinary, Text, and_, bindparam, case, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from auth.mfa.factor import Challenge, FactorMethod, Verdict
from auth.mfa.failures import count_failure, forgive
from auth.mfa.recording import MfaEvent, MfaEventKind, Record, record_nothing
from auth.mfa.tables import MOST_WORDS, Approval, MfaChallenge
from auth.permissions import MfaBinding
from auth.statements import Fetch, Statement
from auth.tables import TIMESTAMP, table, uuid7

TRIES: Final = 5
LIFETIME: Final = timedelta(minutes=5)
LEAST_LEFT: Final = timedelta(minutes=1)
"""How long an open challenge must still last to be given to who asks for one."""
FORGOTTEN_AFTER: Final = timedelta(days=1)
SESSION_WORDS: Final = "Confirm that it is you, to go on with privileged actions."

CHALLENGE, APPROVAL = table(MfaChallenge), table(Approval)
_AT = bindparam("at", type_=TIMESTAMP)
_COLUMNS = [
    CHALLENGE.c.id,
    CHALLENGE.c.account_id,
    CHALLENGE.c.kind,
    CHALLENGE.c.digest,
    CHALLENGE.c.action,
    CHALLENGE.c.cloud_id,
    CHALLENGE.c.words,
    CHALLENGE.c.expires_at,
    CHALLENGE.c.tries_left,
]


def _open(until: ColumnElement[datetime]) -> ColumnElement[bool]:
    return and_(CHALLENGE.c.completed_at.is_(None), CHALLENGE.c.tries_left > 0, CHALLENGE.c.expires_at > until)


def _opening() -> Statement:
    """Write a challenge in the place of the one of its kind; the same one, still open, stays as it is.

    One statement, so that of those who ask together all are given one challenge.
    """
    new = insert(CHALLENGE).values(
        id=bindparam("new_id"),
        account_id=bindparam("of_account"),
        kind=bindparam("of_kind", type_=Text),
        digest=bindparam("of_digest", type_=LargeBinary),
        action=bindparam("of_action", type_=Text),
        cloud_id=bindparam("of_cloud", type_=CHALLENGE.c.cloud_id.type),
        words=bindparam("new_words", type_=Text),
        created_at=_AT,
        expires_at=bindparam("new_end", type_=TIMESTAMP),
        tries_left=TRIES,
    )
    stays = and_(
        CHALLENGE.c.digest.is_not_distinct_from(new.excluded.digest),
        _open(bindparam("least_end", type_=TIMESTAMP)),
    )
    replaced = ["id", "digest", "action", "cloud_id", "words", "created_at", "expires_at", "tries_left", "completed_at"]
    return Statement(
        new.on_conflict_do_update(
            index_elements=[CHALLENGE.c.account_id, CHALLENGE.c.kind],
            set_={name: case((stays, CHALLENGE.c[name]), else_=new.excluded[name]) for name in replaced},
        ).returning(*_COLUMNS)
    )


OPEN = _opening()
FIND = Statement(
    select(*_COLUMNS).where(
        CHALLENGE.c.id == bindparam("of_challenge"), CHALLENGE.c.account_id == bindparam("of_account"), _open(_AT)
    )
)
TAKE_TRY = Statement(
    update(CHALLENGE)
    .where(CHALLENGE.c.id == bindparam("of_challenge"), CHALLENGE.c.account_id == bindparam("of_account"), _open(_AT))
    .values(tries_left=CHALLENGE.c.tries_left - 1)
    .returning(*_COLUMNS)
)
GIVE_BACK = Statement(
    update(CHALLENGE).where(CHALLENGE.c.id == bindparam("of_challenge")).values(tries_left=CHALLENGE.c.tries_left + 1)
)
COMPLETE = Statement(update(CHALLENGE).where(CHALLENGE.c.id == bindparam("of_challenge")).values(completed_at=_AT))
APPROVE = Statement(
    insert(APPROVAL)
    .values(account_id=bindparam("of_account"), digest=bindparam("of_digest"), approved_at=_AT)
    .on_conflict_do_update(
        index_elements=[APPROVAL.c.account_id, APPROVAL.c.digest], set_={"approved_at": _AT, "spent_at": None}
    )
)
FORGET_APPROVALS = Statement(
    delete(APPROVAL).where(
        APPROVAL.c.account_id == bindparam("of_account"), APPROVAL.c.approved_at < bindparam("before", type_=TIMESTAMP)
    )
)


class Outcome(StrEnum):
    """What came of an answer."""

    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    PENDING = "PENDING"
    """The person has not answered yet, from where they answer."""
    RATE_LIMITED = "RATE_LIMITED"


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of an answer: the challenge if it was accepted, and how long to wait if it was not looked at."""

    outcome: Outcome
    challenge: Challenge | None = None
    wait: timedelta = timedelta(0)


async def open_session_challenge(fetch: Fetch, account_id: UUID, now: datetime) -> Challenge:
    """Give the open challenge for a fresh session of an account, or open one."""
    return await _give(fetch, account_id, MfaBinding.SESSION, now, words=SESSION_WORDS)


async def open_operation_challenge(
    fetch: Fetch, account_id: UUID, action: StrEnum, cloud_id: UUID | None, digest: bytes, words: str, now: datetime
) -> Challenge:
    """Give the open challenge for exactly this operation, or open one in the place of any other operation's.

    `action` is the key of its row in a table of rights; outside of any Cloud there is no `cloud_id`.
    The words are shown to the person as they are, but for characters that could make them read otherwise.
    """
    return await _give(
        fetch,
        account_id,
        MfaBinding.OPERATION,
        now,
        words=_plain(words),
        of_action=action.value,
        of_cloud=cloud_id,
        of_digest=digest,
    )


async def find_challenge(fetch: Fetch, account_id: UUID, challenge_id: UUID, now: datetime) -> Challenge | None:
    """Give an open challenge of the account's own."""
    rows = await fetch(FIND, {"of_challenge": challenge_id, "of_account": account_id, "at": now})
    return _challenge(rows[0]) if rows else None


async def answer_challenge(
    fetch: Fetch,
    account_id: UUID,
    challenge_id: UUID,
    method: FactorMethod,
    answer: str,
    now: datetime,
    record: Record = record_nothing,
) -> Answered:
    """Look at an answer to a challenge, if there is a try left for it, and note what comes of it.

    Both counts go down before the answer is looked at, each by one conditional change of a row that is locked from then
    on: however many answer together, no more are looked at.
    """
    wait = await count_failure(fetch, account_id, now)
    if wait is not None:
        await record(fetch, MfaEvent(MfaEventKind.RATE_LIMITED, account_id, method.kind, now))
        return Answered(Outcome.RATE_LIMITED, wait=wait)
    rows = await fetch(TAKE_TRY, {"of_challenge": challenge_id, "of_account": account_id, "at": now})
    challenge = _challenge(rows[0]) if rows else None
    verdict = Verdict.WRONG if challenge is None else await method.verify(fetch, challenge, answer, now)
    if challenge is not None and verdict is Verdict.PENDING:
        await forgive(fetch, account_id)
        await fetch(GIVE_BACK, {"of_challenge": challenge_id})
        return Answered(Outcome.PENDING, challenge)
    if challenge is None or verdict is not Verdict.RIGHT:
        if challenge is None:
            await forgive(fetch, account_id)
        event = MfaEventKind.POSSIBLE_CLONE if verdict is Verdict.CLONED else MfaEventKind.CHALLENGE_REFUSED
        await record(fetch, MfaEvent(event, account_id, method.kind, now, challenge))
        return Answered(Outcome.REFUSED)
    await forgive(fetch, account_id)
    await fetch(COMPLETE, {"of_challenge": challenge_id, "at": now})
    if challenge.digest is not None:
        await fetch(FORGET_APPROVALS, {"of_account": account_id, "before": now - FORGOTTEN_AFTER})
        await fetch(APPROVE, {"of_account": account_id, "of_digest": challenge.digest, "at": now})
    await record(fetch, MfaEvent(MfaEventKind.CHALLENGE_ACCEPTED, account_id, method.kind, now, challenge))
    return Answered(Outcome.ACCEPTED, challenge)


async def _give(
    fetch: Fetch, account_id: UUID, kind: MfaBinding, now: datetime, *, words: str, **of: object
) -> Challenge:
    values: Mapping[str, Any] = {
        "of_digest": None,
        "of_action": None,
        "of_cloud": None,
        **of,
        "new_id": uuid7(),
        "new_words": words,
        "new_end": now + LIFETIME,
        "least_end": now + LEAST_LEFT,
        "of_account": account_id,
        "of_kind": kind.value,
        "at": now,
    }
    return _challenge((await fetch(OPEN, values))[0])


def _challenge(row: Any) -> Challenge:
    return Challenge(
        id=row["id"],
        account_id=row["account_id"],
        kind=MfaBinding(row["kind"]),
        digest=row["digest"],
        action=row["action"],
        cloud_id=row["cloud_id"],
        words=row["words"],
        expires_at=row["expires_at"],
        tries_left=row["tries_left"],
    )


def _plain(words: str) -> str:
    """Take out what is not seen but changes how a text reads, such as line feeds and turns of direction."""
    plain = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in words)
    return plain if len(plain) <= MOST_WORDS else plain[: MOST_WORDS - 2] + " …"
