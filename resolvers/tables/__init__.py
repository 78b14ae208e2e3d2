"""The resource model as tables, one module per area; builds on the tenancy tables of `auth`.

    Organization > Cloud > Service > Resource       a resource belongs to exactly one Service
    Region > DataCenter > AvailabilityZone          reference data, loaded
    Resource + one detail row per type              composition: they share the primary key

`resource` holds a resource's tags and places for reading; the database itself keeps the rows that filters use
(`resource_tag`, `resource_placement`) in step with them.
"""

from resolvers.tables.administration import AdministrativeChange, CloudRequest, ProfileProposal
from resolvers.tables.catalogue import Area, Domain, Environment, Network, NetworkScope, Product, Sizing, SupportPhase
from resolvers.tables.clusters import ClusterNode, IngressController, KubernetesCluster, Namespace, NodeStatus
from resolvers.tables.events import EventCounter, EventKind, LoggedEvent
from resolvers.tables.indicators import Indicator, IndicatorKind
from resolvers.tables.instances import DnsAlias, FileSystem, Instance, OsType, Snapshot
from resolvers.tables.load_balancers import (
    LoadBalancer,
    LoadBalancerMember,
    MemberState,
    MemberStatus,
)
from resolvers.tables.maintenances import Maintenance, MaintenanceSubject
from resolvers.tables.middleware import Middleware
from resolvers.tables.object_stores import ObjectStore, ObjectStoreUser
from resolvers.tables.operations import Operation, OperationSecret, OperationStatus, OperationStep
from resolvers.tables.resources import Resource, ResourcePlacement, ResourceStatus, ResourceTag, ResourceType
from resolvers.tables.services import Service
from resolvers.tables.sms import SmsSubscription
from resolvers.tables.topology import AvailabilityZone, DataCenter, Region, ZoneAudience

__all__ = [
    "AdministrativeChange",
    "Area",
    "AvailabilityZone",
    "CloudRequest",
    "ClusterNode",
    "DataCenter",
    "DnsAlias",
    "Domain",
    "Environment",
    "EventCounter",
    "EventKind",
    "FileSystem",
    "Indicator",
    "IndicatorKind",
    "IngressController",
    "Instance",
    "KubernetesCluster",
    "LoadBalancer",
    "LoadBalancerMember",
    "LoggedEvent",
    "Maintenance",
    "MaintenanceSubject",
    "MemberState",
    "MemberStatus",
    "Middleware",
    "Namespace",
    "Network",
    "NetworkScope",
    "NodeStatus",
    "ObjectStore",
    "ObjectStoreUser",
    "Operation",
    "OperationSecret",
    "OperationStatus",
    "OperationStep",
    "OsType",
    "Product",
    "ProfileProposal",
    "Region",
    "Resource",
    "ResourcePlacement",
    "ResourceStatus",
    "ResourceTag",
    "ResourceType",
    "Service",
    "Sizing",
    "SmsSubscription",
    "Snapshot",
    "SupportPhase",
    "ZoneAudience",
]
