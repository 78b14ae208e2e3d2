"""Load balancers are created, started, stopped and deleted."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import uuid4

import pytest

from resolvers.operations.drivers.simulated import Simulation
from resolvers.tables import DnsAlias
from schema.ids import global_id
from tests.gateway.commands.asking import (
    ask,
    balancer,
    document,
    done,
    instance_id,
    lb_id,
    member,
    refusals,
    rehearsed,
    write,
)
from tests.gateway.privileged import Privileged

SHOWN: Final = "loadBalancer { id status revision }"
WHOLE: Final = (
    "loadBalancer { id name type status environment protocol port mode persistence healthCheck redirectToHttps"
    " createdBy tags { key value } availabilityZones { code } dataCenters { code } service { name }"
    " members { nodes { port state status instance { name } } } }"
)


def asked(people: Privileged, **more: Any) -> dict[str, Any]:
    """The input for a load balancer with two members."""
    return {
        "serviceId": global_id("Service", people.shop.shop),
        "name": "front",
        "protocol": "HTTP",
        "port": 80,
        "mode": "LEAST_CONNECTIONS",
        "persistence": "COOKIE",
        "healthCheck": "GET /health HTTP/1.1",
        "redirectToHttps": True,
        "availabilityZones": ["EB-HDS-A", "EB-HDS-C"],
        "environment": "production",
        "tags": [{"key": "team", "value": "storefront"}],
        "members": [
            {"instanceId": instance_id(people.shop.web), "port": 8080},
            {"instanceId": instance_id(people.shop.spare), "port": 8080},
        ],
        **more,
    }


async def status_of(people: Privileged, key: Any) -> str | None:
    found = await people.sql("SELECT status FROM resource WHERE id = :id", id=key)
    return found[0][0] if found else None


async def an_inactive_one(people: Privileged) -> dict[str, Any]:
    return {"loadBalancerId": lb_id(await balancer(people, f"lb-{uuid4().hex[:8]}", status="INACTIVE"))}


async def an_active_one(people: Privileged) -> dict[str, Any]:
    return {"loadBalancerId": lb_id(await balancer(people, f"lb-{uuid4().hex[:8]}"))}


INPUTS: dict[str, Callable[[Privileged], Awaitable[dict[str, Any]] | dict[str, Any]]] = {
    "create-lb": lambda people: asked(people, name=f"lb-{uuid4().hex[:8]}"),
    "start-lb": an_inactive_one,
    "stop-lb": an_active_one,
    "delete-lb": an_inactive_one,
}


async def test_a_load_balancer_is_in_preparation_with_its_members_and_then_active(people: Privileged) -> None:
    payload = await done(people, "pow", "createLb", asked(people, changeReference="RFC-7"), WHOLE)
    created = payload["loadBalancer"]
    key = created.pop("id")
    assert created == {
        "name": "front",
        "type": "LOAD_BALANCER",
        "status": "PREPARATION",
        "environment": "production",
        "protocol": "HTTP",
        "port": 80,
        "mode": "LEAST_CONNECTIONS",
        "persistence": "COOKIE",
        "healthCheck": "GET /health HTTP/1.1",
        "redirectToHttps": True,
        "createdBy": "pow@people.example",
        "tags": [{"key": "team", "value": "storefront"}],
        "availabilityZones": [{"code": "EB-HDS-A"}, {"code": "EB-HDS-C"}],
        "dataCenters": [{"code": "EB4"}, {"code": "EB5"}],
        "service": {"name": "shop"},
        # The instance `spare` is inactive.
        "members": {
            "nodes": [
                {"port": 8080, "state": "ENABLED", "status": "UP", "instance": {"name": "web-01"}},
                {"port": 8080, "state": "ENABLED", "status": "DOWN", "instance": {"name": "spare"}},
            ]
        },
    }
    assert payload["operation"]["action"] == "CREATE_LB"
    assert payload["operation"]["status"] == "IN_PROGRESS"
    assert payload["operation"]["resourceName"] == "front"
    await people.settle()
    assert await people.sql("SELECT status FROM operation WHERE action = 'CREATE_LB'") == [("SUCCESS",)]
    ((status, revision),) = await people.sql("SELECT status, revision FROM resource WHERE name = 'front'")
    assert (status, revision) == ("ACTIVE", 2)
    again = await people.gateway.client.post(
        "/graphql",
        json={"query": "query ($id: ID!) { resource(id: $id) { status } }", "variables": {"id": key}},
        headers={"Authorization": f"Bearer {people.token('std')}"},
    )
    assert again.json()["data"] == {"resource": {"status": "ACTIVE"}}


async def test_little_need_be_said_of_a_load_balancer(people: Privileged) -> None:
    values = {
        "serviceId": global_id("Service", people.shop.shop),
        "name": "plain",
        "protocol": "TCP",
        "port": 5432,
        # A list of one.
        "availabilityZones": "EB-HDS-B",
        "environment": "production",
    }
    shown = "loadBalancer { mode persistence healthCheck redirectToHttps members { nodes { id } } tags { key } }"
    assert (await done(people, "pow", "createLb", values, shown))["loadBalancer"] == {
        "mode": "ROUND_ROBIN",
        "persistence": None,
        "healthCheck": None,
        "redirectToHttps": False,
        "members": {"nodes": []},
        "tags": [],
    }


async def test_a_creation_that_fails_leaves_what_can_be_deleted(people: Privileged) -> None:
    payload = await done(people, "pow", "createLb", asked(people), SHOWN)
    await people.settle(Simulation(0, failures={"CREATE_LB": "no address left"}))
    assert await people.sql("SELECT status, message FROM operation WHERE action = 'CREATE_LB'") == [
        ("ERROR", "no address left")
    ]
    assert await people.sql("SELECT status FROM resource WHERE name = 'front'") == [("INACTIVE",)]
    await done(people, "pow", "deleteLb", {"loadBalancerId": payload["loadBalancer"]["id"]})
    await people.settle()
    assert await people.sql("SELECT id FROM resource WHERE name = 'front'") == []
    assert await people.sql("SELECT count(*) FROM resource WHERE id = :id", id=people.shop.web) == [(1,)]


async def test_what_is_wrong_with_a_load_balancer_by_itself_is_told_before_a_second_factor_is_asked_for(
    people: Privileged,
) -> None:
    web = {"instanceId": instance_id(people.shop.web), "port": 80}
    wrong: list[tuple[dict[str, Any], list[str]]] = [
        ({"name": ""}, ["name"]),
        ({"name": "a/b"}, ["name"]),
        ({"name": "a" * 201}, ["name"]),
        ({"name": "a\x01"}, ["name"]),
        ({"protocol": "FTP", "persistence": None, "redirectToHttps": False}, ["protocol"]),
        ({"port": 0}, ["port"]),
        ({"port": 65536}, ["port"]),
        ({"mode": "RANDOM"}, ["mode"]),
        ({"persistence": "LUCK"}, ["persistence"]),
        ({"protocol": "TCP", "redirectToHttps": False}, ["persistence"]),
        ({"protocol": "HTTPS"}, ["redirectToHttps"]),
        ({"healthCheck": " "}, ["healthCheck"]),
        ({"healthCheck": "a" * 2001}, ["healthCheck"]),
        ({"availabilityZones": []}, ["availabilityZones"]),
        ({"availabilityZones": ["EB-HDS-A", "EB-HDS-A"]}, ["availabilityZones"]),
        ({"tags": [{"key": "!a", "value": "b"}]}, ["tags", "0", "key"]),
        ({"members": [web, {**web, "port": -1}]}, ["members", "1", "port"]),
        ({"members": [web, web]}, ["members", "1"]),
        ({"members": [{"instanceId": "web", "port": 80}]}, ["members", "0", "instanceId"]),
        ({"members": [{**web, "port": port} for port in range(1, 102)]}, ["members"]),
    ]
    before = await people.state()
    for change, field in wrong:
        reply = await people.ask("pow", document("createLb"), asked(people, **change), mfa_age=None)
        found = [(error["code"], error["field"]) for error in reply.payload["userErrors"]]
        assert found == [("INVALID_VALUE", field)], change
        assert reply.payload["operation"] is None
    assert await people.state() == before


async def test_all_that_the_database_knows_to_be_wrong_is_told_at_once(people: Privileged) -> None:
    values = asked(
        people,
        name="web-01",
        environment="moon",
        availabilityZones=["EB-HDS-A", "EB-A", "nowhere"],
        members=[
            {"instanceId": instance_id(people.shop.web), "port": 80},
            {"instanceId": instance_id(people.shop.resource_of_beta), "port": 80},
            {"instanceId": instance_id(uuid4()), "port": 80},
            {"instanceId": global_id("Service", people.shop.shop), "port": 80},
            {"instanceId": instance_id(await balancer(people)), "port": 80},
        ],
    )
    assert await refusals(people, "pow", "createLb", values) == [
        ("NAME_TAKEN", ["name"]),
        ("NOT_FOUND", ["environment"]),
        ("PLACE_NOT_OPEN", ["availabilityZones", "1"]),
        ("PLACE_NOT_OPEN", ["availabilityZones", "2"]),
        ("NOT_FOUND", ["members", "1", "instanceId"]),
        ("NOT_FOUND", ["members", "2", "instanceId"]),
        ("NOT_FOUND", ["members", "3", "instanceId"]),
        ("NOT_FOUND", ["members", "4", "instanceId"]),
    ]


async def test_members_that_are_elsewhere_and_nowhere_are_refused_in_the_same_words(people: Privileged) -> None:
    messages = set()
    for key in (people.shop.resource_of_beta, uuid4()):
        values = asked(people, members=[{"instanceId": instance_id(key), "port": 80}])
        (error,) = (await ask(people, "pow", "createLb", values)).payload["userErrors"]
        messages.add((error["message"], error["code"], *error["field"]))
    assert len(messages) == 1


async def test_of_two_that_are_created_at_once_under_one_name_one_is(people: Privileged) -> None:
    replies = await asyncio.gather(*[ask(people, "pow", "createLb", asked(people)) for _ in range(2)])
    assert sorted(reply.user_errors for reply in replies) == [[], ["NAME_TAKEN"]]
    assert await people.sql("SELECT count(*) FROM resource WHERE name = 'front'") == [(1,)]


@pytest.mark.parametrize(
    ("mutation", "before", "after"), [("startLb", "INACTIVE", "ACTIVE"), ("stopLb", "ACTIVE", "INACTIVE")]
)
async def test_a_load_balancer_is_started_and_stopped_and_its_members_stay_as_they_are(
    people: Privileged, mutation: str, before: str, after: str
) -> None:
    key = await balancer(people, status=before)
    await member(people, key, people.shop.web, status="UP")
    values = {"loadBalancerId": lb_id(key), "expectedRevision": 1}
    await rehearsed(people, "ope", mutation, values)
    payload = await done(people, "ope", mutation, values, SHOWN)
    assert payload["loadBalancer"] == {"id": lb_id(key), "status": before, "revision": 1}
    assert await refusals(people, "ope", mutation, values) == [("OPERATION_IN_PROGRESS", None)]
    await people.settle()
    assert await status_of(people, key) == after
    assert await people.sql("SELECT status FROM load_balancer_member WHERE resource_id = :id", id=key) == [("UP",)]
    del values["expectedRevision"]
    assert await refusals(people, "ope", mutation, values) == [("WRONG_STATUS", None)]
    values["expectedRevision"] = 1
    assert await refusals(people, "ope", mutation, values) == [("WRONG_REVISION", ["expectedRevision"])]


@pytest.mark.parametrize(
    ("mutation", "before"), [("startLb", "INACTIVE"), ("stopLb", "ACTIVE"), ("deleteLb", "INACTIVE")]
)
async def test_what_fails_leaves_a_load_balancer_as_it_was(people: Privileged, mutation: str, before: str) -> None:
    key = await balancer(people, status=before)
    await done(people, "pow", mutation, {"loadBalancerId": lb_id(key)})
    failures = {"START_LB": "no", "STOP_LB": "no", "DELETE_LB": "no"}
    await people.settle(Simulation(0, failures=failures))
    assert await status_of(people, key) == before
    # And it can be tried again.
    await done(people, "pow", mutation, {"loadBalancerId": lb_id(key)})


async def test_a_load_balancer_is_deleted_with_its_members_and_aliases(people: Privileged) -> None:
    key = await balancer(people, status="INACTIVE")
    await member(people, key, people.shop.web)
    alias = people.shop.another(DnsAlias) | {"resource_id": key}
    await write(people, DnsAlias(**alias))
    values = {"loadBalancerId": lb_id(key)}
    await rehearsed(people, "pow", "deleteLb", values)
    payload = await done(people, "pow", "deleteLb", values, SHOWN)
    assert payload["loadBalancer"] == {"id": lb_id(key), "status": "PREPARATION", "revision": 2}
    await people.settle()
    assert await status_of(people, key) is None
    assert await people.sql("SELECT id FROM load_balancer_member WHERE resource_id = :id", id=key) == []
    assert await people.sql("SELECT id FROM dns_alias WHERE resource_id = :id", id=key) == []
    assert await status_of(people, people.shop.web) == "ACTIVE"
    assert (await ask(people, "pow", "deleteLb", values)).code == "NOT_FOUND"
    events = await people.sql("SELECT kind FROM event WHERE subject_id = :id ORDER BY seq", id=key)
    assert events == [("RESOURCE_UPDATED",), ("RESOURCE_DELETED",)]


async def test_an_active_load_balancer_is_not_deleted(people: Privileged) -> None:
    key = await balancer(people)
    assert await refusals(people, "pow", "deleteLb", {"loadBalancerId": lb_id(key)}) == [("WRONG_STATUS", None)]


async def test_a_creation_is_rehearsed_without_a_trace(people: Privileged) -> None:
    await rehearsed(people, "pow", "createLb", asked(people))


async def test_the_same_key_shows_the_same_load_balancer(people: Privileged) -> None:
    values = asked(people, idempotencyKey="once")
    first, again = [await done(people, "pow", "createLb", values, SHOWN) for _ in range(2)]
    assert again == first


async def test_each_label_has_an_input_that_is_accepted(people: Privileged) -> None:
    for label, give in INPUTS.items():
        values = give(people)
        first, *rest = label.split("-")
        mutation = first + "".join(word.capitalize() for word in rest)
        await done(people, "pow", mutation, values if isinstance(values, dict) else await values)
