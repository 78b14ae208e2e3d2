"""The privilege matrix: the roles, the profiles that hold them, and the 41 actions, one row per label.

Everything that depends on a privilege derives from these tables, so that a corrected tick is one line here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from auth.tables import Profile

MFA_MAX_AGE = 300
"""How old the second factor of a privileged action may be, in seconds."""


class Role(StrEnum):
    """What a profile may do in a Cloud."""

    SEE_RESOURCES = "SEE_RESOURCES"
    MANAGE_MAINTENANCES = "MANAGE_MAINTENANCES"
    MODIFY_RESOURCES = "MODIFY_RESOURCES"
    MANAGE_RESOURCES = "MANAGE_RESOURCES"


class MfaBinding(StrEnum):
    """What an approval by the second factor is good for: the session, or one operation."""

    SESSION = "SESSION"
    OPERATION = "OPERATION"


class Action(StrEnum):
    """The labels of the privilege matrix, in upper snake case."""

    CREATE_INSTANCE = "CREATE_INSTANCE"
    START_INSTANCE = "START_INSTANCE"
    STOP_INSTANCE = "STOP_INSTANCE"
    RESET_INSTANCE = "RESET_INSTANCE"
    RESIZE_COMPUTE_INSTANCE = "RESIZE_COMPUTE_INSTANCE"
    DELETE_INSTANCE = "DELETE_INSTANCE"
    ENABLE_MONITORING_INSTANCE = "ENABLE_MONITORING_INSTANCE"
    DISABLE_MONITORING_INSTANCE = "DISABLE_MONITORING_INSTANCE"
    CREATE_SNAPSHOT = "CREATE_SNAPSHOT"
    RECOVER_SNAPSHOT = "RECOVER_SNAPSHOT"
    DELETE_SNAPSHOT = "DELETE_SNAPSHOT"
    CREATE_DNS = "CREATE_DNS"
    DELETE_DNS = "DELETE_DNS"
    CREATE_LB = "CREATE_LB"
    START_LB = "START_LB"
    STOP_LB = "STOP_LB"
    DELETE_LB = "DELETE_LB"
    ENABLE_MONITORING_LB = "ENABLE_MONITORING_LB"
    DISABLE_MONITORING_LB = "DISABLE_MONITORING_LB"
    ADD_MEMBER_LB = "ADD_MEMBER_LB"
    DELETE_MEMBER_LB = "DELETE_MEMBER_LB"
    UPDATE_MEMBER_STATE = "UPDATE_MEMBER_STATE"
    CREATE_DNS_LB = "CREATE_DNS_LB"
    DELETE_DNS_LB = "DELETE_DNS_LB"
    CREATE_MAINTENANCE = "CREATE_MAINTENANCE"
    DELETE_MAINTENANCE = "DELETE_MAINTENANCE"
    CREATE_INDICATOR = "CREATE_INDICATOR"
    UPDATE_INDICATOR = "UPDATE_INDICATOR"
    DELETE_INDICATOR = "DELETE_INDICATOR"
    SUBSCRIBE_VORTEXT = "SUBSCRIBE_VORTEXT"
    CREATE_OBJECT_STORES = "CREATE_OBJECT_STORES"
    UPDATE_OBJECT_STORES = "UPDATE_OBJECT_STORES"
    DELETE_OBJECT_STORES = "DELETE_OBJECT_STORES"
    CREATE_USER_OBJECTSTORES = "CREATE_USER_OBJECTSTORES"
    UPDATE_USER_OBJECTSTORES = "UPDATE_USER_OBJECTSTORES"
    DELETE_USER_OBJECTSTORES = "DELETE_USER_OBJECTSTORES"
    CREATE_CLUSTER = "CREATE_CLUSTER"
    CREATE_CLUSTER_NAMESPACE = "CREATE_CLUSTER_NAMESPACE"
    DELETE_CLUSTER_NAMESPACE = "DELETE_CLUSTER_NAMESPACE"
    CREATE_CLUSTER_NODES = "CREATE_CLUSTER_NODES"
    DELETE_CLUSTER_NODES = "DELETE_CLUSTER_NODES"


ROLES: Mapping[Profile, frozenset[Role]] = {
    Profile.STD: frozenset({Role.SEE_RESOURCES}),
    Profile.DTM: frozenset({Role.SEE_RESOURCES, Role.MANAGE_MAINTENANCES}),
    Profile.OPE: frozenset({Role.SEE_RESOURCES, Role.MANAGE_MAINTENANCES, Role.MODIFY_RESOURCES}),
    Profile.POW: frozenset(Role),
}
"""Which roles each profile holds."""


class Rule(Protocol):
    """What a row of either table of rights says of its mutation: a privilege, or a rule beside the matrix."""

    @property
    def key(self) -> StrEnum:
        """What may be done, as the table is keyed: no two rows of both tables have the same."""

    @property
    def label(self) -> str:
        """What the audit log calls it."""

    @property
    def mutation(self) -> str:
        """The name of its field in GraphQL."""

    @property
    def target(self) -> str:
        """The type of what it is about."""

    @property
    def description(self) -> str:
        """What it does, as a sentence."""

    @property
    def mfa_binding(self) -> MfaBinding:
        """What the approval that it takes is good for."""

    @property
    def mfa_max_age(self) -> int:
        """How old its second factor may be, in seconds."""


@dataclass(frozen=True, slots=True)
class Privilege:
    """One row of the matrix: an action, the role it takes, what it acts on and which approval it needs."""

    action: Action
    feature: str
    role: Role
    target: str
    description: str
    mfa_binding: MfaBinding
    mfa_max_age: int = MFA_MAX_AGE

    @property
    def key(self) -> Action:
        """The action."""
        return self.action

    @property
    def label(self) -> str:
        """The action as the matrix spells it: create-instance."""
        return self.action.value.lower().replace("_", "-")

    @property
    def mutation(self) -> str:
        """The action as a GraphQL field: createInstance."""
        first, *rest = self.label.split("-")
        return first + "".join(word.capitalize() for word in rest)

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """The profiles that may run the action, the least first."""
        return tuple(profile for profile in Profile if self.role in ROLES[profile])


MAINTAIN, MODIFY, MANAGE = Role.MANAGE_MAINTENANCES, Role.MODIFY_RESOURCES, Role.MANAGE_RESOURCES
SESSION, OPERATION = MfaBinding.SESSION, MfaBinding.OPERATION


def _row(
    label: str, feature: str, role: Role, target: str, description: str, binding: MfaBinding = SESSION
) -> Privilege:
    return Privilege(Action(label.upper().replace("-", "_")), feature, role, target, description, binding)


# OPERATION binds what cannot be undone, or hands out a secret.
_MATRIX = (
    _row("create-instance", "Instances", MANAGE, "Service", "Create an instance in a Service."),
    _row("start-instance", "Instances", MODIFY, "Instance", "Start an instance that is inactive."),
    _row("stop-instance", "Instances", MODIFY, "Instance", "Stop an active instance."),
    _row("reset-instance", "Instances", MODIFY, "Instance", "Reboot an active instance the hard way."),
    _row("resize-compute-instance", "Instances", MODIFY, "Instance", "Change the CPU and RAM of an instance."),
    _row(
        "delete-instance",
        "Instances",
        MANAGE,
        "Instance",
        "Delete an inactive instance, with its snapshots and aliases.",
        OPERATION,
    ),
    _row(
        "enable-monitoring-instance",
        "Instance monitoring",
        MODIFY,
        "Instance",
        "Switch the monitoring of an instance on.",
    ),
    _row(
        "disable-monitoring-instance",
        "Instance monitoring",
        MODIFY,
        "Instance",
        "Switch the monitoring of an instance off.",
    ),
    _row("create-snapshot", "Snapshot of instances", MODIFY, "Instance", "Take a snapshot of an instance."),
    _row(
        "recover-snapshot",
        "Snapshot of instances",
        MANAGE,
        "Snapshot",
        "Bring an instance back to a snapshot.",
        OPERATION,
    ),
    _row("delete-snapshot", "Snapshot of instances", MODIFY, "Snapshot", "Delete a snapshot.", OPERATION),
    _row("create-dns", "DNS aliases of instances", MODIFY, "Instance", "Give an instance a DNS alias."),
    _row("delete-dns", "DNS aliases of instances", MODIFY, "DnsAlias", "Take a DNS alias from an instance.", OPERATION),
    _row("create-lb", "LoadBalancers", MANAGE, "Service", "Create a load balancer in a Service."),
    _row("start-lb", "LoadBalancers", MODIFY, "LoadBalancer", "Start a load balancer that is inactive."),
    _row("stop-lb", "LoadBalancers", MODIFY, "LoadBalancer", "Stop an active load balancer."),
    _row(
        "delete-lb",
        "LoadBalancers",
        MANAGE,
        "LoadBalancer",
        "Delete an inactive load balancer, with its members and aliases.",
        OPERATION,
    ),
    _row(
        "enable-monitoring-lb",
        "Monitoring of LoadBalancers",
        MODIFY,
        "LoadBalancer",
        "Switch the monitoring of a load balancer on.",
    ),
    _row(
        "disable-monitoring-lb",
        "Monitoring of LoadBalancers",
        MODIFY,
        "LoadBalancer",
        "Switch the monitoring of a load balancer off.",
    ),
    _row("add-member-lb", "Manage LoadBalancers", MODIFY, "LoadBalancer", "Put an instance behind a load balancer."),
    _row(
        "delete-member-lb",
        "Manage LoadBalancers",
        MODIFY,
        "LoadBalancerMember",
        "Take a member from a load balancer.",
        OPERATION,
    ),
    _row(
        "update-member-state",
        "Manage LoadBalancers",
        MODIFY,
        "LoadBalancerMember",
        "Enable, disable or take offline a member of a load balancer.",
    ),
    _row("create-dns-lb", "DNS alias of LoadBalancers", MODIFY, "LoadBalancer", "Give a load balancer a DNS alias."),
    _row(
        "delete-dns-lb",
        "DNS alias of LoadBalancers",
        MODIFY,
        "DnsAlias",
        "Take a DNS alias from a load balancer.",
        OPERATION,
    ),
    _row(
        "create-maintenance",
        "Manage maintenance",
        MAINTAIN,
        "Cloud",
        "Open a maintenance window on Services or resources.",
    ),
    _row(
        "delete-maintenance",
        "Manage maintenance",
        MAINTAIN,
        "Maintenance",
        "Cancel a maintenance window that is not over.",
        OPERATION,
    ),
    _row("create-indicator", "Indicators", MANAGE, "Service", "Add an indicator to a Service."),
    _row("update-indicator", "Indicators", MANAGE, "Indicator", "Change an indicator."),
    _row("delete-indicator", "Indicators", MANAGE, "Indicator", "Delete an indicator.", OPERATION),
    _row("subscribe-vortext", "SMS", MANAGE, "Service", "Open the SMS account of a Service."),
    _row("create-object-stores", "Storage Object", MANAGE, "Service", "Create an object store with one first user."),
    _row(
        "update-object-stores",
        "Storage Object",
        MODIFY,
        "ObjectStore",
        "Change the quota or the tags of an object store.",
    ),
    _row("delete-object-stores", "Storage Object", MANAGE, "ObjectStore", "Delete an empty object store.", OPERATION),
    _row(
        "create-user-objectstores",
        "Storage Object - Users",
        MANAGE,
        "ObjectStore",
        "Add a user to an object store; the secret is shown once.",
        OPERATION,
    ),
    _row(
        "update-user-objectstores",
        "Storage Object - Users",
        MANAGE,
        "ObjectStoreUser",
        "Rename, lock or unlock a user of an object store, or renew the secret.",
        OPERATION,
    ),
    _row(
        "delete-user-objectstores",
        "Storage Object - Users",
        MANAGE,
        "ObjectStoreUser",
        "Delete a user of an object store.",
        OPERATION,
    ),
    _row("create-cluster", "K8S Clusters", MANAGE, "Service", "Create a Kubernetes cluster."),
    _row("create-cluster-namespace", "K8S Clusters", MODIFY, "KubernetesCluster", "Create a namespace in a cluster."),
    _row(
        "delete-cluster-namespace", "K8S Clusters", MODIFY, "Namespace", "Delete a namespace of a cluster.", OPERATION
    ),
    _row("create-cluster-nodes", "K8S Clusters", MANAGE, "KubernetesCluster", "Add nodes to a cluster."),
    _row(
        "delete-cluster-nodes", "K8S Clusters", MANAGE, "KubernetesCluster", "Remove nodes from a cluster.", OPERATION
    ),
)

PRIVILEGES: Mapping[Action, Privilege] = {row.action: row for row in _MATRIX}
"""The matrix, in its own order."""
