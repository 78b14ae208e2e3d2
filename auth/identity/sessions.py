"""Sessions: a person's sign-in in a browser, and what it gives to clients, each the family of its refresh tokens.

Every function works in the scope of the account (`auth.principal.set_scope`), and gives its outcome rather than raising
it: that a family has ended must be committed although the token was refused. Access tokens name their session (`sid`);
once that has ended, whoever calls by it sees nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, bindparam, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from auth.identity.secrets import digest_of, new_secret
from auth.identity.tables import RefreshToken, Session, SessionEnd, SessionKind
from auth.statements import Fetch, Statement
from auth.tables import TIMESTAMP, table, uuid7

LASTS: Final = timedelta(hours=12)
"""How long a session lasts at the most: a working day."""
MOST_USER_AGENT: Final = 300

SESSION, TOKEN = table(Session), table(RefreshToken)
_AT = bindparam("at", type_=TIMESTAMP)
_OF_ACCOUNT = SESSION.c.account_id == bindparam("of_account")
_OF_SESSION = SESSION.c.id == bindparam("of_session")
_LIVE = (SESSION.c.ended_at.is_(None), SESSION.c.expires_at > _AT)
_COLUMNS = [
    SESSION.c.id,
    SESSION.c.account_id,
    SESSION.c.client_id,
    SESSION.c.amr,
    SESSION.c.auth_time,
    SESSION.c.mfa_time,
    SESSION.c.expires_at,
]

BEGIN = Statement(
    insert(SESSION).values({column.name: bindparam(column.name, type_=column.type) for column in SESSION.c})
)
FIND_BROWSER = Statement(
    update(SESSION)
    .where(_OF_ACCOUNT, SESSION.c.digest == bindparam("of_digest"), *_LIVE)
    .values(last_used_at=_AT)
    .returning(*_COLUMNS)
)
FIND_CLIENT = Statement(
    select(*_COLUMNS).where(_OF_ACCOUNT, _OF_SESSION, SESSION.c.kind == SessionKind.CLIENT.value, *_LIVE)
)
FIND_FAMILY = Statement(
    select(*_COLUMNS)
    .join_from(TOKEN, SESSION, TOKEN.c.session_id == SESSION.c.id)
    .where(_OF_ACCOUNT, TOKEN.c.digest == bindparam("of_digest"), *_LIVE)
)
SHOW = Statement(
    select(
        SESSION.c.id,
        SESSION.c.kind,
        SESSION.c.client_id,
        SESSION.c.user_agent,
        SESSION.c.created_at,
        SESSION.c.last_used_at,
    )
    .where(_OF_ACCOUNT, *_LIVE)
    .order_by(SESSION.c.created_at.desc(), SESSION.c.id)
)
ADD_TOKEN = Statement(
    insert(TOKEN).values({column.name: bindparam(column.name, type_=column.type) for column in TOKEN.c})
)
# Both rows are locked: of two who present one token, the second sees that it was used.
PRESENTED = Statement(
    select(*_COLUMNS, SESSION.c.ended_at, TOKEN.c.used_at)
    .join_from(TOKEN, SESSION, TOKEN.c.session_id == SESSION.c.id)
    .where(_OF_ACCOUNT, TOKEN.c.digest == bindparam("of_digest"))
    .with_for_update()
)
USE_TOKEN = Statement(update(TOKEN).where(TOKEN.c.digest == bindparam("of_digest")).values(used_at=_AT))
TOUCH = Statement(update(SESSION).where(_OF_SESSION).values(last_used_at=_AT))
LOCK = Statement(select(SESSION.c.id).where(_OF_ACCOUNT, _OF_SESSION).with_for_update())
END = Statement(
    update(SESSION)
    .where(
        _OF_ACCOUNT,
        or_(_OF_SESSION, SESSION.c.parent_id == bindparam("of_session")),
        SESSION.c.ended_at.is_(None),
    )
    .values(ended_at=_AT, ended_for=bindparam("why", type_=Text()))
)
END_ALL = Statement(
    update(SESSION)
    .where(
        _OF_ACCOUNT,
        SESSION.c.ended_at.is_(None),
        # What a session that stays has given to clients stays, too.
        SESSION.c.id.is_distinct_from(bindparam("stays", type_=SESSION.c.id.type)),
        func.coalesce(SESSION.c.parent_id, SESSION.c.id).is_distinct_from(bindparam("stays", type_=SESSION.c.id.type)),
    )
    .values(ended_at=_AT, ended_for=bindparam("why", type_=Text()))
    .returning(SESSION.c.id)
)
NOTE_FACTOR = Statement(
    update(SESSION)
    .where(_OF_ACCOUNT, _OF_SESSION, *_LIVE)
    .values(mfa_time=_AT, amr=bindparam("new_amr", type_=ARRAY(Text())))
)


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A person who is signed in on our pages; the times are when they did, and when a second factor succeeded."""

    id: UUID
    account_id: UUID
    amr: tuple[str, ...]
    auth_time: datetime
    mfa_time: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ClientSession:
    """What a client holds for a person; its tokens say what the person's sign-in said."""

    id: UUID
    account_id: UUID
    client_id: str
    amr: tuple[str, ...]
    auth_time: datetime
    mfa_time: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SessionState:
    """What a person is shown of a session of theirs; `client_id` is None for a browser on our pages."""

    id: UUID
    kind: SessionKind
    client_id: str | None
    user_agent: str | None
    created_at: datetime
    last_used_at: datetime


