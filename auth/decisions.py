"""May this caller run this action in this Cloud, now? The one place where that is decided, and it is pure.

    decide(asker, action, cloud, now) -> Grant | Denial

A `Grant` can be made by a decision only, and the path of commands demands one: nothing privileged happens without.
What a decision does not know is the state of things, which commands check themselves, and whether an approval that is
bound to one operation is there, which is spent in the transaction of the command.
"""

from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Generic, TypeVar
from uuid import UUID

from auth.permissions import PRIVILEGES, ROLES, Action, MfaBinding, Privilege, Role, Rule
from auth.principal import Principal
from auth.tables import AccountKind, Profile

CLOCK_SKEW: Final = timedelta(seconds=30)
"""How far in the future a second factor may seem to be."""


class DenialReason(StrEnum):
    """Why an action is denied, or what it still takes."""

    MISSING_PROFILE = "MISSING_PROFILE"
    MFA_NOT_ENROLLED = "MFA_NOT_ENROLLED"
    MFA_STALE = "MFA_STALE"
    MFA_PER_OPERATION = "MFA_PER_OPERATION"
    WRONG_STATUS = "WRONG_STATUS"
    API_ACCOUNT = "API_ACCOUNT"


class Refusal(StrEnum):
    """What kind of answer a denial is."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    MFA_ENROLMENT_REQUIRED = "MFA_ENROLMENT_REQUIRED"
    INSUFFICIENT_USER_AUTHENTICATION = "INSUFFICIENT_USER_AUTHENTICATION"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the account as the database has it now, and when their token says that a second factor succeeded."""

    principal: Principal
    mfa_time: datetime | None


SEAL: Final = object()
"""What makes a grant one: known to the two functions that decide, here and in `auth.administration`."""
R_co = TypeVar("R_co", bound=Rule, covariant=True)


@dataclass(frozen=True, slots=True)
class SealedGrant(Generic[R_co]):
    """Leave to do one thing, for one caller, as a row of a table of rights allows it."""

    rule: R_co
    account_id: UUID
    decided_at: datetime
    seal: InitVar[object] = field(kw_only=True)  # not kept: a grant at hand does not open the way to another

    def __post_init__(self, seal: object) -> None:
        """Refuse to be made anywhere but in a decision."""
        if seal is not SEAL:
            raise TypeError("Only a decision grants.")

    @property
    def needs_approval(self) -> bool:
        """Whether it takes, besides, an approval of exactly this operation."""
        return self.rule.mfa_binding is MfaBinding.OPERATION


@dataclass(frozen=True, slots=True)
class Grant(SealedGrant[Privilege]):
    """Leave to run one action in one Cloud, for one caller."""

    organization_id: UUID
    cloud_id: UUID

    @property
    def privilege(self) -> Privilege:
        """The row of the matrix."""
        return self.rule


@dataclass(frozen=True, slots=True)
class Denial:
    """No leave: what kind of answer that is, why, and which profiles, any one of them, would do."""

    refusal: Refusal
    reasons: tuple[DenialReason, ...] = ()
    missing_profiles: tuple[Profile, ...] = ()


def decide(asker: Asker | None, action: Action, cloud_id: UUID, now: datetime) -> Grant | Denial:
    """Decide on an action in a Cloud; `now` is aware.

    The answer is NOT_FOUND, as for what does not exist, unless the caller sees what the action is on: the Cloud itself,
    by its name, or else what is in it. Then it is a matter of profiles; only who has one that will do is told of their
    second factor. Whether the Cloud exists is known to whoever looked it up: the platform sees the name of each.
    """
    if asker is None:
        return Denial(Refusal.UNAUTHENTICATED)
    principal, privilege = asker.principal, PRIVILEGES[action]
    cloud = principal.clouds_by_id.get(cloud_id)
    sees_name = cloud is not None or principal.scope.all_names
    sees_resources = cloud is not None and cloud.sees_resources
    if not (sees_name if privilege.target == "Cloud" else sees_resources):
        return Denial(Refusal.NOT_FOUND)
    if principal.kind is AccountKind.API_ACCOUNT:
        return Denial(Refusal.FORBIDDEN, (DenialReason.API_ACCOUNT,))
    if cloud is None or not holds(cloud.profiles, privilege.role):
        return Denial(Refusal.FORBIDDEN, (DenialReason.MISSING_PROFILE,), privilege.profiles)
    denial = deny_by_factor(asker, privilege.mfa_max_age, now)
    if denial is not None:
        return denial
    return Grant(privilege, principal.account_id, now, cloud.organization_id, cloud.id, seal=SEAL)


def deny_by_factor(asker: Asker, max_age: int, now: datetime) -> Denial | None:
    """Deny what their rights allow to whose second factor is missing, or older than `max_age` seconds."""
    if not asker.principal.has_factor:
        # Rights without a factor are inert: they read as STD, which holds no privilege at all.
        return Denial(Refusal.MFA_ENROLMENT_REQUIRED, (DenialReason.MFA_NOT_ENROLLED,))
    if not is_fresh(asker.mfa_time, max_age, now):
        return Denial(Refusal.INSUFFICIENT_USER_AUTHENTICATION, (DenialReason.MFA_STALE,))
    return None


def is_fresh(mfa_time: datetime | None, max_age: int, now: datetime) -> bool:
    """Say whether a second factor succeeded at most `max_age` seconds ago; none has where there is no time."""
    if mfa_time is None:
        return False
    age = now - mfa_time
    return -CLOCK_SKEW <= age <= timedelta(seconds=max_age)


def holds(profiles: frozenset[Profile], role: Role) -> bool:
    """Say whether any of the profiles holds the role."""
    return any(role in ROLES[profile] for profile in profiles)
