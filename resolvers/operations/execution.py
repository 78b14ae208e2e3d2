"""One operation, from where it stands to its end, whoever executed the steps before.

A step is asked of the driver outside of any transaction. That it has ended, and its effect, are recorded in one: a
worker that is killed in between asks the driver again, under the same id, and the effect takes place once.
"""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from auth.mfa.sealing import SealBroken, SecretSeal
from auth.permissions import PRIVILEGES
from resolvers.commands.catalogue import EFFECTS
from resolvers.database import Database
from resolvers.events import append_events
from resolvers.operations.drivers.port import Call, Driver, DriverUnavailable, Report
from resolvers.operations.records import (
    Open,
    begin_step,
    end_operation,
    end_step,
    lock_open,
    sealed_secret,
    write_progress,
)
from resolvers.tables import OperationStatus
from resolvers.transaction import Transaction, open_transaction

HELD_FOR_LONG: Final = timedelta(hours=24)
"""After what time a right is looked at again, before anything more is done with it."""

_log = logging.getLogger("gateway.operations")


class Execution:
    """Executes operations with a driver; `seal` opens the secrets that they bring to it."""

    def __init__(self, database: Database, driver: Driver, seal: SecretSeal, *, observe_seconds: float = 1.0) -> None:
        self.database = database
        self._driver = driver
        self._seal = seal
        self._observe_seconds = observe_seconds

    async def run(self, operation_id: UUID) -> None:
        """Bring an operation to its end; nothing if it has ended.

        Raises:
            DriverUnavailable: the driver cannot be asked now; what was done so far is recorded.
        """
        while (call := await self._next_call(operation_id)) is not None:
            await self._driver.prepare(call)
            await self._begun(call)
            await self._ended(call, await self._report(call))

    async def hold(self, operation_id: UUID, reason: str) -> None:
        """Record that an operation waits for somebody to look at it, and why."""
        async with open_transaction(self.database) as transaction:
            open_ = await lock_open(transaction, operation_id)
            if open_ is not None:
                now = datetime.now(UTC)
                await write_progress(transaction, open_, open_.row["progress"], f"Held: {reason}", now)
                await _tell(transaction, now)

    async def cancel(self, operation_id: UUID, reason: str) -> bool:
        """End an operation that is not to go on, as if it had failed; false if it had ended already."""
        async with open_transaction(self.database) as transaction:
            open_ = await lock_open(transaction, operation_id)
            if open_ is None:
                return False
            now = datetime.now(UTC)
            await end_cancelled(transaction, open_, reason, now)
            await _tell(transaction, now)
        return True

    async def _next_call(self, operation_id: UUID) -> Call | None:
        """Say what is to be asked next; None if the operation has ended, which it may have here."""
        async with open_transaction(self.database) as transaction:
            open_ = await lock_open(transaction, operation_id)
            if open_ is None:
                return None
            now = datetime.now(UTC)
            if now - open_.row["submitted_at"] > HELD_FOR_LONG and not _still_may(open_):
                await end_cancelled(transaction, open_, "Whoever asked for it may not any more.", now)
                await _tell(transaction, now)
                return None
            step = open_.next_step
            if step is None:
                raise RuntimeError("an operation in progress has no step left")
            sealed = await sealed_secret(transaction.fetch, open_)
            try:
                secret = None if sealed is None else self._seal.open(open_.id, sealed).decode()
            except SealBroken:
                raise DriverUnavailable("The secret of the operation cannot be opened with the key there is.") from None
            return open_.call(step, uuid4(), secret)

    async def _begun(self, call: Call) -> None:
        async with open_transaction(self.database) as transaction:
            open_ = await lock_open(transaction, call.operation_id)
            if open_ is not None:
                await begin_step(transaction, open_, call.id, call.nonce, datetime.now(UTC))

    async def _report(self, call: Call) -> Report:
        report = await self._driver.execute(call)
        while report is None:
            await asyncio.sleep(self._observe_seconds)
            report = await self._driver.observe(call)
        return report

    async def _ended(self, call: Call, report: Report) -> None:
        async with open_transaction(self.database) as transaction:
            open_ = await lock_open(transaction, call.operation_id)
            step = None if open_ is None else open_.next_step
            if open_ is None or step is None or step["id"] != call.id:
                # Another worker, that took this one for dead, has recorded it, or it was cancelled.
                return
            now, effects = datetime.now(UTC), EFFECTS[call.action]
            if not report.succeeded:
                await end_step(transaction, open_, call.id, OperationStatus.ERROR, now)
                await effects.failed(transaction, open_.work(now))
                await end_operation(transaction, open_, OperationStatus.ERROR, report.message or "It failed.", now)
                await _tell(transaction, now)
                return
            await end_step(transaction, open_, call.id, OperationStatus.SUCCESS, now)
            await effects.step(transaction, open_.work(now, step, report.facts))
            done = sum(each["status"] == OperationStatus.SUCCESS for each in open_.steps) + 1
            if done == len(open_.steps):
                await effects.done(transaction, open_.work(now, step, report.facts))
                await end_operation(transaction, open_, OperationStatus.SUCCESS, effects.said, now)
            else:
                await write_progress(transaction, open_, 100 * done // len(open_.steps), report.message, now)
            await _tell(transaction, now)


async def end_cancelled(transaction: Transaction, open_: Open, reason: str, now: datetime) -> None:
    """End an operation that is not to go on, as if it had failed; whoever calls this tells of it."""
    await EFFECTS[open_.action].failed(transaction, open_.work(now))
    await end_operation(transaction, open_, OperationStatus.CANCELLED, reason, now)
    _log.warning("The operation %s was cancelled.", open_.id)


def _still_may(open_: Open) -> bool:
    return any(profile.value in open_.profiles for profile in PRIVILEGES[open_.action].profiles)


async def _tell(transaction: Transaction, now: datetime) -> None:
    # Last: nobody else tells of this organization until this is committed.
    await append_events(transaction.fetch, transaction.events, now)
