"""Executes operations in processes of their own, which kill themselves with signal 9 at the n-th statement they run.

    python -m tests.gateway.operations.dying DATABASE_URL KEY JOURNAL

Reads lines `OPERATION N` and answers each with `killed` or `ended`. The driver writes the id of each step it is asked
for into the journal, and does it at once.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from uuid import UUID

from auth.mfa.sealing import OPERATIONS, SecretSeal
from auth.statements import Statement
from resolvers.database import Database
from resolvers.operations.drivers.port import Call, Report
from resolvers.operations.execution import Execution


class Journal:
    """A driver that writes down what it is asked."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def prepare(self, call: Call) -> None:
        pass

    async def execute(self, call: Call) -> Report | None:
        with self._path.open("a") as file:
            file.write(f"{call.operation_id} {call.id}\n")
        return Report(True)

    async def observe(self, call: Call) -> Report | None:
        raise AssertionError


async def execute(url: str, key: bytes, journal: Path, operation: UUID, statements: int) -> None:
    """Execute an operation, up to so many statements; all of it if there are fewer."""
    left = statements

    def count(_: Statement) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    database = Database(url, pool_size=1, statement_seconds=10)
    database.watch = count
    await Execution(database, Journal(journal), SecretSeal([key], OPERATIONS)).run(operation)
    await database.close()


def main() -> None:
    """Answer line by line."""
    url, key, journal = sys.argv[1], bytes.fromhex(sys.argv[2]), Path(sys.argv[3])
    for line in sys.stdin:
        operation, statements = line.split()
        child = os.fork()
        if child == 0:
            asyncio.run(execute(url, key, journal, UUID(operation), int(statements)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        answer = "killed" if os.WIFSIGNALED(status) else "ended" if os.WEXITSTATUS(status) == 0 else "failed"
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
