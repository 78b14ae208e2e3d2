"""One-time passwords of an authenticator app (RFC 6238): six digits that change every 30 seconds."""

import base64
import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import pyotp
from sqlalchemy import bindparam, or_, select, update

from auth.mfa.factor import Challenge
from auth.mfa.sealing import SecretSeal
from auth.statements import Fetch, Statement
from auth.tables import Factor, FactorKind, table

SECRET_BYTES: Final = 20
STEP: Final = timedelta(seconds=30)
SKEW_STEPS: Final = 1
"""How many steps a clock may be off, either way."""

_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)

FACTOR = table(Factor)
CONFIRMED = Statement(
    select(FACTOR.c.id, FACTOR.c.secret).where(
        FACTOR.c.account_id == bindparam("of_account"),
        FACTOR.c.kind == FactorKind.TOTP.value,
        FACTOR.c.confirmed_at.is_not(None),
    )
)
# One condition of one statement, so that of two who present the same code together one has it.
USE_STEP = Statement(
    update(FACTOR)
    .where(
        FACTOR.c.id == bindparam("of_factor"),
        or_(FACTOR.c.last_step.is_(None), FACTOR.c.last_step < bindparam("step")),
    )
    .values(last_step=bindparam("step"))
    .returning(FACTOR.c.id)
)


class Totp:
    """The factor of authenticator apps; `seal` is what their secrets are sealed with."""

    kind = FactorKind.TOTP
    amr = "otp"

    def __init__(self, seal: SecretSeal) -> None:
        self._seal = seal

    async def begin(self, fetch: Fetch, challenge: Challenge, now: datetime) -> str:
        """Say what to do; the app needs no telling."""
        return "Open your authenticator app and enter the 6 digits that it shows."

    async def verify(self, fetch: Fetch, challenge: Challenge, answer: str, now: datetime) -> bool:
        """Say whether the answer is a code of the account's confirmed factor that was not used yet."""
        for factor in await fetch(CONFIRMED, {"of_account": challenge.account_id}):
            secret = self._seal.open(factor["id"], factor["secret"])
            return await use_code(fetch, factor["id"], secret, answer, now)
        return False


async def use_code(fetch: Fetch, factor_id: UUID, secret: bytes, answer: str, now: datetime) -> bool:
    """Say whether a code is right and new, and use it up: neither it nor one before it works again."""
    step = step_of(secret, answer, now)
    return step is not None and bool(await fetch(USE_STEP, {"of_factor": factor_id, "step": step}))


def step_of(secret: bytes, answer: str, now: datetime) -> int | None:
    """Give the step that a code belongs to, of those that clocks may be at now; None if it is wrong.

    Should two steps have the same code, it is the later one's: used for the earlier, it would work once more.
    """
    code = answer.replace(" ", "")
    if not _CODE.fullmatch(code):
        return None
    current = step_at(now)
    steps = range(current - SKEW_STEPS, current + SKEW_STEPS + 1)
    # All are compared, each in constant time, so that how long it takes tells nothing.
    matching = [step for step in steps if hmac.compare_digest(code_at(secret, step), code)]
    return max(matching, default=None)


def step_at(now: datetime) -> int:
    """Tell which step a moment is in."""
    return int(now.timestamp()) // int(STEP.total_seconds())


def code_at(secret: bytes, step: int) -> str:
    """Give the code of a step."""
    return _totp(secret).generate_otp(step)


def new_secret() -> bytes:
    """Draw the secret of a new factor."""
    return secrets.token_bytes(SECRET_BYTES)


def written(secret: bytes) -> str:
    """Write a secret as people type it into their app: base32."""
    return base64.b32encode(secret).decode("ascii")


def provisioning_uri(secret: bytes, email: str, issuer: str) -> str:
    """Give the otpauth:// address that authenticator apps read from a QR code."""
    return _totp(secret).provisioning_uri(name=email, issuer_name=issuer)


def _totp(secret: bytes) -> pyotp.TOTP:
    return pyotp.TOTP(written(secret), interval=int(STEP.total_seconds()))
