"""The queue of operations: PgQueuer's, written to in the transaction of the command and read by workers."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import orjson
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from resolvers.transaction import Transaction

ENTRYPOINT: Final = "operation"


class _CommandDriver(AsyncpgDriver):
    """Writes jobs on a connection that makes JSON of values by itself: PgQueuer gives it the text of JSON."""

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        *others, headers = args
        assert isinstance(headers, Sequence)  # noqa: S101 - those of PgQueuer's one statement that is run here
        return await super().fetch(query, *others, [orjson.loads(header) for header in headers])


async def enqueue(transaction: Transaction, operation_id: UUID) -> None:
    """Put an operation into the queue, in the caller's transaction, which has run a statement before."""
    queries = Queries(_CommandDriver(transaction.connection))
    await queries.enqueue(ENTRYPOINT, operation_id.bytes, dedupe_key=str(operation_id), on_conflict="skip")


def operation_of(job: Any) -> UUID:
    """Give the operation that a job is about."""
    return UUID(bytes=job.payload)
