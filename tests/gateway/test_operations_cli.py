"""`itcare-gateway operations`, as an operator meets it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import make_url

from gateway.postgres import DatabaseUrls
from resolvers.demo import load_demo
from schema.ids import global_id
from tests.databases import Databases
from tests.gateway.running import fill
from tests.gateway.test_cli import refusal, run
from tests.resolvers.shop import Shop

OPERATION = """
INSERT INTO operation (organization_id, id, cloud_id, action, status, progress, message, resource_id, resource_name,
  submitted_by, submitted_at, last_updated_at)
VALUES ('{organization}', '{id}', '{cloud}', '{action}', '{status}', 0, E'{message}', '{resource}', 'web-01',
  'ope@people.example', now(), now());
INSERT INTO operation_step (organization_id, id, cloud_id, operation_id, position, name, status)
VALUES ('{organization}', gen_random_uuid(), '{cloud}', '{id}', 0, 'Do it', '{status}')
"""
JOB = """
INSERT INTO pgqueuer (priority, status, entrypoint, payload, dedupe_key, attempts)
VALUES (0, '{job}', 'operation', uuid_send('{id}'), '{id}', 7)
"""
STANDS = """
SELECT json_build_array(o.status, s.status, o.message,
  (SELECT string_agg(j.status::text, ',') FROM pgqueuer j WHERE j.dedupe_key = o.id::text))
