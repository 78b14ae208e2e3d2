"""Authorization codes: given to the client of a person who is signed in, and taken once for a session of the client.

A code says nothing without the verifier (PKCE, RFC 7636) whose digest came with the question for it. Every function
works in the scope of the account, and gives its outcome rather than raising it: that a session has ended must be
committed although the code was refused.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from jose.utils import base64url_encode
from sqlalchemy import bindparam, delete, insert, select, update

from auth.identity.secrets import digest_of, new_secret
from auth.identity.sessions import LASTS, BrowserSession, ClientSession, begin_client_session, end_session
from auth.identity.tables import AuthorizationCode, Session, SessionEnd
from auth.statements import Fetch, Statement
from auth.tables import TIMESTAMP, table

LIFETIME: Final = timedelta(seconds=60)

CODE, PARENT = table(AuthorizationCode), table(Session)
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)
_AT = bindparam("at", type_=TIMESTAMP)
_OF_ACCOUNT = CODE.c.account_id == bindparam("of_account")
_OF_DIGEST = CODE.c.digest == bindparam("of_digest")

GIVE = Statement(insert(CODE).values({column.name: bindparam(column.name, type_=column.type) for column in CODE.c}))
# As long as a session may last that a code gave, its second use must be known.
FORGET = Statement(delete(CODE).where(_OF_ACCOUNT, CODE.c.expires_at < bindparam("before", type_=TIMESTAMP)))
# Locked: of two who present one code, the second sees that it was used.
PRESENTED = Statement(select(CODE).where(_OF_ACCOUNT, _OF_DIGEST).with_for_update())
GIVEN_IN = Statement(
    select(PARENT.c.id, PARENT.c.account_id, PARENT.c.amr, PARENT.c.auth_time, PARENT.c.mfa_time, PARENT.c.expires_at)
    .join_from(CODE, PARENT, CODE.c.browser_session_id == PARENT.c.id)
    .where(_OF_ACCOUNT, _OF_DIGEST, PARENT.c.ended_at.is_(None), PARENT.c.expires_at > _AT)
    # So that it is not ended meanwhile: what it gives would not end with it.
    .with_for_update(of=PARENT, key_share=True)
)
USE = Statement(
    update(CODE)
    .where(_OF_ACCOUNT, _OF_DIGEST)
    .values(used_at=_AT, session_id=bindparam("gave", type_=CODE.c.session_id.type))
)
SCOPE = Statement(select(CODE.c.scope).where(_OF_ACCOUNT, CODE.c.session_id == bindparam("of_session")))


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """What a client asks a code for; `scope` is what it is given of what it wanted."""

    client_id: str
    redirect_uri: str
    code_challenge: str
    scope: str
    nonce: str | None = None


class Taken(StrEnum):
    """What came of a code."""

    TAKEN = "TAKEN"
    REUSED = "REUSED"
    """It was used before: somebody else has it. What it gave then has ended."""
    EXPIRED = "EXPIRED"
    MISMATCHED = "MISMATCHED"
    """It was given to another client, for another URL, or the verifier is another."""
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came of a code: the client's session and its first refresh token if it was taken."""

    outcome: Taken
    session: ClientSession | None = None
    refresh_token: str | None = None
    scope: str = ""
    nonce: str | None = None


def is_challenge(text: str) -> bool:
    """Tell whether this can be the challenge of a verifier, by S256."""
    return _CHALLENGE.fullmatch(text) is not None


def challenge_of(verifier: str) -> str:
    """Give the challenge of a verifier."""
    return base64url_encode(hashlib.sha256(verifier.encode("ascii")).digest()).decode("ascii")


async def give_code(fetch: Fetch, session: BrowserSession, asked: CodeRequest, now: datetime) -> str:
    """Give a code for a person who is signed in, and forget those whose sessions are over in any case."""
    await fetch(FORGET, {"of_account": session.account_id, "before": now - LIFETIME - LASTS})
    code = new_secret()
    values: dict[str, Any] = {
        "digest": digest_of(code),
        "account_id": session.account_id,
        "browser_session_id": session.id,
        "client_id": asked.client_id,
        "redirect_uri": asked.redirect_uri,
        "code_challenge": asked.code_challenge,
        "nonce": asked.nonce,
        "scope": asked.scope,
        "created_at": now,
        "expires_at": now + LIFETIME,
        "used_at": None,
        "session_id": None,
    }
    await fetch(GIVE, values)
    return code


async def take_code(
    fetch: Fetch, account_id: UUID, digest: bytes, client_id: str, redirect_uri: str, verifier: str, now: datetime
) -> Exchange:
    """Take a code, of which this is the digest, for a session of the client; its second use ends that session."""
    code = {"of_account": account_id, "of_digest": digest}
    rows = await fetch(PRESENTED, code)
    row = rows[0] if rows else None
    if row is None:
        return Exchange(Taken.REFUSED)
    if row["client_id"] != client_id:
        return Exchange(Taken.MISMATCHED)
    if row["used_at"] is not None:
        # Whatever else comes with it: it was in the hands of two.
        if row["session_id"] is not None:
            await end_session(fetch, account_id, row["session_id"], SessionEnd.REUSED, now)
        return Exchange(Taken.REUSED)
    if row["expires_at"] <= now:
        return Exchange(Taken.EXPIRED)
    if row["redirect_uri"] != redirect_uri or not _is_proof(verifier, row["code_challenge"]):
        return Exchange(Taken.MISMATCHED)
    parents = await fetch(GIVEN_IN, {**code, "at": now})
    if not parents:
        return Exchange(Taken.REFUSED)
    parent = {**parents[0], "amr": tuple(parents[0]["amr"])}
    session, refresh_token = await begin_client_session(fetch, BrowserSession(**parent), client_id, now)
    await fetch(USE, {**code, "at": now, "gave": session.id})
    return Exchange(Taken.TAKEN, session, refresh_token, row["scope"], row["nonce"])


async def scope_of(fetch: Fetch, account_id: UUID, session_id: UUID) -> str | None:
    """Give the scope that a session of a client was given by its code; None if it came in another way."""
    rows = await fetch(SCOPE, {"of_account": account_id, "of_session": session_id})
    return rows[0][0] if rows else None


def _is_proof(verifier: str, challenge: str) -> bool:
    return _VERIFIER.fullmatch(verifier) is not None and hmac.compare_digest(challenge_of(verifier), challenge)
