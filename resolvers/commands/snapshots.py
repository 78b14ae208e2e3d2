"""What is done to snapshots of instances."""

import math
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import bindparam, func, select

from auth.decisions import Grant
from auth.errors import NotFound
from auth.permissions import Action
from auth.statements import Statement
from auth.tables import table
from resolvers.commands.effects import Work, takes_effect
from resolvers.commands.locking import lock_resource
from resolvers.commands.outcome import Changed, Refused, Step, UserError, UserErrorCode
from resolvers.commands.placing import check_name, check_text
from resolvers.commands.resources import (
    add_row,
    change_resource,
    change_row,
    delete_row,
    in_place,
    key_of,
    set_status,
)
from resolvers.commands.submission import Change
from resolvers.tables import Instance, ResourceStatus, Snapshot
from resolvers.transaction import Transaction

MOST_SNAPSHOTS: Final = 10
"""How many are kept of one instance, the expired ones among them until they are deleted: each costs a disk's room."""
LONGEST_KEPT: Final = timedelta(days=3660)
LONGEST_DESCRIPTION: Final = 1000
LABEL_FIELD: Final = ("label",)

SNAPSHOT, INSTANCE = table(Snapshot), table(Instance)
_LABELS: Final = "uq_snapshot_organization_id_resource_id_label"
_OF_INSTANCE: Final = (
    SNAPSHOT.c.organization_id == bindparam("organization_id"),
    SNAPSHOT.c.cloud_id == bindparam("cloud_id"),
    SNAPSHOT.c.resource_id == bindparam("id"),
)
_KEPT: Final = Statement(
    select(func.count(), func.coalesce(func.bool_or(SNAPSHOT.c.label == bindparam("label")), False)).where(
        *_OF_INSTANCE
    )
)
_DISK: Final = Statement(
    select(INSTANCE.c.disk_gb).where(
        INSTANCE.c.organization_id == bindparam("organization_id"),
        INSTANCE.c.cloud_id == bindparam("cloud_id"),
        INSTANCE.c.resource_id == bindparam("id"),
    )
)
_FIND: Final = Statement(
    select(SNAPSHOT.c.resource_id, SNAPSHOT.c.label, SNAPSHOT.c.expires_at).where(*in_place(SNAPSHOT))
)


def check_snapshot(
    now: datetime, *, label: str | None, description: str | None, expires_at: datetime | None
) -> list[UserError]:
    """Check what can be checked of a snapshot by itself."""
    found = [] if label is None else check_name(label, LABEL_FIELD)
    found += check_text(description, ("description",), LONGEST_DESCRIPTION)
    if expires_at is not None and not now < expires_at <= now + LONGEST_KEPT:
        message = f"A snapshot expires in the future, at most {LONGEST_KEPT.days} days on."
        found.append(UserError(message, UserErrorCode.INVALID_VALUE, ("expiresAt",)))
    return found


def create_snapshot(
    instance_id: UUID,
    *,
    label: str | None,
    description: str | None,
    expires_at: datetime | None,
    by: str,
    change_reference: str | None,
) -> Change:
    """Take a snapshot of an instance; without a label, it is called by the time."""
    values = {
        "label": label,
        "description": description,
        "expires_at": expires_at,
        "created_by": by,
        "change_reference": change_reference,
    }
    return partial(_create, instance_id, values)


