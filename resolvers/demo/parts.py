"""What hangs on the demo's resources: file systems, snapshots, aliases, members, users, namespaces, nodes."""

from datetime import timedelta
from typing import Final

from resolvers.demo.identifiers import AS_OF
from resolvers.demo.rows import (
    ClusterNodeRow,
    DnsAliasRow,
    FileSystemRow,
    LoadBalancerMemberRow,
    NamespaceRow,
    ObjectStoreUserRow,
    SnapshotRow,
)
from resolvers.demo.scopes import Made
from resolvers.demo.vocabulary import PEOPLE, weighted
from resolvers.tables import MemberState, MemberStatus, NodeStatus, OsType, ResourceType

_DISK_SIZES: Final = (20, 40, 40, 80, 100, 200, 500)
_MOUNT_POINTS: Final = {
    OsType.LINUX: ("/", "/var", "/srv/data"),
    OsType.WINDOWS: ("C:\\", "D:\\", "E:\\Données"),
    OsType.UNIX: ("/", "/usr", "/opt"),
}
_FILE_SYSTEMS: Final = {OsType.LINUX: "ext4", OsType.WINDOWS: "ntfs", OsType.UNIX: "jfs2"}
_SNAPSHOT_LABELS: Final = ("before-upgrade", "weekly", "before-migration", "à garder", "golden")
_MEMBER_STATES: Final = weighted({MemberState.ENABLED: 85, MemberState.DISABLED: 10, MemberState.OFFLINE: 5})
_USER_LABELS: Final = ("application", "backup", "readers", "équipe data")
_NAMESPACES: Final = ("web", "api", "jobs", "monitoring", "cache", "staging", "canary", "tools")
_NODE_SIZINGS: Final = ("2cpu4gb", "4cpu8gb", "4cpu16gb", "8cpu32gb", "16cpu64gb")
_KEY_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def add_file_systems(made: Made, os_type: OsType) -> int:
    """Add one to three file systems, and tell the disk they take, in GB."""
    service, random = made.service, made.service.random
    organization_id, resource_id, cloud_id = made.key
    total = 0
    for mount_point in _MOUNT_POINTS[os_type][: 1 + int(random.random() * 3)]:
        size_gb = random.choice(_DISK_SIZES)
        total += size_gb
        service.batch.add(
            FileSystemRow(
                organization_id=organization_id,
                id=service.new_id(made.created_at),
                cloud_id=cloud_id,
                resource_id=resource_id,
                mount_point=mount_point,
                type=_FILE_SYSTEMS[os_type],
                size_gb=size_gb,
                free_gb=round(size_gb * random.random(), 2),
            )
        )
    return total


def add_snapshots(made: Made, disk_gb: int) -> None:
    """Add up to three snapshots to some instances; some have expired, few were recovered."""
    service, random = made.service, made.service.random
    if not service.chance(0.12):
        return
    organization_id, resource_id, cloud_id = made.key
    for number, label in enumerate(random.sample(_SNAPSHOT_LABELS, 1 + int(random.random() * 3))):
        created_at = service.moment(made.created_at)
        service.batch.add(
            SnapshotRow(
                organization_id=organization_id,
                id=service.new_id(created_at),
                cloud_id=cloud_id,
                resource_id=resource_id,
                label=label,
                description="Taken by the nightly job" if number else None,
                size_gb=round(disk_gb * (0.1 + 0.8 * random.random()), 1),
                created_by=random.choice(PEOPLE),
                created_at=created_at,
                recovered_at=service.moment(created_at) if random.random() < 0.1 else None,
                expires_at=service.moment(created_at, AS_OF + timedelta(days=90)) if random.random() < 0.8 else None,
                change_reference=f"RFC-{random.randrange(1000, 9999)}" if random.random() < 0.4 else None,
            )
        )


def add_dns_aliases(made: Made, *, probability: float) -> list[str]:
    """Add an alias to some, in a domain delegated to the organization; tell the names."""
    service = made.service
    if not service.chance(probability):
        return []
    organization_id, resource_id, cloud_id = made.key
    names = []
    for domain_id, domain in service.cloud.domains[: 1 + service.chance(0.1)]:
        fqdn = f"{made.name}.{service.application.slug}.{service.cloud.code}.{domain}"
        created_at = service.moment(made.created_at)
        service.batch.add(
            DnsAliasRow(organization_id, service.new_id(created_at), cloud_id, resource_id, domain_id, fqdn, created_at)
        )
        names.append(fqdn)
    return names


def add_members(made: Made) -> None:
    """Put up to four of the Service's instances behind a load balancer."""
    service, random = made.service, made.service.random
    organization_id, resource_id, cloud_id = made.key
    port = random.choice((80, 8080, 8443))
    members = (
        service.instances[:4]
        if service.showcase
        else random.sample(service.instances, min(len(service.instances), 1 + int(random.random() * 4)))
    )
    for instance_id in members:
        state = random.choice(_MEMBER_STATES)
        observed = MemberStatus.UP if random.random() < 0.92 else MemberStatus.DOWN
        service.batch.add(
            LoadBalancerMemberRow(
                organization_id=organization_id,
                id=service.new_id(made.created_at),
                cloud_id=cloud_id,
                resource_id=resource_id,
                instance_id=instance_id,
                port=port,
                state=state,
                status=observed if state is MemberState.ENABLED else MemberStatus.USER_DOWN,
            )
        )


def add_object_store_users(made: Made) -> None:
    """Add one to three users to an object store; few are locked."""
    service, random = made.service, made.service.random
    organization_id, resource_id, cloud_id = made.key
    for label in _USER_LABELS[: 1 + int(random.random() * 3)]:
        created_at = service.moment(made.created_at)
        service.batch.add(
            ObjectStoreUserRow(
                organization_id=organization_id,
                id=service.new_id(created_at),
                cloud_id=cloud_id,
                resource_id=resource_id,
                label=label,
                access_key="".join(random.choices(_KEY_ALPHABET, k=20)),
                locked=random.random() < 0.08,
                created_at=created_at,
            )
        )


def add_namespaces(made: Made) -> None:
    """Add two to six namespaces to a cluster; about half have limits."""
    service, random = made.service, made.service.random
    organization_id, resource_id, cloud_id = made.key
    for name in random.sample(_NAMESPACES, random.randrange(2, 7)):
        cpu_limit = random.choice((2, 4, 8, 16)) if random.random() < 0.5 else None
        service.batch.add(
            NamespaceRow(
                organization_id=organization_id,
                id=service.new_id(made.created_at),
                cloud_id=cloud_id,
                resource_id=resource_id,
                name=name,
                cpu_limit=cpu_limit,
                ram_limit_gb=cpu_limit * 4 if cpu_limit else None,
            )
        )


def add_nodes(made: Made, count: int) -> None:
    """Add nodes, spread over the resource's zones; one per zone of a Kubernetes cluster carries the ingress."""
    service, random = made.service, made.service.random
    organization_id, resource_id, cloud_id = made.key
    sizing = random.choice(_NODE_SIZINGS)
    kubernetes = made.role.type is ResourceType.KUBERNETES_CLUSTER
    for number in range(count):
        service.batch.add(
            ClusterNodeRow(
                organization_id=organization_id,
                id=service.new_id(made.created_at),
                cloud_id=cloud_id,
                resource_id=resource_id,
                name=f"{made.name}-node-{number + 1}",
                sizing_code=sizing,
                availability_zone_code=made.zones[number % len(made.zones)],
                is_ingress=kubernetes and number < len(made.zones),
                status=NodeStatus(made.status),
            )
        )