FROM operation o JOIN operation_step s ON s.operation_id = o.id WHERE o.id = '{id}'
"""
AUDITED = """
SELECT target_id FROM audit_record
WHERE label = '{label}' AND chain = '{chain}' AND target_type = 'Operation' AND decision = 'ALLOWED' ORDER BY seq
"""
TOLD = "SELECT payload->>'status' FROM event WHERE subject_id = '{id}' AND kind = 'OPERATION_UPDATED' ORDER BY seq"
INSTANCE = "SELECT status FROM resource WHERE id = '{id}'"
PREPARING = "UPDATE resource SET status = 'PREPARATION' WHERE id = '{id}'"
PREPARING_FOREVER = """
SELECT count(*) FROM resource r JOIN operation o ON o.resource_id = r.id
WHERE o.status = 'CANCELLED' AND r.status = 'PREPARATION'
"""
REASON = ["--reason", "Not needed any more."]


class Held:
    """A database with the shop in it, and operations as workers leave them."""

    def __init__(self, urls: DatabaseUrls, databases: Databases, folder: Path) -> None:
        self.shop, self.urls, self.databases = Shop(), urls, databases
        app, owner = (
            make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
            for url in (urls.app, urls.owner)
        )
        self.environment = {"DATABASE_URL": app, "DATABASE_OWNER_URL": owner, "ITCARE_DATA_DIR": str(folder)}

    def sql(self, statement: str, **values: object) -> str:
        return self.databases.run(statement.format(**values), self.urls)

    def operation(
        self,
        job: str | None = "failed",
        *,
        action: str = "START_INSTANCE",
        resource: UUID | None = None,
        message: str = "Held: The orchestrator answered 503.",
        status: str = "IN_PROGRESS",
    ) -> UUID:
        """Write an operation, whose job is like that."""
        key = uuid4()
        place = {"organization": self.shop.acme, "cloud": self.shop.alpha, "resource": resource or uuid4()}
        self.sql(OPERATION, id=key, action=action, status=status, message=message, **place)
        if job is not None:
            self.sql(JOB, id=key, job=job)
        return key

    def stands(self, key: UUID) -> list[str | None]:
        """The status of an operation and its step, its message, and the status of its job."""
        found: list[str | None] = json.loads(self.sql(STANDS, id=key))
        return found

    def audited(self, label: str) -> list[str]:
        """The operations that the audit log of the organization says that of."""
        return self.sql(AUDITED, label=label, chain=self.shop.acme).split()

    def told(self, key: UUID) -> list[str]:
        """The statuses that events said an operation had."""
        return self.sql(TOLD, id=key).split()


@pytest.fixture
async def held(databases: Databases, tmp_path: Path) -> AsyncIterator[Held]:
    urls = databases.make()
    found = Held(urls, databases, tmp_path)
    await fill(urls, found.shop)
    yield found
    databases.drop(urls)


def shown(key: UUID) -> str:
    return global_id("Operation", key)


@pytest.mark.parametrize("command", ["list", "retry", "cancel"])
def test_every_command_of_operations_explains_itself(command: str) -> None:
    answer = run("operations", command, "--help")
    assert answer.status == 0
    assert f"Usage: itcare-gateway operations {command}" in answer.stdout


def test_that_nothing_is_held_is_said(held: Held) -> None:
    answer = run("operations", "list", **held.environment)
    assert (answer.status, answer.stdout, answer.stderr) == (0, "", "No operation is held.\n")


def test_what_is_held_is_listed_with_who_what_since_when_and_why(held: Held) -> None:
    key = held.operation(message="Held: it said\\x1b[2J \\n no.")
    held.operation("queued")
    answer = run("operations", "list", **held.environment)
    first, second = answer.stdout.splitlines()
    assert first.startswith(f"{shown(key)}  START_INSTANCE  web-01  acme  by ope@people.example  at 2")
    assert first.endswith("Z, after 8 attempts")
    assert second == "    Held: it said\N{REPLACEMENT CHARACTER}[2J \N{REPLACEMENT CHARACTER} no."


def test_open_and_ended_operations_are_listed_if_asked(held: Held) -> None:
    queued, picked, lost = held.operation("queued"), held.operation("picked"), held.operation(None)
    ended = held.operation(None, status="SUCCESS")

    def listed(*options: str) -> str:
        return run("operations", "list", *options, **held.environment).stdout

    found = {line.split()[0]: line for line in listed("--open").splitlines() if line.startswith("opn_")}
    assert found[shown(queued)].endswith("  queued")
    assert found[shown(picked)].endswith("  being executed")
    assert found[shown(lost)].endswith("  not queued")
    assert shown(ended) not in found
    assert f"{shown(ended)}  " in listed("--all")
    assert shown(lost) in listed("--open", "--organization", "acme")
    assert "opn_" in listed("--open", "--limit", "1")
    assert listed("--open", "--organization", "globex") == ""
    line = refusal("operations", "list", "--organization", "nowhere", **held.environment)
    assert line == "itcare-gateway: There is no organization nowhere."


def test_what_is_held_is_queued_again_once_and_recorded(held: Held) -> None:
    key = held.operation()
    assert run("operations", "retry", shown(key), **held.environment).stdout == f"{shown(key)} is queued again.\n"
    assert held.stands(key) == ["IN_PROGRESS", "IN_PROGRESS", "Queued again by an operator.", "queued"]
    assert held.sql("SELECT attempts FROM pgqueuer") == "0"
    assert run("operations", "retry", str(key), **held.environment).stdout == f"{shown(key)} is queued already.\n"
    assert held.audited("CLI_RETRY") == [str(key)]
    assert held.told(key) == ["IN_PROGRESS"]


def test_what_the_queue_does_not_know_is_queued(held: Held) -> None:
    key = held.operation(None)
    run("operations", "retry", shown(key), **held.environment)
    assert held.stands(key)[3] == "queued"


@pytest.mark.parametrize("job", ["failed", "queued", None])
def test_what_is_cancelled_ends_as_if_it_had_failed_and_is_out_of_the_queue(held: Held, job: str | None) -> None:
    held.sql(PREPARING, id=held.shop.spare)
    key = held.operation(job, action="DELETE_INSTANCE", resource=held.shop.spare)
    answer = run("operations", "cancel", shown(key), *REASON, **held.environment)
    assert answer.stdout == f"{shown(key)} is cancelled.\n", answer.stderr
    assert held.stands(key) == ["CANCELLED", "CANCELLED", "Not needed any more.", None]
    assert held.sql(INSTANCE, id=held.shop.spare) == "INACTIVE"
    again = run("operations", "cancel", shown(key), *REASON, **held.environment)
    assert (again.status, again.stdout) == (0, f"{shown(key)} is cancelled already.\n")
    assert held.audited("CLI_CANCEL") == [str(key)]
    assert held.told(key) == ["CANCELLED"]


def test_what_a_worker_executes_is_cancelled_and_its_job_is_left_to_the_worker(held: Held) -> None:
    key = held.operation("picked")
    assert run("operations", "cancel", shown(key), *REASON, **held.environment).status == 0
    assert held.stands(key) == ["CANCELLED", "CANCELLED", "Not needed any more.", "picked"]


def test_of_several_nothing_is_done_if_one_is_not_there(held: Held) -> None:
    key, absent, ended = held.operation(), uuid4(), held.operation(None, status="ERROR")
    for command, options in (("retry", []), ("cancel", REASON)):
        line = refusal("operations", command, shown(key), shown(absent), *options, **held.environment)
        assert line == f"itcare-gateway: There is no operation {shown(absent)}; nothing was done."
        line = refusal("operations", command, shown(key), str(ended), *options, **held.environment)
        assert line == f"itcare-gateway: {shown(ended)} has ended: ERROR; nothing was done."
    assert held.stands(key)[3] == "failed"
    assert held.audited("CLI_RETRY") == held.audited("CLI_CANCEL") == []


def test_an_action_of_another_version_is_left_alone(held: Held) -> None:
    key = held.operation(action="TELEPORT")
    line = refusal("operations", "cancel", shown(key), *REASON, **held.environment)
    assert line == f"itcare-gateway: {shown(key)} is of an action that this version cannot undo."
    assert held.stands(key)[0] == "IN_PROGRESS"


@pytest.mark.parametrize("word", ["1", "opn_1", "ins_" + 32 * "0", "x\x1b[2J"])
def test_what_is_no_id_of_an_operation_is_refused(held: Held, word: str) -> None:
    line = refusal("operations", "retry", word, **held.environment)
    assert line.endswith("is no id of an operation: give it as `opn_…`, or as a UUID.")
    assert "\x1b" not in line


@pytest.mark.parametrize("reason", ["", " ", "a\nb", "x" * 501])
def test_a_reason_is_given_in_a_line(held: Held, reason: str) -> None:
    line = refusal("operations", "cancel", shown(uuid4()), "--reason", reason, **held.environment)
    assert line.startswith("itcare-gateway: Give a reason of 1 to 500 printable characters")


async def test_every_operation_in_progress_of_a_demo_is_cancelled(databases: Databases, tmp_path: Path) -> None:
    urls = databases.make()
    held = Held(urls, databases, tmp_path)
    await load_demo(urls.owner, resources=300)
    ids = held.sql("SELECT id FROM operation WHERE status = 'IN_PROGRESS'").split()
    assert ids
    answer = await asyncio.to_thread(run, "operations", "cancel", *ids, *REASON, **held.environment)
    assert answer.status == 0, answer.stderr
    assert held.sql("SELECT count(*) FROM operation WHERE status = 'IN_PROGRESS'") == "0"
    assert held.sql(PREPARING_FOREVER) == "0"
    databases.drop(urls)
