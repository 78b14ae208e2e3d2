"""The data set in the gateway's own tables, by COPY, with everything its schema demands; and who may see it."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import IntEnum
from itertools import islice
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.tables import AccountKind, Profile
from benchmarks.data import content
from resolvers.bulk import analyze, copy_rows
from resolvers.demo.batch import Batch
from resolvers.demo.identifiers import uuid7_at
from resolvers.demo.rows import (
    AccountRow,
    CloudRow,
    InstanceRow,
    KubernetesClusterRow,
    LoadBalancerRow,
    MembershipRow,
    ObjectStoreRow,
    OrganizationMemberRow,
    OrganizationRow,
    ResourceRow,
    ServiceRow,
)
from resolvers.reference import AVAILABILITY_ZONES
from resolvers.tables import OsType

Written = Callable[[int], None]
"""Told how many resources are written so far."""

_RESOURCES_PER_BATCH: Final = 10_000
_NUMBER_BITS: Final = 62


class Kind(IntEnum):
    """What an identifier is of."""

    ACCOUNT = 1
    ORGANIZATION = 2
    CLOUD = 3
    SERVICE = 4
    RESOURCE = 5


EVERYTHING: Final = 1
"""The account of a person who is a member of every Cloud: the widest scope there is, and the dearest."""
ONE_CLOUD: Final = 2
"""The account of a person who is a member of the first Cloud alone."""


def key(kind: Kind, number: int) -> UUID:
    """The identifier of the thing of that number: a UUIDv7 like the product's own, and as sequential."""
    return uuid7_at(content.FOUNDED, kind << _NUMBER_BITS | number)


def number_of(key: UUID) -> int:
    """The number behind an identifier."""
    return key.int & (1 << _NUMBER_BITS) - 1


async def fill(connection: AsyncConnection, resources: int, report: Written) -> None:
    """Write everything into empty tables, inside the connection's transaction."""
    # Foreign keys are checked by plans that are kept: made while tables are small, they would read them whole,
    # and go on doing so when they are large.
    await connection.execute(text("SET LOCAL enable_seqscan = off"))
    await _copy(connection, _tenants())
    await analyze(connection)
    written = 0
    for batch in _batches(resources):
        await _copy(connection, batch)
        if not written:
            await analyze(connection)
        written += batch.resources
        report(written)


async def _copy(connection: AsyncConnection, batch: Batch) -> None:
    for table, columns, rows in batch.in_order():
        await copy_rows(connection, str(table.__tablename__), columns, rows)


def _tenants() -> Batch:
    batch = Batch()
    founded = content.FOUNDED
    for number in range(1, content.ORGANIZATIONS + 1):
        name = content.organization_name(number)
        code = name.lower().replace(" ", "-")
        batch.add(OrganizationRow(key(Kind.ORGANIZATION, number), code, name, is_group=False, created_at=founded))
    for number in range(1, content.CLOUDS + 1):
        name = content.cloud_name(number)
        is_default = number % content.CLOUDS_PER_ORGANIZATION == 1
        batch.add(CloudRow(_organization(number), key(Kind.CLOUD, number), name, name, is_default, founded))
    for number in range(1, content.SERVICES + 1):
        cloud = content.cloud_of_service(number)
        name = content.service_name(number)
        batch.add(
            ServiceRow(
                _organization(cloud), key(Kind.SERVICE, number), key(Kind.CLOUD, cloud), name, "A Service.", founded
            )
        )
    _add_person(batch, EVERYTHING, range(1, content.CLOUDS + 1), founded)
    _add_person(batch, ONE_CLOUD, range(1, 2), founded)
    return batch


def _add_person(batch: Batch, number: int, clouds: range, founded: datetime) -> None:
    account = key(Kind.ACCOUNT, number)
    organizations = list(dict.fromkeys(_organization(cloud) for cloud in clouds))
    email = f"person-{number}@bench.example"
    batch.add(AccountRow(account, organizations[0], AccountKind.PERSON, email, is_platform=False, created_at=founded))
    for organization in organizations:
        batch.add(OrganizationMemberRow(organization, account, is_security_representative=False, created_at=founded))
    for cloud in clouds:
        batch.add(MembershipRow(_organization(cloud), key(Kind.CLOUD, cloud), account, Profile.STD, founded))


def _organization(cloud: int) -> UUID:
    return key(Kind.ORGANIZATION, content.organization_of_cloud(cloud))


def _batches(resources: int) -> Iterator[Batch]:
    made = content.resources(resources)
    while some := list(islice(made, _RESOURCES_PER_BATCH)):
        batch = Batch()
        for resource in some:
            _add_resource(batch, resource)
        yield batch


def _add_resource(batch: Batch, resource: content.Resource) -> None:
    cloud = content.cloud_of_service(resource.service)
    organization_id, cloud_id = _organization(cloud), key(Kind.CLOUD, cloud)
    resource_id = key(Kind.RESOURCE, resource.number)
    batch.add(
        ResourceRow(
            organization_id=organization_id,
            id=resource_id,
            cloud_id=cloud_id,
            service_id=key(Kind.SERVICE, resource.service),
            type=resource.type,
            name=resource.name,
            status=resource.status,
            environment=resource.environment,
            revision=1,
            tags=json.dumps(resource.tags),
            availability_zones=(resource.zone,),
            data_centers=(AVAILABILITY_ZONES[resource.zone][0],),
            monitoring_enabled=True,
            on_call=False,
            comment=None,
            created_by=None,
            external_id=None,
            product_id=None,
            support_level=None,
            support_phase=None,
            network_id=None,
            ip_addresses=(),
            created_at=resource.created_at,
            updated_at=resource.updated_at,
        )
    )
    batch.add(_detail(resource, organization_id, resource_id, cloud_id))


def _detail(resource: content.Resource, organization_id: UUID, resource_id: UUID, cloud_id: UUID) -> tuple[object, ...]:
    """The row of a resource's type; no benchmark selects it, and the model has no resource without one."""
    owner = (organization_id, resource_id, cloud_id)
    match resource.type:
        case "INSTANCE":
            return InstanceRow(
                *owner,
                family="Debian",
                os_type=OsType.LINUX,
                cpu=resource.cpu,
                ram_gb=resource.ram_gb,
                disk_gb=50,
                backup_policy=None,
                backup_last_at=None,
                backup_size_gb=None,
                recovery=False,
                patching_group=None,
                patching_next_at=None,
                patching_excluded=False,
                patching_excluded_reason=None,
            )
        case "LOAD_BALANCER":
            return LoadBalancerRow(
                *owner,
                url=None,
                domain=None,
                protocol="HTTPS",
                port=443,
                mode=None,
                persistence=None,
                fallback_persistence=None,
                health_check=None,
                tls_profile=None,
                redirect_to_https=True,
            )
        case "OBJECT_STORE":
            return ObjectStoreRow(*owner, geo_replicated=False, quota_gb=100, used_gb=1.0)
        case _:
            return KubernetesClusterRow(
                *owner, kubernetes_version="1.34", ingress="NGINX", high_availability=False, backup_policy=None
            )
