"""What is done to the nodes of Kubernetes clusters: where they can be, what they are called, and that some are left.

A standard cluster has its nodes in one data center, a highly available one in two; traffic enters each data center
through one node at least.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, bindparam, select

from auth.decisions import Grant
from auth.errors import NotFound
from auth.permissions import Action
from auth.statements import Statement
from auth.tables import table
from resolvers.commands.effects import Work, takes_effect
from resolvers.commands.locking import lock_resource
from resolvers.commands.outcome import Changed, Refused, Step, UserError, UserErrorCode
from resolvers.commands.placing import Wrong, Zone, check_range, check_text, open_zone
from resolvers.commands.resources import (
    Place,
    add_row,
    change_resource,
    change_row,
    delete_row,
    key_of,
    set_status,
)
from resolvers.commands.submission import Change
from resolvers.tables import AvailabilityZone, ClusterNode, KubernetesCluster, NodeStatus, ResourceStatus, Sizing
from resolvers.transaction import Transaction

MOST_OF_A_KIND: Final = 50
MOST_NODES: Final = 100
LONGEST_CODE: Final = 100
NODES: Final = ("nodes",)

NODE, ZONE, SIZING, CLUSTER = table(ClusterNode), table(AvailabilityZone), table(Sizing), table(KubernetesCluster)
_NODES: Final = Statement(
    select(NODE.c.id, NODE.c.name, NODE.c.is_ingress, NODE.c.status, ZONE.c.code.label("zone"), ZONE.c.data_center_code)
    .join(ZONE, ZONE.c.code == NODE.c.availability_zone_code)
    .where(
        NODE.c.organization_id == bindparam("organization_id"),
        NODE.c.cloud_id == bindparam("cloud_id"),
        NODE.c.resource_id == bindparam("id"),
    )
    .order_by(NODE.c.id)
)
_SIZINGS: Final = Statement(select(SIZING.c.code).where(SIZING.c.code == any_(bindparam("codes", type_=ARRAY(Text())))))
_HIGHLY_AVAILABLE: Final = Statement(
    select(CLUSTER.c.high_availability).where(
        CLUSTER.c.organization_id == bindparam("organization_id"),
        CLUSTER.c.cloud_id == bindparam("cloud_id"),
        CLUSTER.c.resource_id == bindparam("id"),
    )
)


@dataclass(frozen=True, slots=True)
class Asked:
    """So many nodes of one size in one availability zone."""

    count: int
    sizing: str
    zone: str


def check_nodes(nodes: Sequence[Asked]) -> list[UserError]:
    """Check what can be checked of nodes to be by itself."""
    found = check_range(len(nodes), 1, MOST_NODES, NODES, "kinds of nodes")
    if found:
        # Each of thousands would be told of by itself.
        return found
    for number, asked in enumerate(nodes):
        place = (*NODES, str(number))
        found += check_range(asked.count, 1, MOST_OF_A_KIND, (*place, "count"), "nodes")
        found += check_text(asked.sizing, (*place, "sizing"), LONGEST_CODE)
        found += check_text(asked.zone, (*place, "availabilityZone"), LONGEST_CODE)
    return found or check_total(sum(asked.count for asked in nodes))


def check_total(nodes: int) -> list[UserError]:
    """Check how many nodes a cluster will have."""
    if nodes <= MOST_NODES:
        return []
    return [UserError(f"A cluster has at most {MOST_NODES} nodes.", UserErrorCode.LIMIT_REACHED, NODES)]


def centers_of(highly_available: bool) -> int:
    """Say over how many data centers a cluster spreads."""
    return 2 if highly_available else 1


async def find_zones(transaction: Transaction, grant: Grant, nodes: Sequence[Asked]) -> list[Zone]:
    """Find the availability zone of each kind of nodes.

    Raises:
        Refused: a size is unknown, or a zone not open to the organization.
    """
    codes = sorted({asked.sizing for asked in nodes})
    sizings = {code for (code,) in await transaction.fetch(_SIZINGS, {"codes": codes})}
    wrong, zones = Wrong(), dict[str, Zone]()
    for number, asked in enumerate(nodes):
        place = (*NODES, str(number))
        if asked.sizing not in sizings:
            wrong.errors.append(
                UserError("There is no such size of nodes.", UserErrorCode.NOT_FOUND, (*place, "sizing"))
            )
        with wrong:
            if asked.zone not in zones:
                zones[asked.zone] = await open_zone(transaction, grant, asked.zone, (*place, "availabilityZone"))
    wrong.refuse()
    return [zones[asked.zone] for asked in nodes]


def name_nodes(
    place: Place,
    cluster: tuple[UUID, str],
    nodes: Iterable[tuple[Asked, Zone]],
    there: Sequence[Any] = (),
) -> list[ClusterNode]:
    """Make the nodes, numbered after those that are there; through the first in each data center traffic enters."""
    cluster_id, name = cluster
    prefix = f"{name}-node-"
    last = max((_number(node["name"].removeprefix(prefix)) for node in there), default=0)
    entered = {node["data_center_code"] for node in there if node["is_ingress"]}
    made = []
    for asked, zone in nodes:
        for _ in range(asked.count):
            last += 1
            node = ClusterNode(
                organization_id=place.organization_id,
                cloud_id=place.cloud_id,
                resource_id=cluster_id,
                name=f"{prefix}{last}",
                sizing_code=asked.sizing,
                availability_zone_code=zone.code,
                is_ingress=zone.data_center not in entered,
                status=NodeStatus.PREPARATION,
            )
            entered.add(zone.data_center)
            made.append(node)
    return made


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def told_of(nodes: Iterable[ClusterNode]) -> list[dict[str, Any]]:
    """Say what a driver needs to know of nodes to be."""
    return [
        {
            "id": str(node.id),
            "name": node.name,
            "sizing": node.sizing_code,
            "availabilityZone": node.availability_zone_code,
            "isIngress": node.is_ingress,
        }
        for node in nodes
    ]


def steps_of(nodes: Iterable[ClusterNode]) -> list[Step]:
    """Make the step of each node to be."""
    return [Step(f"Create {node.name}", node.id) for node in nodes]


async def node_is_there(transaction: Transaction, work: Work) -> None:
    """Set the node of a step, if it is about one, to active."""
    if work.step_subject_id is not None:
        await change_row(transaction, work, ClusterNode, work.step_subject_id, status=NodeStatus.ACTIVE.value)


async def take_unready(transaction: Transaction, work: Work) -> None:
    """Take those nodes of an operation away that did not get ready."""
    asked = {UUID(node["id"]) for node in work.parameters["nodes"]}
    for node in await transaction.fetch(_NODES, key_of(work, work.resource)):
        if node["id"] in asked and node["status"] != NodeStatus.ACTIVE:
            await delete_row(transaction, work, ClusterNode, node["id"])


def create_nodes(cluster_id: UUID, nodes: Sequence[Asked], expected_revision: int | None) -> Change:
    """Add nodes to an active cluster, in the data centers that it has."""
    return partial(_create, cluster_id, tuple(nodes), expected_revision)


async def _create(
    cluster_id: UUID,
    asked: Sequence[Asked],
    expected_revision: int | None,
    transaction: Transaction,
    grant: Grant,
    now: datetime,
) -> Changed:
    cluster = await lock_resource(transaction, grant, cluster_id, expected_revision)
    there = await transaction.fetch(_NODES, key_of(grant, cluster_id))
    zones, wrong = list[Zone](), Wrong()
    wrong.errors += check_total(len(there) + sum(each.count for each in asked))
    with wrong:
        zones = await find_zones(transaction, grant, asked)
    most = await _centers(transaction, grant, cluster_id)
    wrong.errors += _elsewhere({node["data_center_code"] for node in there}, zones, most)
    wrong.refuse()
    nodes = name_nodes(grant, (cluster_id, cluster["name"]), zip(asked, zones, strict=True), there)
    for node in nodes:
        await add_row(transaction, node)
    await _place(transaction, grant, cluster_id, now, ResourceStatus.PREPARATION)
    parameters = {"statusBefore": cluster["status"], "nodes": told_of(nodes)}
    return Changed(steps_of(nodes), cluster, parameters=parameters)


def _elsewhere(centers: set[str], zones: Sequence[Zone], most: int) -> list[UserError]:
    """Refuse zones of further data centers than the cluster can have."""
    found = []
    for number, zone in enumerate(zones):
        if zone.data_center in centers or len(centers) < most:
            centers = centers | {zone.data_center}
            continue
        message = f"The cluster has its nodes in {' and '.join(sorted(centers))}, and in no other data center."
        place = (*NODES, str(number), "availabilityZone")
        found.append(UserError(message, UserErrorCode.INVALID_VALUE, place))
    return found


async def _created(transaction: Transaction, work: Work) -> None:
    await set_status(transaction, work, work.resource, work.parameters["statusBefore"], work.now)


async def _not_created(transaction: Transaction, work: Work) -> None:
    await take_unready(transaction, work)
    await _place(transaction, work, work.resource, work.now, work.parameters["statusBefore"])


takes_effect(
    Action.CREATE_CLUSTER_NODES, step=node_is_there, done=_created, failed=_not_created, said="The nodes are there."
)


def check_ids(ids: Sequence[UUID | str | None]) -> list[UserError]:
    """Check a list of nodes by itself: keys, None for what is the id of something else, texts for what is no id."""
    found = check_range(len(ids), 1, MOST_NODES, NODES, "nodes")
    if found:
        return found
    for number, key in enumerate(ids):
        if key is None:
            found.append(_missing(number))
        elif isinstance(key, str):
            found.append(UserError("This is not an id.", UserErrorCode.INVALID_VALUE, (*NODES, str(number))))
    return found


def delete_nodes(cluster_id: UUID, nodes: Sequence[UUID], expected_revision: int | None) -> Change:
    """Remove nodes from a cluster, neither all of them nor all that traffic enters through."""
    return partial(_delete, cluster_id, tuple(nodes), expected_revision)


async def _delete(
    cluster_id: UUID,
    ids: Sequence[UUID],
    expected_revision: int | None,
    transaction: Transaction,
    grant: Grant,
    now: datetime,
) -> Changed:
    cluster = await lock_resource(transaction, grant, cluster_id, expected_revision)
    there = {node["id"]: node for node in await transaction.fetch(_NODES, key_of(grant, cluster_id))}
    missing = [_missing(number) for number, key in enumerate(ids) if key not in there]
    if missing:
        raise Refused(*missing)
    going = [there[key] for key in dict.fromkeys(ids)]
    staying = [node for key, node in there.items() if key not in ids]
    _refuse_needed(going, staying, await _centers(transaction, grant, cluster_id))
    for node in going:
        await change_row(transaction, grant, ClusterNode, node["id"], status=NodeStatus.PREPARATION.value)
    await set_status(transaction, grant, cluster_id, ResourceStatus.PREPARATION, now)
    nodes = [{"id": str(node["id"]), "name": node["name"], "status": node["status"]} for node in going]
    steps = [Step(f"Remove {node['name']}", node["id"]) for node in going]
    return Changed(steps, cluster, parameters={"statusBefore": cluster["status"], "nodes": nodes})


def _refuse_needed(going: Sequence[Any], staying: Sequence[Any], most: int) -> None:
    """Refuse to leave a cluster without nodes, without a way in, or in one data center where it has two."""
    message = None
    if not staying:
        message = "These are all of its nodes."
    elif any(node["is_ingress"] for node in going) and not any(node["is_ingress"] for node in staying):
        message = "Through these alone traffic enters the cluster."
    else:
        left = {node["data_center_code"] for node in staying}
        before = left | {node["data_center_code"] for node in going}
        if len(left) < min(most, len(before)):
            message = f"A highly available cluster keeps nodes in {most} data centers."
    if message is not None:
        raise Refused(UserError(message, UserErrorCode.IN_USE, NODES))


def _missing(number: int) -> UserError:
    return UserError("There is no such node in the cluster.", UserErrorCode.NOT_FOUND, (*NODES, str(number)))


async def _removed(transaction: Transaction, work: Work) -> None:
    if work.step_subject_id is not None:
        await delete_row(transaction, work, ClusterNode, work.step_subject_id)


async def _all_removed(transaction: Transaction, work: Work) -> None:
    await _place(transaction, work, work.resource, work.now, work.parameters["statusBefore"])


async def _not_removed(transaction: Transaction, work: Work) -> None:
    for node in work.parameters["nodes"]:
        # Those whose step has succeeded have gone.
        await change_row(transaction, work, ClusterNode, UUID(node["id"]), status=node["status"])
    await _all_removed(transaction, work)


takes_effect(
    Action.DELETE_CLUSTER_NODES, step=_removed, done=_all_removed, failed=_not_removed, said="The nodes are gone."
)


async def _centers(transaction: Transaction, grant: Grant, cluster_id: UUID) -> int:
    found = await transaction.fetch(_HIGHLY_AVAILABLE, key_of(grant, cluster_id))
    if not found:
        raise NotFound(grant.privilege.target)
    return centers_of(found[0]["high_availability"])


async def _place(
    transaction: Transaction, place: Place, cluster_id: UUID, now: datetime, status: ResourceStatus | str
) -> None:
    """Set the status of a cluster, and its zones and data centers to those of the nodes that it has."""
    nodes = await transaction.fetch(_NODES, key_of(place, cluster_id))
    await change_resource(
        transaction,
        place,
        cluster_id,
        now,
        status=str(status),
        availability_zones=list(dict.fromkeys(node["zone"] for node in nodes)),
        data_centers=list(dict.fromkeys(node["data_center_code"] for node in nodes)),
    )
