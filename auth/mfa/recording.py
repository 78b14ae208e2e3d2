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
    NOT_ME = "NOT_ME"
    """The person said that they had not asked for it."""


@dataclass(frozen=True, slots=True)
class MfaEvent:
    """One thing that has happened to an account; `challenge` is the account's own, if there was one."""

    kind: MfaEventKind
    account_id: UUID
    method: FactorKind
    at: datetime
    challenge: Challenge | None = None
    factor_id: UUID | None = None


Record = Callable[[Fetch, MfaEvent], Awaitable[None]]
"""Is told of every event, in its transaction: the two are committed together, also when an answer was refused."""


async def record_nothing(_: Fetch, __: MfaEvent) -> None:
    """Keep no record."""
