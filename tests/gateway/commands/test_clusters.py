"""Kubernetes clusters: created with their nodes, which get ready one by one; their namespaces."""

import asyncio
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from resolvers.operations.drivers.simulated import Simulation
from schema.ids import global_id, key_in
from tests.gateway.commands.stores import (
    Inputs,
    ask,
    begin,
    cluster,
    done,
    ending,
    failed,
    input_of,
    new_name,
    nodes_of,
    refused,
    rehearsed,
    status_of,
    unapproved,
)
from tests.gateway.privileged import Privileged

CREATE, CREATE_NAMESPACE, DELETE_NAMESPACE = "create-cluster", "create-cluster-namespace", "delete-cluster-namespace"
CLUSTER: Final = (
    "kubernetesCluster { id name status kubernetesVersion ingress highAvailability environment product { code }"
    " tags { value } availabilityZones { code } dataCenters { code }"
    " nodes { nodes { name sizing isIngress status availabilityZone { code } } } }"
)
NAMESPACE: Final = "namespace { name cpuLimit ramLimitGb cluster { name revision } }"


def kind(count: Any = 1, sizing: str = "2cpu4gb", zone: str = "EB-HDS-A") -> dict[str, Any]:
    return {"count": count, "sizing": sizing, "availabilityZone": zone}


def wanted(people: Privileged, *nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "serviceId": global_id("Service", people.shop.shop),
        "name": "k8s",
        "kubernetesVersion": "1.34",
        "ingress": "TRAEFIK",
        "nodes": list(nodes) or [kind()],
        **more,
    }


def of_cluster(key: UUID, **more: Any) -> dict[str, Any]:
    return {"kubernetesClusterId": global_id("KubernetesCluster", key), **more}


async def namespace(people: Privileged, key: UUID, name: str) -> dict[str, Any]:
    id_ = uuid4()
    await people.sql(
        "INSERT INTO namespace (organization_id, cloud_id, resource_id, id, name)"
        " SELECT organization_id, cloud_id, id, :id, :name FROM resource WHERE id = :key",
        id=id_,
        key=key,
        name=name,
    )
    return {"namespaceId": global_id("Namespace", id_)}


async def added(people: Privileged) -> dict[str, Any]:
    return of_cluster(await cluster(people, "EB-HDS-A", name=new_name()), name="web")


async def removed(people: Privileged) -> dict[str, Any]:
    return await namespace(people, await cluster(people, "EB-HDS-A", name=new_name()), "web")


INPUTS: Inputs = {
    CREATE: lambda people: wanted(people, name=new_name()),
    CREATE_NAMESPACE: added,
    DELETE_NAMESPACE: removed,
}


async def namespaces(people: Privileged, key: UUID) -> list[str]:
    found = await people.sql("SELECT name FROM namespace WHERE resource_id = :id ORDER BY name", id=key)
    return [name for (name,) in found]


async def test_a_standard_cluster_is_created_with_its_nodes_in_one_data_center(people: Privileged) -> None:
    values = wanted(people, kind(2), kind(1, "4cpu8gb", "EB-HDS-B"), tags=[{"key": "team", "value": "blue"}])
    payload = await begin(people, CREATE, values, CLUSTER)
    made = payload["kubernetesCluster"]
    key = key_in(made.pop("id"))
    nodes = made.pop("nodes")["nodes"]
    assert made == {
        "name": "k8s",
        "status": "PREPARATION",
        "kubernetesVersion": "1.34",
        "ingress": "TRAEFIK",
        "highAvailability": False,
        "environment": "production",
        "product": {"code": "kubernetes-1.34"},
        "tags": [{"value": "blue"}],
        "availabilityZones": [{"code": "EB-HDS-A"}, {"code": "EB-HDS-B"}],
        "dataCenters": [{"code": "EB4"}],
    }
    assert {node["status"] for node in nodes} == {"PREPARATION"}
    await people.settle()
    assert await status_of(people, key) == "ACTIVE"
    assert await nodes_of(people, key) == [
        ("k8s-node-1", "2cpu4gb", "EB-HDS-A", True, "ACTIVE"),
        ("k8s-node-2", "2cpu4gb", "EB-HDS-A", False, "ACTIVE"),
        ("k8s-node-3", "4cpu8gb", "EB-HDS-B", False, "ACTIVE"),
    ]


async def test_each_step_of_a_creation_is_one_of_the_operation(people: Privileged) -> None:
    payload = await done(people, CREATE, wanted(people, kind(2)))
    statement = "SELECT name, subject_id IS NOT NULL, status FROM operation_step WHERE operation_id = :id"
    assert await people.sql(f"{statement} ORDER BY position", id=key_in(payload["operation"]["id"])) == [
        ("Create the control plane", False, "SUCCESS"),
        ("Create k8s-node-1", True, "SUCCESS"),
        ("Create k8s-node-2", True, "SUCCESS"),
        ("Create the ingress", False, "SUCCESS"),
    ]


