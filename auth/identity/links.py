"""Links that are sent by e-mail: an invitation, to choose the first password, and a reset, to choose another.

A link serves once, and not for long; the newest of an account and a purpose is the only one that does. Following one
changes nothing: programs that look through mail follow links, too. It is used by what is sent with it.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Text, bindparam, delete, insert, select, update

from auth.identity.secrets import digest_of, new_secret
from auth.identity.tables import Link, LinkPurpose
from auth.statements import Fetch, Statement
from auth.tables import TIMESTAMP, table, uuid7

LASTS: Final = {LinkPurpose.INVITATION: timedelta(hours=72), LinkPurpose.PASSWORD_RESET: timedelta(hours=1)}
"""How long a link serves."""

LINK = table(Link)
_NEWER = LINK.alias("newer")
_AT = bindparam("at", type_=TIMESTAMP)
_VALID = (
    LINK.c.account_id == bindparam("of_account"),
    LINK.c.purpose == bindparam("of_purpose", type_=Text()),
    LINK.c.digest == bindparam("of_digest"),
    LINK.c.used_at.is_(None),
    LINK.c.expires_at > _AT,
    ~select(_NEWER.c.id)
    .where(_NEWER.c.account_id == LINK.c.account_id, _NEWER.c.purpose == LINK.c.purpose, _NEWER.c.id > LINK.c.id)
    .exists(),
)
ADD = Statement(
    insert(LINK).values(
        id=bindparam("new_id"),
        account_id=bindparam("of_account"),
        purpose=bindparam("of_purpose", type_=Text()),
        digest=bindparam("of_digest"),
        created_at=_AT,
        expires_at=bindparam("new_end", type_=TIMESTAMP),
    )
)
FIND = Statement(select(LINK.c.id).where(*_VALID))
USE = Statement(update(LINK).where(*_VALID).values(used_at=_AT).returning(LINK.c.id))
DROP_OTHERS = Statement(
    delete(LINK).where(LINK.c.account_id == bindparam("of_account"), LINK.c.digest != bindparam("of_digest"))
)


async def new_link(fetch: Fetch, account_id: UUID, purpose: LinkPurpose, now: datetime) -> str:
    """Make a link of an account, which ends those before; gives its secret, which is kept nowhere.

    In the account's own scope, or for an invitation in the platform's.
    """
    secret = new_secret()
    values = {
        "new_id": uuid7(),
        "of_account": account_id,
        "of_purpose": purpose.value,
        "of_digest": digest_of(secret),
        "at": now,
        "new_end": now + LASTS[purpose],
    }
    await fetch(ADD, values)
    return secret


async def is_valid_link(fetch: Fetch, account_id: UUID, purpose: LinkPurpose, digest: bytes, now: datetime) -> bool:
    """Say whether a link, of which this is the digest, would serve now. It changes nothing."""
    return bool(await fetch(FIND, _named(account_id, purpose, digest, now)))


async def use_link(fetch: Fetch, account_id: UUID, purpose: LinkPurpose, digest: bytes, now: datetime) -> bool:
    """Use a link up, and end all others of the account; False if it does not serve."""
    if not await fetch(USE, _named(account_id, purpose, digest, now)):
        return False
    await fetch(DROP_OTHERS, {"of_account": account_id, "of_digest": digest})
    return True


def _named(account_id: UUID, purpose: LinkPurpose, digest: bytes, now: datetime) -> dict[str, object]:
    return {"of_account": account_id, "of_purpose": purpose.value, "of_digest": digest, "at": now}
