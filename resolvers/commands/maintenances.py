"""What is done to maintenance windows."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, or_, select

from auth.decisions import Grant
from auth.errors import NotFound
from auth.permissions import Action
from auth.statements import Statement
from auth.tables import TIMESTAMP, table, uuid7
from resolvers.commands.effects import Work, takes_effect
from resolvers.commands.locking import require_idle, require_revision
from resolvers.commands.outcome import Changed, Refused, Step, UserError, UserErrorCode
from resolvers.commands.placing import check_text
from resolvers.commands.resources import delete_row, in_place, inserting, key_of, told
from resolvers.commands.submission import Change
from resolvers.events import EventKind
from resolvers.tables import Maintenance, MaintenanceSubject, Resource, Service
from resolvers.transaction import Transaction

LONGEST: Final = timedelta(days=7)
"""A window silences alerts: a longer one would hide what nobody remembers having silenced."""
MOST_SUBJECTS: Final = 100
LONGEST_REASON: Final = 1000

MAINTENANCE, SUBJECT = table(Maintenance), table(MaintenanceSubject)
SERVICE, RESOURCE = table(Service), table(Resource)
_IDS: Final = any_(bindparam("ids", type_=ARRAY(Uuid())))
# In the order of their ids, so that two commands that lock some of the same ones do not wait for each other.
_LOCKS: Final = tuple(
    Statement(
        select(of.c.id)
        .where(
            of.c.organization_id == bindparam("organization_id"),
            of.c.cloud_id == bindparam("cloud_id"),
            of.c.id == _IDS,
        )
        .order_by(of.c.id)
        .with_for_update()
    )
    for of in (SERVICE, RESOURCE)
)
_LOCK: Final = Statement(
    select(MAINTENANCE.c.ends_at, MAINTENANCE.c.revision).where(*in_place(MAINTENANCE)).with_for_update()
)
_OVERLAPPING: Final = Statement(
    select(SUBJECT.c.service_id, SUBJECT.c.resource_id)
    .join(
        MAINTENANCE,
        (MAINTENANCE.c.organization_id == SUBJECT.c.organization_id) & (MAINTENANCE.c.id == SUBJECT.c.maintenance_id),
    )
    .where(
        SUBJECT.c.organization_id == bindparam("organization_id"),
        or_(SUBJECT.c.service_id == _IDS, SUBJECT.c.resource_id == _IDS),
        MAINTENANCE.c.starts_at < bindparam("ends_at", type_=TIMESTAMP),
        MAINTENANCE.c.ends_at > bindparam("starts_at", type_=TIMESTAMP),
    )
)


def check_window(starts_at: datetime, ends_at: datetime, reason: str, subjects: int, now: datetime) -> list[UserError]:
    """Check what can be checked of a window by itself."""
    wrong = UserErrorCode.INVALID_VALUE
    found = []
    if starts_at <= now:
        found.append(UserError("A window starts in the future.", wrong, ("startsAt",)))
    if ends_at <= starts_at:
        found.append(UserError("A window ends after it starts.", wrong, ("endsAt",)))
    elif ends_at - starts_at > LONGEST:
        found.append(UserError(f"A window is at most {LONGEST.days} days long.", wrong, ("endsAt",)))
    found += check_text(reason, ("reason",), LONGEST_REASON)
    if not 0 < subjects <= MOST_SUBJECTS:
        found.append(UserError(f"A window has 1 to {MOST_SUBJECTS} subjects.", wrong, ("subjects",)))
    return found


def create_maintenance(
    services: Sequence[UUID], resources: Sequence[UUID], starts_at: datetime, ends_at: datetime, reason: str, by: str
) -> Change:
    """Open a window on Services and resources of one Cloud, in which none of them has another."""
    return partial(_create, tuple(services), tuple(resources), (starts_at, ends_at), reason, by)


async def _create(
    services: Sequence[UUID],
    resources: Sequence[UUID],
    times: tuple[datetime, datetime],
    reason: str,
    by: str,
    transaction: Transaction,
    grant: Grant,
    now: datetime,
) -> Changed:
    starts_at, ends_at = times
    key: dict[str, Any] = {"organization_id": grant.organization_id, "cloud_id": grant.cloud_id}
    for lock, ids in zip(_LOCKS, (services, resources), strict=True):
        locked = await transaction.fetch(lock, {**key, "ids": list(ids)}) if ids else ()
        if len(locked) < len(set(ids)):
            raise Refused(
                UserError(
                    "A subject does not exist in this Cloud, or you do not see it.",
                    UserErrorCode.NOT_FOUND,
                    ("subjects",),
                )
            )
    window = {**key, "starts_at": starts_at, "ends_at": ends_at}
    if await transaction.fetch(_OVERLAPPING, {**window, "ids": [*services, *resources]}):
        raise Refused(UserError("A subject has another window in that time.", UserErrorCode.OVERLAP, ("subjects",)))
    maintenance_id = uuid7()
    row = Maintenance(**window, id=maintenance_id, reason=reason, created_by=by, created_at=now)
    await transaction.fetch(inserting(MAINTENANCE), row.model_dump())
    for name, ids in (("service_id", services), ("resource_id", resources)):
        for subject in dict.fromkeys(ids):
            silenced = {**key, "id": uuid7(), "maintenance_id": maintenance_id, "service_id": None, "resource_id": None}
            await transaction.fetch(inserting(SUBJECT), {**silenced, name: subject})
    # To be told of when the subjects are there too.
    transaction.events.append(told(grant, EventKind.CREATED, "Maintenance", maintenance_id))
    return Changed([Step("Silence the alerts")], subject_id=maintenance_id)


async def _failed(transaction: Transaction, work: Work) -> None:
    await delete_row(transaction, work, Maintenance, work.subject)


takes_effect(Action.CREATE_MAINTENANCE, failed=_failed, said="Opened.")


def delete_maintenance(maintenance_id: UUID, expected_revision: int | None) -> Change:
    """Cancel a window that is not over; alerts of one that is running are heard again."""
    return partial(_delete, maintenance_id, expected_revision)


async def _delete(
    maintenance_id: UUID, expected_revision: int | None, transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    found = await transaction.fetch(_LOCK, key_of(grant, maintenance_id))
    if not found:
        raise NotFound(grant.privilege.target)
    require_revision(found[0], expected_revision)
    await require_idle(transaction, grant, maintenance_id)
    if found[0]["ends_at"] <= now:
        raise Refused(UserError("The window is over.", UserErrorCode.EXPIRED))
    return Changed([Step("Let the alerts be heard")], subject_id=maintenance_id)


async def _deleted(transaction: Transaction, work: Work) -> None:
    await delete_row(transaction, work, Maintenance, work.subject)


takes_effect(Action.DELETE_MAINTENANCE, done=_deleted, said="Cancelled.")