async def test_traffic_enters_a_highly_available_cluster_in_both_data_centers(people: Privileged) -> None:
    values = wanted(people, kind(2), kind(2, zone="EB-HDS-C"), highAvailability=True)
    payload = await done(people, CREATE, values, CLUSTER)
    assert payload["kubernetesCluster"]["dataCenters"] == [{"code": "EB4"}, {"code": "EB5"}]
    key = key_in(payload["kubernetesCluster"]["id"])
    assert [is_ingress for _, _, _, is_ingress, _ in await nodes_of(people, key)] == [True, False, True, False]


async def test_a_cluster_of_which_a_node_failed_is_inactive_with_the_nodes_that_got_ready(people: Privileged) -> None:
    payload = await begin(people, CREATE, wanted(people, kind(3)), "kubernetesCluster { id }")
    key = key_in(payload["kubernetesCluster"]["id"])
    await people.settle(Simulation(0, failures={"Create k8s-node-2": "No disk."}))
    assert await ending(people, payload) == ("ERROR", 40)
    assert await status_of(people, key) == "INACTIVE"
    assert await nodes_of(people, key) == [("k8s-node-1", "2cpu4gb", "EB-HDS-A", True, "ACTIVE")]
    assert await refused(people, CREATE, wanted(people)) == [("NAME_TAKEN", "name")]


@pytest.mark.parametrize(
    ("nodes", "more", "wrong"),
    [
        ([], {"nodes": []}, [("INVALID_VALUE", "nodes")]),
        ([kind(0)], {}, [("INVALID_VALUE", "nodes.0.count")]),
        ([kind(-1)], {}, [("INVALID_VALUE", "nodes.0.count")]),
        ([kind(51)], {}, [("INVALID_VALUE", "nodes.0.count")]),
        ([kind(2_147_483_647)], {}, [("INVALID_VALUE", "nodes.0.count")]),
        ([kind(50), kind(50), kind(1)], {}, [("LIMIT_REACHED", "nodes")]),
        ([kind()] * 101, {}, [("INVALID_VALUE", "nodes")]),
        ([kind(), kind(sizing="3cpu3gb")], {}, [("NOT_FOUND", "nodes.1.sizing")]),
        ([kind(sizing="")], {}, [("INVALID_VALUE", "nodes.0.sizing")]),
        ([kind(zone="EB-A")], {}, [("PLACE_NOT_OPEN", "nodes.0.availabilityZone")]),
        (
            [kind(sizing="x", zone="y"), kind(zone="y")],
            {},
            [
                ("NOT_FOUND", "nodes.0.sizing"),
                ("PLACE_NOT_OPEN", "nodes.0.availabilityZone"),
                ("PLACE_NOT_OPEN", "nodes.1.availabilityZone"),
            ],
        ),
        ([kind(), kind(zone="EB-HDS-C")], {}, [("INVALID_VALUE", "nodes")]),
        ([kind(), kind(zone="EB-HDS-B")], {"highAvailability": True}, [("INVALID_VALUE", "nodes")]),
        (
            [kind(), kind(zone="EB-HDS-C"), kind(zone="ET-HDS-A")],
            {"highAvailability": True},
            [("INVALID_VALUE", "nodes")],
        ),
        ([], {"name": "K8s"}, [("INVALID_VALUE", "name")]),
        ([], {"name": "-k8s"}, [("INVALID_VALUE", "name")]),
        ([], {"name": ""}, [("INVALID_VALUE", "name")]),
        ([], {"name": "a" * 51}, [("INVALID_VALUE", "name")]),
        ([], {"name": "k8s\n"}, [("INVALID_VALUE", "name")]),
        ([], {"kubernetesVersion": "1.2"}, [("NOT_FOUND", "kubernetesVersion")]),
        ([], {"kubernetesVersion": ""}, [("INVALID_VALUE", "kubernetesVersion")]),
        ([], {"environment": "moon"}, [("NOT_FOUND", "environment")]),
        ([kind(0)], {"name": "", "tags": [{"key": "!a", "value": ""}]}, None),
    ],
)
async def test_what_is_wrong_with_a_cluster_to_be_is_said_of_its_field(
    people: Privileged, nodes: list[Any], more: dict[str, Any], wrong: list[tuple[str, str]] | None
) -> None:
    everything = [("INVALID_VALUE", field) for field in ("name", "nodes.0.count", "tags.0.key")]
    assert await refused(people, CREATE, wanted(people, *nodes, **more)) == (wrong or everything)


async def test_the_group_alone_has_the_zones_of_the_group(people: Privileged) -> None:
    await people.sql("UPDATE organization SET is_group = true WHERE id = :id", id=people.shop.acme)
    await done(people, CREATE, wanted(people, kind(zone="EB-A")))


