"""What there is to record of second factors: whoever keeps an audit gives a `Record`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from auth.mfa.factor import Challenge
from auth.statements import Fetch
from auth.tables import FactorKind


class MfaEventKind(StrEnum):
    """What has happened."""

    CHALLENGE_ACCEPTED = "CHALLENGE_ACCEPTED"
    CHALLENGE_REFUSED = "CHALLENGE_REFUSED"
    RATE_LIMITED = "RATE_LIMITED"
    ENROLMENT_BEGUN = "ENROLMENT_BEGUN"
    ENROLMENT_REFUSED = "ENROLMENT_REFUSED"
    FACTOR_CONFIRMED = "FACTOR_CONFIRMED"
    FACTOR_REPLACED = "FACTOR_REPLACED"
    FACTOR_RECOVERED = "FACTOR_RECOVERED"
    """One was confirmed that was set up with a recovery code: it serves later."""
    FACTOR_REMOVED = "FACTOR_REMOVED"
    REMOVAL_REFUSED = "REMOVAL_REFUSED"
    POSSIBLE_CLONE = "POSSIBLE_CLONE"
    """An answer was refused since the authenticator had counted further before: there may be a copy of it."""
    RECOVERY_CODES_RENEWED = "RECOVERY_CODES_RENEWED"
    RECOVERY_CODE_USED = "RECOVERY_CODE_USED"
    RECOVERY_REFUSED = "RECOVERY_REFUSED"
    DEVICE_RENEWED = "DEVICE_RENEWED"
    """A device is notified by another subscription."""
    DEVICE_REFUSED = "DEVICE_REFUSED"
    """Somebody asked in the name of a device, and was not it; or answered what is over."""
    NOT_ME = "NOT_ME"
    """The person said that they had not asked for it."""


@dataclass(frozen=True, slots=True)
class MfaEvent:
    """One thing that has happened to an account; `challenge` is the account's own, if there was one.

    Of recovery codes there is no `method`, nor of a factor that there is not.
    """

    kind: MfaEventKind
    account_id: UUID
    method: FactorKind | None
    at: datetime
    challenge: Challenge | None = None
    factor_id: UUID | None = None


Record = Callable[[Fetch, MfaEvent], Awaitable[None]]
"""Is told of every event, in its transaction: the two are committed together, also when an answer was refused."""


async def record_nothing(_: Fetch, __: MfaEvent) -> None:
    """Keep no record."""
