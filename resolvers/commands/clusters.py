"""What is done to Kubernetes clusters; their nodes are in `cluster_nodes.py`, their namespaces in `namespaces.py`."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from auth.decisions import Grant
from auth.permissions import Action
from auth.statements import Statement
from auth.tables import table, uuid7
from resolvers.commands.cluster_nodes import (
    NODES,
    Asked,
    centers_of,
    check_nodes,
    find_zones,
    name_nodes,
    node_is_there,
    steps_of,
    take_unready,
    told_of,
)
from resolvers.commands.effects import Work, takes_effect
from resolvers.commands.outcome import Changed, Refused, Step, UserError, UserErrorCode
from resolvers.commands.placing import (
    Wrong,
    Zone,
    check_tags,
    check_text,
    create_resource,
    known_environment,
    lock_service,
)
from resolvers.commands.resources import add_row, set_status
from resolvers.commands.submission import Change
from resolvers.tables import IngressController, KubernetesCluster, Product, Resource, ResourceStatus, ResourceType
from resolvers.transaction import Transaction

LONGEST_NAME: Final = 50
"""Shorter than a label of DNS, of which it is part in the names of nodes: they are labels, too."""
LONGEST_CODE: Final = 100
PRODUCT_NAME: Final = "Kubernetes"

_NAME: Final = re.compile(rf"[a-z0-9](?:[a-z0-9-]{{0,{LONGEST_NAME - 2}}}[a-z0-9])?", re.ASCII)
_VERSION_FIELD: Final = ("kubernetesVersion",)

PRODUCT: Final = table(Product)
_VERSIONS: Final = Statement(
    select(PRODUCT.c.id, PRODUCT.c.version).where(PRODUCT.c.name == PRODUCT_NAME).order_by(PRODUCT.c.version)
)


@dataclass(frozen=True, slots=True)
class NewCluster:
    """A cluster to be."""

    name: str
    kubernetes_version: str
    ingress: IngressController
    highly_available: bool
    nodes: tuple[Asked, ...]
    environment: str
    tags: tuple[tuple[str, str], ...]


def check_cluster(cluster: NewCluster) -> list[UserError]:
    """Check what can be checked of a cluster to be by itself."""
    found = []
    if _NAME.fullmatch(cluster.name) is None:
        message = (
            f"The name of a cluster has 1 to {LONGEST_NAME} of the characters a to z, 0 to 9 and -, none of which is at"
            " its ends."
        )
        found.append(UserError(message, UserErrorCode.INVALID_VALUE, ("name",)))
    return [
        *found,
        *check_text(cluster.kubernetes_version, _VERSION_FIELD, LONGEST_CODE),
        *check_nodes(cluster.nodes),
        *check_text(cluster.environment, ("environment",), LONGEST_CODE),
        *check_tags(cluster.tags),
    ]


def create_cluster(service_id: UUID, cluster: NewCluster, by: str) -> Change:
    """Create a cluster in a Service, over one data center or, highly available, over two."""
    return partial(_create, service_id, cluster, by)


async def _create(
    service_id: UUID, cluster: NewCluster, by: str, transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    zones, product_id, wrong = list[Zone](), None, Wrong()
    with wrong:
        await lock_service(transaction, grant, service_id, cluster.name)
    with wrong:
        product_id = await _product(transaction, cluster.kubernetes_version)
    with wrong:
        zones = await find_zones(transaction, grant, cluster.nodes)
        _refuse_spread(zones, centers_of(cluster.highly_available))
    with wrong:
        await known_environment(transaction, cluster.environment)
    wrong.refuse()
    resource = Resource(
        organization_id=grant.organization_id,
        cloud_id=grant.cloud_id,
        id=uuid7(),
        service_id=service_id,
        type=ResourceType.KUBERNETES_CLUSTER,
        name=cluster.name,
        status=ResourceStatus.PREPARATION,
        environment=cluster.environment,
        tags=dict(cluster.tags),
        availability_zones=list(dict.fromkeys(zone.code for zone in zones)),
        data_centers=list(dict.fromkeys(zone.data_center for zone in zones)),
        product_id=product_id,
        created_by=by,
        created_at=now,
        updated_at=now,
    )
    detail = KubernetesCluster(
        organization_id=grant.organization_id,
        cloud_id=grant.cloud_id,
        resource_id=resource.id,
        kubernetes_version=cluster.kubernetes_version,
        ingress=cluster.ingress.value,
        high_availability=cluster.highly_available,
    )
    made = await create_resource(transaction, resource, detail)
    nodes = name_nodes(grant, (resource.id, cluster.name), zip(cluster.nodes, zones, strict=True))
    for node in nodes:
        await add_row(transaction, node)
    parameters: dict[str, Any] = {
        "kubernetesVersion": cluster.kubernetes_version,
        "ingress": cluster.ingress.value,
        "highAvailability": cluster.highly_available,
        "nodes": told_of(nodes),
    }
    steps = [Step("Create the control plane"), *steps_of(nodes), Step("Create the ingress")]
    return Changed(steps, made, parameters=parameters)


async def _product(transaction: Transaction, version: str) -> UUID:
    versions = {row["version"]: row["id"] for row in await transaction.fetch(_VERSIONS)}
    if version not in versions:
        message = f"There is no such version of Kubernetes; there is {', '.join(versions) or 'none'}."
        raise Refused(UserError(message, UserErrorCode.NOT_FOUND, _VERSION_FIELD))
    found: UUID = versions[version]
    return found


def _refuse_spread(zones: list[Zone], centers: int) -> None:
    if len({zone.data_center for zone in zones}) != centers:
        message = (
            "A highly available cluster has nodes in exactly 2 data centers."
            if centers > 1
            else "A cluster that is not highly available has all of its nodes in one data center."
        )
        raise Refused(UserError(message, UserErrorCode.INVALID_VALUE, NODES))


async def _created(transaction: Transaction, work: Work) -> None:
    await set_status(transaction, work, work.resource, ResourceStatus.ACTIVE, work.now)


async def _not_created(transaction: Transaction, work: Work) -> None:
    await take_unready(transaction, work)
    await set_status(transaction, work, work.resource, ResourceStatus.INACTIVE, work.now)


takes_effect(Action.CREATE_CLUSTER, step=node_is_there, done=_created, failed=_not_created, said="Created.")
