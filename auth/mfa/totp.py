"""One-time passwords of an authenticator app (RFC 6238): six digits that change every 30 seconds."""

import base64
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import pyotp
from sqlalchemy import bindparam, or_, select, update

from auth.mfa.enrolment import Confirmation, begin_enrolment, confirm_enrolment
from auth.mfa.factor import Challenge, Prompt, Verdict
from auth.mfa.recording import Record, record_nothing
from auth.mfa.sealing import SecretSeal
from auth.mfa.usable import usable
from auth.statements import Fetch, Statement
from auth.tables import Factor, FactorKind, table

SECRET_BYTES: Final = 20
STEP: Final = timedelta(seconds=30)
SKEW_STEPS: Final = 1
"""How many steps a clock may be off, either way."""

LABEL: Final = "Authenticator app"

_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)

FACTOR = table(Factor)
CONFIRMED = Statement(
    select(FACTOR.c.id, FACTOR.c.secret).where(
        FACTOR.c.account_id == bindparam("of_account"),
        FACTOR.c.kind == FactorKind.TOTP.value,
        usable(),
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
    most_answer = 64

    def __init__(self, seal: SecretSeal) -> None:
        self._seal = seal

    async def begin(self, fetch: Fetch, challenge: Challenge, now: datetime) -> Prompt:
        """Say what to do; the app needs no telling."""
        return Prompt("Open your authenticator app and enter the 6 digits that it shows.")

    async def verify(self, fetch: Fetch, challenge: Challenge, answer: str, now: datetime) -> Verdict:
        """Say whether the answer is a code, not used yet, of an app of the account that serves now."""
        for factor in await fetch(CONFIRMED, {"of_account": challenge.account_id, "at": now}):
            secret = self._seal.open(factor["id"], factor["secret"])
            if await use_code(fetch, factor["id"], secret, answer, now):
                return Verdict.RIGHT
        return Verdict.WRONG


@dataclass(frozen=True, slots=True)
class TotpEnrolment:
    """An authenticator app that is being set up: its secret is shown this once."""

    factor_id: UUID
    secret: bytes
    expires_at: datetime


async def begin_totp(
    fetch: Fetch,
    seal: SecretSeal,
    account_id: UUID,
    now: datetime,
    *,
    is_fresh: bool,
    record: Record = record_nothing,
) -> TotpEnrolment | None:
    """Draw the secret of a new app; None if there is no right to set one up (`auth.mfa.enrolment`)."""
    secret = new_secret()
    begun = await begin_enrolment(
        fetch,
        account_id,
        FactorKind.TOTP,
        LABEL,
        lambda factor_id: seal.seal(factor_id, secret),
        now,
        is_fresh=is_fresh,
        record=record,
    )
    return None if begun is None else TotpEnrolment(begun.factor_id, secret, begun.expires_at)


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
    """Confirm an app with a code of it. Gives also how long to wait, if so."""

    async def check(factor_id: UUID, sealed: bytes) -> bytes | None:
        return sealed if await use_code(fetch, factor_id, seal.open(factor_id, sealed), code, now) else None

    return await confirm_enrolment(
        fetch, account_id, factor_id, FactorKind.TOTP, check, now, is_fresh=is_fresh, record=record
    )


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
