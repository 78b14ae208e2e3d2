"""Members are put behind load balancers, set in a state and taken out; what is observed of them follows."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from resolvers.operations.drivers.simulated import Simulation
from schema.ids import global_id
from tests.gateway.commands.asking import (
    ask,
    balancer,
    document,
    done,
    instance,
    instance_id,
    lb_id,
    member,
    member_id,
    refusals,
    rehearsed,
)
from tests.gateway.privileged import Privileged

SHOWN: Final = "member { id port state status instance { name } loadBalancer { name revision } }"
STATES: Final = ("ENABLED", "DISABLED", "OFFLINE")


async def to_add(people: Privileged, **more: Any) -> dict[str, Any]:
    """The input for a member of a load balancer of its own."""
    key = await balancer(people, f"lb-{uuid4().hex[:8]}")
    return {"loadBalancerId": lb_id(key), "instanceId": instance_id(people.shop.web), "port": 8080, **more}


async def a_member(people: Privileged, **more: Any) -> dict[str, Any]:
    """The input for a member that is there."""
    key = await balancer(people, f"lb-{uuid4().hex[:8]}")
    return {"loadBalancerMemberId": member_id(await member(people, key, people.shop.web)), **more}


INPUTS: dict[str, Callable[[Privileged], Awaitable[dict[str, Any]] | dict[str, Any]]] = {
    "add-member-lb": to_add,
    "delete-member-lb": a_member,
    "update-member-state": lambda people: a_member(people, state="DISABLED"),
}


async def rows(people: Privileged) -> list[Any]:
    return await people.sql("SELECT port, state, status FROM load_balancer_member ORDER BY port, id")


async def change(people: Privileged, key: UUID, mutation: str) -> None:
    """Start or stop an instance, to its end."""
    await done(people, "ope", mutation, {"instanceId": instance_id(key)})
    await people.settle()


async def test_an_instance_is_put_behind_a_load_balancer(people: Privileged) -> None:
    values = await to_add(people, expectedRevision=1)
    await rehearsed(people, "ope", "addMemberLb", values)
    payload = await done(people, "ope", "addMemberLb", values, SHOWN)
    added = payload["member"]
    assert added | {"id": None, "loadBalancer": None} == {
        "id": None,
        "port": 8080,
        "state": "ENABLED",
        "status": "UP",
        "instance": {"name": "web-01"},
        "loadBalancer": None,
    }
    assert added["loadBalancer"]["revision"] == 2
    assert payload["operation"]["resourceName"] == added["loadBalancer"]["name"]
    await people.settle()
    assert await rows(people) == [(8080, "ENABLED", "UP")]
    assert await people.sql("SELECT status FROM operation WHERE action = 'ADD_MEMBER_LB'") == [("SUCCESS",)]


async def test_an_instance_that_is_not_active_is_a_member_that_is_down(people: Privileged) -> None:
    values = await to_add(people, instanceId=instance_id(people.shop.spare))
    assert (await done(people, "ope", "addMemberLb", values, SHOWN))["member"]["status"] == "DOWN"


async def test_an_instance_is_a_member_once_on_each_port(people: Privileged) -> None:
    values = await to_add(people)
    await done(people, "ope", "addMemberLb", values)
    assert await refusals(people, "ope", "addMemberLb", values) == [("OPERATION_IN_PROGRESS", None)]
    await people.settle()
    assert await refusals(people, "ope", "addMemberLb", values) == [("UNCHANGED", ["instanceId"])]
    await done(people, "ope", "addMemberLb", {**values, "port": 8081})
    await people.settle()
    assert await rows(people) == [(8080, "ENABLED", "UP"), (8081, "ENABLED", "UP")]


async def test_a_member_that_could_not_be_added_is_taken_away_again(people: Privileged) -> None:
    values = await to_add(people)
    await done(people, "ope", "addMemberLb", values)
    await people.settle(Simulation(0, failures={"ADD_MEMBER_LB": "no route"}))
    assert await rows(people) == []
    await done(people, "ope", "addMemberLb", values)


async def test_what_is_wrong_with_a_member_by_itself_is_told(people: Privileged) -> None:
    values = await to_add(people)
    wrong: list[tuple[dict[str, Any], list[str]]] = [
        ({"port": 0}, ["port"]),
        ({"port": 65536}, ["port"]),
        ({"instanceId": "web"}, ["instanceId"]),
    ]
    before = await people.state()
    for change_, field in wrong:
        reply = await people.ask("ope", document("addMemberLb"), {**values, **change_}, mfa_age=None)
        assert [(error["code"], error["field"]) for error in reply.payload["userErrors"]] == [("INVALID_VALUE", field)]
    assert await people.state() == before


async def test_only_instances_of_the_same_cloud_can_be_members_and_all_others_are_refused_alike(
    people: Privileged,
) -> None:
    values = await to_add(people)
    answers = set()
    for other in (
        instance_id(people.shop.resource_of_beta),
        instance_id(uuid4()),
        instance_id(await balancer(people, "other")),
        global_id("Cloud", people.shop.alpha),
        values["loadBalancerId"],
    ):
        assert await refusals(people, "ope", "addMemberLb", {**values, "instanceId": other}) == [
            ("NOT_FOUND", ["instanceId"])
        ]
        answers.add((await ask(people, "ope", "addMemberLb", {**values, "instanceId": other})).answer.content)
    assert len(answers) == 1


async def test_an_instance_that_is_being_deleted_becomes_no_member(people: Privileged) -> None:
    await done(people, "pow", "deleteInstance", {"instanceId": instance_id(people.shop.spare)})
    values = await to_add(people, instanceId=instance_id(people.shop.spare))
    assert await refusals(people, "ope", "addMemberLb", values) == [("OPERATION_IN_PROGRESS", ["instanceId"])]


@pytest.mark.parametrize("turn", range(3))
async def test_an_instance_is_deleted_or_becomes_a_member_and_never_both(people: Privileged, turn: int) -> None:
    key = await instance(people, "contested", status="INACTIVE")
    adding = await to_add(people, instanceId=instance_id(key))
    deleting = {"instanceId": instance_id(key)}
    replies = await asyncio.gather(
        ask(people, "ope", "addMemberLb", adding), ask(people, "pow", "deleteInstance", deleting)
    )
    assert sorted(len(reply.user_errors) for reply in replies) == [0, 1], turn
    await people.settle()
    instances = await people.sql("SELECT id FROM resource WHERE name = 'contested'")
    assert len(instances) == len(await rows(people))


async def test_of_two_who_add_to_a_load_balancer_at_once_one_is_told_to_wait(people: Privileged) -> None:
    values = await to_add(people)
    replies = await asyncio.gather(
        ask(people, "ope", "addMemberLb", values), ask(people, "pow", "addMemberLb", {**values, "port": 8081})
    )
    assert sorted(reply.user_errors for reply in replies) == [[], ["OPERATION_IN_PROGRESS"]]
    assert len(await rows(people)) == 1


async def test_a_member_is_taken_out_and_its_instance_stays(people: Privileged) -> None:
    values = await a_member(people)
    await rehearsed(people, "ope", "deleteMemberLb", values)
    payload = await done(people, "ope", "deleteMemberLb", values, SHOWN)
    assert payload["member"]["id"] == values["loadBalancerMemberId"]
    assert await refusals(people, "ope", "deleteMemberLb", values) == [("OPERATION_IN_PROGRESS", None)]
    await people.settle()
    assert await rows(people) == []
    assert await people.sql("SELECT status FROM resource WHERE id = :id", id=people.shop.web) == [("ACTIVE",)]
    assert await people.sql("SELECT revision FROM resource WHERE type = 'LOAD_BALANCER'") == [(2,)]
    assert (await ask(people, "ope", "deleteMemberLb", values)).code == "NOT_FOUND"


async def test_a_member_that_could_not_be_taken_out_stays(people: Privileged) -> None:
    values = await a_member(people)
    await done(people, "ope", "deleteMemberLb", values)
    await people.settle(Simulation(0, failures={"DELETE_MEMBER_LB": "no"}))
    assert await rows(people) == [(80, "ENABLED", "UP")]


@pytest.mark.parametrize(
    ("state", "observed"), [("ENABLED", "UP"), ("DISABLED", "USER_DOWN"), ("OFFLINE", "USER_DOWN")]
)
async def test_a_state_is_set_and_what_is_observed_follows(people: Privileged, state: str, observed: str) -> None:
    values = await a_member(people, state=state, expectedRevision=1)
    await rehearsed(people, "ope", "updateMemberState", values)
    payload = await done(people, "ope", "updateMemberState", values, SHOWN)
    assert payload["member"]["state"] == "ENABLED"
    await people.settle()
    assert await rows(people) == [(80, state, observed)]
    assert await refusals(people, "ope", "updateMemberState", values) == [("WRONG_REVISION", ["expectedRevision"])]


async def test_a_state_that_could_not_be_set_is_not(people: Privileged) -> None:
    await done(people, "ope", "updateMemberState", await a_member(people, state="OFFLINE"))
    await people.settle(Simulation(0, failures={"UPDATE_MEMBER_STATE": "no"}))
    assert await rows(people) == [(80, "ENABLED", "UP")]


async def test_members_follow_their_instance_unless_an_operator_took_them_out(people: Privileged) -> None:
    key = await balancer(people)
    for port, state in enumerate(STATES, start=1):
        await member(people, key, people.shop.spare, port=port, state=state, status="DOWN")
    await change(people, people.shop.spare, "startInstance")
    started = [(1, "ENABLED", "UP"), (2, "DISABLED", "USER_DOWN"), (3, "OFFLINE", "USER_DOWN")]
    assert await rows(people) == started
    told = await people.sql("SELECT count(*) FROM event WHERE subject_type = 'LoadBalancerMember' AND kind = 'UPDATED'")
    assert told == [(3,)]


async def test_a_member_of_another_cloud_is_as_one_that_does_not_exist(people: Privileged) -> None:
    key = await balancer(people, cloud_id=people.shop.beta, service_id=people.shop.service_of_beta)
    foreign = await member(people, key, people.shop.resource_of_beta, cloud_id=people.shop.beta)
    for mutation, more in (("deleteMemberLb", {}), ("updateMemberState", {"state": "OFFLINE"})):
        answers = {
            (await ask(people, "pow", mutation, {"loadBalancerMemberId": member_id(id_), **more})).answer.content
            for id_ in (foreign, uuid4())
        }
        assert len(answers) == 1
