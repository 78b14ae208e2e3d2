"""Operations and their steps as they stand: locked, and written, in the transaction of whoever changes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, column, delete, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from auth.permissions import Action
from auth.statements import Fetch, Statement
from auth.tables import TIMESTAMP, table
from resolvers.commands.effects import Work
from resolvers.commands.resources import in_place, key_of, told
from resolvers.events import Event, EventKind
from resolvers.operations.drivers.port import Call
from resolvers.tables import Operation, OperationSecret, OperationStatus, OperationStep
from resolvers.transaction import Transaction

OPERATION: Final = table(Operation)
STEP: Final = table(OperationStep)
SECRET: Final = table(OperationSecret)

_ENTERED = func.enter_operation(bindparam("id", type_=Uuid())).table_valued(
    column("organization_id", Uuid()), column("cloud_id", Uuid()), column("profiles", ARRAY(Text())), name="entered"
)
_ENTER = Statement(select(*_ENTERED.c).select_from(_ENTERED))
_LOST = Statement(select(func.lost_operations().table_valued(column("id", Uuid()), name="lost").render_derived().c.id))
_LOCK = Statement(select(OPERATION).where(*in_place(OPERATION)).with_for_update())
_OF_OPERATION: Final = (
    STEP.c.organization_id == bindparam("organization_id"),
    STEP.c.operation_id == bindparam("id"),
)
_STEPS = Statement(select(STEP).where(*_OF_OPERATION).order_by(STEP.c.position))
_BEGIN_STEP = Statement(
    update(STEP)
    .where(STEP.c.organization_id == bindparam("organization_id"), STEP.c.id == bindparam("step_id"))
    .values(
        started_at=func.coalesce(STEP.c.started_at, bindparam("now", type_=TIMESTAMP)),
        nonce=bindparam("nonce", type_=Uuid()),
    )
    .returning(STEP.c.id)
)
_END_STEP = Statement(
    update(STEP)
    .where(STEP.c.organization_id == bindparam("organization_id"), STEP.c.id == bindparam("step_id"))
    .values(status=bindparam("status"), completed_at=bindparam("now", type_=TIMESTAMP))
    .returning(STEP.c.id)
)
_FIND_STEP = Statement(
    select(STEP, OPERATION.c.status.label("operation_status"))
    .join(OPERATION, (OPERATION.c.organization_id == STEP.c.organization_id) & (OPERATION.c.id == STEP.c.operation_id))
    .where(*_OF_OPERATION, STEP.c.id == bindparam("step_id"))
)
_WRITE_REPORT = Statement(
    update(STEP)
    .where(STEP.c.organization_id == bindparam("organization_id"), STEP.c.id == bindparam("step_id"))
    .values(report=bindparam("report"))
    .returning(STEP.c.id)
)
_END_STEPS = Statement(
    update(STEP)
    .where(*_OF_OPERATION, STEP.c.status == OperationStatus.IN_PROGRESS.value)
    .values(status=bindparam("status"))
    .returning(STEP.c.id)
)
_WRITE = Statement(
    update(OPERATION)
    .where(*in_place(OPERATION))
    .values(
        status=bindparam("status"),
        progress=bindparam("progress"),
        message=bindparam("message"),
        last_updated_at=bindparam("now", type_=TIMESTAMP),
        completed_at=bindparam("completed_at", type_=TIMESTAMP),
    )
    .returning(OPERATION.c.id)
)
_SEALED = Statement(
    select(SECRET.c.sealed).where(
        SECRET.c.organization_id == bindparam("organization_id"), SECRET.c.operation_id == bindparam("id")
    )
)
_ERASE = Statement(
    delete(SECRET)
    .where(SECRET.c.organization_id == bindparam("organization_id"), SECRET.c.operation_id == bindparam("id"))
    .returning(SECRET.c.operation_id)
)


@dataclass(frozen=True, slots=True)
class Open:
    """An operation that is in progress, locked, with its steps in order, and what who asked for it holds now."""

    row: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]
    profiles: frozenset[str]

    @property
    def organization_id(self) -> UUID:
        """The organization that it is of."""
        return UUID(str(self.row["organization_id"]))

    @property
    def cloud_id(self) -> UUID:
        """The Cloud that it is in."""
        return UUID(str(self.row["cloud_id"]))

    @property
    def id(self) -> UUID:
        """Its id."""
        return UUID(str(self.row["id"]))

    @property
    def action(self) -> Action:
        """What was asked for."""
        return Action(self.row["action"])

    @property
    def next_step(self) -> Mapping[str, Any] | None:
        """The first step that has not ended."""
        return next((step for step in self.steps if step["status"] == OperationStatus.IN_PROGRESS), None)

    def call(self, step: Mapping[str, Any], nonce: UUID, secret: str | None) -> Call:
        """Make what a driver is asked."""
        row = self.row
        return Call(
            id=step["id"],
            nonce=nonce,
            operation_id=self.id,
            organization_id=self.organization_id,
            cloud_id=self.cloud_id,
            action=self.action,
            step=step["name"],
            position=step["position"],
            resource_id=row["resource_id"],
            subject_id=row["subject_id"],
            step_subject_id=step["subject_id"],
            parameters=row["parameters"],
            secret=secret,
        )

    def work(
        self, now: datetime, step: Mapping[str, Any] | None = None, facts: Mapping[str, Any] | None = None
    ) -> Work:
        """Make what an effect is given."""
        row = self.row
        return Work(
            organization_id=self.organization_id,
            cloud_id=self.cloud_id,
            id=self.id,
            action=self.action,
            now=now,
            resource_id=row["resource_id"],
            subject_id=row["subject_id"],
            parameters=row["parameters"],
            submitted_by=row["submitted_by"],
            change_reference=row["change_reference"],
            step_subject_id=None if step is None else step["subject_id"],
            facts=facts or {},
        )


async def lock_open(transaction: Transaction, operation_id: UUID) -> Open | None:
    """Enter the scope of an operation and lock it; None if it has ended, or was never there."""
    entered = await transaction.fetch(_ENTER, {"id": operation_id})
    if not entered:
        return None
    key = {"organization_id": entered[0]["organization_id"], "cloud_id": entered[0]["cloud_id"], "id": operation_id}
    (row,) = await transaction.fetch(_LOCK, key)
    if row["status"] != OperationStatus.IN_PROGRESS:
        return None
    return Open(row, await transaction.fetch(_STEPS, key), frozenset(entered[0]["profiles"]))


async def find_step(transaction: Transaction, operation_id: UUID, step_id: UUID) -> Mapping[str, Any] | None:
    """Enter the scope of an operation and find a step of it, with `operation_status`; None if it has no such step."""
    entered = await transaction.fetch(_ENTER, {"id": operation_id})
    if not entered:
        return None
    key = {"organization_id": entered[0]["organization_id"], "id": operation_id, "step_id": step_id}
    found = await transaction.fetch(_FIND_STEP, key)
    return found[0] if found else None


async def write_report(transaction: Transaction, open_: Open, step_id: UUID, report: Mapping[str, Any]) -> None:
    """Record what was reported of a step from outside."""
    values = {"organization_id": open_.organization_id, "step_id": step_id, "report": report}
    await transaction.fetch(_WRITE_REPORT, values)


async def lost_operations(fetch: Fetch) -> list[UUID]:
    """Give the operations that are in progress for a minute or longer, and of which the queue does not know."""
    return [row[0] for row in await fetch(_LOST, {})]


async def begin_step(transaction: Transaction, open_: Open, step_id: UUID, nonce: UUID, now: datetime) -> None:
    """Record that a step is attempted."""
    await transaction.fetch(
        _BEGIN_STEP, {"organization_id": open_.organization_id, "step_id": step_id, "nonce": nonce, "now": now}
    )


async def end_step(
    transaction: Transaction, open_: Open, step_id: UUID, status: OperationStatus, now: datetime
) -> None:
    """Record how a step ended."""
    values = {"organization_id": open_.organization_id, "step_id": step_id, "status": status.value, "now": now}
    await transaction.fetch(_END_STEP, values)


async def write_progress(
    transaction: Transaction, open_: Open, progress: int, message: str | None, now: datetime
) -> None:
    """Record how far an operation is that goes on."""
    await _write(transaction, open_, OperationStatus.IN_PROGRESS, progress, message, now)


async def end_operation(
    transaction: Transaction, open_: Open, status: OperationStatus, message: str | None, now: datetime
) -> None:
    """Record how an operation ended, and with it the steps that were not executed; its secret, if it had one, goes."""
    progress = 100 if status is OperationStatus.SUCCESS else open_.row["progress"]
    key = key_of(open_, open_.id)
    await transaction.fetch(_END_STEPS, {**key, "status": status.value})
    await transaction.fetch(_ERASE, key)
    await _write(transaction, open_, status, progress, message, now)


async def sealed_secret(fetch: Fetch, open_: Open) -> bytes | None:
    """Give the sealed secret that an operation brings to the driver, if it brings one."""
    found = await fetch(_SEALED, key_of(open_, open_.id))
    return bytes(found[0]["sealed"]) if found else None


async def _write(
    transaction: Transaction,
    open_: Open,
    status: OperationStatus,
    progress: int,
    message: str | None,
    now: datetime,
) -> None:
    ended = status is not OperationStatus.IN_PROGRESS
    values = {"status": status.value, "progress": progress, "message": message, "now": now}
    await transaction.fetch(_WRITE, {**key_of(open_, open_.id), **values, "completed_at": now if ended else None})
    transaction.events.append(updated(open_, open_.id, status, progress))


def updated(place: Any, operation_id: UUID, status: OperationStatus, progress: int) -> Event:
    """Make the event of a change of an operation."""
    return told(place, EventKind.OPERATION_UPDATED, "Operation", operation_id, status=status.value, progress=progress)
