"""Instances: created, started, stopped, rebooted, resized and deleted."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from resolvers.reference import OS_TYPES
from resolvers.tables import Instance, LoadBalancerMember
from schema.ids import global_id, key_in
from tests.gateway.commands.mutating import (
    accepted,
    add_load_balancer,
    another,
    ask,
    document,
    done,
    failed,
    of_resource,
    refused,
    rehearsed,
    write,
)
from tests.gateway.privileged import Privileged

INSTANCE = (
    "instance { id type name status environment revision createdBy tags { key value } monitoringEnabled onCall"
    " availabilityZones { code } dataCenters { code } family osType cpu ramGb diskGb service { name } }"
)


def new(people: Privileged, **more: Any) -> dict[str, Any]:
    """The input that creates an instance."""
    return {
        "serviceId": global_id("Service", people.shop.depot),
        "name": "app-01",
        "family": "DEBIAN",
        "cpu": 4,
        "ramGb": 16,
        "diskGb": 100,
        "availabilityZone": "EB-HDS-B",
        "environment": "qa",
        "tags": [{"key": "team", "value": "blue"}],
        **more,
    }


def web(people: Privileged, **more: Any) -> dict[str, Any]:
    """The input of a mutation of the instance that is active."""
    return {"instanceId": global_id("Instance", people.shop.web), **more}


def spare(people: Privileged, **more: Any) -> dict[str, Any]:
    """The input of a mutation of the instance that is inactive."""
    return {"instanceId": global_id("Instance", people.shop.spare), **more}


INPUTS: dict[str, Any] = {
    "create-instance": new,
    "start-instance": spare,
    "stop-instance": web,
    "reset-instance": web,
    "resize-compute-instance": lambda people: web(people, cpu=8, ramGb=4),
    "delete-instance": spare,
}
"""A valid input of each action, by its label."""


async def size(people: Privileged, id_: UUID) -> Any:
    ((*found,),) = await people.sql("SELECT cpu, ram_gb FROM instance WHERE resource_id = :id", id=id_)
    return tuple(found)


async def members(people: Privileged, id_: UUID) -> list[Any]:
    return await people.sql(
        "SELECT state, status FROM load_balancer_member WHERE instance_id = :id ORDER BY port", id=id_
    )


@pytest.mark.parametrize("label", INPUTS)
async def test_a_dry_run_changes_nothing(people: Privileged, label: str) -> None:
    await rehearsed(people, label, INPUTS[label](people))


async def test_an_instance_is_in_preparation_until_it_has_been_created(people: Privileged) -> None:
    values = new(people, monitoringEnabled=True, onCall=True, family="WINDOWS_SERVER")
    made = (await accepted(people, "create-instance", values, INSTANCE))["instance"]
    id_ = key_in(made.pop("id"))
    assert made == {
        "type": "INSTANCE",
        "name": "app-01",
        "status": "PREPARATION",
        "environment": "qa",
        "revision": 1,
        "createdBy": "pow@people.example",
        "tags": [{"key": "team", "value": "blue"}],
        "monitoringEnabled": True,
        "onCall": True,
        "availabilityZones": [{"code": "EB-HDS-B"}],
        "dataCenters": [{"code": "EB4"}],
        "family": "WINDOWS_SERVER",
        "osType": "WINDOWS",
        "cpu": 4,
        "ramGb": 16,
        "diskGb": 100,
        "service": {"name": "depot"},
    }
    assert await refused(people, "create-instance", values) == [("NAME_TAKEN", ["name"])]
    await people.settle()
    assert await of_resource(people, id_, "status, revision") == ("ACTIVE", 2)
    assert await people.sql("SELECT kind FROM event WHERE subject_id = :id ORDER BY seq", id=id_) == [
        ("RESOURCE_CREATED",),
        ("RESOURCE_UPDATED",),
    ]


async def test_an_instance_that_could_not_be_created_can_be_deleted(people: Privileged) -> None:
    await failed(people, "create-instance", new(people))
    ((id_, status),) = await people.sql("SELECT id, status FROM resource WHERE name = 'app-01'")
    assert status == "INACTIVE"
    await done(people, "delete-instance", {"instanceId": global_id("Instance", id_)})
    await done(people, "create-instance", new(people))


@pytest.mark.parametrize("family", OS_TYPES)
async def test_an_instance_of_each_family_has_the_kind_of_its_operating_system(people: Privileged, family: str) -> None:
    made = await done(people, "create-instance", new(people, family=family), "instance { osType }")
    assert made["instance"]["osType"] == {"WINDOWS_SERVER": "WINDOWS", "AIX": "UNIX"}.get(family, "LINUX")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "a/b"}, ["name"]),
        ({"name": "x" * 201}, ["name"]),
        ({"family": "debian"}, ["family"]),
        ({"cpu": 0}, ["cpu"]),
        ({"cpu": 2**31 - 1}, ["cpu"]),
        ({"ramGb": -1}, ["ramGb"]),
        ({"ramGb": 4097}, ["ramGb"]),
        ({"diskGb": -1}, ["diskGb"]),
        ({"diskGb": 65_537}, ["diskGb"]),
        ({"tags": [{"key": "a:b", "value": ""}]}, ["tags", "0", "key"]),
        ({"tags": [{"key": "a", "value": "b"}, {"key": "a", "value": "c"}]}, ["tags", "1", "key"]),
        ({"onCall": True}, ["onCall"]),
    ],
)
async def test_what_cannot_be_is_told_before_a_second_factor_is_asked_for(
    people: Privileged, wrong: dict[str, Any], field: list[str]
) -> None:
    before = await people.state()
    payload = (await people.ask("pow", document("create-instance"), new(people, **wrong), mfa_age=None)).payload
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [("INVALID_VALUE", field)]
    assert await people.state() == before


async def test_everything_that_is_wrong_with_an_instance_is_told_at_once(people: Privileged) -> None:
    itself = new(people, name=" ", family="BEOS", cpu=0, ramGb=0, diskGb=-1, tags=[{"key": "", "value": "x" * 257}])
    assert [field for _, field in await refused(people, "create-instance", itself)] == [
        ["name"],
        ["family"],
        ["cpu"],
        ["ramGb"],
        ["diskGb"],
        ["tags", "0", "key"],
        ["tags", "0", "value"],
    ]
    shop = global_id("Service", people.shop.shop)
    around = new(people, serviceId=shop, name="web-01", availabilityZone="EB-A", environment="moon")
    assert await refused(people, "create-instance", around) == [
        ("NAME_TAKEN", ["name"]),
        ("PLACE_NOT_OPEN", ["availabilityZone"]),
        ("NOT_FOUND", ["environment"]),
    ]


async def test_a_zone_of_the_group_is_open_to_the_group(people: Privileged) -> None:
    values = new(people, availabilityZone="EB-C")
    assert await refused(people, "create-instance", values) == [("PLACE_NOT_OPEN", ["availabilityZone"])]
    await people.sql("UPDATE organization SET is_group = true WHERE id = :id", id=people.shop.globex)
    assert await refused(people, "create-instance", values) == [("PLACE_NOT_OPEN", ["availabilityZone"])]
    await people.sql("UPDATE organization SET is_group = true WHERE id = :id", id=people.shop.acme)
    made = await done(people, "create-instance", values, "instance { dataCenters { code } }")
    assert made["instance"]["dataCenters"] == [{"code": "EB5"}]


async def test_a_service_elsewhere_is_as_one_that_is_not(people: Privileged) -> None:
    services = (people.shop.service_of_beta, people.shop.service_of_omega, uuid4())
    replies = [
        await ask(people, "create-instance", new(people, serviceId=global_id("Service", service)))
        for service in services
    ]
    assert len({reply.answer.content for reply in replies}) == 1
    assert replies[0].code == "NOT_FOUND"


async def test_of_those_who_create_an_instance_of_one_name_at_once_one_does(people: Privileged) -> None:
    replies = await asyncio.gather(*[ask(people, "create-instance", new(people)) for _ in range(6)])
    assert sorted(reply.user_errors for reply in replies) == [[], *[["NAME_TAKEN"]] * 5]
    assert await people.sql("SELECT count(*) FROM resource WHERE name = 'app-01'") == [(1,)]


async def test_a_name_that_is_taken_while_it_is_asked_for_is_taken(people: Privileged) -> None:
    async with people.owner.connect() as connection:
        taking = "UPDATE resource SET name = 'app-01', service_id = :service WHERE id = :id"
        await connection.execute(text(taking), {"service": people.shop.depot, "id": people.shop.spare})
        asking = asyncio.create_task(ask(people, "create-instance", new(people)))
        # It has looked for the name, and waits for whoever is taking it.
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        while await people.sql(waiting) == [(0,)]:
            assert not asking.done()
        await connection.commit()
        assert (await asking).user_errors == ["NAME_TAKEN"]


async def test_an_instance_is_stopped_and_started_and_its_load_balancers_see_it(people: Privileged) -> None:
    balancer, shop = await add_load_balancer(people), people.shop
    for port, state, status in (
        (1, "ENABLED", "UP"),
        (2, "DISABLED", "USER_DOWN"),
        (3, "OFFLINE", "USER_DOWN"),
        (4, "ENABLED", "DOWN"),
    ):
        behind = {"resource_id": balancer, "instance_id": shop.web}
        member = another(people, LoadBalancerMember, **behind, port=port, state=state, status=status)
        await write(people, member)
    await write(people, another(people, LoadBalancerMember, resource_id=balancer, instance_id=shop.spare))
    stopping = await accepted(people, "stop-instance", web(people), "instance { status }")
    assert stopping["instance"]["status"] == "ACTIVE"
    assert (await members(people, shop.web))[0] == ("ENABLED", "UP")
    await people.settle()
    assert await of_resource(people, shop.web, "status, revision") == ("INACTIVE", 2)
    out = [("DISABLED", "USER_DOWN"), ("OFFLINE", "USER_DOWN")]
    assert await members(people, shop.web) == [("ENABLED", "DOWN"), *out, ("ENABLED", "DOWN")]
    assert await people.sql("SELECT count(*) FROM event WHERE subject_type = 'LoadBalancerMember'") == [(1,)]
    await done(people, "start-instance", web(people))
    assert await of_resource(people, shop.web) == "ACTIVE"
    assert await members(people, shop.web) == [("ENABLED", "UP"), *out, ("ENABLED", "UP")]
    assert await members(people, shop.spare) == [("ENABLED", "UP")]


async def test_a_reboot_leaves_an_instance_active_and_as_it_was(people: Privileged) -> None:
    payload = await done(people, "reset-instance", web(people), "instance { status }")
    assert payload["instance"]["status"] == "ACTIVE"
    assert await of_resource(people, people.shop.web, "status, revision") == ("ACTIVE", 1)


@pytest.mark.parametrize("status", ["ACTIVE", "INACTIVE"])
async def test_an_instance_is_resized_and_is_then_as_it_was(people: Privileged, status: str) -> None:
    values, id_ = web(people, cpu=8, ramGb=4), people.shop.web
    await people.sql("UPDATE resource SET status = :status WHERE id = :id", status=status, id=id_)
    payload = await accepted(people, "resize-compute-instance", values, "instance { status cpu }")
    assert payload["instance"] == {"status": "PREPARATION", "cpu": 2}
    await people.settle()
    assert await of_resource(people, id_, "status, revision") == (status, 3)
    assert await size(people, id_) == (8, 4)
    assert await refused(people, "resize-compute-instance", values) == [("UNCHANGED", None)]


async def test_a_size_that_cannot_be_is_refused(people: Privileged) -> None:
    for values, fields in (
        ({"cpu": 129, "ramGb": 4}, [["cpu"]]),
        ({"cpu": 0, "ramGb": 0}, [["cpu"], ["ramGb"]]),
    ):
        wrong = await refused(people, "resize-compute-instance", web(people, **values))
        assert wrong == [("INVALID_VALUE", field) for field in fields]


@pytest.mark.parametrize(
    ("label", "status"),
    [
        ("start-instance", "INACTIVE"),
        ("stop-instance", "ACTIVE"),
        ("reset-instance", "ACTIVE"),
        ("resize-compute-instance", "ACTIVE"),
        ("delete-instance", "INACTIVE"),
    ],
)
async def test_what_failed_leaves_an_instance_as_it_was(people: Privileged, label: str, status: str) -> None:
    values = INPUTS[label](people)
    id_ = key_in(values["instanceId"])
    await write(people, another(people, Instance, resource_id=people.shop.spare))
    before = await size(people, id_)
    await failed(people, label, values)
    assert await of_resource(people, id_) == status
    assert await size(people, id_) == before
    await done(people, label, values)


@pytest.mark.parametrize(
    ("label", "wrong"),
    [
        ("start-instance", ["ACTIVE", "PREPARATION"]),
        ("stop-instance", ["INACTIVE", "PREPARATION"]),
        ("reset-instance", ["INACTIVE", "PREPARATION"]),
        ("resize-compute-instance", ["PREPARATION"]),
        ("delete-instance", ["ACTIVE", "PREPARATION"]),
    ],
)
async def test_another_status_than_the_action_takes_is_refused(
    people: Privileged, label: str, wrong: list[str]
) -> None:
    values = INPUTS[label](people)
    for status in wrong:
        await people.sql("UPDATE resource SET status = :status", status=status)
        assert await refused(people, label, values) == [("WRONG_STATUS", None)]
    assert await refused(people, label, {**values, "expectedRevision": 9}) == [("WRONG_REVISION", ["expectedRevision"])]


async def test_an_instance_behind_a_load_balancer_is_not_deleted(people: Privileged) -> None:
    member = another(people, LoadBalancerMember, resource_id=await add_load_balancer(people))
    await write(people, member)
    assert await refused(people, "delete-instance", spare(people)) == [("IN_USE", None)]


async def test_of_those_who_want_something_of_one_instance_at_once_one_gets_it(people: Privileged) -> None:
    labels = ("stop-instance", "reset-instance", "resize-compute-instance") * 3
    replies = await asyncio.gather(*[ask(people, label, INPUTS[label](people)) for label in labels])
    codes = sorted(reply.user_errors for reply in replies)
    assert codes[:1] == [[]]
    assert codes[1:] == [["OPERATION_IN_PROGRESS"]] * 8
    await people.settle()
    assert await people.sql("SELECT status FROM operation WHERE resource_id = :id", id=people.shop.web) == [
        ("SUCCESS",)
    ]
