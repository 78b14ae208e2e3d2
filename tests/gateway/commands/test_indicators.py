"""Indicators of a Service: added, changed, deleted; what they may look at."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from resolvers.operations.drivers.simulated import Simulation
from resolvers.tables import Indicator
from schema.ids import global_id
from tests.gateway.commands.asking import ask, document, done, refusals, rehearsed, write
from tests.gateway.privileged import Privileged

SHOWN: Final = "indicator { id name kind target threshold revision service { name } }"


def asked(people: Privileged, **more: Any) -> dict[str, Any]:
    """The input for an indicator."""
    return {
        "serviceId": global_id("Service", people.shop.shop),
        "name": "home page",
        "kind": "HTTP",
        "target": "https://shop.example/health",
        "threshold": 200.5,
        **more,
    }


async def indicator(people: Privileged, **more: Any) -> UUID:
    """Write an indicator of TCP on db:5432 in the Service `shop`."""
    row = Indicator(**{**people.shop.another(Indicator), **more})
    await write(people, row)
    return row.id


async def one(people: Privileged, **more: Any) -> dict[str, Any]:
    return {"indicatorId": global_id("Indicator", await indicator(people)), **more}


INPUTS: dict[str, Callable[[Privileged], Awaitable[dict[str, Any]] | dict[str, Any]]] = {
    "create-indicator": lambda people: asked(people, name=f"i-{uuid4().hex[:8]}"),
    "update-indicator": lambda people: one(people, threshold=3.5),
    "delete-indicator": one,
}


async def rows(people: Privileged, of: UUID | None = None) -> list[Any]:
    """The indicators that tests have made, or one of them."""
    found = await people.sql("SELECT name, kind, target, threshold, id FROM indicator ORDER BY name")
    return [row[:-1] for row in found if (of is None and not row[0].startswith("n")) or row[-1] == of]


async def test_an_indicator_is_added(people: Privileged) -> None:
    await rehearsed(people, "pow", "createIndicator", asked(people))
    payload = await done(people, "pow", "createIndicator", asked(people), SHOWN)
    assert payload["indicator"] | {"id": None} == {
        "id": None,
        "name": "home page",
        "kind": "HTTP",
        "target": "https://shop.example/health",
        "threshold": 200.5,
        "revision": 1,
        "service": {"name": "shop"},
    }
    assert payload["operation"]["status"] == "IN_PROGRESS"
    await people.settle()
    assert await people.sql("SELECT status FROM operation WHERE action = 'CREATE_INDICATOR'") == [("SUCCESS",)]
    assert await rows(people) == [("home page", "HTTP", "https://shop.example/health", 200.5)]


async def test_an_indicator_that_could_not_be_added_is_taken_away_again(people: Privileged) -> None:
    await done(people, "pow", "createIndicator", asked(people))
    await people.settle(Simulation(0, failures={"CREATE_INDICATOR": "no"}))
    assert await rows(people) == []
    await done(people, "pow", "createIndicator", asked(people))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, ["name"]),
        ({"name": "a/b"}, ["name"]),
        ({"kind": "HTTP", "target": "ftp://shop.example/"}, ["target"]),
        ({"kind": "HTTP", "target": "http://10.0.0.7/"}, ["target"]),
        ({"kind": "HTTP", "target": "https://ann:secret@shop.example/"}, ["target"]),
        ({"kind": "TCP", "target": "db.example"}, ["target"]),
        ({"kind": "METRIC", "target": "disk usage"}, ["target"]),
        ({"target": "https://shop.example/" + "a" * 2000}, ["target"]),
    ],
)
async def test_what_is_wrong_with_an_indicator_by_itself_is_told(
    people: Privileged, change: dict[str, Any], field: list[str]
) -> None:
    before = await people.state()
    reply = await people.ask("pow", document("createIndicator"), asked(people, **change), mfa_age=None)
    assert [(error["code"], error["field"]) for error in reply.payload["userErrors"]] == [("INVALID_VALUE", field)]
    assert "secret" not in reply.answer.text
    assert await people.state() == before


@pytest.mark.parametrize("threshold", ["1e400", "-1e400"])
async def test_a_threshold_is_finite(people: Privileged, threshold: str) -> None:
    before = await people.state()
    given = f'serviceId: "{global_id("Service", people.shop.shop)}", name: "a", kind: METRIC, target: "m"'
    text = f"mutation {{ createIndicator(input: {{ {given}, threshold: {threshold} }}) {{ userErrors {{ code }} }} }}"
    assert (await people.ask("pow", text, {})).code == "BAD_USER_INPUT"
    assert await people.state() == before


async def test_a_name_is_unique_in_its_service(people: Privileged) -> None:
    await indicator(people, name="taken")
    assert await refusals(people, "pow", "createIndicator", asked(people, name="taken")) == [("NAME_TAKEN", ["name"])]
    elsewhere = asked(people, name="taken", serviceId=global_id("Service", people.shop.depot))
    await done(people, "pow", "createIndicator", elsewhere)
    other = await one(people, name="taken")
    assert await refusals(people, "pow", "updateIndicator", other) == [("NAME_TAKEN", ["name"])]


async def test_of_two_that_are_added_at_once_under_one_name_one_is(people: Privileged) -> None:
    replies = await asyncio.gather(*[ask(people, "pow", "createIndicator", asked(people)) for _ in range(2)])
    assert sorted(reply.user_errors for reply in replies) == [[], ["NAME_TAKEN"]]


async def test_what_is_left_out_stays_as_it_is_and_the_rest_changes_in_the_end(people: Privileged) -> None:
    key = await indicator(people, threshold=1.0)
    values = {"indicatorId": global_id("Indicator", key), "name": "renamed", "target": "db.example:5433"}
    await rehearsed(people, "pow", "updateIndicator", values)
    await done(people, "pow", "updateIndicator", values, SHOWN)
    assert (await rows(people, key))[0][2:] == ("db:5432", 1.0)
    await people.settle()
    assert await rows(people, key) == [("renamed", "TCP", "db.example:5433", 1.0)]
    await done(people, "pow", "updateIndicator", {"indicatorId": values["indicatorId"], "threshold": None})
    await people.settle()
    assert await rows(people, key) == [("renamed", "TCP", "db.example:5433", None)]


async def test_a_change_that_fails_changes_nothing(people: Privileged) -> None:
    key = await indicator(people, name="old")
    values = {"indicatorId": global_id("Indicator", key), "name": "new"}
    await done(people, "pow", "updateIndicator", values)
    await people.settle(Simulation(0, failures={"UPDATE_INDICATOR": "no"}))
    assert await rows(people, key) == [("old", "TCP", "db:5432", None)]
    await done(people, "pow", "createIndicator", asked(people, name="new"))


async def revision(people: Privileged, of: UUID) -> int:
    ((found,),) = await people.sql("SELECT revision FROM indicator WHERE id = :id", id=of)
    assert isinstance(found, int)
    return found


async def test_each_change_of_an_indicator_counts_its_revision(people: Privileged) -> None:
    key = await indicator(people)
    values = {"indicatorId": global_id("Indicator", key)}
    for turn in (1, 2):
        payload = await done(people, "pow", "updateIndicator", {**values, "threshold": float(turn)}, SHOWN)
        # It is changed when the operation has ended, and not before.
        assert payload["indicator"]["revision"] == turn
        await people.settle()
        assert await revision(people, key) == turn + 1
    for mutation, change in (("updateIndicator", {"threshold": None}), ("deleteIndicator", {})):
        await done(people, "pow", mutation, {**values, **change})
        await people.settle(Simulation(0, failures={"UPDATE_INDICATOR": "no", "DELETE_INDICATOR": "no"}))
        assert await revision(people, key) == 3


@pytest.mark.parametrize(("mutation", "change"), [("updateIndicator", {"threshold": 3.5}), ("deleteIndicator", {})])
async def test_an_indicator_that_has_changed_since_it_was_read_is_left_alone(
    people: Privileged, mutation: str, change: dict[str, Any]
) -> None:
    values = {"indicatorId": global_id("Indicator", await indicator(people)), "expectedRevision": 1}
    changing = {**values, "name": "renamed"}
    await done(people, "pow", "updateIndicator", changing)
    await people.settle()
    wrong = [("WRONG_REVISION", ["expectedRevision"])]
    for expected in (1, 0, -1, 3, 2**31 - 1):
        asked_for = {**values, **change, "expectedRevision": expected}
        assert await refusals(people, "pow", mutation, asked_for) == wrong
        rehearsal = (await people.ask("pow", document(mutation), {**asked_for, "dryRun": True})).payload
        assert [(error["code"], error["field"]) for error in rehearsal["userErrors"]] == wrong
    fresh = {**values, **change, "expectedRevision": 2, "idempotencyKey": "once"}
    await rehearsed(people, "pow", mutation, fresh)
    first = await done(people, "pow", mutation, fresh)
    await people.settle()
    # Asked for again, what was accepted stays so, whatever the revision is by now.
    assert (await done(people, "pow", mutation, fresh))["operation"]["id"] == first["operation"]["id"]


async def test_until_a_name_is_changed_nobody_else_gets_the_old_or_the_new_one(people: Privileged) -> None:
    key = await indicator(people, name="old")
    values = {"indicatorId": global_id("Indicator", key), "name": "new"}
    await done(people, "pow", "updateIndicator", values)
    for name in ("old", "new"):
        assert await refusals(people, "pow", "createIndicator", asked(people, name=name)) == [("NAME_TAKEN", ["name"])]
        other = await one(people, name=name)
        assert await refusals(people, "pow", "updateIndicator", other) == [("NAME_TAKEN", ["name"])]
    await people.settle()
    await done(people, "pow", "createIndicator", asked(people, name="old"))
    assert await refusals(people, "pow", "createIndicator", asked(people, name="new")) == [("NAME_TAKEN", ["name"])]


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({}, "INVALID_VALUE", None),
        ({"name": None}, "INVALID_VALUE", ["name"]),
        ({"kind": None, "threshold": 1.0}, "INVALID_VALUE", ["kind"]),
        ({"target": None}, "INVALID_VALUE", ["target"]),
        ({"name": ""}, "INVALID_VALUE", ["name"]),
        # It is of TCP, on db:5432.
        ({"target": "https://shop.example/"}, "INVALID_VALUE", ["target"]),
        ({"kind": "HTTP"}, "INVALID_VALUE", ["target"]),
        ({"kind": "METRIC", "target": "db.example:1 2"}, "INVALID_VALUE", ["target"]),
        ({"target": "127.0.0.1:22"}, "INVALID_VALUE", ["target"]),
    ],
)
async def test_what_is_wrong_with_a_change_is_told(
    people: Privileged, change: dict[str, Any], code: str, field: list[str] | None
) -> None:
    assert await refusals(people, "pow", "updateIndicator", await one(people, **change)) == [(code, field)]


async def test_an_indicator_is_deleted(people: Privileged) -> None:
    values = await one(people)
    await rehearsed(people, "pow", "deleteIndicator", values)
    payload = await done(people, "pow", "deleteIndicator", values, SHOWN)
    assert payload["indicator"]["id"] == values["indicatorId"]
    assert await refusals(people, "pow", "deleteIndicator", values) == [("OPERATION_IN_PROGRESS", None)]
    assert await refusals(people, "pow", "updateIndicator", {**values, "name": "a"}) == [
        ("OPERATION_IN_PROGRESS", None)
    ]
    await people.settle()
    assert (await ask(people, "pow", "deleteIndicator", values)).code == "NOT_FOUND"


async def test_a_deletion_that_fails_leaves_the_indicator(people: Privileged) -> None:
    values = await one(people)
    await done(people, "pow", "deleteIndicator", values)
    await people.settle(Simulation(0, failures={"DELETE_INDICATOR": "no"}))
    await done(people, "pow", "deleteIndicator", values)


async def test_of_two_who_change_an_indicator_at_once_one_is_told_to_wait(people: Privileged) -> None:
    values = await one(people)
    replies = await asyncio.gather(
        *[ask(people, "pow", "updateIndicator", {**values, "threshold": float(turn)}) for turn in range(2)]
    )
    assert sorted(reply.user_errors for reply in replies) == [[], ["OPERATION_IN_PROGRESS"]]
