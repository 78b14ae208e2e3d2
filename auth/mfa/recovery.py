"""Recovery codes: ten, for who has lost their factors. Each opens the setting up of a factor once, and nothing else.

They never answer a challenge. What is set up with one serves after a day, or when a representative has approved it
(`auth.mfa.enrolment`). A code is 80 random bits: its digest, which is all that is kept, gives nothing away.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, select, update

from auth.identity.secrets import digest_of
from auth.mfa.failures import count_failure, forgive
from auth.mfa.recording import MfaEvent, MfaEventKind, Record, record_nothing
from auth.mfa.tables import RecoveryCode
from auth.statements import Fetch, Statement
from auth.tables import TIMESTAMP, table

CODES: Final = 10
GROUPS: Final = 4
GROUP: Final = 4
"""Characters of a group; each is five bits."""
MOST_CODE: Final = 64
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: what looks alike is in it once."""
_LOOKS_LIKE: Final = str.maketrans("OIL", "011", "- ")
_CODE: Final = re.compile(f"[{ALPHABET}]{{{GROUPS * GROUP}}}", re.ASCII)

CODE = table(RecoveryCode)
_OF_ACCOUNT = CODE.c.account_id == bindparam("of_account")
_AT = bindparam("at", type_=TIMESTAMP)
FORGET = Statement(delete(CODE).where(_OF_ACCOUNT))
ADD = Statement(insert(CODE).values(account_id=bindparam("of_account"), digest=bindparam("new_digest"), created_at=_AT))
# One condition of one statement, so that of two who present the same code one has it.
USE = Statement(
    update(CODE)
    .where(_OF_ACCOUNT, CODE.c.digest == bindparam("of_digest"), CODE.c.used_at.is_(None))
    .values(used_at=_AT)
    .returning(CODE.c.account_id)
)
LEFT = Statement(select(func.count()).select_from(CODE).where(_OF_ACCOUNT, CODE.c.used_at.is_(None)))


class Recovery(StrEnum):
    """What came of a recovery code."""

    OPENED = "OPENED"
    """For `auth.mfa.enrolment.RECOVERY_LASTS` a factor can be set up."""
    REFUSED = "REFUSED"
    RATE_LIMITED = "RATE_LIMITED"


@dataclass(frozen=True, slots=True)
class Recovered:
    """What came of a recovery code, and how long to wait if it was not looked at."""

    outcome: Recovery
    wait: timedelta = timedelta(0)


async def new_codes(fetch: Fetch, account_id: UUID, now: datetime) -> list[str]:
    """Draw the recovery codes of an account, in the place of those before; they are shown this once."""
    codes = [new_code() for _ in range(CODES)]
    await fetch(FORGET, {"of_account": account_id})
    for code in codes:
        await fetch(ADD, {"of_account": account_id, "new_digest": _digest(code), "at": now})
    return codes


async def renew_codes(
    fetch: Fetch, account_id: UUID, now: datetime, *, is_fresh: bool, record: Record = record_nothing
) -> list[str] | None:
    """Draw new codes for who has shown a second factor just now; None for who has not."""
    if not is_fresh:
        await record(fetch, MfaEvent(MfaEventKind.RECOVERY_REFUSED, account_id, None, now))
        return None
    codes = await new_codes(fetch, account_id, now)
    await record(fetch, MfaEvent(MfaEventKind.RECOVERY_CODES_RENEWED, account_id, None, now))
    return codes


async def use_code(
    fetch: Fetch, account_id: UUID, code: str, now: datetime, record: Record = record_nothing
) -> Recovered:
    """Use a recovery code up, if it is one of the account's that is left; wrong ones are counted like any answer."""
    wait = await count_failure(fetch, account_id, now)
    if wait is not None:
        await record(fetch, MfaEvent(MfaEventKind.RATE_LIMITED, account_id, None, now))
        return Recovered(Recovery.RATE_LIMITED, wait)
    if not await fetch(USE, {"of_account": account_id, "of_digest": _digest(code), "at": now}):
        await record(fetch, MfaEvent(MfaEventKind.RECOVERY_REFUSED, account_id, None, now))
        return Recovered(Recovery.REFUSED)
    await forgive(fetch, account_id)
    await record(fetch, MfaEvent(MfaEventKind.RECOVERY_CODE_USED, account_id, None, now))
    return Recovered(Recovery.OPENED)


async def codes_left(fetch: Fetch, account_id: UUID) -> int:
    """Say how many codes an account has left."""
    left: int = (await fetch(LEFT, {"of_account": account_id}))[0][0]
    return left


def new_code() -> str:
    """Draw a code, in groups that can be read out."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(GROUPS * GROUP))
    return "-".join(letters[at : at + GROUP] for at in range(0, len(letters), GROUP))


def plain(code: str) -> str | None:
    """Give a code as it was drawn, however it was typed; None if it cannot be one."""
    letters = code.upper().translate(_LOOKS_LIKE)
    return letters if _CODE.fullmatch(letters) else None


def _digest(code: str) -> bytes:
    # Of what cannot be a code there is a digest, too, which none has: it is refused as any other that is wrong.
    return digest_of(plain(code) or "")
