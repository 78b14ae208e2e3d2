"""The second table of rights, what is outside the privilege matrix, by which `auth/administration.py` decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from auth.permissions import MFA_MAX_AGE, ROLES, MfaBinding, Role
from auth.tables import Profile


class Administration(StrEnum):
    """What may be done beside the actions of the privilege matrix."""

    CREATE_ORGANIZATION = "CREATE_ORGANIZATION"
    REQUEST_CLOUD = "REQUEST_CLOUD"
    CREATE_CLOUD = "CREATE_CLOUD"
    REFUSE_CLOUD = "REFUSE_CLOUD"
    CREATE_SERVICE = "CREATE_SERVICE"
    SET_TAGS = "SET_TAGS"
    REQUEST_ACCOUNT = "REQUEST_ACCOUNT"
    APPROVE_ACCOUNT = "APPROVE_ACCOUNT"
    REFUSE_ACCOUNT = "REFUSE_ACCOUNT"
    RESEND_INVITATION = "RESEND_INVITATION"
    DISABLE_ACCOUNT = "DISABLE_ACCOUNT"
    ENABLE_ACCOUNT = "ENABLE_ACCOUNT"
    LINK_IDENTITY = "LINK_IDENTITY"
    UNLINK_IDENTITY = "UNLINK_IDENTITY"
    PROPOSE_PROFILE = "PROPOSE_PROFILE"
    APPROVE_PROFILE = "APPROVE_PROFILE"
    WITHDRAW_PROFILE = "WITHDRAW_PROFILE"
    APPOINT_REPRESENTATIVE = "APPOINT_REPRESENTATIVE"
    DISMISS_REPRESENTATIVE = "DISMISS_REPRESENTATIVE"
    APPROVE_FACTOR = "APPROVE_FACTOR"
    RESET_FACTORS = "RESET_FACTORS"
    ADD_CLIENT_SECRET = "ADD_CLIENT_SECRET"  # noqa: S105
    ADD_CLIENT_KEY = "ADD_CLIENT_KEY"
    REVOKE_CLIENT_CREDENTIAL = "REVOKE_CLIENT_CREDENTIAL"


class Authority(StrEnum):
    """Who may without a profile: the platform's own people, or a security representative of the organization."""

    PLATFORM = "PLATFORM"
    SECURITY_REPRESENTATIVE = "SECURITY_REPRESENTATIVE"


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
        Administration.REFUSE_CLOUD,
        PLATFORM,
        Level.ORGANIZATION,
        "CloudRequest",
        "Refuse a further Cloud that was requested.",
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
        "AccountRequest",
        "Create an account that was requested; its invitation, or its secret, goes out.",
        OPERATION,
        second_person=True,
    ),
    AdministrationRule(
        Administration.REFUSE_ACCOUNT,
        PLATFORM,
        Level.ORGANIZATION,
        "AccountRequest",
        "Refuse an account that was requested.",
        SESSION,
        second_person=True,
    ),
    AdministrationRule(
        Administration.RESEND_INVITATION,
        EITHER,
        Level.ORGANIZATION,
        "Organization",
        "Send a person who has not signed in yet another invitation.",
        OPERATION,
        changes_account=True,
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
        Administration.ENABLE_ACCOUNT,
        PLATFORM,
        Level.PLATFORM,
        "Account",
        "Let an account that was disabled sign in again; it holds nothing.",
        OPERATION,
        changes_account=True,
    ),
    AdministrationRule(
        Administration.LINK_IDENTITY,
        PLATFORM,
        Level.PLATFORM,
        "Account",
        "Say which subject of a foreign issuer a person is, by whose tokens they then come in.",
        OPERATION,
        changes_account=True,
    ),
    AdministrationRule(
        Administration.UNLINK_IDENTITY,
        PLATFORM,
        Level.PLATFORM,
        "Account",
        "Take that back, which ends what they got by tokens of foreign issuers.",
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
    AdministrationRule(
        Administration.RESET_FACTORS,
        PLATFORM,
        Level.PLATFORM,
        "Account",
        "End the second factors and the password of a person who lost them, and send another invitation.",
        OPERATION,
        changes_account=True,
    ),
    AdministrationRule(
        Administration.ADD_CLIENT_SECRET,
        REPRESENTATIVE,
        Level.ORGANIZATION,
        "Organization",
        "Give an API account a further secret, which is shown once.",
        OPERATION,
        changes_account=True,
    ),
    AdministrationRule(
        Administration.ADD_CLIENT_KEY,
        REPRESENTATIVE,
        Level.ORGANIZATION,
        "Organization",
        "Let an API account sign in with a private key, of which this is the public one.",
        OPERATION,
        changes_account=True,
    ),
    AdministrationRule(
        Administration.REVOKE_CLIENT_CREDENTIAL,
        REPRESENTATIVE,
        Level.ORGANIZATION,
        "ClientCredential",
        "Revoke a secret or a key of an API account, with the tokens that it gave.",
        OPERATION,
        changes_account=True,
    ),
)

RULES: Mapping[Administration, AdministrationRule] = {row.administration: row for row in _ROWS}
"""The table, in the order of the enum."""