class Refreshed(StrEnum):
    """What came of a refresh token."""

    ROTATED = "ROTATED"
    REUSED = "REUSED"
    """It was used before: somebody else has it. The session has ended."""
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Rotation:
    """What came of a refresh token: the session and the token after it if it was rotated."""

    outcome: Refreshed
    session: ClientSession | None = None
    refresh_token: str | None = None


async def begin_browser_session(
    fetch: Fetch, account_id: UUID, amr: Sequence[str], now: datetime, *, user_agent: str | None = None
) -> tuple[BrowserSession, str]:
    """Sign a person in; gives the session and the secret that their browser keeps."""
    secret = new_secret()
    session = BrowserSession(uuid7(), account_id, tuple(amr), now, None, now + LASTS)
    agent = "".join(letter for letter in user_agent or "" if letter.isprintable())[:MOST_USER_AGENT]
    await _begin(fetch, session, now, kind=SessionKind.BROWSER, digest=digest_of(secret), user_agent=agent or None)
    return session, secret


async def find_browser_session(fetch: Fetch, account_id: UUID, digest: bytes, now: datetime) -> BrowserSession | None:
    """Give the session of a secret of which this is the digest, and note that it is used; None if it is over."""
    rows = await fetch(FIND_BROWSER, {"of_account": account_id, "of_digest": digest, "at": now})
    return BrowserSession(**_members(rows[0])) if rows else None


async def begin_client_session(
    fetch: Fetch, parent: BrowserSession, client_id: str, now: datetime
) -> tuple[ClientSession, str]:
    """Let a client act for a person who is signed in; gives the session and its first refresh token."""
    session = ClientSession(
        uuid7(),
        parent.account_id,
        client_id,
        parent.amr,
        parent.auth_time,
        parent.mfa_time,
        min(parent.expires_at, now + LASTS),
    )
    await _begin(fetch, session, now, kind=SessionKind.CLIENT, parent_id=parent.id, client_id=client_id)
    return session, await _add_token(fetch, session, now)


async def begin_session_by_token(fetch: Fetch, session: ClientSession, now: datetime, *, refreshes: bool) -> str | None:
    """Begin a client's session without a browser's behind it; gives its first refresh token if it is to have any."""
    await _begin(fetch, session, now, kind=SessionKind.CLIENT, client_id=session.client_id)
    return await _add_token(fetch, session, now) if refreshes else None


async def rotate(fetch: Fetch, account_id: UUID, digest: bytes, client_id: str, now: datetime) -> Rotation:
    """Take a refresh token, of which this is the digest, for the next one. Its second use ends the session."""
    rows = await fetch(PRESENTED, {"of_account": account_id, "of_digest": digest})
    row = rows[0] if rows else None
    if row is None or row["client_id"] != client_id or row["ended_at"] is not None or row["expires_at"] <= now:
        return Rotation(Refreshed.REFUSED)
    session = ClientSession(client_id=client_id, **_members(row))
    if row["used_at"] is not None:
        await end_session(fetch, account_id, session.id, SessionEnd.REUSED, now)
        return Rotation(Refreshed.REUSED, session)
    await fetch(USE_TOKEN, {"of_digest": digest, "at": now})
    await fetch(TOUCH, {"of_session": session.id, "at": now})
    return Rotation(Refreshed.ROTATED, session, await _add_token(fetch, session, now))


