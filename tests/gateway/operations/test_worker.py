"""Workers: what is queued is executed, taken over from who died, tried again, held, and never done by halves."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from gateway.settings import Settings
from resolvers.operations.drivers.simulated import Simulation
from schema.ids import global_id, parse_id
from tests.databases import Databases
from tests.gateway.operations.workers import worker
from tests.gateway.privileged import DELETE, START, STARTED, Privileged, privileged
from tests.gateway.test_mutations import spare

PATIENCE = 60
"""For how long a change is waited for, in seconds."""


@pytest.fixture
async def people(tmp_path: Path, databases: Databases) -> AsyncIterator[Privileged]:
    urls = databases.make()
    async with privileged(Settings(data_dir=tmp_path, pool_size=4), urls) as found:
        yield found
    databases.drop(urls)


async def start(people: Privileged, **more: Any) -> UUID:
    """Have the instance that is inactive started; gives the operation."""
    payload = (await people.ask("ope", START % STARTED, spare(people, **more))).payload
    assert payload["userErrors"] == []
    return parse_id(payload["operation"]["id"], argument="id")[1]


async def operation(people: Privileged, key: UUID) -> Mapping[str, Any]:
    ((status, progress, message),) = await people.sql(
        "SELECT status, progress, message FROM operation WHERE id = :id", id=key
    )
    return {"status": status, "progress": progress, "message": message}


async def until(people: Privileged, statement: str, **values: Any) -> None:
    """Wait until a statement finds something."""
    async with asyncio.timeout(PATIENCE):
        while not await people.sql(statement, **values):  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.05)


async def until_ended(people: Privileged, key: UUID) -> Mapping[str, Any]:
    await until(people, "SELECT 1 FROM operation WHERE id = :id AND status <> 'IN_PROGRESS'", id=key)
    return await operation(people, key)


async def spare_status(people: Privileged) -> str:
    ((status,),) = await people.sql("SELECT status FROM resource WHERE id = :id", id=people.shop.spare)
    return str(status)


async def test_a_worker_executes_what_is_queued_and_leaves_the_queue_empty(people: Privileged, tmp_path: Path) -> None:
    key = await start(people)
    async with worker(people.database, tmp_path):
        assert await until_ended(people, key) == {"status": "SUCCESS", "progress": 100, "message": "Started."}
        assert await spare_status(people) == "ACTIVE"
        await until(people, "SELECT 1 WHERE NOT EXISTS (SELECT FROM pgqueuer)")


async def test_what_a_killed_worker_had_begun_another_goes_on_with(people: Privileged, tmp_path: Path) -> None:
    async with worker(people.database, tmp_path, ITCARE_WORKER_SIMULATED_SECONDS="600") as first:
        key = await start(people)
        await until(people, "SELECT 1 FROM operation_step WHERE operation_id = :id AND started_at IS NOT NULL", id=key)
        first.kill()
        await first.wait()
    assert (await operation(people, key))["status"] == "IN_PROGRESS"
    async with worker(people.database, tmp_path, ITCARE_WORKER_HEARTBEAT_SECONDS="1"):
        assert (await until_ended(people, key))["status"] == "SUCCESS"
    assert await people.sql("SELECT revision FROM resource WHERE id = :id", id=people.shop.spare) == [(2,)]


async def test_a_worker_that_is_stopped_puts_back_what_it_has_not_ended(people: Privileged, tmp_path: Path) -> None:
    async with worker(people.database, tmp_path, ITCARE_WORKER_SIMULATED_SECONDS="600"):
        key = await start(people)
        await until(people, "SELECT 1 FROM operation_step WHERE operation_id = :id AND started_at IS NOT NULL", id=key)
    assert await people.sql("SELECT status FROM pgqueuer") == [("queued",)]
    async with worker(people.database, tmp_path):
        assert (await until_ended(people, key))["status"] == "SUCCESS"


async def test_an_operation_that_lost_its_job_is_found(people: Privileged, tmp_path: Path) -> None:
    key = await start(people)
    await people.sql("DELETE FROM pgqueuer")
    await people.sql("UPDATE operation SET submitted_at = now() - interval '2 minutes' WHERE id = :id", id=key)
    async with worker(people.database, tmp_path):
        assert (await until_ended(people, key))["status"] == "SUCCESS"


async def test_a_driver_that_cannot_be_reached_is_asked_again_and_then_the_operation_is_held(
    people: Privileged, tmp_path: Path
) -> None:
    key = await start(people)
    unavailable = '{"START_INSTANCE": "The orchestrator does not answer."}'
    settings = {"ITCARE_WORKER_ATTEMPTS": "3", "ITCARE_WORKER_RETRY_SECONDS": "0.05"}
    async with worker(people.database, tmp_path, ITCARE_WORKER_SIMULATED_UNAVAILABLE=unavailable, **settings):
        await until(people, "SELECT 1 FROM pgqueuer WHERE status = 'failed'")
    held = {"status": "IN_PROGRESS", "progress": 0, "message": "Held: The orchestrator does not answer."}
    assert await operation(people, key) == held
    assert await people.sql("SELECT attempts FROM pgqueuer") == [(2,)]
    again = await people.ask("ope", START % STARTED, spare(people))
    assert again.user_errors == ["OPERATION_IN_PROGRESS"]


async def test_a_step_that_fails_ends_the_operation_and_leaves_the_resource_usable(
    people: Privileged, tmp_path: Path
) -> None:
    await people.ask("pow", DELETE, spare(people))
    await people.approve("pow", await people.open_digest("pow"))
    payload = (await people.ask("pow", DELETE, spare(people))).payload
    assert await spare_status(people) == "PREPARATION"
    await people.settle(Simulation(0, failures={"DELETE_INSTANCE": "The hypervisor said no."}))
    ended = await operation(people, parse_id(payload["operation"]["id"], argument="id")[1])
    assert ended == {"status": "ERROR", "progress": 0, "message": "The hypervisor said no."}
    assert await spare_status(people) == "INACTIVE"
    steps = (
        "SELECT s.status, s.completed_at IS NOT NULL FROM operation_step s JOIN operation o ON o.id = s.operation_id"
    )
    assert await people.sql(f"{steps} WHERE o.action = 'DELETE_INSTANCE'") == [("ERROR", True)]
    assert await start(people)


async def test_what_was_held_for_long_is_not_done_for_who_may_not_any_more(people: Privileged) -> None:
    key = await start(people)
    await people.sql("UPDATE operation SET submitted_at = now() - interval '25 hours' WHERE id = :id", id=key)
    await people.sql("DELETE FROM membership WHERE account_id = :id", id=people.people["ope"])
    await people.settle()
    ended = await operation(people, key)
    assert ended == {"status": "CANCELLED", "progress": 0, "message": "Whoever asked for it may not any more."}
    assert await spare_status(people) == "INACTIVE"


async def test_what_was_held_for_long_is_done_for_who_still_may(people: Privileged) -> None:
    key = await start(people)
    await people.sql("UPDATE operation SET submitted_at = now() - interval '25 hours' WHERE id = :id", id=key)
    await people.settle()
    assert (await operation(people, key))["status"] == "SUCCESS"


async def test_what_cannot_be_queued_is_not_done(people: Privileged) -> None:
    await people.sql("ALTER TABLE pgqueuer ADD CONSTRAINT nothing CHECK (false)")
    before = await people.state()
    reply = await people.ask("ope", START % STARTED, spare(people))
    assert reply.code == "INTERNAL_SERVER_ERROR"
    assert await people.state() == before


async def test_what_cannot_be_told_of_is_not_done(people: Privileged) -> None:
    await people.sql("ALTER TABLE event ADD CONSTRAINT nothing CHECK (false)")
    before = await people.state()
    assert (await people.ask("ope", START % STARTED, spare(people))).code == "INTERNAL_SERVER_ERROR"
    assert await people.state() == before


async def test_a_command_that_fails_after_it_was_queued_leaves_no_job(people: Privileged) -> None:
    await people.sql("ALTER TABLE audit_record ADD CONSTRAINT nothing CHECK (decision <> 'ALLOWED')")
    assert (await people.ask("ope", START % STARTED, spare(people))).code == "INTERNAL_SERVER_ERROR"
    assert await people.sql("SELECT 1 FROM pgqueuer") == []


async def test_two_callers_on_one_resource_are_one_winner_and_one_clear_refusal(people: Privileged) -> None:
    replies = await asyncio.gather(*[people.ask(who, START % STARTED, spare(people)) for who in ("ope", "pow")])
    assert sorted(reply.user_errors for reply in replies) == [[], ["OPERATION_IN_PROGRESS"]]


async def test_a_started_instance_is_inactive_until_the_driver_has_reported(people: Privileged) -> None:
    key = await start(people)
    asked = (
        "query ($id: ID!) { node(id: $id) { ... on Operation { status steps { name status startedAt completedAt } } } }"
    )
    answer = await people.gateway.client.post(
        "/graphql",
        json={"query": asked, "variables": {"id": global_id("Operation", key)}},
        headers={"Authorization": f"Bearer {people.token('std')}"},
    )
    step = {"name": "Start the instance", "status": "IN_PROGRESS", "startedAt": None, "completedAt": None}
    assert answer.json()["data"]["node"] == {"status": "IN_PROGRESS", "steps": [step]}
    assert await spare_status(people) == "INACTIVE"
