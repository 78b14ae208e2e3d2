"""Rows of the demo as plain tuples, one class per table; a field is a column.

Millions of rows are made, and a table's own class takes thirty times as long to build as a tuple.
"""

from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple
from uuid import UUID


class OrganizationRow(NamedTuple):
    """A row of `organization`."""

    id: UUID
    code: str
    name: str
    is_group: bool
    created_at: datetime


class CloudRow(NamedTuple):
    """A row of `cloud`."""

    organization_id: UUID
    id: UUID
    code: str
    name: str
    is_default: bool
    created_at: datetime


class AccountRow(NamedTuple):
    """A row of `account`."""

    id: UUID
    organization_id: UUID | None
    kind: str
    email: str
    is_platform: bool
    created_at: datetime


class OrganizationMemberRow(NamedTuple):
    """A row of `organization_member`."""

    organization_id: UUID
    account_id: UUID
    is_security_representative: bool
    created_at: datetime


class MembershipRow(NamedTuple):
    """A row of `membership`."""

    organization_id: UUID
    cloud_id: UUID
    account_id: UUID
    profile: str
    created_at: datetime


class AreaRow(NamedTuple):
    """A row of `area`."""

    organization_id: UUID
    id: UUID
    region_code: str
    code: str


class NetworkRow(NamedTuple):
    """A row of `network`."""

    organization_id: UUID
    id: UUID
    area_id: UUID
    vlan: int
    cidr: str
    scope: str


class DomainRow(NamedTuple):
    """A row of `domain`."""

    organization_id: UUID
    id: UUID
    fqdn: str
    dns_enabled: bool


class ServiceRow(NamedTuple):
    """A row of `service`."""

    organization_id: UUID
    id: UUID
    cloud_id: UUID
    name: str
    description: str | None
    created_at: datetime


class ResourceRow(NamedTuple):
    """A row of `resource`; `tags` is JSON."""

    organization_id: UUID
    id: UUID
    cloud_id: UUID
    service_id: UUID
    type: str
    name: str
    status: str
    environment: str
    revision: int
    tags: str
    availability_zones: tuple[str, ...]
    data_centers: tuple[str, ...]
    monitoring_enabled: bool
    on_call: bool
    comment: str | None
    created_by: str | None
    external_id: str | None
    product_id: UUID | None
    support_level: str | None
    support_phase: str | None
    network_id: UUID | None
    ip_addresses: tuple[IPv4Address | IPv6Address, ...]
    created_at: datetime
    updated_at: datetime


class InstanceRow(NamedTuple):
    """A row of `instance`."""

    organization_id: UUID
    resource_id: UUID
    cloud_id: UUID
    family: str
    os_type: str
    cpu: int
    ram_gb: int
    disk_gb: int
    backup_policy: str | None
    backup_last_at: datetime | None
    backup_size_gb: float | None
    recovery: bool
    patching_group: str | None
    patching_next_at: datetime | None
    patching_excluded: bool
    patching_excluded_reason: str | None


class LoadBalancerRow(NamedTuple):
    """A row of `load_balancer`."""

    organization_id: UUID
    resource_id: UUID
    cloud_id: UUID
    url: str | None
    domain: str | None
    protocol: str
    port: int
    mode: str | None
    persistence: str | None
    fallback_persistence: str | None
    health_check: str | None
    tls_profile: str | None
    redirect_to_https: bool


class ObjectStoreRow(NamedTuple):
    """A row of `object_store`."""

    organization_id: UUID
    resource_id: UUID
    cloud_id: UUID
    geo_replicated: bool
    quota_gb: int
    used_gb: float


class KubernetesClusterRow(NamedTuple):
    """A row of `kubernetes_cluster`."""

    organization_id: UUID
    resource_id: UUID
    cloud_id: UUID
    kubernetes_version: str
    ingress: str
    high_availability: bool
    backup_policy: str | None


