"""What is outside the privilege matrix: who may create organizations, Clouds and Services, give profiles, set tags.

    decide_administration(asker, represents, administration, target, now) -> AdministrationGrant | Denial

The second table of rights, one row each, and its decision, which is pure as that on actions is. Nobody gives anything
to themselves, and what takes a second person is not approved by who proposed it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from auth.decisions import SEAL, Asker, Denial, DenialReason, Refusal, SealedGrant, deny_by_factor, holds
from auth.permissions import MFA_MAX_AGE, ROLES, MfaBinding, Role
from auth.principal import Principal
from auth.tables import AccountKind, Profile


class Administration(StrEnum):
    """What may be done beside the actions of the privilege matrix."""

    CREATE_ORGANIZATION = "CREATE_ORGANIZATION"
    REQUEST_CLOUD = "REQUEST_CLOUD"
    CREATE_CLOUD = "CREATE_CLOUD"
    CREATE_SERVICE = "CREATE_SERVICE"
    SET_TAGS = "SET_TAGS"
    REQUEST_ACCOUNT = "REQUEST_ACCOUNT"
    APPROVE_ACCOUNT = "APPROVE_ACCOUNT"
    DISABLE_ACCOUNT = "DISABLE_ACCOUNT"
    PROPOSE_PROFILE = "PROPOSE_PROFILE"
    APPROVE_PROFILE = "APPROVE_PROFILE"
    WITHDRAW_PROFILE = "WITHDRAW_PROFILE"
    APPOINT_REPRESENTATIVE = "APPOINT_REPRESENTATIVE"
    DISMISS_REPRESENTATIVE = "DISMISS_REPRESENTATIVE"
    APPROVE_FACTOR = "APPROVE_FACTOR"


class Authority(StrEnum):
    """Who may without a profile: the platform's own people, or a security representative of the organization."""

    PLATFORM = "PLATFORM"
    SECURITY_REPRESENTATIVE = "SECURITY_REPRESENTATIVE"


class Obstacle(StrEnum):
    """Why an authority is denied."""

    MISSING_AUTHORITY = "MISSING_AUTHORITY"
    OWN_ACCOUNT = "OWN_ACCOUNT"
    OWN_PROPOSAL = "OWN_PROPOSAL"


class Level(StrEnum):
    """What a target names at the least: nothing, an organization, or a Cloud of one."""

    PLATFORM = "PLATFORM"
    ORGANIZATION = "ORGANIZATION"
    CLOUD = "CLOUD"


@dataclass(frozen=True, slots=True)
class AdministrationRule:
    """One row of the table: who may, where, which approval it needs, and whether it is kept from oneself."""

    administration: Administration
    who: frozenset[Authority] | Role
    """Authorities, any of which will do; or the role that it takes in the Cloud."""
    level: Level
    target: str
    """The type of what it is about; of what is created on the platform, that type."""
    description: str
    mfa_binding: MfaBinding
    changes_account: bool = False
    """Whether it is done to an account, which is never one's own."""
    second_person: bool = False
    """Whether it approves what somebody proposed, who is another than the one that approves."""
    mfa_max_age: int = MFA_MAX_AGE

    @property
    def key(self) -> Administration:
        """What may be done."""
        return self.administration

    @property
    def label(self) -> str:
        """What the audit log calls it."""
        return self.administration.value

    @property
    def mutation(self) -> str:
        """The change as a GraphQL field: createOrganization."""
        first, *rest = self.administration.value.lower().split("_")
        return first + "".join(word.capitalize() for word in rest)

    @property
    def authorities(self) -> tuple[Authority, ...]:
        """The authorities, any of which will do; none where it takes a role."""
        return () if isinstance(self.who, Role) else tuple(held for held in Authority if held in self.who)

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """The profiles, any of which will do, the least first; none where it takes an authority."""
        return tuple(held for held in Profile if self.who in ROLES[held]) if isinstance(self.who, Role) else ()