async def find_family(fetch: Fetch, account_id: UUID, digest: bytes, now: datetime) -> ClientSession | None:
    """Give the session of a refresh token, of which this is the digest, be it used or not; None if it is over."""
    rows = await fetch(FIND_FAMILY, {"of_account": account_id, "of_digest": digest, "at": now})
    return ClientSession(client_id=rows[0]["client_id"], **_members(rows[0])) if rows else None


async def find_client_session(fetch: Fetch, account_id: UUID, session_id: UUID, now: datetime) -> ClientSession | None:
    """Give a client's session; None if it is over."""
    rows = await fetch(FIND_CLIENT, {"of_account": account_id, "of_session": session_id, "at": now})
    return ClientSession(client_id=rows[0]["client_id"], **_members(rows[0])) if rows else None


async def end_session(fetch: Fetch, account_id: UUID, session_id: UUID, why: SessionEnd, now: datetime) -> None:
    """End a session, and those of the clients that it gave something to."""
    # First, so that the change sees what the session gives meanwhile.
    await fetch(LOCK, {"of_account": account_id, "of_session": session_id})
    await fetch(END, {"of_account": account_id, "of_session": session_id, "why": why.value, "at": now})


async def end_sessions(
    fetch: Fetch, account_id: UUID, why: SessionEnd, now: datetime, *, but: UUID | None = None
) -> int:
    """End all sessions of an account, but one and what it gave to clients; says how many."""
    values = {"of_account": account_id, "stays": but, "why": why.value, "at": now}
    ended = await fetch(END_ALL, values)
    # Again for what they gave while the first change waited for them; now they give nothing any more.
    return len(ended) + len(await fetch(END_ALL, values))


async def note_second_factor(
    fetch: Fetch, account_id: UUID, session_id: UUID, amr: Sequence[str], now: datetime
) -> None:
    """Note that a second factor has succeeded now: tokens that are refreshed from here on say so."""
    await fetch(NOTE_FACTOR, {"of_account": account_id, "of_session": session_id, "new_amr": list(amr), "at": now})


async def sessions_of(fetch: Fetch, account_id: UUID, now: datetime) -> tuple[SessionState, ...]:
    """Give the sessions of an account that are not over, the newest first."""
    rows = await fetch(SHOW, {"of_account": account_id, "at": now})
    return tuple(_state(row) for row in rows)


async def _begin(fetch: Fetch, session: BrowserSession | ClientSession, now: datetime, **of: object) -> None:
    values: dict[str, Any] = dict.fromkeys(SESSION.c.keys())
    values |= {
        "id": session.id,
        "account_id": session.account_id,
        "amr": list(session.amr),
        "auth_time": session.auth_time,
        "mfa_time": session.mfa_time,
        "created_at": now,
        "last_used_at": now,
        "expires_at": session.expires_at,
        **of,
    }
    await fetch(BEGIN, values)


async def _add_token(fetch: Fetch, session: ClientSession, now: datetime) -> str:
    token = new_secret()
    values = {
        "digest": digest_of(token),
        "account_id": session.account_id,
        "session_id": session.id,
        "created_at": now,
        "expires_at": session.expires_at,
        "used_at": None,
    }
    await fetch(ADD_TOKEN, values)
    return token


def _members(row: Any) -> dict[str, Any]:
    return {
        "id": row["id"],
        "account_id": row["account_id"],
        "amr": tuple(row["amr"]),
        "auth_time": row["auth_time"],
        "mfa_time": row["mfa_time"],
        "expires_at": row["expires_at"],
    }


def _state(row: Any) -> SessionState:
    return SessionState(
        row["id"],
        SessionKind(row["kind"]),
        row["client_id"],
        row["user_agent"],
        row["created_at"],
        row["last_used_at"],
    )
