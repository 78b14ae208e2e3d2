"""A worker that is killed with signal 9, wherever it is: another one goes on, and every effect takes place once."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from gateway.keys import mfa_key
from gateway.settings import Settings
from schema.ids import global_id, parse_id
from tests.databases import Databases
from tests.gateway.commands.asking import done
from tests.gateway.commands.test_instances import new, web
from tests.gateway.privileged import OPEN, START, STARTED, Privileged, privileged
from tests.gateway.test_mutations import window

TWICE = """
SELECT e.subject_id FROM event e JOIN operation o ON o.resource_id = e.subject_id AND e.at >= o.submitted_at
WHERE o.id = :id AND e.kind = 'RESOURCE_UPDATED' GROUP BY 1, e.payload ->> 'revision' HAVING count(*) > 1
"""
ALL = 10_000
"""More statements than any operation takes."""


class Mortal:
    """Has operations executed by processes that die."""

    def __init__(self, people: Privileged, folder: Path, process: asyncio.subprocess.Process) -> None:
        self.people, self._folder, self._process = people, folder, process

    async def execute(self, operation: UUID, statements: int = ALL) -> bool:
        """Execute an operation, up to so many statements; false if it was killed there."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{operation} {statements}\n".encode())
        answer = (await self._process.stdout.readline()).decode().strip()
        assert answer in ("killed", "ended")
        return answer == "ended"

    def asked(self, operation: UUID) -> Counter[str]:
        """How often the driver was asked for each step of an operation."""
        lines = (self._folder / "journal").read_text().splitlines()
        return Counter(step for key, step in map(str.split, lines) if key == str(operation))


@pytest.fixture
async def mortal(tmp_path: Path, databases: Databases) -> AsyncIterator[Mortal]:
    urls, settings = databases.make(), Settings(data_dir=tmp_path, pool_size=4)
    async with privileged(settings, urls) as people:
        (tmp_path / "journal").touch()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.gateway.operations.dying"),
            *(urls.app, mfa_key(settings).hex(), str(tmp_path / "journal")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        yield Mortal(people, tmp_path, process)
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
    databases.drop(urls)


Ask = Callable[[Privileged, int], Awaitable[Any]]


async def _start(people: Privileged, _: int) -> Any:
    await people.sql("UPDATE resource SET status = 'INACTIVE' WHERE id = :id", id=people.shop.spare)
    document = START % STARTED
    return (await people.ask("ope", document, {"instanceId": global_id("Instance", people.shop.spare)})).payload


async def _open(people: Privileged, number: int) -> Any:
    values = window(people, reason=f"disks {number}")
    await people.sql("DELETE FROM maintenance")
    return (await people.ask("dtm", OPEN, values)).payload


async def _create(people: Privileged, number: int) -> Any:
    return await done(people, "pow", "createInstance", new(people, name=f"app-{number}"))


async def _resize(people: Privileged, number: int) -> Any:
    return await done(people, "ope", "resizeComputeInstance", web(people, cpu=number + 1, ramGb=8))


async def _cluster(people: Privileged, number: int) -> Any:
    nodes = [{"count": 5, "sizing": "2cpu4gb", "availabilityZone": "EB-HDS-A"}]
    values = {"name": f"five-{number}", "kubernetesVersion": "1.33", "ingress": "NGINX", "nodes": nodes}
    service = {"serviceId": global_id("Service", people.shop.depot)}
    return await done(people, "pow", "createCluster", {**service, **values})


@pytest.mark.parametrize(
    ("ask", "stride"),
    [
        (_start, 1),
        (_open, 1),
        (_create, 1),
        (_resize, 1),
        (_cluster, 7),
        pytest.param(_cluster, 1, marks=pytest.mark.long),
    ],
)
async def test_a_worker_killed_at_any_statement_leaves_nothing_undone_or_done_twice(
    mortal: Mortal, ask: Ask, stride: int
) -> None:
    people, statement, killed = mortal.people, 1 - stride, True
    while killed:
        statement += stride
        payload = await ask(people, statement)
        assert payload["userErrors"] == []
        operation = parse_id(payload["operation"]["id"], argument="id")[1]
        before = await _events(people, operation)
        killed = not await mortal.execute(operation, statement)
        if killed:
            assert await mortal.execute(operation)
        assert await _standing(people, operation) == ("SUCCESS", {"SUCCESS"}), statement
        steps = await people.sql("SELECT id FROM operation_step WHERE operation_id = :id", id=operation)
        assert mortal.asked(operation).keys() == {str(step) for (step,) in steps}
        # One for each step: however often a step was asked for, its effect took place once.
        assert len(await _events(people, operation)) - len(before) == len(steps)
        # Nothing that belongs to it is told of twice, either: nodes of a cluster among them.
        assert await people.sql(TWICE, id=operation) == []
        assert await people.sql("SELECT 1 FROM resource WHERE status = 'PREPARATION'") == []
        assert await people.sql("SELECT 1 FROM cluster_node WHERE status = 'PREPARATION'") == []
        await people.sql("DELETE FROM pgqueuer")
    assert statement > len(steps) * 8
    ((size,),) = await people.sql("SELECT count(*) FROM event e WHERE e.subject_type = 'ClusterNode'")
    nodes = await people.sql("SELECT 1 FROM cluster_node WHERE status = 'ACTIVE' AND name LIKE 'five-%'")
    # Each is told of when it is made and when it is active.
    assert size == 2 * len(nodes)


async def test_a_gateway_killed_between_commit_and_answer_has_done_what_the_next_one_says(
    mortal: Mortal, tmp_path: Path
) -> None:
    people = mortal.people
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.gateway.operations.dying_gateway"),
        *(people.database.app, people.database.owner, str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    values = {"instanceId": global_id("Instance", people.shop.spare), "idempotencyKey": "k"}
    sent = {"query": START % STARTED, "variables": {"input": values}}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        with pytest.raises(httpx.TransportError):
            await client.post("/graphql", json=sent, headers={"Authorization": f"Bearer {people.token('ope')}"})
    assert await process.wait() == -signal.SIGKILL
    ((operation,),) = await people.sql("SELECT id FROM operation WHERE idempotency_key = 'k'")
    again = (await people.ask("ope", START % STARTED, values)).payload
    assert again["operation"]["id"] == global_id("Operation", operation)
    assert await people.sql("SELECT count(*) FROM operation WHERE idempotency_key = 'k'") == [(1,)]
    assert await mortal.execute(operation)
    assert await _standing(people, operation) == ("SUCCESS", {"SUCCESS"})


async def _standing(people: Privileged, operation: UUID) -> tuple[str, set[str]]:
    ((status,),) = await people.sql("SELECT status FROM operation WHERE id = :id", id=operation)
    steps = await people.sql("SELECT status FROM operation_step WHERE operation_id = :id", id=operation)
    return status, {step for (step,) in steps}


async def _events(people: Privileged, operation: UUID) -> list[Any]:
    told = "SELECT kind FROM event WHERE subject_type = 'Operation' AND subject_id = :id"
    return await people.sql(told, id=operation)
