"""A worker that is killed with signal 9, wherever it is: another one goes on, and every effect takes place once."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from gateway.keys import mfa_key
from gateway.settings import Settings
from schema.ids import global_id, parse_id
from tests.databases import Databases
from tests.gateway.privileged import OPEN, START, STARTED, Privileged, privileged
from tests.gateway.test_mutations import window

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


@pytest.mark.parametrize("ask", [_start, _open])
async def test_a_worker_killed_at_any_statement_leaves_nothing_undone_or_done_twice(mortal: Mortal, ask: Ask) -> None:
    people, statement, killed = mortal.people, 0, True
    while killed:
        statement += 1
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
        await people.sql("DELETE FROM pgqueuer")
    assert statement > len(steps) * 8


async def _standing(people: Privileged, operation: UUID) -> tuple[str, set[str]]:
    ((status,),) = await people.sql("SELECT status FROM operation WHERE id = :id", id=operation)
    steps = await people.sql("SELECT status FROM operation_step WHERE operation_id = :id", id=operation)
    return status, {step for (step,) in steps}


async def _events(people: Privileged, operation: UUID) -> list[Any]:
    told = "SELECT kind FROM event WHERE subject_type = 'Operation' AND subject_id = :id"
    return await people.sql(told, id=operation)
