"""Maintenance windows are cancelled; asked for again, they are shown again."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from resolvers.operations.drivers.simulated import Simulation
from resolvers.tables import Maintenance, MaintenanceSubject
from schema.ids import global_id
from tests.gateway.commands.asking import ask, document, done, refusals, rehearsed, write
from tests.gateway.privileged import Privileged

SHOWN: Final = "maintenance { id reason startsAt revision services { nodes { name } } }"


def asked(people: Privileged, days: float = 30, **more: Any) -> dict[str, Any]:
    """The input for a window of two hours on the Service `depot`, so many days from now."""
    start = datetime.now(UTC) + timedelta(days=days)
    return {
        "cloudId": global_id("Cloud", people.shop.alpha),
        "subjects": [global_id("Service", people.shop.depot)],
        "startsAt": start.isoformat(),
        "endsAt": (start + timedelta(hours=2)).isoformat(),
        "reason": "new disks",
        **more,
    }


async def window(people: Privileged, start: timedelta = timedelta(days=1)) -> UUID:
    """Write a window of two hours on the Service `shop`, from so long from now."""
    starts_at = datetime.now(UTC) + start
    row = people.shop.another(Maintenance) | {"starts_at": starts_at, "ends_at": starts_at + timedelta(hours=2)}
    subject = people.shop.another(MaintenanceSubject)
    subject |= {"maintenance_id": row["id"], "resource_id": None, "service_id": people.shop.shop}
    await write(people, Maintenance(**row), MaintenanceSubject(**subject))
    return UUID(str(row["id"]))


async def one(people: Privileged, **more: Any) -> dict[str, Any]:
    return {"maintenanceId": global_id("Maintenance", await window(people)), **more}


INPUTS: dict[str, Callable[[Privileged], Awaitable[dict[str, Any]] | dict[str, Any]]] = {
    "create-maintenance": lambda people: asked(people, days=30 + uuid4().int % 10_000),
    "delete-maintenance": one,
}


async def is_there(people: Privileged, key: UUID) -> bool:
    return bool(await people.sql("SELECT id FROM maintenance WHERE id = :id", id=key))


@pytest.mark.parametrize("start", [timedelta(days=1), timedelta(hours=-1)], ids=["to come", "running"])
async def test_a_window_that_is_not_over_is_cancelled(people: Privileged, start: timedelta) -> None:
    key = await window(people, start)
    values = {"maintenanceId": global_id("Maintenance", key), "changeReference": "RFC-3"}
    await rehearsed(people, "dtm", "deleteMaintenance", values)
    payload = await done(people, "dtm", "deleteMaintenance", values, SHOWN)
    assert payload["maintenance"]["id"] == values["maintenanceId"]
    assert payload["operation"]["status"] == "IN_PROGRESS"
    assert await refusals(people, "dtm", "deleteMaintenance", values) == [("OPERATION_IN_PROGRESS", None)]
    await people.settle()
    assert not await is_there(people, key)
    assert await people.sql("SELECT id FROM maintenance_subject WHERE maintenance_id = :id", id=key) == []
    assert (await ask(people, "dtm", "deleteMaintenance", values)).code == "NOT_FOUND"
    # Its time is free again.
    await done(people, "dtm", "createMaintenance", asked(people, subjects=[global_id("Service", people.shop.shop)]))


async def test_whoever_approves_that_a_window_is_cancelled_is_told_which(people: Privileged) -> None:
    values = await one(people)
    await people.ask("dtm", document("deleteMaintenance"), values)
    ((words,),) = await people.sql("SELECT words FROM mfa_challenge WHERE kind = 'OPERATION'")
    assert re.fullmatch(
        r"Cancel a maintenance window that is not over: 2\d{3}-\d\d-\d\d \d\d:\d\d to 2\d{3}-\d\d-\d\d \d\d:\d\d UTC,"
        r" Patches in the Cloud Alpha\.",
        words,
    )


async def test_a_window_that_is_over_is_not_cancelled(people: Privileged) -> None:
    key = await window(people, timedelta(hours=-3))
    values = {"maintenanceId": global_id("Maintenance", key)}
    assert await refusals(people, "dtm", "deleteMaintenance", values) == [("EXPIRED", None)]


async def test_a_window_that_has_changed_since_it_was_read_is_left_alone(people: Privileged) -> None:
    payload = await done(people, "dtm", "createMaintenance", asked(people), SHOWN)
    assert payload["maintenance"]["revision"] == 1
    await people.settle()
    values = {"maintenanceId": payload["maintenance"]["id"]}
    await done(people, "dtm", "deleteMaintenance", {**values, "expectedRevision": 1})
    await people.settle(Simulation(0, failures={"DELETE_MAINTENANCE": "no"}))
    # It is as it was; then somebody moves it.
    await people.sql("UPDATE maintenance SET revision = revision + 1")
    wrong = [("WRONG_REVISION", ["expectedRevision"])]
    for expected in (1, 3):
        assert await refusals(people, "dtm", "deleteMaintenance", {**values, "expectedRevision": expected}) == wrong
    await rehearsed(people, "dtm", "deleteMaintenance", {**values, "expectedRevision": 2})
    await done(people, "dtm", "deleteMaintenance", {**values, "expectedRevision": 2})


async def test_a_window_that_could_not_be_cancelled_stays(people: Privileged) -> None:
    key = await window(people)
    values = {"maintenanceId": global_id("Maintenance", key)}
    await done(people, "dtm", "deleteMaintenance", values)
    await people.settle(Simulation(0, failures={"DELETE_MAINTENANCE": "no"}))
    assert await is_there(people, key)
    await done(people, "dtm", "deleteMaintenance", values)


async def test_a_window_is_not_cancelled_before_it_is_open(people: Privileged) -> None:
    payload = await done(people, "dtm", "createMaintenance", asked(people), SHOWN)
    values = {"maintenanceId": payload["maintenance"]["id"]}
    assert await refusals(people, "dtm", "deleteMaintenance", values) == [("OPERATION_IN_PROGRESS", None)]
    await people.settle()
    await done(people, "dtm", "deleteMaintenance", values)


async def test_of_two_who_cancel_a_window_at_once_one_does(people: Privileged) -> None:
    values = await one(people)
    replies = await asyncio.gather(*[ask(people, who, "deleteMaintenance", values) for who in ("dtm", "ope")])
    assert sorted(reply.user_errors for reply in replies) == [[], ["OPERATION_IN_PROGRESS"]]


async def test_a_window_that_is_asked_for_again_is_shown_again_as_long_as_it_is_there(people: Privileged) -> None:
    values = asked(people, idempotencyKey="once")
    first, again = [await done(people, "dtm", "createMaintenance", values, SHOWN) for _ in range(2)]
    assert first["maintenance"]["services"] == {"nodes": [{"name": "depot"}]}
    assert again == first
    await people.settle(Simulation(0, failures={"CREATE_MAINTENANCE": "no"}))
    gone = await done(people, "dtm", "createMaintenance", values, SHOWN)
    assert gone["maintenance"] is None
    assert gone["operation"]["id"] == first["operation"]["id"]


async def test_a_window_of_another_cloud_is_as_one_that_does_not_exist(people: Privileged) -> None:
    key = await window(people)
    answers = {
        (await people.ask(who, "mutation ($input: DeleteMaintenanceInput!) { deleteMaintenance(input: $input)"
         " { userErrors { code } } }", {"maintenanceId": global_id("Maintenance", id_)})).answer.content
        for who, id_ in (("elsewhere", key), ("abroad", key), ("pow", uuid4()))
    }  # fmt: skip
    assert len(answers) == 1


@pytest.mark.parametrize("reason", ["", " \n ", "a" * 1001])
async def test_a_reason_is_text(people: Privileged, reason: str) -> None:
    assert await refusals(people, "dtm", "createMaintenance", asked(people, reason=reason)) == [
        ("INVALID_VALUE", ["reason"])
    ]
