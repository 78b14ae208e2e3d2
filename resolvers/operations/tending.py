"""What operators do with operations: see which ones wait for them, have them tried again, and end them.

What is listed is read as the owner, who sees all organizations. What is changed is changed in the scope of the
operation, in one transaction with its record in the audit log.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from sqlalchemy import ARRAY, Text, Uuid, bindparam, text

from auth.audit.records import Decision, Entry, Event, append
from auth.permissions import Action
from auth.statements import Fetch, Statement
from resolvers.commands.catalogue import EFFECTS
from resolvers.database import Database
from resolvers.events import append_events
from resolvers.operations.execution import end_cancelled
from resolvers.operations.queue import enqueue
from resolvers.operations.records import Open, lock_open, write_progress
from resolvers.tables import OperationStatus
from resolvers.transaction import Transaction, open_transaction

QUEUED_AGAIN: Final = "Queued again by an operator."


class Which(StrEnum):
    """Which operations are listed."""

    HELD = "HELD"
    OPEN = "OPEN"
    ALL = "ALL"


class Listed(NamedTuple):
    """An operation as operators see it; `job` is None where the queue does not know of it."""

    id: UUID
    organization: str
    action: str
    status: str
    progress: int
    message: str | None
    resource_name: str | None
    submitted_by: str
    submitted_at: datetime
    job: str | None
    attempts: int | None
    job_updated_at: datetime | None

    @property
    def is_held(self) -> bool:
        """Whether it waits for an operator."""
        return self.job == _HELD and self.status == OperationStatus.IN_PROGRESS


_HELD: Final = "failed"
"""What PgQueuer calls a job that is held."""
_LISTED: Final = """
SELECT o.id, g.code, o.action, o.status, o.progress, o.message, o.resource_name, o.submitted_by, o.submitted_at,
  j.status::text AS job, j.attempts, j.updated
FROM operation o
JOIN organization g ON g.id = o.organization_id
LEFT JOIN LATERAL (
  SELECT q.status, q.attempts, q.updated FROM pgqueuer q
  WHERE q.entrypoint = 'operation' AND q.payload = uuid_send(o.id) ORDER BY q.id DESC LIMIT 1
) j ON true
"""
_LIST = Statement(
    text(
        _LISTED
        + """
WHERE (:which = 'ALL' OR o.status = 'IN_PROGRESS' AND (:which = 'OPEN' OR j.status = 'failed'))
  AND (CAST(:organization AS uuid) IS NULL OR o.organization_id = :organization)
ORDER BY o.submitted_at DESC, o.id DESC LIMIT :most
"""
    ).bindparams(bindparam("which", type_=Text()), bindparam("organization", type_=Uuid()))
)
_FIND = Statement(text(f"{_LISTED} WHERE o.id = ANY (:ids)").bindparams(bindparam("ids", type_=ARRAY(Uuid()))))
_JOBS = Statement(
    text(
        "SELECT id, status::text AS status FROM pgqueuer"
        " WHERE entrypoint = 'operation' AND payload = uuid_send(:id) ORDER BY id FOR UPDATE"
    ).bindparams(bindparam("id", type_=Uuid()))
)


async def list_operations(fetch: Fetch, which: Which, organization_id: UUID | None, most: int) -> list[Listed]:
    """Give the newest operations of these, up to so many."""
    values = {"which": which.value, "organization": organization_id, "most": most}
    return [Listed(*row) for row in await fetch(_LIST, values)]


async def find_operations(fetch: Fetch, ids: Sequence[UUID]) -> dict[UUID, Listed]:
    """Find operations; those that are not there are missing."""
    return {row[0]: Listed(*row) for row in await fetch(_FIND, {"ids": list(ids)})}


class Tended(StrEnum):
    """What came of it."""

    DONE = "DONE"
    QUEUED_ALREADY = "QUEUED_ALREADY"
    ENDED = "ENDED"
    UNKNOWN_ACTION = "UNKNOWN_ACTION"
    """It is of an action that this version does not know how to undo."""


async def retry_operation(database: Database, operation_id: UUID) -> Tended:
    """Queue an operation again that is held, or of which the queue does not know; once, if it is asked twice."""
    async with open_transaction(database) as transaction:
        open_ = await lock_open(transaction, operation_id)
        if open_ is None:
            return Tended.ENDED
        jobs = await transaction.fetch(_JOBS, {"id": operation_id})
        if any(job["status"] != _HELD for job in jobs):
            return Tended.QUEUED_ALREADY
        if jobs:
            await _queries(transaction).requeue_jobs([jobs[-1]["id"]])
        else:
            await enqueue(transaction, operation_id)
        now = datetime.now(UTC)
        await write_progress(transaction, open_, open_.row["progress"], QUEUED_AGAIN, now)
        await _record(transaction, open_, Event.CLI_RETRY, now)
    return Tended.DONE


async def cancel_operation(database: Database, operation_id: UUID, reason: str) -> Tended:
    """End an operation as if it had failed, and take it out of the queue.

    A step that a worker is executing goes on where it is executed; how it ends changes nothing any more.
    """
    async with open_transaction(database) as transaction:
        open_ = await lock_open(transaction, operation_id)
        if open_ is None:
            return Tended.ENDED
        if open_.row["action"] not in {*Action} or open_.action not in EFFECTS:
            return Tended.UNKNOWN_ACTION
        now = datetime.now(UTC)
        await end_cancelled(transaction, open_, reason, now)
        # What a worker has in its hands, it gives back itself.
        jobs = [job["id"] for job in await transaction.fetch(_JOBS, {"id": operation_id}) if job["status"] != "picked"]
        if jobs:
            await _queries(transaction).mark_job_as_cancelled(jobs)
        await _record(transaction, open_, Event.CLI_CANCEL, now)
    return Tended.DONE


def _queries(transaction: Transaction) -> Queries:
    return Queries(AsyncpgDriver(transaction.connection))


async def _record(transaction: Transaction, open_: Open, event: Event, now: datetime) -> None:
    entry: dict[str, Any] = {"target_type": "Operation", "target_id": open_.id, "cloud_id": open_.cloud_id}
    await append(transaction.fetch, [Entry(open_.organization_id, event, Decision.ALLOWED, at=now, **entry)])
    await append_events(transaction.fetch, transaction.events, now)