PLATFORM = frozenset({Authority.PLATFORM})
REPRESENTATIVE = frozenset({Authority.SECURITY_REPRESENTATIVE})
EITHER = PLATFORM | REPRESENTATIVE
SESSION, OPERATION = MfaBinding.SESSION, MfaBinding.OPERATION
_ROWS = (
    AdministrationRule(
        Administration.CREATE_ORGANIZATION,
        PLATFORM,
        Level.PLATFORM,
        "Organization",
        "Create an organization, with its default Cloud.",
        SESSION,
    ),
    AdministrationRule(
        Administration.REQUEST_CLOUD,
        REPRESENTATIVE,
        Level.ORGANIZATION,
        "Organization",
        "Request a further Cloud.",
        SESSION,
    ),
    AdministrationRule(
        Administration.CREATE_CLOUD,
        PLATFORM,
        Level.ORGANIZATION,
        "Organization",
        "Create a Cloud, or approve one that was requested.",
        SESSION,
    ),
    AdministrationRule(
        Administration.CREATE_SERVICE,
        Role.MANAGE_RESOURCES,
        Level.CLOUD,
        "Cloud",
        "Create a Service in a Cloud.",
        SESSION,
    ),
    AdministrationRule(
        Administration.SET_TAGS,
        Role.MODIFY_RESOURCES,
        Level.CLOUD,
        "Resource",
        "Set or remove the tags of a resource.",
        SESSION,
    ),
    AdministrationRule(
        Administration.REQUEST_ACCOUNT,
        REPRESENTATIVE,
        Level.ORGANIZATION,
        "Organization",
        "Request an account for a person, or an API account.",
        SESSION,
    ),
    AdministrationRule(
        Administration.APPROVE_ACCOUNT,
        PLATFORM,
        Level.ORGANIZATION,
        "Organization",
        "Create an account that was requested; its invitation, or its secret, goes out.",
        OPERATION,
        second_person=True,
    ),
    AdministrationRule(
        Administration.DISABLE_ACCOUNT,
        PLATFORM,
        Level.PLATFORM,
        "Account",
        "Disable an account, with everything it holds.",
        OPERATION,
        changes_account=True,
    ),
    AdministrationRule(
        Administration.PROPOSE_PROFILE,
        REPRESENTATIVE,
        Level.CLOUD,
        "Cloud",
        "Give an account the profile STD in a Cloud, or propose DTM, OPE or POW.",
        OPERATION,
        changes_account=True,
    ),
    AdministrationRule(
        Administration.APPROVE_PROFILE,
        EITHER,
        Level.CLOUD,
        "ProfileProposal",
        "Give the profile DTM, OPE or POW that another person proposed.",
        OPERATION,
        changes_account=True,
        second_person=True,
    ),
    AdministrationRule(
        Administration.WITHDRAW_PROFILE,
        REPRESENTATIVE,
        Level.CLOUD,
        "Cloud",
        "Withdraw a profile, or the proposal of one.",
        OPERATION,
        changes_account=True,
    ),
    AdministrationRule(
        Administration.APPOINT_REPRESENTATIVE,
        PLATFORM,
        Level.ORGANIZATION,
        "Organization",
        "Make an account a security representative of its organization.",
        OPERATION,
        changes_account=True,
    ),
    AdministrationRule(
        Administration.DISMISS_REPRESENTATIVE,
        PLATFORM,
        Level.ORGANIZATION,
        "Organization",
        "End that an account is a security representative.",
        OPERATION,
        changes_account=True,
    ),
    AdministrationRule(
        Administration.APPROVE_FACTOR,
        REPRESENTATIVE,
        Level.ORGANIZATION,
        "Organization",
        "Approve, before its 24 hours are over, a second factor that was enrolled with a recovery code.",
        OPERATION,
        changes_account=True,
    ),
)

RULES: Mapping[Administration, AdministrationRule] = {row.administration: row for row in _ROWS}
"""The table, in the order of the enum."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a change is about, as the database has it: where, done to whose account, and proposed by whom."""

    organization_id: UUID | None = None
    cloud_id: UUID | None = None
    account_id: UUID | None = None
    proposed_by: UUID | None = None


