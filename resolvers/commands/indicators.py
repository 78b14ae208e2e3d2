"""What is done to indicators of Services."""

from datetime import datetime
from functools import partial
from math import isfinite
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import Text, Uuid, and_, bindparam, exists, literal_column, or_, select

from auth.decisions import Grant
from auth.errors import NotFound
from auth.permissions import Action
from auth.statements import Statement
from auth.tables import table, uuid7
from resolvers.commands.effects import Work, takes_effect
from resolvers.commands.locking import require_idle, require_revision, take_service
from resolvers.commands.outcome import Changed, Refused, Step, UserError, UserErrorCode
from resolvers.commands.placing import check_name
from resolvers.commands.resources import add_row, change_row, delete_row, in_place, key_of
from resolvers.commands.submission import Change
from resolvers.commands.targets import wrong_target
from resolvers.tables import Indicator, IndicatorKind, Operation, OperationStatus
from resolvers.transaction import Transaction

NAME, TARGET, THRESHOLD = ("name",), ("target",), ("threshold",)

INDICATOR, OPERATION = table(Indicator), table(Operation)
_NAMES: Final = "uq_indicator_organization_id_service_id_name"
_FIND: Final = Statement(select(INDICATOR.c.service_id).where(*in_place(INDICATOR)))
_LOCK: Final = Statement(
    select(INDICATOR.c.kind, INDICATOR.c.target, INDICATOR.c.revision).where(*in_place(INDICATOR)).with_for_update(),
)
_OTHER: Final = and_(
    INDICATOR.c.organization_id == bindparam("organization_id"),
    INDICATOR.c.service_id == bindparam("service_id"),
    INDICATOR.c.id != bindparam("id", type_=Uuid()),
)
# An indicator has its old name until it has its new one: until then, both are taken.
_TAKEN: Final = Statement(
    select(
        or_(
            exists().where(_OTHER, INDICATOR.c.name == bindparam("name")),
            exists(
                select(literal_column("1"))
                .select_from(INDICATOR)
                .join(
                    OPERATION,
                    and_(
                        OPERATION.c.organization_id == INDICATOR.c.organization_id,
                        OPERATION.c.resource_id.is_(None),
                        OPERATION.c.subject_id == INDICATOR.c.id,
                        OPERATION.c.status == literal_column(f"'{OperationStatus.IN_PROGRESS.value}'"),
                        OPERATION.c.action == literal_column(f"'{Action.UPDATE_INDICATOR.value}'"),
                    ),
                )
                .where(_OTHER, OPERATION.c.parameters["name"].astext == bindparam("name", type_=Text()))
            ),
        )
    )
)


def check_indicator(values: dict[str, Any]) -> list[UserError]:
    """Check what can be checked by themselves of the values of an indicator, or of those of them that are to change."""
    found = check_name(values["name"], NAME) if "name" in values else []
    threshold = values.get("threshold")
    if threshold is not None and not isfinite(threshold):
        found.append(UserError("A threshold is a finite number.", UserErrorCode.INVALID_VALUE, THRESHOLD))
    if "kind" in values and "target" in values:
        found += _check_target(values["kind"], values["target"])
    return found


def check_changes(values: dict[str, Any]) -> list[UserError]:
    """Check what is to change of an indicator: something, and none of what it must have away."""
    if not values:
        return [UserError("Say what is to be changed.", UserErrorCode.INVALID_VALUE)]
    missing = [name for name in ("name", "kind", "target") if name in values and values[name] is None]
    found = [
        UserError("An indicator has one: leave it out to keep it.", UserErrorCode.INVALID_VALUE, (name,))
        for name in missing
    ]
    return found + check_indicator({name: value for name, value in values.items() if name not in missing})


def _check_target(kind: str, target: str) -> list[UserError]:
    wrong = wrong_target(IndicatorKind(kind), target)
    return [] if wrong is None else [UserError(wrong, UserErrorCode.INVALID_VALUE, TARGET)]


