"""Object stores and clusters to act on, written as an import does, and how mutations on them are asked for."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from sqlmodel import SQLModel

from auth.permissions import PRIVILEGES, Action
from auth.tables import uuid7
from resolvers.operations.drivers.simulated import Simulation
from resolvers.tables import ClusterNode, KubernetesCluster, ObjectStore, ObjectStoreUser, Resource, ResourceType
from schema.ids import global_id, key_in
from tests.gateway.privileged import Privileged, Reply

Inputs = dict[str, Callable[[Privileged], Awaitable[dict[str, Any]] | dict[str, Any]]]
"""A valid input of each of some actions, by label."""
CENTERS: Final = {"EB-HDS-A": "EB4", "EB-HDS-B": "EB4", "EB-HDS-C": "EB5", "ET-HDS-A": "ET1"}


def new_name(start: str = "n") -> str:
    """A name that nothing has yet."""
    return f"{start}{uuid4().hex[:12]}"


def asking_for(label: str, told: str = "") -> str:
    """The document of a mutation, with what is to be told of its payload."""
    name = PRIVILEGES[Action(label.upper().replace("-", "_"))].mutation
    return (
        f"mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ {told}"
        " operation { id status resourceName } userErrors { message code field } } }"
    )


async def ask(people: Privileged, label: str, values: Mapping[str, Any], told: str = "", who: str = "pow") -> Reply:
    """Ask for something, and approve it if all that is missing is an approval."""
    document = asking_for(label, told)
    reply = await people.ask(who, document, values)
    if reply.answer.status_code != 401:
        return reply
    await _answer(people, who, reply)
    return await people.ask(who, document, values)


async def approve(people: Privileged, label: str, values: Mapping[str, Any], who: str = "pow") -> None:
    """Approve something that takes an approval, and do not ask for it yet."""
    reply = await people.ask(who, asking_for(label), values)
    assert reply.answer.status_code == 401, reply.body
    await _answer(people, who, reply)


async def _answer(people: Privileged, who: str, reply: Reply) -> None:
    challenge = UUID(reply.body["errors"][0]["extensions"]["challengeId"])
    ((digest,),) = await people.sql("SELECT digest FROM mfa_challenge WHERE id = :id", id=challenge)
    # What was approved once and spent can be approved again.
    await people.sql("DELETE FROM approval WHERE digest = :digest", digest=digest)
    await people.approve(who, bytes(digest))


async def begin(people: Privileged, label: str, values: Mapping[str, Any], told: str = "") -> Any:
    """Ask for something that is begun; gives the payload."""
    payload = (await ask(people, label, values, told)).payload
    assert payload["userErrors"] == [], payload
    assert payload["operation"]["status"] == "IN_PROGRESS"
    return payload


async def done(people: Privileged, label: str, values: Mapping[str, Any], told: str = "") -> Any:
    """Ask for something, and let it come to its end; gives the payload that was answered before."""
    payload = await begin(people, label, values, told)
    await people.settle()
    assert await ending(people, payload) == ("SUCCESS", 100)
    return payload


async def failed(people: Privileged, label: str, values: Mapping[str, Any], step: str | None = None) -> Any:
    """Ask for something of which a step fails, the first unless it is named."""
    payload = await begin(people, label, values)
    await people.settle(Simulation(0, failures={step or label.upper().replace("-", "_"): "No."}))
    assert (await ending(people, payload))[0] == "ERROR"
    return payload


async def ending(people: Privileged, payload: Any) -> tuple[str, int]:
    """How the operation of a payload stands."""
    key = key_in(payload["operation"]["id"])
    ((status, progress),) = await people.sql("SELECT status, progress FROM operation WHERE id = :id", id=key)
    return status, progress


async def refused(people: Privileged, label: str, values: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """Ask for something that cannot be done, with everything that a caller needs; gives codes and paths of fields."""
    before = await unapproved(people)
    reply = await ask(people, label, values)
    assert reply.answer.status_code == 200, reply.body
    payload = reply.payload
    assert payload["operation"] is None
    assert payload["userErrors"]
    assert await unapproved(people) == before
    return [(error["code"], ".".join(error["field"]) if error["field"] else None) for error in payload["userErrors"]]


async def unapproved(people: Privileged) -> dict[str, list[Any]]:
    """All that mutations could have changed but approvals, which are written here."""
    return {name: rows for name, rows in (await people.state()).items() if name != "approval"}


async def rehearsed(people: Privileged, label: str, values: Mapping[str, Any], told: str = "") -> None:
    """Ask for a dry run of something that could be done: it writes nothing, and answers with nothing."""
    before = await people.state()
    reply = await people.ask("pow", asking_for(label, told), {**values, "dryRun": True})
    payload = reply.payload
    assert payload["userErrors"] == []
    assert payload["operation"] is None
    assert await people.state() == before


async def write(people: Privileged, *rows: SQLModel) -> None:
    await people.write(*rows)


def _resource(people: Privileged, kind: ResourceType, name: str, **more: Any) -> Resource:
    shop = people.shop
    values: dict[str, Any] = {
        "organization_id": shop.acme,
        "cloud_id": shop.alpha,
        "id": uuid7(),
        "service_id": shop.shop,
        "type": kind,
        "name": name,
        "status": "ACTIVE",
        "environment": "production",
        "data_centers": ["EB4"],
    }
    return Resource(**values | more)


async def store(people: Privileged, *labels: str, name: str = "cos-alpha-data", used_gb: float = 0) -> UUID:
    """An active object store of 100 GB with these users."""
    resource = _resource(people, ResourceType.OBJECT_STORE, name)
    own: dict[str, Any] = {
        "organization_id": people.shop.acme,
        "cloud_id": people.shop.alpha,
        "resource_id": resource.id,
    }
    users = [ObjectStoreUser(**own, label=label, access_key=f"KEY-{uuid7()}") for label in labels]
    await write(people, resource, ObjectStore(**own, quota_gb=100, used_gb=used_gb), *users)
    return resource.id


async def user_of(people: Privileged, store_id: UUID, label: str) -> str:
    """The id of a user of an object store."""
    statement = "SELECT id FROM object_store_user WHERE resource_id = :id AND label = :label"
    ((key,),) = await people.sql(statement, id=store_id, label=label)
    return global_id("ObjectStoreUser", key)


async def cluster(people: Privileged, *zones: str, name: str = "k8s", ingress: Sequence[int] = (1,)) -> UUID:
    """An active cluster with a node in each of these zones, highly available if they are in two data centers."""
    centers = list(dict.fromkeys(CENTERS[zone] for zone in zones))
    resource = _resource(
        people,
        ResourceType.KUBERNETES_CLUSTER,
        name,
        availability_zones=list(dict.fromkeys(zones)),
        data_centers=centers,
    )
    own: dict[str, Any] = {
        "organization_id": people.shop.acme,
        "cloud_id": people.shop.alpha,
        "resource_id": resource.id,
    }
    detail = KubernetesCluster(**own, kubernetes_version="1.34", ingress="NGINX", high_availability=len(centers) > 1)
    nodes = [
        ClusterNode(
            **own,
            name=f"{name}-node-{number}",
            sizing_code="2cpu4gb",
            availability_zone_code=zone,
            is_ingress=number in ingress,
        )
        for number, zone in enumerate(zones, 1)
    ]
    await write(people, resource, detail, *nodes)
    return resource.id


async def nodes_of(people: Privileged, cluster_id: UUID) -> list[tuple[str, str, str, bool, str]]:
    """The nodes of a cluster, in the order in which they were made: name, size, zone, whether ingress, status."""
    return await people.sql(
        "SELECT name, sizing_code, availability_zone_code, is_ingress, status FROM cluster_node"
        " WHERE resource_id = :id ORDER BY id",
        id=cluster_id,
    )


async def node_ids(people: Privileged, cluster_id: UUID) -> list[str]:
    """The ids of the nodes of a cluster, in the order in which they were made."""
    rows = await people.sql("SELECT id FROM cluster_node WHERE resource_id = :id ORDER BY id", id=cluster_id)
    return [global_id("ClusterNode", key) for (key,) in rows]


async def status_of(people: Privileged, resource_id: UUID) -> str | None:
    """The status of a resource; None if it has gone."""
    found = await people.sql("SELECT status FROM resource WHERE id = :id", id=resource_id)
    return found[0][0] if found else None


async def input_of(people: Privileged, inputs: Inputs, label: str) -> dict[str, Any]:
    """Make a valid input of an action."""
    values = inputs[label](people)
    return values if isinstance(values, dict) else await values