@dataclass(frozen=True, slots=True)
class AdministrationGrant(SealedGrant[AdministrationRule]):
    """Leave to make one change outside the matrix, for one caller and one target."""

    target: Target


@dataclass(frozen=True, slots=True)
class AdministrationDenial(Denial):
    """No leave for want of an authority: what stands against it, and which authorities, any one of them, would do."""

    obstacles: tuple[Obstacle, ...] = ()
    missing_authorities: tuple[Authority, ...] = ()


def decide_administration(
    asker: Asker | None,
    represents: Collection[UUID],
    administration: Administration,
    target: Target,
    now: datetime,
) -> AdministrationGrant | Denial:
    """Decide on a change outside the matrix; `now` is aware, `represents` are organizations, as a scope has them.

    The answer is NOT_FOUND unless the caller sees the organization or the Cloud by name, or, where it takes a role,
    what is in the Cloud.

    Raises:
        ValueError: the target does not name what the rule is about; then nothing can be decided.
    """
    rule = RULES[administration]
    _require(rule, target)
    if asker is None:
        return Denial(Refusal.UNAUTHENTICATED)
    principal = asker.principal
    if not _sees(principal, rule, target):
        return Denial(Refusal.NOT_FOUND)
    if principal.kind is AccountKind.API_ACCOUNT:
        return Denial(Refusal.FORBIDDEN, (DenialReason.API_ACCOUNT,))
    denial = _deny_by_right(principal, represents, rule, target) or deny_by_factor(asker, rule.mfa_max_age, now)
    if denial is not None:
        return denial
    return AdministrationGrant(rule, principal.account_id, now, target, seal=SEAL)


def _require(rule: AdministrationRule, target: Target) -> None:
    named = {
        "an organization": (target.organization_id, rule.level is not Level.PLATFORM),
        "a Cloud": (target.cloud_id, rule.level is Level.CLOUD),
        "an account": (target.account_id, rule.changes_account),
        "who proposed it": (target.proposed_by, rule.second_person),
    }
    missing = [name for name, (value, required) in named.items() if required and value is None]
    if missing:
        raise ValueError(f"{rule.administration} is decided for {' and '.join(missing)}.")


def _sees(principal: Principal, rule: AdministrationRule, target: Target) -> bool:
    cloud = None if target.cloud_id is None else principal.clouds_by_id.get(target.cloud_id)
    if isinstance(rule.who, Role):
        return cloud is not None and cloud.sees_resources and cloud.organization_id == target.organization_id
    if principal.scope.all_names or rule.level is Level.PLATFORM:
        return True
    if target.cloud_id is not None:
        return cloud is not None and cloud.organization_id == target.organization_id
    return target.organization_id in principal.organizations_by_id


def _deny_by_right(
    principal: Principal, represents: Collection[UUID], rule: AdministrationRule, target: Target
) -> Denial | None:
    if isinstance(rule.who, Role):
        held = principal.clouds_by_id[target.cloud_id].profiles if target.cloud_id else frozenset()
        missing = (DenialReason.MISSING_PROFILE,)
        return None if holds(held, rule.who) else Denial(Refusal.FORBIDDEN, missing, rule.profiles)
    has_authority = (Authority.PLATFORM in rule.who and principal.is_platform) or (
        Authority.SECURITY_REPRESENTATIVE in rule.who and target.organization_id in represents
    )
    if not has_authority:
        return AdministrationDenial(
            Refusal.FORBIDDEN, obstacles=(Obstacle.MISSING_AUTHORITY,), missing_authorities=rule.authorities
        )
    obstacles = []
    if rule.changes_account and target.account_id == principal.account_id:
        obstacles.append(Obstacle.OWN_ACCOUNT)
    if rule.second_person and target.proposed_by == principal.account_id:
        obstacles.append(Obstacle.OWN_PROPOSAL)
    return AdministrationDenial(Refusal.FORBIDDEN, obstacles=tuple(obstacles)) if obstacles else None