class MiddlewareRow(NamedTuple):
    """A row of `middleware`."""

    organization_id: UUID
    resource_id: UUID
    cloud_id: UUID
    family: str
    version: str | None
    topology: str | None
    disk_gb: int | None
    tls_enabled: bool


class FileSystemRow(NamedTuple):
    """A row of `file_system`."""

    organization_id: UUID
    id: UUID
    cloud_id: UUID
    resource_id: UUID
    mount_point: str
    type: str
    size_gb: float
    free_gb: float


class SnapshotRow(NamedTuple):
    """A row of `snapshot`."""

    organization_id: UUID
    id: UUID
    cloud_id: UUID
    resource_id: UUID
    label: str
    description: str | None
    size_gb: float
    created_by: str | None
    created_at: datetime
    recovered_at: datetime | None
    expires_at: datetime | None
    change_reference: str | None


class DnsAliasRow(NamedTuple):
    """A row of `dns_alias`."""

    organization_id: UUID
    id: UUID
    cloud_id: UUID
    resource_id: UUID
    domain_id: UUID
    fqdn: str
    created_at: datetime


class LoadBalancerMemberRow(NamedTuple):
    """A row of `load_balancer_member`."""

    organization_id: UUID
    id: UUID
    cloud_id: UUID
    resource_id: UUID
    instance_id: UUID
    port: int
    state: str
    status: str


class ObjectStoreUserRow(NamedTuple):
    """A row of `object_store_user`."""

    organization_id: UUID
    id: UUID
    cloud_id: UUID
    resource_id: UUID
    label: str
    access_key: str
    locked: bool
    created_at: datetime


class NamespaceRow(NamedTuple):
    """A row of `namespace`."""

    organization_id: UUID
    id: UUID
    cloud_id: UUID
    resource_id: UUID
    name: str
    cpu_limit: int | None
    ram_limit_gb: int | None


class ClusterNodeRow(NamedTuple):
    """A row of `cluster_node`."""

    organization_id: UUID
    id: UUID
    cloud_id: UUID
    resource_id: UUID
    name: str
    sizing_code: str
    availability_zone_code: str
    is_ingress: bool
    status: str


class MaintenanceRow(NamedTuple):
    """A row of `maintenance`."""

    organization_id: UUID
    id: UUID
    cloud_id: UUID
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_by: str | None
    created_at: datetime


class MaintenanceSubjectRow(NamedTuple):
    """A row of `maintenance_subject`."""

    organization_id: UUID
    id: UUID
    cloud_id: UUID
    maintenance_id: UUID
    service_id: UUID | None
    resource_id: UUID | None


class IndicatorRow(NamedTuple):
    """A row of `indicator`."""

    organization_id: UUID
    id: UUID
    cloud_id: UUID
    service_id: UUID
    name: str
    kind: str
    target: str
    threshold: float | None
    created_at: datetime


class SmsSubscriptionRow(NamedTuple):
    """A row of `sms_subscription`."""

    organization_id: UUID
    id: UUID
    cloud_id: UUID
    service_id: UUID
    sender: str
    per_minute: int
    per_hour: int
    allowed_numbers: tuple[str, ...]
    created_at: datetime


class OperationRow(NamedTuple):
    """A row of `operation`."""

    organization_id: UUID
    id: UUID
    cloud_id: UUID
    action: str
    status: str
    progress: int
    message: str | None
    resource_id: UUID | None
    resource_name: str | None
    resource_type: str | None
    submitted_by_id: UUID | None
    submitted_by: str
    submitted_at: datetime
    last_updated_at: datetime
    completed_at: datetime | None
    change_reference: str | None


class OperationStepRow(NamedTuple):
    """A row of `operation_step`."""

    organization_id: UUID
    id: UUID
    cloud_id: UUID
    operation_id: UUID
    position: int
    name: str
    status: str
    completed_at: datetime | None
