"""Nodes of clusters: added one by one where the cluster is, removed as long as enough is left."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.tables import uuid7
from resolvers.commands.cluster_nodes import Asked, check_nodes, name_nodes
from resolvers.commands.placing import Zone
from resolvers.operations.drivers.simulated import Simulation
from schema.ids import global_id
from tests.gateway.commands.stores import (
    Inputs,
    approve,
    ask,
    asking_for,
    begin,
    cluster,
    done,
    ending,
    failed,
    input_of,
    new_name,
    node_ids,
    nodes_of,
    refused,
    rehearsed,
    status_of,
)
from tests.gateway.privileged import Privileged

CREATE, DELETE = "create-cluster-nodes", "delete-cluster-nodes"


def adding(key: UUID, *zones: str, count: int = 1, sizing: str = "4cpu8gb", **more: Any) -> dict[str, Any]:
    nodes = [{"count": count, "sizing": sizing, "availabilityZone": zone} for zone in zones]
    return {"kubernetesClusterId": global_id("KubernetesCluster", key), "nodes": nodes, **more}


async def removing(people: Privileged, key: UUID, *numbers: int) -> dict[str, Any]:
    ids = await node_ids(people, key)
    nodes = [ids[number - 1] for number in numbers]
    return {"kubernetesClusterId": global_id("KubernetesCluster", key), "nodes": nodes}


async def added(people: Privileged) -> dict[str, Any]:
    return adding(await cluster(people, "EB-HDS-A", name=new_name()), "EB-HDS-A")


async def removed(people: Privileged) -> dict[str, Any]:
    return await removing(people, await cluster(people, "EB-HDS-A", "EB-HDS-A", name=new_name()), 2)


INPUTS: Inputs = {CREATE: added, DELETE: removed}


async def names(people: Privileged, key: UUID) -> list[str]:
    return [name for name, *_ in await nodes_of(people, key)]


async def places(people: Privileged, key: UUID) -> tuple[list[str], list[str]]:
    ((zones, centers),) = await people.sql(
        "SELECT availability_zones, data_centers FROM resource WHERE id = :id", id=key
    )
    return zones, centers


async def test_nodes_are_added_one_by_one_and_the_cluster_is_active_again(people: Privileged) -> None:
    key = await cluster(people, "EB-HDS-A")
    told = "kubernetesCluster { status availabilityZones { code } nodes { nodes { name status } } }"
    payload = await begin(people, CREATE, adding(key, "EB-HDS-A", "EB-HDS-B"), told)
    assert payload["kubernetesCluster"] == {
        "status": "PREPARATION",
        "availabilityZones": [{"code": "EB-HDS-A"}, {"code": "EB-HDS-B"}],
        "nodes": {
            "nodes": [
                {"name": "k8s-node-1", "status": "ACTIVE"},
                {"name": "k8s-node-2", "status": "PREPARATION"},
                {"name": "k8s-node-3", "status": "PREPARATION"},
            ]
        },
    }
    await people.settle()
    assert await status_of(people, key) == "ACTIVE"
    assert await nodes_of(people, key) == [
        ("k8s-node-1", "2cpu4gb", "EB-HDS-A", True, "ACTIVE"),
        ("k8s-node-2", "4cpu8gb", "EB-HDS-A", False, "ACTIVE"),
        ("k8s-node-3", "4cpu8gb", "EB-HDS-B", False, "ACTIVE"),
    ]


async def test_a_failure_keeps_the_nodes_that_got_ready_and_takes_the_others_away(people: Privileged) -> None:
    key = await cluster(people, "EB-HDS-A", "EB-HDS-A")
    # One that was stopped is none of the operation's business.
    await people.sql("UPDATE cluster_node SET status = 'INACTIVE' WHERE name = 'k8s-node-2'")
    payload = await begin(people, CREATE, adding(key, "EB-HDS-A", "EB-HDS-B", count=2))
    await people.settle(Simulation(0, failures={"Create k8s-node-4": "No disk."}))
    assert await ending(people, payload) == ("ERROR", 25)
    assert await status_of(people, key) == "ACTIVE"
    assert [(name, status) for name, *_, status in await nodes_of(people, key)] == [
        ("k8s-node-1", "ACTIVE"),
        ("k8s-node-2", "INACTIVE"),
        ("k8s-node-3", "ACTIVE"),
    ]
    assert await places(people, key) == (["EB-HDS-A"], ["EB4"])


async def test_a_cluster_that_is_not_active_gets_no_nodes(people: Privileged) -> None:
    key = await cluster(people, "EB-HDS-A")
    await people.sql("UPDATE resource SET status = 'INACTIVE' WHERE id = :id", id=key)
    assert await refused(people, CREATE, adding(key, "EB-HDS-A")) == [("WRONG_STATUS", None)]


async def test_nodes_stay_in_the_data_centers_of_their_cluster(people: Privileged) -> None:
    standard = await cluster(people, "EB-HDS-A")
    far = ("INVALID_VALUE", "nodes.1.availabilityZone")
    assert await refused(people, CREATE, adding(standard, "EB-HDS-A", "EB-HDS-C")) == [far]
    double = await cluster(people, "EB-HDS-A", "EB-HDS-C", name="double", ingress=(1, 2))
    assert await refused(people, CREATE, adding(double, "EB-HDS-C", "ET-HDS-A")) == [far]
    await done(people, CREATE, adding(double, "EB-HDS-C", "EB-HDS-B"))
    assert await places(people, double) == (["EB-HDS-A", "EB-HDS-C", "EB-HDS-B"], ["EB4", "EB5"])


async def test_what_is_wrong_with_nodes_to_be_is_said_of_each(people: Privileged) -> None:
    key = await cluster(people, "EB-HDS-A")
    cases: list[tuple[dict[str, Any], list[tuple[str, str | None]]]] = [
        (adding(key), [("INVALID_VALUE", "nodes")]),
        (adding(key, "EB-HDS-A", count=0), [("INVALID_VALUE", "nodes.0.count")]),
        (adding(key, "EB-HDS-A", count=51), [("INVALID_VALUE", "nodes.0.count")]),
        (adding(key, "EB-HDS-A", "EB-HDS-A", count=50), [("LIMIT_REACHED", "nodes")]),
        (adding(key, *["EB-HDS-A"] * 101), [("INVALID_VALUE", "nodes")]),
        (adding(key, "EB-A"), [("PLACE_NOT_OPEN", "nodes.0.availabilityZone")]),
        (adding(key, "EB-HDS-A", sizing="huge"), [("NOT_FOUND", "nodes.0.sizing")]),
        (adding(key, "EB-HDS-A", expectedRevision=3), [("WRONG_REVISION", "expectedRevision")]),
    ]
    for values, wrong in cases:
        assert await refused(people, CREATE, values) == wrong


async def test_ten_thousand_nodes_in_a_list_are_refused_with_one_error(people: Privileged) -> None:
    found = check_nodes([Asked(0, "", "")] * 10_000)
    assert [error.field for error in found] == [("nodes",)]
    key = await cluster(people, "EB-HDS-A")
    values = {"kubernetesClusterId": global_id("KubernetesCluster", key), "nodes": ["x"] * 10_000}
    assert await refused(people, DELETE, values) == [("INVALID_VALUE", "nodes")]


async def test_nodes_are_removed_each_by_its_step(people: Privileged) -> None:
    key = await cluster(people, "EB-HDS-A", "EB-HDS-B", "EB-HDS-B")
    values = await removing(people, key, 2, 3, 2)
    payload = await begin(people, DELETE, values, "kubernetesCluster { status nodes { nodes { status } } }")
    assert payload["kubernetesCluster"]["status"] == "PREPARATION"
    nodes = payload["kubernetesCluster"]["nodes"]["nodes"]
    assert [node["status"] for node in nodes] == ["ACTIVE", "PREPARATION", "PREPARATION"]
    await people.settle()
    assert await ending(people, payload) == ("SUCCESS", 100)
    assert await names(people, key) == ["k8s-node-1"]
    assert await status_of(people, key) == "ACTIVE"
    assert await places(people, key) == (["EB-HDS-A"], ["EB4"])


async def test_the_number_of_a_node_that_is_there_is_not_given_again(people: Privileged) -> None:
    key = await cluster(people, "EB-HDS-A", "EB-HDS-A", "EB-HDS-A")
    await done(people, DELETE, await removing(people, key, 2))
    await done(people, CREATE, adding(key, "EB-HDS-A"))
    assert await names(people, key) == ["k8s-node-1", "k8s-node-3", "k8s-node-4"]


async def test_a_removal_that_failed_leaves_what_is_not_gone_as_it_was(people: Privileged) -> None:
    key = await cluster(people, "EB-HDS-A", "EB-HDS-B", "EB-HDS-A")
    await people.sql("UPDATE cluster_node SET status = 'INACTIVE' WHERE name = 'k8s-node-3'")
    payload = await begin(people, DELETE, await removing(people, key, 2, 3))
    await people.settle(Simulation(0, failures={"Remove k8s-node-3": "Busy."}))
    assert await ending(people, payload) == ("ERROR", 50)
    assert await status_of(people, key) == "ACTIVE"
    assert [(name, status) for name, *_, status in await nodes_of(people, key)] == [
        ("k8s-node-1", "ACTIVE"),
        ("k8s-node-3", "INACTIVE"),
    ]
    assert await places(people, key) == (["EB-HDS-A"], ["EB4"])
    whole = await cluster(people, "EB-HDS-A", "EB-HDS-A", name="whole")
    await failed(people, DELETE, await removing(people, whole, 2))
    assert [status for *_, status in await nodes_of(people, whole)] == ["ACTIVE", "ACTIVE"]


async def test_neither_all_nodes_nor_all_ingress_nodes_nor_all_of_a_data_center_are_removed(people: Privileged) -> None:
    standard = await cluster(people, "EB-HDS-A", "EB-HDS-A")
    assert await refused(people, DELETE, await removing(people, standard, 1, 2)) == [("IN_USE", "nodes")]
    assert await refused(people, DELETE, await removing(people, standard, 1)) == [("IN_USE", "nodes")]
    alone = await cluster(people, "EB-HDS-A", name="alone")
    assert await refused(people, DELETE, await removing(people, alone, 1)) == [("IN_USE", "nodes")]
    double = await cluster(people, "EB-HDS-A", "EB-HDS-C", "EB-HDS-A", name="double", ingress=(1, 2, 3))
    assert await refused(people, DELETE, await removing(people, double, 2)) == [("IN_USE", "nodes")]
    await done(people, DELETE, await removing(people, double, 1))


async def test_what_is_no_node_of_the_cluster_is_not_found(people: Privileged) -> None:
    key = await cluster(people, "EB-HDS-A", "EB-HDS-A")
    other = await cluster(people, "EB-HDS-A", "EB-HDS-A", name="other")
    own, foreign = (await node_ids(people, key))[1], (await node_ids(people, other))[1]
    values = {"kubernetesClusterId": global_id("KubernetesCluster", key)}
    strange = [foreign, global_id("ClusterNode", uuid4()), own]
    assert await refused(people, DELETE, {**values, "nodes": strange}) == [
        ("NOT_FOUND", "nodes.0"),
        ("NOT_FOUND", "nodes.1"),
    ]
    malformed = [own, "nothing", global_id("KubernetesCluster", key)]
    assert await refused(people, DELETE, {**values, "nodes": malformed}) == [
        ("INVALID_VALUE", "nodes.1"),
        ("NOT_FOUND", "nodes.2"),
    ]
    assert await refused(people, DELETE, {**values, "nodes": []}) == [("INVALID_VALUE", "nodes")]


async def test_of_two_removals_at_once_that_would_leave_nothing_one_is_done(people: Privileged) -> None:
    key = await cluster(people, "EB-HDS-A", "EB-HDS-A", ingress=(1, 2))
    both = [await removing(people, key, number) for number in (1, 2)]
    for values in both:
        await approve(people, DELETE, values)
    replies = await asyncio.gather(*[people.ask("pow", asking_for(DELETE), values) for values in both])
    assert sorted(tuple(reply.user_errors) for reply in replies) == [(), ("OPERATION_IN_PROGRESS",)]
    await people.settle()
    assert await refused(people, DELETE, await removing(people, key, 1)) == [("IN_USE", "nodes")]


async def test_while_nodes_are_added_nothing_else_is_done_to_the_cluster(people: Privileged) -> None:
    key = await cluster(people, "EB-HDS-A", "EB-HDS-A")
    await begin(people, CREATE, adding(key, "EB-HDS-A"))
    namespace = {"kubernetesClusterId": global_id("KubernetesCluster", key), "name": "web"}
    for label, values in [
        (CREATE, adding(key, "EB-HDS-A")),
        (DELETE, await removing(people, key, 2)),
        ("create-cluster-namespace", namespace),
    ]:
        assert (await ask(people, label, values)).user_errors == ["OPERATION_IN_PROGRESS"]


@pytest.mark.parametrize("label", INPUTS)
async def test_a_dry_run_writes_nothing(people: Privileged, label: str) -> None:
    await rehearsed(people, label, await input_of(people, INPUTS, label))


class Place:
    organization_id = uuid4()
    cloud_id = uuid4()


ZONES = st.sampled_from([Zone("a", "A", "R"), Zone("b", "A", "R"), Zone("c", "B", "R")])
KINDS = st.lists(st.tuples(st.integers(1, 5), ZONES), min_size=1, max_size=6)
THERE = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from([*(f"k-node-{number}" for number in range(9)), "k-node-x", "other", "k-node-²"]),
            "is_ingress": st.booleans(),
            "data_center_code": st.sampled_from("AB"),
        }
    ),
    unique_by=lambda node: str(node["name"]),
)


@given(KINDS, THERE)
def test_names_are_new_and_every_data_center_with_new_nodes_has_a_way_in(kinds: list[Any], there: list[Any]) -> None:
    asked = [(Asked(count, "2cpu4gb", zone.code), zone) for count, zone in kinds]
    made = name_nodes(Place(), (uuid7(), "k"), asked, there)
    assert len(made) == sum(count for count, _ in kinds)
    assert len({node.name for node in made} | {node["name"] for node in there}) == len(made) + len(there)
    center = {"a": "A", "b": "A", "c": "B"}
    before = {node["data_center_code"] for node in there if node["is_ingress"]}
    entered = [center[node.availability_zone_code] for node in made if node.is_ingress]
    assert sorted(entered) == sorted({zone.data_center for _, zone in kinds} - before)
