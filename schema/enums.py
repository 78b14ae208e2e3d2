"""The enums of the schema, each value described once; the values are those of the model."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import strawberry

from auth.administration import RULES
from auth.administration import Administration as Administration
from auth.identity.tables import CredentialKind as CredentialKind
from auth.permissions import PRIVILEGES
from auth.permissions import Action as Action
from auth.permissions import MfaBinding as MfaBinding
from auth.permissions import Role as Role
from auth.tables import AccountKind as AccountKind
from auth.tables import FactorKind as FactorKind
from auth.tables import Profile as Profile
from resolvers.tables import IndicatorKind as IndicatorKind
from resolvers.tables import IngressController as IngressController
from resolvers.tables import MemberState as MemberState
from resolvers.tables import MemberStatus as MemberStatus
from resolvers.tables import NetworkScope as NetworkScope
from resolvers.tables import NodeStatus as NodeStatus
from resolvers.tables import OperationStatus as OperationStatus
from resolvers.tables import OsType as OsType
from resolvers.tables import ResourceStatus as ResourceStatus
from resolvers.tables import ResourceType as ResourceType
from resolvers.tables import SupportPhase as SupportPhase
from resolvers.tables import ZoneAudience as ZoneAudience


def described(enum: type[StrEnum], name: str, description: str, values: Mapping[str, str]) -> None:
    """Publish an enum under a name, with a sentence for every value."""
    published: Any = strawberry.enum(enum, name=name, description=description)
    for value in published.__strawberry_definition__.values:
        value.description = values[value.name]


described(
    Profile,
    "Profile",
    "What a person holds in one Cloud; several add up.",
    {
        "STD": "Standard: sees resources.",
        "DTM": "Maintenance: sees resources and manages maintenances.",
        "OPE": "Operator: also modifies resources, but for creating and deleting them.",
        "POW": "Power: complete resource management.",
    },
)
described(
    Role,
    "Role",
    "What a profile may do in a Cloud.",
    {
        "SEE_RESOURCES": "See all resources and what is known of them.",
        "MANAGE_MAINTENANCES": "Manage maintenance windows.",
        "MODIFY_RESOURCES": "Modify resources, but for creating and deleting them.",
        "MANAGE_RESOURCES": "Complete resource management.",
    },
)
described(
    Action,
    "Action",
    "A label of the privilege matrix, in upper snake case.",
    {action.name: row.description for action, row in PRIVILEGES.items()},
)
described(
    MfaBinding,
    "MfaBinding",
    "What an approval by the second factor is good for.",
    {
        "SESSION": "Any action until it is too old.",
        "OPERATION": "One operation, with exactly the input that was approved.",
    },
)
described(
    AccountKind,
    "ViewerKind",
    "Who is calling.",
    {"PERSON": "A person.", "API_ACCOUNT": "A program of one organization; it reads and nothing more."},
)
described(
    ResourceType,
    "ResourceType",
    "What a resource is; ITCare calls it a category.",
    {
        "INSTANCE": "A virtual machine.",
        "LOAD_BALANCER": "A load balancer.",
        "OBJECT_STORE": "A store of objects.",
        "KUBERNETES_CLUSTER": "A Kubernetes cluster.",
        "MANAGED_DATABASE": "A managed database.",
        "MESSAGE_BROKER": "A message broker.",
        "APPLICATION_SERVER": "An application server.",
        "FILE_STORAGE": "A file storage.",
    },
)
described(
    ResourceStatus,
    "ResourceStatus",
    "The status of a resource.",
    {
        "ACTIVE": "The resource is active and its service available.",
        "PREPARATION": "The resource is being installed or configured; its service is not yet available.",
        "INACTIVE": "The resource is inactive and its service unavailable.",
    },
)
described(
    NodeStatus,
    "NodeStatus",
    "The status of a node.",
    {"ACTIVE": "The node runs.", "PREPARATION": "The node is being installed.", "INACTIVE": "The node is stopped."},
)
described(
    IngressController,
    "IngressController",
    "What lets traffic into a cluster.",
    {"NGINX": "NGINX.", "ISTIO": "Istio.", "TRAEFIK": "Traefik."},
)
described(
    ZoneAudience,
    "ZoneAudience",
    "For whom an availability zone is.",
    {"CLIENT": "For clients.", "GROUP": "Reserved for the cegedim group."},
)
described(
    SupportPhase,
    "SupportPhase",
    "Where a product stands in its life.",
    {
        "STANDARD": "Sold and supported.",
        "END_OF_SALE": "Supported, no longer sold.",
        "EXTENDED": "Under extended support.",
        "END_OF_SUPPORT": "No longer supported.",
    },
)
described(
    NetworkScope,
    "NetworkScope",
    "From where a network is reached.",
    {
        "PRIVATE": "From the organization's own areas.",
        "INTERCO": "From the networks it is interconnected with.",
        "INTERNET": "From the internet.",
    },
)
described(
    OsType,
    "OsType",
    "The kind of an operating system.",
    {"LINUX": "Linux.", "WINDOWS": "Windows.", "UNIX": "Unix."},
)
described(
    MemberState,
    "MemberState",
    "What operators set on a member of a load balancer.",
    {"ENABLED": "Takes traffic.", "DISABLED": "Finishes what it has, takes nothing new.", "OFFLINE": "Takes nothing."},
)
described(
    MemberStatus,
    "MemberStatus",
    "What the platform observes of a member of a load balancer.",
    {"UP": "It answers.", "DOWN": "It does not answer.", "USER_DOWN": "It was taken down by an operator."},
)
described(
    IndicatorKind,
    "IndicatorKind",
    "How an indicator looks at its target.",
    {"HTTP": "By an HTTP request.", "TCP": "By a TCP connection.", "METRIC": "By a metric and its threshold."},
)
described(
    OperationStatus,
    "OperationStatus",
    "How an operation stands.",
    {
        "IN_PROGRESS": "It runs, or waits to run.",
        "SUCCESS": "It is done.",
        "ERROR": "It failed; the message says why.",
        "CANCELLED": "It was cancelled before it was done.",
    },
)


class OrderDirection(StrEnum):
    """Which way an order goes."""

    ASC = "ASC"
    DESC = "DESC"


described(
    OrderDirection,
    "OrderDirection",
    "Which way an order goes.",
    {"ASC": "From the least to the greatest.", "DESC": "From the greatest to the least."},
)


class ResourceOrderField(StrEnum):
    """What resources can be ordered by."""

    NAME = "NAME"
    TYPE = "TYPE"
    STATUS = "STATUS"
    ENVIRONMENT = "ENVIRONMENT"
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"


described(
    ResourceOrderField,
    "ResourceOrderField",
    "What resources can be ordered by. Texts go by code point, enums by name.",
    {
        "NAME": "The resource's name.",
        "TYPE": "The name of its type.",
        "STATUS": "The name of its status.",
        "ENVIRONMENT": "The code of its environment.",
        "CREATED_AT": "When it was created.",
        "UPDATED_AT": "When it last changed.",
    },
)


class ServiceOrderField(StrEnum):
    """What Services can be ordered by."""

    NAME = "NAME"


described(
    ServiceOrderField,
    "ServiceOrderField",
    "What Services can be ordered by.",
    {"NAME": "The Service's name, by code point."},
)


class ResourceField(StrEnum):
    """What resources can be counted by."""

    TYPE = "TYPE"
    STATUS = "STATUS"
    ENVIRONMENT = "ENVIRONMENT"
    REGION = "REGION"
    DATA_CENTER = "DATA_CENTER"
    AVAILABILITY_ZONE = "AVAILABILITY_ZONE"
    CLOUD = "CLOUD"
    SERVICE = "SERVICE"


described(
    ResourceField,
    "ResourceField",
    "What resources can be counted by.",
    {
        "TYPE": "Their type.",
        "STATUS": "Their status.",
        "ENVIRONMENT": "Their environment.",
        "REGION": "The code of each of their regions.",
        "DATA_CENTER": "The code of each of their data centers.",
        "AVAILABILITY_ZONE": "The code of each of their availability zones.",
        "CLOUD": "The id of their Cloud.",
        "SERVICE": "The id of their Service.",
    },
)


described(
    Administration,
    "Administration",
    "What may be done beside the actions of the privilege matrix.",
    {name.value: rule.description for name, rule in RULES.items()},
)


class ProposalStatus(StrEnum):
    """How a proposed profile stands."""

    PROPOSED = "PROPOSED"
    GIVEN = "GIVEN"
    WITHDRAWN = "WITHDRAWN"


described(
    ProposalStatus,
    "ProposalStatus",
    "How a proposed profile stands.",
    {
        "PROPOSED": "It waits for a second person.",
        "GIVEN": "The account holds it.",
        "WITHDRAWN": "It was withdrawn, before or after it was given.",
    },
)


class AccountStatus(StrEnum):
    """How an account stands."""

    INVITED = "INVITED"
    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


described(
    AccountStatus,
    "AccountStatus",
    "How an account stands.",
    {
        "INVITED": "The person has not signed in since the account was given its place.",
        "ACTIVE": "The person has signed in, or it is an API account.",
        "DISABLED": "It was disabled by the platform: nobody signs in with it, and it holds nothing.",
    },
)


class RequestStatus(StrEnum):
    """How a request stands."""

    OPEN = "OPEN"
    APPROVED = "APPROVED"
    REFUSED = "REFUSED"


described(
    RequestStatus,
    "RequestStatus",
    "How a request stands.",
    {
        "OPEN": "It waits for the platform.",
        "APPROVED": "What was asked for was made.",
        "REFUSED": "The platform refused it.",
    },
)
described(
    FactorKind,
    "FactorKind",
    "How a person presents a second factor.",
    {
        "TOTP": "By a one-time password of an authenticator app.",
        "PHONE": "By a phone call.",
        "PUSH": "By a notification on a smartphone.",
        "WEBAUTHN": "By a passkey.",
    },
)
described(
    CredentialKind,
    "CredentialKind",
    "How an API account shows that it is it.",
    {"SECRET": "By a secret.", "PUBLIC_KEY": "By what a private key has signed, of which the public one is kept."},
)
