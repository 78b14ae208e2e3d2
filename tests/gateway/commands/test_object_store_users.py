"""Users of object stores, and their secrets: shown once, kept as hashes, written down nowhere."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from resolvers.operations.drivers.port import Call, Report
from resolvers.operations.drivers.simulated import SimulatedDriver, Simulation
from schema.ids import global_id, key_in
from tests.gateway.commands.stores import (
    Inputs,
    approve,
    ask,
    asking_for,
    begin,
    done,
    failed,
    input_of,
    new_name,
    refused,
    rehearsed,
    store,
    unapproved,
    user_of,
)
from tests.gateway.privileged import Privileged

CREATE, UPDATE, DELETE = "create-user-objectstores", "update-user-objectstores", "delete-user-objectstores"
SHOWN: Final = "objectStoreUser { id label accessKey locked objectStore { revision } } secretKey secretWithheld"
HASHES: Final = (
    "SELECT secret_hash, next_secret_hash, previous_secret_hash, previous_secret_until FROM object_store_user"
    " WHERE id = :id"
)


async def added(people: Privileged) -> dict[str, Any]:
    return of_store(await store(people, "admin", name=new_name("cos-")), label="lab")


async def changed(people: Privileged) -> dict[str, Any]:
    key = await store(people, "admin", name=new_name("cos-"))
    return {"objectStoreUserId": await user_of(people, key, "admin"), "renewSecret": True}


async def removed(people: Privileged) -> dict[str, Any]:
    key = await store(people, "admin", "lab", name=new_name("cos-"))
    return {"objectStoreUserId": await user_of(people, key, "lab")}


INPUTS: Inputs = {CREATE: added, UPDATE: changed, DELETE: removed}


def of_store(key: UUID, **more: Any) -> dict[str, Any]:
    return {"objectStoreId": global_id("ObjectStore", key), **more}


def hashed(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


async def labels(people: Privileged, key: UUID) -> list[str]:
    statement = "SELECT label FROM object_store_user WHERE resource_id = :id ORDER BY label"
    return [label for (label,) in await people.sql(statement, id=key)]


async def test_a_user_is_added_with_a_secret_that_is_kept_as_a_hash(people: Privileged) -> None:
    key = await store(people, "admin")
    payload = await done(people, CREATE, of_store(key, label="lab"), SHOWN)
    user, secret = payload["objectStoreUser"], payload["secretKey"]
    assert (user["label"], user["locked"], user["objectStore"]) == ("lab", False, {"revision": 2})
    assert len(secret) == 40
    assert payload["secretWithheld"] is False
    assert len(user["accessKey"]) == 20
    assert await people.sql(HASHES, id=key_in(user["id"])) == [(hashed(secret), None, None, None)]
    other = await done(people, CREATE, of_store(key, label="other"), SHOWN)
    assert other["secretKey"] != secret
    assert other["objectStoreUser"]["accessKey"] != user["accessKey"]


async def test_a_user_who_could_not_be_added_is_not_there(people: Privileged) -> None:
    key = await store(people, "admin")
    await failed(people, CREATE, of_store(key, label="lab"))
    assert await labels(people, key) == ["admin"]
    await done(people, CREATE, of_store(key, label="lab"))


async def test_labels_are_unique_in_their_store_and_can_be_shown(people: Privileged) -> None:
    key = await store(people, "admin", "lab")
    await store(people, "other", name="cos-alpha-b")
    for label, wrong in [
        ("admin", ("NAME_TAKEN", "label")),
        ("", ("INVALID_VALUE", "label")),
        ("a" * 201, ("INVALID_VALUE", "label")),
        ("a\nb", ("INVALID_VALUE", "label")),
    ]:
        assert await refused(people, CREATE, of_store(key, label=label)) == [wrong]
        user = {"objectStoreUserId": await user_of(people, key, "lab"), "label": label}
        assert await refused(people, UPDATE, user) == [wrong]
    await done(people, CREATE, of_store(key, label="other"))


async def test_a_user_is_renamed_and_locked_when_the_operation_ended(people: Privileged) -> None:
    key = await store(people, "admin")
    user = {"objectStoreUserId": await user_of(people, key, "admin")}
    payload = await begin(people, UPDATE, {**user, "label": "équipe data", "locked": True}, SHOWN)
    assert payload["objectStoreUser"]["label"] == "admin"
    assert payload["secretKey"] is None
    assert payload["secretWithheld"] is False
    await people.settle()
    statement = "SELECT label, locked FROM object_store_user WHERE resource_id = :id"
    assert await people.sql(statement, id=key) == [("équipe data", True)]
    await done(people, UPDATE, {**user, "locked": False, "label": "équipe data"})
    assert await people.sql(statement, id=key) == [("équipe data", False)]
    await failed(people, UPDATE, {**user, "locked": True})
    assert await people.sql(statement, id=key) == [("équipe data", False)]


async def test_a_change_that_is_none_is_refused(people: Privileged) -> None:
    user = {"objectStoreUserId": await user_of(people, await store(people, "admin"), "admin")}
    cases: list[tuple[dict[str, Any], list[tuple[str, str | None]]]] = [
        ({}, [("UNCHANGED", None)]),
        ({"label": None, "locked": None, "renewSecret": False}, [("UNCHANGED", None)]),
        ({"label": "admin", "locked": False}, [("UNCHANGED", None)]),
        ({"graceSeconds": 60}, [("INVALID_VALUE", "graceSeconds")]),
        ({"renewSecret": True, "graceSeconds": -1}, [("INVALID_VALUE", "graceSeconds")]),
        ({"renewSecret": True, "graceSeconds": 604_801}, [("INVALID_VALUE", "graceSeconds")]),
        ({"label": "", "graceSeconds": -1}, [("INVALID_VALUE", "label"), *[("INVALID_VALUE", "graceSeconds")] * 2]),
        ({"locked": True, "expectedRevision": 4}, [("WRONG_REVISION", "expectedRevision")]),
    ]
    for more, wrong in cases:
        assert await refused(people, UPDATE, {**user, **more}) == wrong, more


async def test_a_new_secret_is_good_once_the_operation_ended_and_the_one_before_for_its_grace(
    people: Privileged,
) -> None:
    key = await store(people, "admin")
    first = (await done(people, CREATE, of_store(key, label="lab"), SHOWN))["secretKey"]
    user = {"objectStoreUserId": await user_of(people, key, "lab")}
    renewed = {**user, "renewSecret": True, "graceSeconds": 3600}
    payload = await begin(people, UPDATE, renewed, SHOWN)
    second, id_ = payload["secretKey"], key_in(user["objectStoreUserId"])
    assert second != first
    assert await people.sql(HASHES, id=id_) == [(hashed(first), hashed(second), None, None)]
    await people.settle()
    ((now, next_, previous, until),) = await people.sql(HASHES, id=id_)
    assert (now, next_, previous) == (hashed(second), None, hashed(first))
    assert timedelta(minutes=59) < until - datetime.now(UTC) <= timedelta(hours=1)
    third = (await done(people, UPDATE, {**user, "renewSecret": True}, SHOWN))["secretKey"]
    assert await people.sql(HASHES, id=id_) == [(hashed(third), None, None, None)]


async def test_a_secret_that_could_not_be_renewed_stays_good(people: Privileged) -> None:
    key = await store(people, "admin")
    first = (await done(people, CREATE, of_store(key, label="lab"), SHOWN))["secretKey"]
    user = await user_of(people, key, "lab")
    await failed(people, UPDATE, {"objectStoreUserId": user, "renewSecret": True, "label": "b"})
    id_ = key_in(user)
    assert await people.sql(HASHES, id=id_) == [(hashed(first), None, None, None)]
    assert await labels(people, key) == ["admin", "lab"]


async def test_who_asks_again_with_the_same_key_is_told_that_the_secret_is_withheld(people: Privileged) -> None:
    key = await store(people, "admin")
    user = {"objectStoreUserId": await user_of(people, key, "admin")}
    service = global_id("Service", people.shop.shop)
    for label, values, made in [
        ("create-object-stores", {"serviceId": service, "name": "a", "dataCenter": "EB4", "quotaGb": 1}, True),
        (CREATE, of_store(key, label="lab"), True),
        (UPDATE, {**user, "renewSecret": True}, True),
        (UPDATE, {**user, "locked": True}, False),
    ]:
        keyed, told = {**values, "idempotencyKey": f"{label} {made}"}, "secretKey secretWithheld"
        first = await done(people, label, keyed, told)
        again = (await ask(people, label, keyed, told)).payload
        assert again["operation"]["id"] == first["operation"]["id"]
        assert (first["secretKey"] is not None) is made
        assert first["secretWithheld"] is False
        assert (again["secretKey"], again["secretWithheld"]) == (None, made), label


class Listening(SimulatedDriver):
    """Hears the secrets that are brought to it."""

    def __init__(self) -> None:
        super().__init__(Simulation(0))
        self.heard: list[str | None] = []

    async def execute(self, call: Call) -> Report | None:
        self.heard.append(call.secret)
        return await super().execute(call)


async def everything(people: Privileged) -> str:
    """All that the database holds, as text."""
    tables = await people.sql(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog',"
        " 'information_schema') ORDER BY 1"
    )
    rows = [await people.sql(f"SELECT t::text, to_jsonb(t)::text FROM {name} t") for (name,) in tables]  # noqa: S608
    return repr(rows)


async def test_a_secret_is_in_no_row_and_no_log_while_and_after_it_is_brought_to_the_driver(
    people: Privileged, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key, secrets = await store(people, "admin"), list[str]()
    user = {"objectStoreUserId": await user_of(people, key, "admin")}
    service = global_id("Service", people.shop.shop)
    for label, values in [
        ("create-object-stores", {"serviceId": service, "name": "a", "dataCenter": "EB4", "quotaGb": 1}),
        (CREATE, of_store(key, label="lab")),
        (UPDATE, {**user, "renewSecret": True, "graceSeconds": 60}),
    ]:
        secret = (await begin(people, label, values, "secretKey"))["secretKey"]
        secrets.append(secret)
        assert await people.sql("SELECT count(*) FROM operation_secret") == [(1,)]
        during = await everything(people)
        assert secret not in during
        assert secret.encode().hex() not in during
        await people.settle()
        assert await people.sql("SELECT count(*) FROM operation_secret") == [(0,)]
    # A failure, too, and a repetition of what was refused.
    failing = (await ask(people, CREATE, of_store(key, label="other"), "secretKey")).payload["secretKey"]
    await people.settle(Simulation(0, failures={"CREATE_USER_OBJECTSTORES": "No."}))
    after = await everything(people)
    assert "create-user-objectstores" in after
    for secret in (*secrets, failing):
        assert secret not in after
        assert secret.encode().hex() not in after
        assert secret not in caplog.text
    assert any(record.name == "gateway.requests" for record in caplog.records)


async def test_the_driver_is_brought_the_secret(people: Privileged, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Listening()
    monkeypatch.setattr("tests.gateway.privileged.SimulatedDriver", lambda _: driver)
    key = await store(people, "admin")
    payload = await begin(people, CREATE, of_store(key, label="lab"), "secretKey")
    await people.settle()
    assert payload["secretKey"] in driver.heard


async def test_a_user_is_deleted_when_the_operation_ended(people: Privileged) -> None:
    key = await store(people, "admin", "lab")
    user = {"objectStoreUserId": await user_of(people, key, "lab")}
    payload = await begin(people, DELETE, user, "objectStoreUser { label }")
    assert payload["objectStoreUser"] == {"label": "lab"}
    await people.settle()
    assert await labels(people, key) == ["admin"]
    assert (await ask(people, DELETE, user)).code == "NOT_FOUND"


async def test_a_deletion_that_failed_leaves_the_user(people: Privileged) -> None:
    key = await store(people, "admin", "lab")
    await failed(people, DELETE, {"objectStoreUserId": await user_of(people, key, "lab")})
    assert await labels(people, key) == ["admin", "lab"]


async def test_the_last_user_stays(people: Privileged) -> None:
    key = await store(people, "admin")
    assert await refused(people, DELETE, {"objectStoreUserId": await user_of(people, key, "admin")}) == [
        ("IN_USE", None)
    ]


async def test_of_the_last_two_users_only_one_is_deleted_also_at_once(people: Privileged) -> None:
    key = await store(people, "admin", "lab")
    users = [{"objectStoreUserId": await user_of(people, key, label)} for label in ("admin", "lab")]
    for user in users:
        await approve(people, DELETE, user)
    replies = await asyncio.gather(*[people.ask("pow", asking_for(DELETE), user) for user in users])
    assert sorted(tuple(reply.user_errors) for reply in replies) == [(), ("OPERATION_IN_PROGRESS",)]
    await people.settle()
    (left,) = await labels(people, key)
    (user,) = [user for user in users if user["objectStoreUserId"] == await user_of(people, key, left)]
    assert await refused(people, DELETE, user) == [("IN_USE", None)]


async def test_of_two_who_take_a_label_at_once_one_gets_it(people: Privileged) -> None:
    values = of_store(await store(people, "admin"), label="lab")
    await approve(people, CREATE, values)
    replies = await asyncio.gather(*[people.ask("pow", asking_for(CREATE), values) for _ in range(4)])
    made = [reply for reply in replies if "errors" not in reply.body and reply.payload["operation"]]
    assert len(made) == 1
    others = {reply.code if "errors" in reply.body else reply.user_errors[0] for reply in replies if reply not in made}
    assert others <= {"OPERATION_IN_PROGRESS", "INSUFFICIENT_USER_AUTHENTICATION"}


@pytest.mark.parametrize("label", INPUTS)
async def test_a_dry_run_writes_nothing_and_makes_no_secret(people: Privileged, label: str) -> None:
    values = await input_of(people, INPUTS, label)
    await rehearsed(people, label, values)
    if label != DELETE:
        reply = await people.ask("pow", asking_for(label, "secretKey secretWithheld"), {**values, "dryRun": True})
        assert (reply.payload["secretKey"], reply.payload["secretWithheld"]) == (None, False)


async def test_a_user_of_another_cloud_is_not_found(people: Privileged) -> None:
    before = await unapproved(people)
    for key in (uuid4(), people.shop.web):
        values = {"objectStoreUserId": global_id("ObjectStoreUser", key), "locked": True}
        assert (await ask(people, UPDATE, values)).code == "NOT_FOUND"
    assert await unapproved(people) == before
