"""Resources of the demo: what every resource has, and the detail of its type."""

import json
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from uuid import UUID

from resolvers.demo import parts
from resolvers.demo.identifiers import AS_OF
from resolvers.demo.operations import add_operations
from resolvers.demo.rows import (
    InstanceRow,
    KubernetesClusterRow,
    LoadBalancerRow,
    MiddlewareRow,
    ObjectStoreRow,
    ResourceRow,
)
from resolvers.demo.scopes import Made, ServiceScope
from resolvers.demo.vocabulary import (
    CRITICALITIES,
    NO_PRODUCT,
    PEOPLE,
    PRODUCT_VERSIONS,
    UNUSUAL_COMMENTS,
    UNUSUAL_TAGS,
    Role,
    weighted,
)
from resolvers.reference import AVAILABILITY_ZONES, DATA_CENTERS, OS_TYPES, SIZINGS
from resolvers.tables import NetworkScope, ResourceStatus, ResourceType, ZoneAudience

_STATUSES: Final = weighted({ResourceStatus.ACTIVE: 87, ResourceStatus.INACTIVE: 8, ResourceStatus.PREPARATION: 5})
_PREPARATION: Final = timedelta(hours=1)
_SUPPORT_LEVELS: Final = weighted({"BRONZE": 30, "SILVER": 45, "GOLD": 25})
_BACKUP_POLICIES: Final = weighted({"daily-14": 60, "daily-30": 25, "weekly-8": 15})
_PATCHING_GROUPS: Final = ("wave-1", "wave-2", "wave-3", "wave-4")
_PROTOCOLS: Final = weighted({"HTTPS": 60, "HTTP": 20, "TCP": 15, "UDP": 5})
_PORTS: Final = {"HTTPS": 443, "HTTP": 80, "TCP": 5432, "UDP": 514}
_INGRESSES: Final = weighted({"NGINX": 55, "TRAEFIK": 30, "ISTIO": 15})
_SIZES: Final = tuple(size for size in SIZINGS.values() if size[0] <= 16)
_DOCUMENTATION_PREFIX: Final = int(IPv6Address("2001:db8::"))  # RFC 3849
_ZONES: Final = {
    audience: tuple(code for code, (_, who) in AVAILABILITY_ZONES.items() if who is audience)
    for audience in ZoneAudience
}
_ZONE_PAIRS: Final = {
    ZoneAudience.CLIENT: (("EB-HDS-A", "EB-HDS-C"), ("EB-HDS-B", "EB-HDS-C")),
    ZoneAudience.GROUP: (("EB-A", "EB-C"), ("EB-B", "EB-C")),
}
"""Two zones of one region, in two data centers."""
_STORE_PAIRS: Final = (("EB4", "ET1"), ("EB5", "ET2"), ("EB4", "ET2"))
"""Two data centers, far apart, for what is replicated."""


def add_resource(service: ServiceScope, role: Role, number: int) -> None:
    """Add a resource with everything that belongs to it; `number` counts those of its role in the Service."""
    random, cloud = service.random, service.cloud
    first = service.showcase and not service.resources
    status = ResourceStatus.ACTIVE if first else random.choice(_STATUSES)
    in_preparation = status is ResourceStatus.PREPARATION
    created_at = service.moment(AS_OF - _PREPARATION if in_preparation else service.created_at)
    updated_at = service.moment(created_at)
    zones, data_centers = _places(service, role)
    version = random.choice(PRODUCT_VERSIONS[random.choice(role.products)]) if role.products else NO_PRODUCT
    network_id, addresses = _addresses(service, role, data_centers[0])
    monitoring_enabled = random.random() < 0.8
    made = Made(
        service, service.new_id(created_at), _name(service, role, number), status, role, zones, data_centers, version,
        created_at, updated_at,
    )  # fmt: skip
    service.resources.append(made.id)
    service.batch.add(
        ResourceRow(
            organization_id=cloud.organization_id,
            id=made.id,
            cloud_id=cloud.id,
            service_id=service.id,
            type=role.type,
            name=made.name,
            status=status,
            environment=service.environment if random.random() < 0.9 else random.choice(cloud.environments),
            revision=1 + int(random.random() ** 3 * 12),
            tags=json.dumps(_tags(service, role), ensure_ascii=False),
            availability_zones=zones,
            data_centers=data_centers,
            monitoring_enabled=monitoring_enabled,
            on_call=monitoring_enabled and random.random() < 0.4,
            comment=random.choice(UNUSUAL_COMMENTS) if random.random() < 0.06 else None,
            created_by=random.choice(PEOPLE) if random.random() < 0.8 else None,
            external_id=f"CMDB-{cloud.code}-{service.number}-{len(service.resources)}"
            if random.random() < 0.5
            else None,
            product_id=version.id,
            support_level=random.choice(_SUPPORT_LEVELS) if random.random() < 0.9 else None,
            support_phase=version.phase,
            network_id=network_id,
            ip_addresses=addresses,
            created_at=created_at,
            updated_at=updated_at,
        )
    )
    _DETAILS[role.type](made)
    add_operations(made)