async def test_of_two_who_take_a_name_at_once_one_gets_it(people: Privileged) -> None:
    replies = await asyncio.gather(*[ask(people, CREATE, wanted(people)) for _ in range(5)])
    assert sorted(tuple(reply.user_errors) for reply in replies) == [(), *[("NAME_TAKEN",)] * 4]


async def test_a_namespace_is_created_and_deleted(people: Privileged) -> None:
    key = await cluster(people, "EB-HDS-A")
    payload = await done(people, CREATE_NAMESPACE, of_cluster(key, name="web", cpuLimit=4, ramLimitGb=16), NAMESPACE)
    assert payload["namespace"] == {
        "name": "web",
        "cpuLimit": 4,
        "ramLimitGb": 16,
        "cluster": {"name": "k8s", "revision": 2},
    }
    unlimited = await done(people, CREATE_NAMESPACE, of_cluster(key, name="api"), f"{NAMESPACE[:-2]} id }}")
    assert unlimited["namespace"]["cpuLimit"] is None
    gone = {"namespaceId": unlimited["namespace"]["id"]}
    payload = await begin(people, DELETE_NAMESPACE, gone, "namespace { name }")
    assert payload["namespace"] == {"name": "api"}
    assert await namespaces(people, key) == ["api", "web"]
    await people.settle()
    assert await namespaces(people, key) == ["web"]


async def test_a_failure_takes_a_new_namespace_away_and_leaves_one_that_was_to_go(people: Privileged) -> None:
    key = await cluster(people, "EB-HDS-A")
    await failed(people, CREATE_NAMESPACE, of_cluster(key, name="web"))
    assert await namespaces(people, key) == []
    await failed(people, DELETE_NAMESPACE, await namespace(people, key, "api"))
    assert await namespaces(people, key) == ["api"]


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"name": "kube-system"}, ("INVALID_VALUE", "name")),
        ({"name": "kube-mine"}, ("INVALID_VALUE", "name")),
        ({"name": "default"}, ("INVALID_VALUE", "name")),
        ({"name": "Web"}, ("INVALID_VALUE", "name")),
        ({"name": "a.b"}, ("INVALID_VALUE", "name")),
        ({"name": "web-"}, ("INVALID_VALUE", "name")),
        ({"name": "a" * 64}, ("INVALID_VALUE", "name")),
        ({"name": "there"}, ("NAME_TAKEN", "name")),
        ({"cpuLimit": 0}, ("INVALID_VALUE", "cpuLimit")),
        ({"ramLimitGb": -4}, ("INVALID_VALUE", "ramLimitGb")),
        ({"ramLimitGb": 2_147_483_647}, ("INVALID_VALUE", "ramLimitGb")),
        ({"expectedRevision": 7}, ("WRONG_REVISION", "expectedRevision")),
    ],
)
async def test_what_is_wrong_with_a_namespace_to_be_is_said_of_its_field(
    people: Privileged, more: dict[str, Any], wrong: tuple[str, str]
) -> None:
    key = await cluster(people, "EB-HDS-A")
    await namespace(people, key, "there")
    assert await refused(people, CREATE_NAMESPACE, of_cluster(key, **{"name": "web", **more})) == [wrong]


@pytest.mark.parametrize("name", ["default", "kube-system"])
async def test_a_namespace_that_the_cluster_has_for_itself_is_not_deleted(people: Privileged, name: str) -> None:
    key = await cluster(people, "EB-HDS-A")
    assert await refused(people, DELETE_NAMESPACE, await namespace(people, key, name)) == [("IN_USE", None)]


async def test_of_two_who_create_a_namespace_at_once_one_does(people: Privileged) -> None:
    values = of_cluster(await cluster(people, "EB-HDS-A"), name="web")
    replies = await asyncio.gather(*[ask(people, CREATE_NAMESPACE, values) for _ in range(4)])
    assert sorted(tuple(reply.user_errors) for reply in replies) == [(), *[("OPERATION_IN_PROGRESS",)] * 3]


@pytest.mark.parametrize("label", INPUTS)
async def test_a_dry_run_writes_nothing(people: Privileged, label: str) -> None:
    await rehearsed(people, label, await input_of(people, INPUTS, label))


async def test_a_namespace_of_nothing_that_is_seen_is_not_found(people: Privileged) -> None:
    before = await unapproved(people)
    values = {"namespaceId": global_id("Namespace", uuid4())}
    assert (await ask(people, DELETE_NAMESPACE, values)).code == "NOT_FOUND"
    assert (await ask(people, CREATE_NAMESPACE, of_cluster(people.shop.web, name="web"))).code == "NOT_FOUND"
    assert await unapproved(people) == before
