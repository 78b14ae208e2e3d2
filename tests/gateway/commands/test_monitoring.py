"""The monitoring of instances and of load balancers, switched on and off."""

import asyncio
from typing import Any

import pytest

from schema.ids import global_id, key_in
from tests.gateway.commands.mutating import (
    accepted,
    add_load_balancer,
    ask,
    done,
    failed,
    of_resource,
    refused,
    rehearsed,
)
from tests.gateway.privileged import Privileged

FIELDS = {"instance": ("instanceId", "instance"), "lb": ("loadBalancerId", "loadBalancer")}
MONITORED = "monitoring_enabled, on_call, revision"


async def target(people: Privileged, kind: str, *, is_monitored: bool = False) -> dict[str, Any]:
    """The input of a mutation of something that is monitored, or is not."""
    name, _ = FIELDS[kind]
    id_ = people.shop.web if kind == "instance" else await add_load_balancer(people)
    monitoring = "UPDATE resource SET monitoring_enabled = :monitored, on_call = :monitored WHERE id = :id"
    await people.sql(monitoring, monitored=is_monitored, id=id_)
    return {name: global_id("Instance" if kind == "instance" else "LoadBalancer", id_)}


INPUTS: dict[str, Any] = {
    "enable-monitoring-instance": lambda people: target(people, "instance"),
    "disable-monitoring-instance": lambda people: target(people, "instance", is_monitored=True),
    "enable-monitoring-lb": lambda people: target(people, "lb"),
    "disable-monitoring-lb": lambda people: target(people, "lb", is_monitored=True),
}
"""A valid input of each action, by its label."""


@pytest.mark.parametrize("label", INPUTS)
async def test_a_dry_run_changes_nothing(people: Privileged, label: str) -> None:
    await rehearsed(people, label, await INPUTS[label](people))


@pytest.mark.parametrize("kind", FIELDS)
async def test_monitoring_is_switched_on_with_somebody_on_call_and_off_again(people: Privileged, kind: str) -> None:
    values = await target(people, kind)
    field, (id_,) = FIELDS[kind][1], map(key_in, values.values())
    enable, disable = f"enable-monitoring-{kind}", f"disable-monitoring-{kind}"
    assert await refused(people, disable, values) == [("UNCHANGED", None)]
    payload = await accepted(people, enable, values, f"{field} {{ monitoringEnabled onCall }}")
    assert payload[field] == {"monitoringEnabled": False, "onCall": False}
    await people.settle()
    assert await of_resource(people, id_, MONITORED) == (True, False, 2)
    assert await refused(people, enable, values) == [("UNCHANGED", None)]
    await done(people, enable, {**values, "onCall": True})
    assert await of_resource(people, id_, MONITORED) == (True, True, 3)
    await done(people, disable, values)
    assert await of_resource(people, id_, MONITORED) == (False, False, 4)


@pytest.mark.parametrize("label", INPUTS)
async def test_what_failed_leaves_the_monitoring_as_it_was(people: Privileged, label: str) -> None:
    values = await INPUTS[label](people)
    (id_,) = map(key_in, values.values())
    before = await of_resource(people, id_, MONITORED)
    await failed(people, label, values)
    assert await of_resource(people, id_, MONITORED) == before


@pytest.mark.parametrize("label", INPUTS)
async def test_another_revision_than_is_expected_is_refused(people: Privileged, label: str) -> None:
    wrong = await refused(people, label, {**await INPUTS[label](people), "expectedRevision": 2})
    assert wrong == [("WRONG_REVISION", ["expectedRevision"])]


async def test_of_those_who_switch_it_on_at_once_one_does(people: Privileged) -> None:
    values = await target(people, "instance")
    replies = await asyncio.gather(*[ask(people, "enable-monitoring-instance", values) for _ in range(4)])
    assert sorted(reply.user_errors for reply in replies) == [[], *[["OPERATION_IN_PROGRESS"]] * 3]