def _name(service: ServiceScope, role: Role, number: int) -> str:
    if role.type is ResourceType.OBJECT_STORE:
        return f"cos-{service.cloud.code}-{service.application.slug}-{number}"
    return f"{role.prefix}-{number:02d}"


def _places(service: ServiceScope, role: Role) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Choose availability zones and data centers; an object store has no zone."""
    random, audience = service.random, service.cloud.audience
    if role.type is ResourceType.OBJECT_STORE:
        replicated = random.random() < 0.3
        return (), random.choice(_STORE_PAIRS) if replicated else (random.choice(tuple(DATA_CENTERS)),)
    over_two = role.type is not ResourceType.INSTANCE and random.random() < 0.4
    zones = random.choice(_ZONE_PAIRS[audience]) if over_two else (random.choice(_ZONES[audience]),)
    return zones, tuple(dict.fromkeys(AVAILABILITY_ZONES[zone][0] for zone in zones))


def _addresses(
    service: ServiceScope, role: Role, data_center: str
) -> tuple[UUID | None, tuple[IPv4Address | IPv6Address, ...]]:
    random, cloud = service.random, service.cloud
    if role.type is ResourceType.OBJECT_STORE:
        return None, ()
    scope = NetworkScope.PRIVATE
    if role.type is ResourceType.LOAD_BALANCER and random.random() < 0.12:
        scope = NetworkScope.INTERNET
    elif role.type is ResourceType.FILE_STORAGE and random.random() < 0.3:
        scope = NetworkScope.INTERCO
    region = DATA_CENTERS[data_center][0]
    network_id, address = cloud.addresses.take(
        service.batch, cloud.organization_id, (cloud.id, cloud.code), region, scope
    )
    if random.random() < 0.04:
        return network_id, (address, IPv6Address(_DOCUMENTATION_PREFIX | int(address)))
    return network_id, (address,)


def _tags(service: ServiceScope, role: Role) -> dict[str, str]:
    random = service.random
    if random.random() < 0.1 and not service.showcase:
        return {}
    tags = {"application": service.application.slug, "team": service.team, "tier": role.tier}
    if random.random() < 0.7:
        tags["cost-center"] = f"CC-{1000 + service.number % 90}"
    if random.random() < 0.4:
        tags["owner"] = random.choice(PEOPLE)
    if random.random() < 0.3:
        tags["criticality"] = random.choice(CRITICALITIES)
    if random.random() < 0.05:
        key, value = random.choice(UNUSUAL_TAGS)
        tags[key] = value
    return tags


def _add_instance(made: Made) -> None:
    service, random = made.service, made.service.random
    cpu, ram_gb = random.choice(_SIZES)
    backed_up = service.chance(0.7)
    patched = service.chance(0.8)
    excluded = random.random() < 0.08
    os_type = OS_TYPES[made.version.family]
    disk_gb = parts.add_file_systems(made, os_type)
    service.batch.add(
        InstanceRow(
            *made.key,
            family=made.version.family,
            os_type=os_type,
            cpu=cpu,
            ram_gb=ram_gb,
            disk_gb=disk_gb,
            backup_policy=random.choice(_BACKUP_POLICIES) if backed_up else None,
            backup_last_at=service.moment(max(made.created_at, AS_OF - timedelta(days=3))) if backed_up else None,
            backup_size_gb=round(disk_gb * (0.2 + random.random() * 0.5), 1) if backed_up else None,
            recovery=random.random() < 0.15,
            patching_group=random.choice(_PATCHING_GROUPS) if patched else None,
            patching_next_at=service.moment(AS_OF, AS_OF + timedelta(days=40)) if patched and not excluded else None,
            patching_excluded=excluded,
            patching_excluded_reason="Vendor's support ends with the next kernel" if excluded else None,
        )
    )
    service.instances.append(made.id)
    parts.add_snapshots(made, disk_gb)
    parts.add_dns_aliases(made, probability=0.2)


def _add_load_balancer(made: Made) -> None:
    service, random = made.service, made.service.random
    protocol = random.choice(_PROTOCOLS)
    web = protocol in {"HTTP", "HTTPS"}
    aliases = parts.add_dns_aliases(made, probability=0.8)
    service.batch.add(
        LoadBalancerRow(
            *made.key,
            url=f"{protocol.lower()}://{aliases[0]}/" if web and aliases else None,
            domain=service.cloud.domains[0][1],
            protocol=protocol,
            port=_PORTS[protocol],
            mode=random.choice(("ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_HASH")),
            persistence=random.choice(("COOKIE", "SOURCE_IP", None)) if web else None,
            fallback_persistence="SOURCE_IP" if web and random.random() < 0.3 else None,
            health_check="GET /health HTTP/1.1" if web else "TCP connect",
            tls_profile=random.choice(("MODERN", "INTERMEDIATE")) if protocol == "HTTPS" else None,
            redirect_to_https=protocol == "HTTPS" and random.random() < 0.6,
        )
    )
    parts.add_members(made)


def _add_object_store(made: Made) -> None:
    random = made.service.random
    quota_gb = random.choice((50, 100, 250, 500, 1000, 5000))
    replicated = len(made.data_centers) > 1
    made.service.batch.add(
        ObjectStoreRow(
            *made.key, geo_replicated=replicated, quota_gb=quota_gb, used_gb=round(random.random() * quota_gb, 3)
        )
    )
    parts.add_object_store_users(made)


def _add_kubernetes_cluster(made: Made) -> None:
    random = made.service.random
    made.service.batch.add(
        KubernetesClusterRow(
            *made.key,
            kubernetes_version=f"{made.version.version}.{random.randrange(12)}",
            ingress=random.choice(_INGRESSES),
            high_availability=len(made.zones) > 1,
            backup_policy=random.choice(_BACKUP_POLICIES) if random.random() < 0.6 else None,
        )
    )
    parts.add_namespaces(made)
    parts.add_nodes(made, random.choice((3, 4, 6)) * len(made.zones))


def _add_middleware(made: Made) -> None:
    random = made.service.random
    clustered = len(made.zones) > 1
    made.service.batch.add(
        MiddlewareRow(
            *made.key,
            family=made.version.family,
            version=made.version.version,
            topology="CLUSTER" if clustered else "STANDALONE",
            disk_gb=random.choice((20, 50, 100, 200, 500, 1000)),
            tls_enabled=random.random() < 0.7,
        )
    )
    parts.add_nodes(made, 3 if clustered else 1)


_DETAILS: Final[dict[ResourceType, Callable[[Made], None]]] = {
    ResourceType.INSTANCE: _add_instance,
    ResourceType.LOAD_BALANCER: _add_load_balancer,
    ResourceType.OBJECT_STORE: _add_object_store,
    ResourceType.KUBERNETES_CLUSTER: _add_kubernetes_cluster,
    ResourceType.MANAGED_DATABASE: _add_middleware,
    ResourceType.MESSAGE_BROKER: _add_middleware,
    ResourceType.APPLICATION_SERVER: _add_middleware,
    ResourceType.FILE_STORAGE: _add_middleware,
}
