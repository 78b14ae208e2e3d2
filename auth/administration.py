"""Who may do what is outside the privilege matrix: create organizations and Clouds, manage accounts, give profiles.

    decide_administration(asker, represents, administration, target, now) -> AdministrationGrant | Denial

The second table of rights is `auth/administration_rules.py`; this is its decision, which is pure as that on actions is.
Nobody gives anything to themselves, and what takes a second person is not approved by who proposed it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from auth.administration_rules import RULES as RULES
from auth.administration_rules import Administration as Administration
from auth.administration_rules import AdministrationRule as AdministrationRule
from auth.administration_rules import Authority as Authority
from auth.administration_rules import Level as Level
from auth.decisions import SEAL, Asker, Denial, DenialReason, Refusal, SealedGrant, deny_by_factor, holds
from auth.permissions import Role
from auth.principal import Principal
from auth.tables import AccountKind


class Obstacle(StrEnum):
    """Why an authority is denied."""

    MISSING_AUTHORITY = "MISSING_AUTHORITY"
    OWN_ACCOUNT = "OWN_ACCOUNT"
    OWN_PROPOSAL = "OWN_PROPOSAL"


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