def create_indicator(service_id: UUID, values: dict[str, Any]) -> Change:
    """Add an indicator to a Service, with `name`, `kind`, `target` and `threshold`."""
    return partial(_create, service_id, values)


async def _create(
    service_id: UUID, values: dict[str, Any], transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    await take_service(transaction, grant, service_id)
    row = Indicator(
        organization_id=grant.organization_id,
        cloud_id=grant.cloud_id,
        id=uuid7(),
        service_id=service_id,
        created_at=now,
        **values,
    )
    await _require_free(transaction, grant, service_id, row.id, row.name)
    try:
        await add_row(transaction, row)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != _NAMES:
            raise
        raise _taken() from None
    return Changed([Step("Begin to look at the target")], subject_id=row.id, parameters=values)


async def _not_created(transaction: Transaction, work: Work) -> None:
    await delete_row(transaction, work, Indicator, work.subject)


takes_effect(Action.CREATE_INDICATOR, failed=_not_created, said="Created.")


def update_indicator(indicator_id: UUID, values: dict[str, Any], expected_revision: int | None) -> Change:
    """Change those values of an indicator that are given."""
    return partial(_update, indicator_id, values, expected_revision)


async def _update(
    indicator_id: UUID,
    values: dict[str, Any],
    expected_revision: int | None,
    transaction: Transaction,
    grant: Grant,
    now: datetime,
) -> Changed:
    service_id, indicator = await _lock_indicator(transaction, grant, indicator_id, expected_revision)
    wrong = []
    if "kind" in values or "target" in values:
        wrong += _check_target(values.get("kind", indicator["kind"]), values.get("target", indicator["target"]))
    if wrong:
        raise Refused(*wrong)
    if "name" in values:
        await _require_free(transaction, grant, service_id, indicator_id, values["name"])
    return Changed([Step("Change what is looked at")], subject_id=indicator_id, parameters=values)


async def _updated(transaction: Transaction, work: Work) -> None:
    await change_row(transaction, work, Indicator, work.subject, **work.parameters)


takes_effect(Action.UPDATE_INDICATOR, done=_updated, said="Changed.")


def delete_indicator(indicator_id: UUID, expected_revision: int | None) -> Change:
    """Delete an indicator."""
    return partial(_delete, indicator_id, expected_revision)


async def _delete(
    indicator_id: UUID, expected_revision: int | None, transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    await _lock_indicator(transaction, grant, indicator_id, expected_revision)
    return Changed([Step("Look at the target no more")], subject_id=indicator_id)


async def _deleted(transaction: Transaction, work: Work) -> None:
    await delete_row(transaction, work, Indicator, work.subject)


takes_effect(Action.DELETE_INDICATOR, done=_deleted, said="Deleted.")


async def _lock_indicator(
    transaction: Transaction, grant: Grant, indicator_id: UUID, expected_revision: int | None
) -> tuple[UUID, Any]:
    """Lock an indicator that nothing is at work on, and its Service before it; gives the Service's id, and its row."""
    key = key_of(grant, indicator_id)
    found = await transaction.fetch(_FIND, key)
    if not found:
        raise NotFound(grant.privilege.target)
    ((service_id,),) = found
    await take_service(transaction, grant, service_id)
    locked = await transaction.fetch(_LOCK, key)
    if not locked:
        raise NotFound(grant.privilege.target)
    require_revision(locked[0], expected_revision)
    await require_idle(transaction, grant, indicator_id)
    return service_id, locked[0]


async def _require_free(
    transaction: Transaction, grant: Grant, service_id: UUID, indicator_id: UUID, name: str
) -> None:
    values = {**key_of(grant, indicator_id), "service_id": service_id, "name": name}
    if (await transaction.fetch(_TAKEN, values))[0][0]:
        raise _taken()


def _taken() -> Refused:
    return Refused(UserError("An indicator of this name is in the Service.", UserErrorCode.NAME_TAKEN, NAME))
