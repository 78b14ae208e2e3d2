"""A small valid database, and further valid rows to make wrong."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from auth.tables import Account, Cloud, Membership, Organization, OrganizationMember, Profile, table
from resolvers import tables as t
from resolvers.reference import load_reference, reference_id
from resolvers.tables import Operation, Resource, Service

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)

DETAILS = (t.Instance, t.LoadBalancer, t.ObjectStore, t.KubernetesCluster, t.Middleware)
TENANT_TABLES: tuple[type[SQLModel], ...] = (
    Organization,
    Cloud,
    Account,
    OrganizationMember,
    Membership,
    t.Area,
    t.Network,
    t.Domain,
    Service,
    Resource,
    *DETAILS,
    t.FileSystem,
    t.Snapshot,
    t.DnsAlias,
    t.LoadBalancerMember,
    t.ObjectStoreUser,
    t.Namespace,
    t.ClusterNode,
    t.Maintenance,
    t.MaintenanceSubject,
    t.Indicator,
    t.SmsSubscription,
    Operation,
    t.OperationStep,
)


@dataclass
class Shop:
    """A small valid database, and a further valid row for each of its tables.

    The organization acme has the Clouds alpha and beta; all rows are in alpha, but for a Service of beta and one of
    globex, another organization.
    """

    acme: UUID = field(default_factory=uuid4)
    alpha: UUID = field(default_factory=uuid4)
    beta: UUID = field(default_factory=uuid4)
    globex: UUID = field(default_factory=uuid4)
    omega: UUID = field(default_factory=uuid4)
    account: UUID = field(default_factory=uuid4)
    area: UUID = field(default_factory=uuid4)
    network: UUID = field(default_factory=uuid4)
    domain: UUID = field(default_factory=uuid4)
    shop: UUID = field(default_factory=uuid4)
    depot: UUID = field(default_factory=uuid4)
    service_of_beta: UUID = field(default_factory=uuid4)
    service_of_omega: UUID = field(default_factory=uuid4)
    web: UUID = field(default_factory=uuid4)
    spare: UUID = field(default_factory=uuid4)
    resource_of_beta: UUID = field(default_factory=uuid4)
    maintenance: UUID = field(default_factory=uuid4)
    operation: UUID = field(default_factory=uuid4)

    def rows(self) -> list[SQLModel]:
        """The rows that are there, referenced ones first."""
        kinds = {model: self.another(model) for model in TENANT_TABLES}
        kinds[Organization] |= {"id": self.acme, "code": "acme"}
        kinds[Cloud] |= {"id": self.alpha, "code": "alpha", "is_default": True}
        kinds[Account] |= {"id": self.account, "email": "ann@acme.example"}
        kinds[OrganizationMember] |= {"organization_id": self.acme}
        kinds[Membership] |= {"profile": Profile.POW}
        kinds[t.Area] |= {"id": self.area}
        kinds[t.Domain] |= {"id": self.domain}
        kinds[t.Network] |= {"id": self.network, "vlan": 1}
        kinds[Service] |= {"id": self.shop, "name": "shop"}
        kinds[Resource] |= {"id": self.web, "name": "web-01", "external_id": "web-01"}
        kinds[t.MaintenanceSubject] |= {"resource_id": None, "service_id": self.shop}
        kinds[t.Maintenance] |= {"id": self.maintenance}
        kinds[Operation] |= {"id": self.operation}
        for model in DETAILS:
            kinds[model] |= {"resource_id": self.web}
        kinds[t.SmsSubscription] |= {"service_id": self.shop}
        kinds[t.OperationStep] |= {"position": 0}
        beta = {**kinds[Service], "cloud_id": self.beta, "id": self.service_of_beta}
        omega = {**kinds[Service], "organization_id": self.globex, "cloud_id": self.omega, "id": self.service_of_omega}
        more: dict[type[SQLModel], list[dict[str, Any]]] = {
            Organization: [{**kinds[Organization], "id": self.globex, "code": "globex"}],
            Cloud: [
                {**kinds[Cloud], "id": self.beta, "code": "beta", "is_default": False},
                {**kinds[Cloud], "organization_id": self.globex, "id": self.omega, "code": "omega"},
            ],
            Service: [{**kinds[Service], "id": self.depot, "name": "depot"}, beta, omega],
            Resource: [
                {**kinds[Resource], "id": self.spare, "name": "spare", "external_id": None},
                {
                    **kinds[Resource],
                    "cloud_id": self.beta,
                    "service_id": self.service_of_beta,
                    "id": self.resource_of_beta,
                    "external_id": None,
                },
            ],
        }
        return [model(**values) for model in TENANT_TABLES for values in (kinds[model], *more.get(model, []))]

    def another(self, model: type[SQLModel]) -> dict[str, Any]:
        """The values of a further valid row of one table."""
        name = f"n{uuid4().hex[:12]}"
        own = {"organization_id": self.acme, "id": uuid4()}
        of_cloud = {**own, "cloud_id": self.alpha}
        of_resource = {**of_cloud, "resource_id": self.web}
        detail = {"organization_id": self.acme, "cloud_id": self.alpha, "resource_id": self.spare}
        rows: dict[type[SQLModel], dict[str, Any]] = {
            Organization: {"id": uuid4(), "code": name, "name": "Acme"},
            Cloud: {**own, "code": name, "name": "Alpha"},
            Account: {"id": uuid4(), "email": f"{name}@acme.example"},
            OrganizationMember: {"organization_id": self.globex, "account_id": self.account},
            Membership: {
                "organization_id": self.acme,
                "cloud_id": self.alpha,
                "account_id": self.account,
                "profile": Profile.STD,
            },
            t.Area: {**own, "region_code": "EB", "code": name},
            t.Network: {**own, "area_id": self.area, "vlan": 4094, "cidr": "10.0.0.0/24"},
            t.Domain: {**own, "fqdn": f"{name}.example"},
            Service: {**of_cloud, "name": name},
            Resource: {
                **of_cloud,
                "service_id": self.shop,
                "type": "INSTANCE",
                "name": name,
                "status": "ACTIVE",
                "environment": "production",
                "tags": {"team": "blue"},
                "data_centers": ["EB4"],
                "availability_zones": ["EB-HDS-A"],
                "external_id": name,
                "product_id": reference_id("product", "postgresql-17"),
                "support_phase": "STANDARD",
                "network_id": self.network,
                "created_at": NOON,
                "updated_at": NOON,
            },
            t.Instance: {**detail, "family": "DEBIAN", "os_type": "LINUX", "cpu": 2, "ram_gb": 4, "disk_gb": 0},
            t.LoadBalancer: {**detail, "protocol": "HTTPS", "port": 443},
            t.ObjectStore: {**detail, "quota_gb": 1},
            t.KubernetesCluster: {**detail, "kubernetes_version": "1.34", "ingress": "NGINX"},
            t.Middleware: {**detail, "family": "POSTGRESQL", "disk_gb": 0},
            t.FileSystem: {**of_resource, "mount_point": name, "type": "ext4", "size_gb": 10, "free_gb": 10},
            t.Snapshot: {**of_resource, "label": name, "size_gb": 0},
            t.DnsAlias: {**of_resource, "domain_id": self.domain, "fqdn": f"{name}.acme.example"},
            t.LoadBalancerMember: {**of_resource, "instance_id": self.spare, "port": 1 + uuid4().int % 65535},
            t.ObjectStoreUser: {**of_resource, "label": name, "access_key": name},
            t.Namespace: {**of_resource, "name": name, "cpu_limit": 1, "ram_limit_gb": 1},
            t.ClusterNode: {
                **of_resource,
                "name": name,
                "sizing_code": "2cpu4gb",
                "availability_zone_code": "EB-HDS-A",
            },
            t.Maintenance: {
                **of_cloud,
                "starts_at": NOON,
                "ends_at": NOON + timedelta(microseconds=1),
                "reason": "Patches",
            },
            t.MaintenanceSubject: {**of_cloud, "maintenance_id": self.maintenance, "resource_id": self.web},
            t.Indicator: {**of_cloud, "service_id": self.shop, "name": name, "kind": "TCP", "target": "db:5432"},
            t.SmsSubscription: {
                **of_cloud,
                "service_id": self.depot,
                "sender": "ACME",
                "per_minute": 1,
                "per_hour": 1,
            },
            Operation: {
                **of_cloud,
                "action": "CREATE_INSTANCE",
                "progress": 100,
                "submitted_by": "ann",
                "submitted_by_id": self.account,
                "idempotency_key": name,
                "input_digest": bytes(32),
            },
            t.OperationStep: {
                **of_cloud,
                "operation_id": self.operation,
                "position": 1,
                "name": "check",
                "status": "SUCCESS",
            },
        }
        return rows[model]


async def load_shop(connection: AsyncConnection, shop: Shop) -> None:
    """Write the reference data and a shop into an empty database, in the connection's transaction."""
    await load_reference(connection)
    for row in shop.rows():
        await connection.execute(insert(table(type(row))), row.model_dump())
