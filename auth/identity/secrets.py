"""Secrets that are handed out and kept as digests: of sessions, links, refresh tokens, codes, clients, deliveries."""

import hashlib
import secrets
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import LargeBinary, Text, bindparam, func, select

from auth.statements import Fetch, Statement

SECRET_BYTES: Final = 32
MOST_SECRET: Final = 200
"""Characters of a secret that is looked at."""

# A function of the database: an account is found before there is a scope to see it in.
_ACCOUNT_OF_SECRET: Final = Statement(
    select(func.account_of_secret(bindparam("kind", type_=Text()), bindparam("digest", type_=LargeBinary())))
)


class SecretKind(StrEnum):
    """What a secret opens."""

    LINK = "LINK"
    SESSION = "SESSION"
    REFRESH_TOKEN = "REFRESH_TOKEN"  # noqa: S105
    AUTHORIZATION_CODE = "AUTHORIZATION_CODE"
    DELIVERY = "DELIVERY"


def new_secret() -> str:
    """Draw a secret: 43 characters of base64url."""
    return secrets.token_urlsafe(SECRET_BYTES)


def digest_of(secret: str) -> bytes:
    """Give what is kept of a secret: SHA-256. Whatever was sent, there is a digest of it."""
    return hashlib.sha256(secret[:MOST_SECRET].encode("utf-8", "replace")).digest()


async def account_of_secret(fetch: Fetch, kind: SecretKind, digest: bytes) -> UUID | None:
    """Find the active account that a secret belongs to, be it used up or over; None if there is none."""
    rows = await fetch(_ACCOUNT_OF_SECRET, {"kind": kind.value, "digest": digest})
    account: UUID | None = rows[0][0]
    return account
