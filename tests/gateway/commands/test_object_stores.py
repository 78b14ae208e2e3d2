"""Object stores: created with a first user, changed, deleted when they are empty."""

import asyncio
from typing import Any, Final
from uuid import uuid4

import pytest

from schema.ids import global_id, key_in
from tests.gateway.commands.stores import (
    Inputs,
    ask,
    begin,
    done,
    failed,
    input_of,
    new_name,
    refused,
    rehearsed,
    status_of,
    store,
    unapproved,
)
from tests.gateway.privileged import Privileged

CREATE, UPDATE, DELETE = "create-object-stores", "update-object-stores", "delete-object-stores"
STORE: Final = (
    "objectStore { id name status revision quotaGb usedGb geoReplicated environment createdBy tags { key value }"
    " dataCenters { code } users { nodes { label accessKey locked } } }"
)


def wanted(people: Privileged, **more: Any) -> dict[str, Any]:
    service = global_id("Service", people.shop.shop)
    return {"serviceId": service, "name": "archive", "dataCenter": "EB4", "quotaGb": 50, **more}


def of_store(key: Any, **more: Any) -> dict[str, Any]:
    return {"objectStoreId": global_id("ObjectStore", key), **more}


async def updated(people: Privileged) -> dict[str, Any]:
    return of_store(await store(people, "admin", name=new_name("cos-")), quotaGb=200)


async def deleted(people: Privileged) -> dict[str, Any]:
    return of_store(await store(people, "admin", name=new_name("cos-")))


INPUTS: Inputs = {
    CREATE: lambda people: wanted(people, name=new_name()),
    UPDATE: updated,
    DELETE: deleted,
}


async def test_a_store_is_created_with_a_first_user_and_is_active_when_the_operation_ended(people: Privileged) -> None:
    values = wanted(people, tags=[{"key": "team", "value": "blue"}], environment="qa")
    payload = await begin(people, CREATE, values, f"{STORE} secretKey secretWithheld")
    made = payload["objectStore"]
    (user,) = made.pop("users")["nodes"]
    key = key_in(made.pop("id"))
    assert made == {
        "name": "cos-alpha-archive",
        "status": "PREPARATION",
        "revision": 1,
        "quotaGb": 50,
        "usedGb": 0,
        "geoReplicated": False,
        "environment": "qa",
        "createdBy": "pow@people.example",
        "tags": [{"key": "team", "value": "blue"}],
        "dataCenters": [{"code": "EB4"}],
    }
    assert (user["label"], user["locked"], len(user["accessKey"])) == ("admin", False, 20)
    assert len(payload["secretKey"]) == 40
    assert payload["secretWithheld"] is False
    assert payload["operation"]["resourceName"] == "cos-alpha-archive"
    await people.settle()
    assert await status_of(people, key) == "ACTIVE"


async def test_what_is_replicated_is_also_in_a_data_center_of_another_region(people: Privileged) -> None:
    payload = await done(people, CREATE, wanted(people, geoReplicated=True, userLabel="lab"), STORE)
    assert payload["objectStore"]["dataCenters"] == [{"code": "EB4"}, {"code": "ET1"}]
    assert payload["objectStore"]["geoReplicated"] is True
    assert [user["label"] for user in payload["objectStore"]["users"]["nodes"]] == ["lab"]


async def test_a_store_that_could_not_be_created_is_inactive_and_can_be_deleted(people: Privileged) -> None:
    await failed(people, CREATE, wanted(people))
    ((key, status),) = await people.sql("SELECT id, status FROM resource WHERE name = 'cos-alpha-archive'")
    assert status == "INACTIVE"
    await done(people, DELETE, of_store(key))
    assert await status_of(people, key) is None


async def test_a_name_is_taken_once_in_a_cloud(people: Privileged) -> None:
    await done(people, CREATE, wanted(people))
    assert await refused(people, CREATE, wanted(people)) == [("NAME_TAKEN", "name")]
    elsewhere = wanted(people, serviceId=global_id("Service", people.shop.depot))
    assert await refused(people, CREATE, elsewhere) == [("NAME_TAKEN", "name")]


async def test_of_two_who_take_a_name_at_once_in_two_services_one_gets_it(people: Privileged) -> None:
    other = wanted(people, serviceId=global_id("Service", people.shop.depot))
    replies = await asyncio.gather(*[ask(people, CREATE, values) for values in (wanted(people), other) * 3])
    assert sorted(tuple(reply.user_errors) for reply in replies) == [(), *[("NAME_TAKEN",)] * 5]


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"name": ""}, ("INVALID_VALUE", "name")),
        ({"name": "a/b"}, ("INVALID_VALUE", "name")),
        ({"name": "a\nb"}, ("INVALID_VALUE", "name")),
        ({"name": "a" * 131}, ("INVALID_VALUE", "name")),
        ({"quotaGb": 0}, ("INVALID_VALUE", "quotaGb")),
        ({"quotaGb": -1}, ("INVALID_VALUE", "quotaGb")),
        ({"quotaGb": 2_147_483_647}, ("INVALID_VALUE", "quotaGb")),
        ({"dataCenter": "EB9"}, ("PLACE_NOT_OPEN", "dataCenter")),
        ({"dataCenter": "E" * 101}, ("INVALID_VALUE", "dataCenter")),
        ({"userLabel": " "}, ("INVALID_VALUE", "userLabel")),
        ({"environment": "moon"}, ("NOT_FOUND", "environment")),
        ({"environment": " "}, ("INVALID_VALUE", "environment")),
        ({"tags": [{"key": "a:b", "value": ""}]}, ("INVALID_VALUE", "tags.0.key")),
    ],
)
async def test_what_is_wrong_with_a_store_to_be_is_said_of_its_field(
    people: Privileged, more: dict[str, Any], wrong: tuple[str, str]
) -> None:
    assert await refused(people, CREATE, wanted(people, **more)) == [wrong]