async def _create(
    instance_id: UUID, values: dict[str, Any], transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    instance = await lock_resource(transaction, grant, instance_id, None)
    label = values["label"] or now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    key = key_of(grant, instance_id)
    ((kept, is_taken),) = await transaction.fetch(_KEPT, {**key, "label": label})
    wrong = []
    if kept >= MOST_SNAPSHOTS:
        message = f"An instance has at most {MOST_SNAPSHOTS} snapshots: delete one first."
        wrong.append(UserError(message, UserErrorCode.LIMIT_REACHED))
    if is_taken:
        wrong.append(_TAKEN)
    if wrong:
        raise Refused(*wrong)
    ((disk_gb,),) = await transaction.fetch(_DISK, key)
    snapshot = Snapshot(
        organization_id=grant.organization_id,
        cloud_id=grant.cloud_id,
        resource_id=instance_id,
        size_gb=0,
        created_at=now,
        **{**values, "label": label},
    )
    try:
        await add_row(transaction, snapshot)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != _LABELS:
            raise
        raise Refused(_TAKEN) from None
    await change_resource(transaction, grant, instance_id, now)
    parameters = {"label": label, "diskGb": disk_gb}
    return Changed([Step("Take the snapshot")], instance, snapshot.id, parameters)


_TAKEN: Final = UserError("A snapshot of this label is kept of the instance.", UserErrorCode.NAME_TAKEN, LABEL_FIELD)


async def _created(transaction: Transaction, work: Work) -> None:
    size = work.facts.get("sizeGb")
    is_known = isinstance(size, int | float) and not isinstance(size, bool) and 0 <= size < math.inf
    size_gb = float(size if is_known and size is not None else work.parameters["diskGb"])
    await change_row(transaction, work, Snapshot, work.subject, size_gb=size_gb)


async def _deleted(transaction: Transaction, work: Work) -> None:
    await delete_row(transaction, work, Snapshot, work.subject)
    await change_resource(transaction, work, work.resource, work.now)


takes_effect(Action.CREATE_SNAPSHOT, done=_created, failed=_deleted, said="Taken.")


async def _lock_snapshot(
    transaction: Transaction, grant: Grant, snapshot_id: UUID, expected_revision: int | None
) -> tuple[Any, Any]:
    """Lock the instance of a snapshot, and so the snapshot; give both.

    Raises:
        NotFound: it has gone.
        Refused: the action cannot be run on the instance now.
    """
    key = key_of(grant, snapshot_id)
    found = await transaction.fetch(_FIND, key)
    if not found:
        raise NotFound(grant.privilege.target)
    instance = await lock_resource(transaction, grant, found[0]["resource_id"], expected_revision)
    # It may have been deleted while the lock was waited for.
    found = await transaction.fetch(_FIND, key)
    if not found:
        raise NotFound(grant.privilege.target)
    return instance, found[0]


def recover_snapshot(snapshot_id: UUID, expected_revision: int | None) -> Change:
    """Bring an inactive instance back to a snapshot that has not expired; it is in preparation meanwhile."""
    return partial(_recover, snapshot_id, expected_revision)


async def _recover(
    snapshot_id: UUID, expected_revision: int | None, transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    instance, snapshot = await _lock_snapshot(transaction, grant, snapshot_id, expected_revision)
    if snapshot["expires_at"] is not None and snapshot["expires_at"] <= now:
        raise Refused(UserError("The snapshot has expired.", UserErrorCode.EXPIRED))
    await set_status(transaction, grant, instance["id"], ResourceStatus.PREPARATION, now)
    return Changed([Step("Recover the snapshot")], instance, snapshot_id, {"label": snapshot["label"]})


async def _recovered(transaction: Transaction, work: Work) -> None:
    await change_row(transaction, work, Snapshot, work.subject, recovered_at=work.now)
    await _inactive(transaction, work)


async def _inactive(transaction: Transaction, work: Work) -> None:
    await set_status(transaction, work, work.resource, ResourceStatus.INACTIVE, work.now)


takes_effect(Action.RECOVER_SNAPSHOT, done=_recovered, failed=_inactive, said="Recovered.")


def delete_snapshot(snapshot_id: UUID, expected_revision: int | None) -> Change:
    """Delete a snapshot."""
    return partial(_delete, snapshot_id, expected_revision)


async def _delete(
    snapshot_id: UUID, expected_revision: int | None, transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    instance, snapshot = await _lock_snapshot(transaction, grant, snapshot_id, expected_revision)
    return Changed([Step("Delete the snapshot")], instance, snapshot_id, {"label": snapshot["label"]})


takes_effect(Action.DELETE_SNAPSHOT, done=_deleted, said="Deleted.")
