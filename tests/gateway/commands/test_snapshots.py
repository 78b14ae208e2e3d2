"""Snapshots: taken, recovered and deleted."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from resolvers.commands.snapshots import MOST_SNAPSHOTS
from resolvers.operations.drivers.port import Call, Report
from resolvers.operations.drivers.simulated import SimulatedDriver
from resolvers.tables import Snapshot
from schema.ids import global_id, key_in
from tests.gateway.commands.mutating import (
    accepted,
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

SNAPSHOT = "snapshot { id label description sizeGb createdBy changeReference expiresAt recoveredAt instance { name } }"


def web(people: Privileged, **more: Any) -> dict[str, Any]:
    return {"instanceId": global_id("Instance", people.shop.web), **more}


async def kept(people: Privileged, **values: Any) -> dict[str, Any]:
    """The input of a mutation of a snapshot of the instance that is inactive."""
    snapshot = another(people, Snapshot, **{"resource_id": people.shop.spare, **values})
    await write(people, snapshot)
    return {"snapshotId": global_id("Snapshot", snapshot.id)}


INPUTS: dict[str, Any] = {"create-snapshot": web, "recover-snapshot": kept, "delete-snapshot": kept}
"""A valid input of each action, by its label."""


async def input_of(people: Privileged, label: str) -> dict[str, Any]:
    made = INPUTS[label](people)
    return await made if asyncio.iscoroutine(made) else made  # type: ignore[no-any-return]


async def row(people: Privileged, id_: UUID, columns: str) -> Any:
    found = await people.sql(f"SELECT {columns} FROM snapshot WHERE id = :id", id=id_)  # noqa: S608
    return found[0] if found else None


@pytest.mark.parametrize("label", INPUTS)
async def test_a_dry_run_changes_nothing(people: Privileged, label: str) -> None:
    await rehearsed(people, label, await input_of(people, label))


async def test_a_snapshot_is_there_at_once_and_its_size_when_it_is_taken(people: Privileged) -> None:
    await people.sql("UPDATE instance SET disk_gb = 120 WHERE resource_id = :id", id=people.shop.web)
    expires_at = "2030-01-01T00:00:00.000000Z"
    values = web(people, label="v1", description="before\nv2", expiresAt=expires_at, changeReference="RFC-7")
    taken = (await accepted(people, "create-snapshot", values, SNAPSHOT))["snapshot"]
    id_ = key_in(taken.pop("id"))
    assert taken == {
        "label": "v1",
        "description": "before\nv2",
        "sizeGb": 0.0,
        "createdBy": "pow@people.example",
        "changeReference": "RFC-7",
        "expiresAt": expires_at,
        "recoveredAt": None,
        "instance": {"name": "web-01"},
    }
    await people.settle()
    assert await row(people, id_, "size_gb") == (120.0,)
    assert await of_resource(people, people.shop.web, "status, revision") == ("ACTIVE", 2)
    assert await people.sql("SELECT kind FROM event WHERE subject_id = :id ORDER BY seq", id=id_) == [
        ("CREATED",),
        ("UPDATED",),
    ]


@pytest.mark.parametrize(
    ("facts", "size"),
    [
        ({"sizeGb": 7.5}, 7.5),
        ({"sizeGb": 0}, 0.0),
        ({"sizeGb": -1}, 10.0),
        ({"sizeGb": "7"}, 10.0),
        ({"sizeGb": True}, 10.0),
        ({"sizeGb": None}, 10.0),
        ({}, 10.0),
    ],
)
async def test_a_snapshot_has_the_size_that_the_driver_found_or_that_of_the_disks(
    people: Privileged, monkeypatch: pytest.MonkeyPatch, facts: Mapping[str, Any], size: float
) -> None:
    async def execute(_driver: SimulatedDriver, _call: Call) -> Report:
        return Report(True, facts=facts)

    monkeypatch.setattr(SimulatedDriver, "execute", execute)
    await people.sql("UPDATE instance SET disk_gb = 10")
    payload = await done(people, "create-snapshot", web(people), "snapshot { id }")
    assert await row(people, key_in(payload["snapshot"]["id"]), "size_gb") == (size,)


async def test_a_snapshot_without_a_label_is_called_by_the_time(people: Privileged) -> None:
    started = datetime.now(UTC)
    for _ in range(2):
        label = (await done(people, "create-snapshot", web(people), "snapshot { label }"))["snapshot"]["label"]
        assert (
            started
            <= datetime.fromisoformat(label) + timedelta(milliseconds=1)
            <= datetime.now(UTC) + timedelta(milliseconds=1)
        )


async def test_labels_are_unique_on_an_instance(people: Privileged) -> None:
    await kept(people, label="v1")
    await done(people, "create-snapshot", web(people, label="v1"))
    assert await refused(people, "create-snapshot", web(people, label="v1")) == [("NAME_TAKEN", ["label"])]


async def test_so_many_snapshots_are_kept_of_an_instance_and_no_more(people: Privileged) -> None:
    await people.sql("DELETE FROM snapshot")
    rows = [another(people, Snapshot, label=f"v{n}") for n in range(MOST_SNAPSHOTS)]
    await write(people, *rows)
    wrong = await refused(people, "create-snapshot", web(people, label="v3"))
    assert wrong == [("LIMIT_REACHED", None), ("NAME_TAKEN", ["label"])]
    await done(people, "delete-snapshot", {"snapshotId": global_id("Snapshot", rows[0].id)})
    await done(people, "create-snapshot", web(people))
    assert await refused(people, "create-snapshot", web(people)) == [("LIMIT_REACHED", None)]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"label": ""}, "label"),
        ({"label": "a/b"}, "label"),
        ({"label": "x" * 201}, "label"),
        ({"description": " "}, "description"),
        ({"description": "x" * 1001}, "description"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"expiresAt": "9999-12-31T23:59:59.999999Z"}, "expiresAt"),
    ],
)
async def test_what_cannot_be_is_told_before_a_second_factor_is_asked_for(
    people: Privileged, wrong: dict[str, Any], field: str
) -> None:
    before = await people.state()
    payload = (await people.ask("pow", document("create-snapshot"), web(people, **wrong), mfa_age=None)).payload
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [("INVALID_VALUE", [field])]
    assert await people.state() == before


async def test_a_snapshot_that_could_not_be_taken_is_gone(people: Privileged) -> None:
    await failed(people, "create-snapshot", web(people, label="v1"))
    assert await people.sql("SELECT count(*) FROM snapshot WHERE label = 'v1'") == [(0,)]
    await done(people, "create-snapshot", web(people, label="v1"))


async def test_an_instance_is_brought_back_to_a_snapshot(people: Privileged) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    values = await kept(people, expires_at=soon)
    payload = await accepted(people, "recover-snapshot", values, "snapshot { recoveredAt instance { status } }")
    assert payload["snapshot"] == {"recoveredAt": None, "instance": {"status": "PREPARATION"}}
    await people.settle()
    assert await of_resource(people, people.shop.spare) == "INACTIVE"
    assert (await row(people, key_in(values["snapshotId"]), "recovered_at IS NOT NULL")) == (True,)


async def test_what_could_not_be_recovered_or_deleted_is_as_it_was(people: Privileged) -> None:
    values = await kept(people)
    before = await row(people, key_in(values["snapshotId"]), "*")
    for label in ("recover-snapshot", "delete-snapshot"):
        await failed(people, label, values)
        assert await of_resource(people, people.shop.spare) == "INACTIVE"
        assert await row(people, key_in(values["snapshotId"]), "*") == before


async def test_a_snapshot_is_deleted_and_its_instance_counts_it(people: Privileged) -> None:
    values = await kept(people)
    payload = await accepted(people, "delete-snapshot", values, "snapshot { id }")
    assert payload["snapshot"] == {"id": values["snapshotId"]}
    await people.settle()
    assert await row(people, key_in(values["snapshotId"]), "id") is None
    assert await of_resource(people, people.shop.spare, "status, revision") == ("INACTIVE", 2)
    assert (await ask(people, "delete-snapshot", values)).code == "NOT_FOUND"


async def test_an_expired_snapshot_is_not_recovered_but_deleted(people: Privileged) -> None:
    values = await kept(people, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert await refused(people, "recover-snapshot", values) == [("EXPIRED", None)]
    await done(people, "delete-snapshot", values)


async def test_a_status_that_the_action_does_not_take_is_refused(people: Privileged) -> None:
    snapshot = await kept(people)
    for label, values, statuses in (
        ("create-snapshot", web(people), ["PREPARATION"]),
        ("recover-snapshot", snapshot, ["ACTIVE", "PREPARATION"]),
    ):
        for status in statuses:
            await people.sql("UPDATE resource SET status = :status", status=status)
            assert await refused(people, label, values) == [("WRONG_STATUS", None)]
    for label in ("recover-snapshot", "delete-snapshot"):
        wrong = await refused(people, label, {**snapshot, "expectedRevision": 9})
        assert wrong == [("WRONG_REVISION", ["expectedRevision"])]


async def test_a_snapshot_elsewhere_is_as_one_that_is_not(people: Privileged) -> None:
    elsewhere = await kept(people, cloud_id=people.shop.beta, resource_id=people.shop.resource_of_beta)
    for label in ("recover-snapshot", "delete-snapshot"):
        replies = [
            await ask(people, label, values) for values in (elsewhere, {"snapshotId": global_id("Snapshot", uuid4())})
        ]
        assert len({reply.answer.content for reply in replies}) == 1
        assert replies[0].code == "NOT_FOUND"


async def test_of_those_who_take_a_snapshot_of_one_instance_at_once_one_does(people: Privileged) -> None:
    replies = await asyncio.gather(*[ask(people, "create-snapshot", web(people)) for _ in range(5)])
    assert sorted(reply.user_errors for reply in replies) == [[], *[["OPERATION_IN_PROGRESS"]] * 4]
    assert await people.sql("SELECT count(*) FROM snapshot") == [(2,)]