async def test_everything_that_is_wrong_is_said_at_once(people: Privileged) -> None:
    static = wanted(people, name="", quotaGb=-5, userLabel="")
    found = await refused(people, CREATE, static)
    assert [field for _, field in found] == ["name", "quotaGb", "userLabel"]
    await done(people, CREATE, wanted(people))
    found = await refused(people, CREATE, wanted(people, dataCenter="EB9", environment="moon"))
    assert found == [("NAME_TAKEN", "name"), ("PLACE_NOT_OPEN", "dataCenter"), ("NOT_FOUND", "environment")]


async def test_quota_and_tags_are_changed_when_the_operation_ended(people: Privileged) -> None:
    key = await store(people, "admin", used_gb=40)
    values = of_store(key, quotaGb=40, tags=[{"key": "team", "value": "red"}])
    told = "objectStore { quotaGb tags { value } revision }"
    payload = await begin(people, UPDATE, values, told)
    assert payload["objectStore"] == {"quotaGb": 100, "tags": [], "revision": 1}
    await people.settle()
    statement = "SELECT quota_gb, tags, revision, status FROM object_store JOIN resource ON id = resource_id"
    where = " WHERE resource_id = :id"
    assert await people.sql(statement + where, id=key) == [(40, {"team": "red"}, 2, "ACTIVE")]
    found = await people.sql("SELECT key, value FROM resource_tag WHERE resource_id = :id", id=key)
    assert found == [("team", "red")]
    await done(people, UPDATE, of_store(key, tags=[]))
    assert await people.sql(statement + where, id=key) == [(40, {}, 3, "ACTIVE")]


async def test_a_change_that_failed_changes_nothing(people: Privileged) -> None:
    key = await store(people, "admin")
    await failed(people, UPDATE, of_store(key, quotaGb=7))
    assert await people.sql("SELECT quota_gb FROM object_store WHERE resource_id = :id", id=key) == [(100,)]
    assert await status_of(people, key) == "ACTIVE"


async def test_a_change_that_cannot_be_is_refused(people: Privileged) -> None:
    key = await store(people, "admin", used_gb=40.5)
    cases: list[tuple[dict[str, Any], tuple[str, str | None]]] = [
        ({}, ("UNCHANGED", None)),
        ({"quotaGb": None, "tags": None}, ("UNCHANGED", None)),
        ({"quotaGb": 100}, ("UNCHANGED", None)),
        ({"quotaGb": 40}, ("IN_USE", "quotaGb")),
        ({"quotaGb": -40}, ("INVALID_VALUE", "quotaGb")),
        ({"tags": [{"key": "k", "value": "v"}, {"key": "k", "value": "w"}]}, ("INVALID_VALUE", "tags.1.key")),
        ({"quotaGb": 50, "expectedRevision": 9}, ("WRONG_REVISION", "expectedRevision")),
    ]
    for more, wrong in cases:
        assert await refused(people, UPDATE, of_store(key, **more)) == [wrong], more


async def test_an_empty_store_is_deleted_with_its_users(people: Privileged) -> None:
    key = await store(people, "admin", "other")
    payload = await begin(people, DELETE, of_store(key), "objectStore { status }")
    assert payload["objectStore"] == {"status": "PREPARATION"}
    await people.settle()
    assert await status_of(people, key) is None
    assert await people.sql("SELECT count(*) FROM object_store_user WHERE resource_id = :id", id=key) == [(0,)]


async def test_a_store_that_holds_something_is_not_deleted(people: Privileged) -> None:
    key = await store(people, "admin", used_gb=0.001)
    assert await refused(people, DELETE, of_store(key)) == [("IN_USE", None)]


@pytest.mark.parametrize("status", ["ACTIVE", "INACTIVE"])
async def test_a_deletion_that_failed_gives_the_status_before_back(people: Privileged, status: str) -> None:
    key = await store(people, "admin")
    await people.sql("UPDATE resource SET status = :status WHERE id = :id", status=status, id=key)
    await failed(people, DELETE, of_store(key))
    assert await status_of(people, key) == status


async def test_while_one_operation_is_at_work_on_a_store_no_other_is(people: Privileged) -> None:
    key = await store(people, "admin")
    await begin(people, UPDATE, of_store(key, quotaGb=7))
    for label, values in [(UPDATE, of_store(key, quotaGb=8)), (DELETE, of_store(key))]:
        assert await refused(people, label, values) == [("OPERATION_IN_PROGRESS", None)]
    replies = await asyncio.gather(
        *[ask(people, UPDATE, values) for values in [of_store(await store(people, name="cos-alpha-b"), quotaGb=9)] * 5]
    )
    assert sorted(tuple(reply.user_errors) for reply in replies) == [(), *[("OPERATION_IN_PROGRESS",)] * 4]


@pytest.mark.parametrize("label", INPUTS)
async def test_a_dry_run_writes_nothing(people: Privileged, label: str) -> None:
    await rehearsed(people, label, await input_of(people, INPUTS, label))


async def test_a_dry_run_makes_no_secret(people: Privileged) -> None:
    reply = await ask(people, CREATE, wanted(people, dryRun=True), "secretKey secretWithheld")
    assert reply.payload["secretKey"] is None
    assert reply.payload["secretWithheld"] is False


async def test_what_is_no_object_store_of_the_cloud_is_not_found(people: Privileged) -> None:
    before = await unapproved(people)
    for key in (uuid4(), people.shop.web, people.shop.resource_of_beta):
        assert (await ask(people, DELETE, of_store(key))).code == "NOT_FOUND"
    assert await unapproved(people) == before
