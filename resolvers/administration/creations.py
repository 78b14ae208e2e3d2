"""Creating organizations, Clouds and Services, and asking for a Cloud, which may be refused."""

from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import Table, bindparam, insert, select, update

from auth.administration import AdministrationGrant
from auth.statements import Statement
from auth.tables import TIMESTAMP, Cloud, Organization, table, uuid7
from resolvers.administration.submission import Change, Done
from resolvers.commands.outcome import Refused, UserError, UserErrorCode
from resolvers.events import EventKind
from resolvers.tables import CloudRequest, Service
from resolvers.transaction import Transaction

ORGANIZATION, CLOUD = table(Organization), table(Cloud)
SERVICE, REQUEST = table(Service), table(CloudRequest)


def _insert(into: Table) -> Statement:
    return Statement(insert(into).values({column.name: bindparam(column.name, type_=column.type) for column in into.c}))


_ADD_ORGANIZATION, _ADD_CLOUD = _insert(ORGANIZATION), _insert(CLOUD)
_ADD_SERVICE, _ADD_REQUEST = _insert(SERVICE), _insert(REQUEST)
_THIS: Final = (
    REQUEST.c.organization_id == bindparam("organization_id"),
    REQUEST.c.id == bindparam("request_id"),
)
_LOCK_REQUEST: Final = Statement(
    select(REQUEST.c.cloud_id, REQUEST.c.refused_at, REQUEST.c.name).where(*_THIS).with_for_update()
)
_ANSWER_REQUEST: Final = Statement(update(REQUEST).where(*_THIS).values(cloud_id=bindparam("answer")))
_REFUSE_REQUEST: Final = Statement(
    update(REQUEST)
    .where(*_THIS)
    .values(refused_by_id=bindparam("by_id"), refused_by=bindparam("by"), refused_at=bindparam("now", type_=TIMESTAMP))
)


def create_organization(code: str, name: str, is_group: bool, cloud_code: str, cloud_name: str) -> Change:
    """Create an organization with its default Cloud."""
    organization = {"code": code, "name": name, "is_group": is_group}
    return partial(_create_organization, organization, {"code": cloud_code, "name": cloud_name})


def request_cloud(name: str, reason: str | None, by: str) -> Change:
    """Ask for a further Cloud."""
    return partial(_request_cloud, name, reason, by)


def create_cloud(code: str, name: str | None, request_id: UUID | None) -> Change:
    """Create a Cloud, of a request if there is one; it is called as was asked for unless it is given a name."""
    return partial(_create_cloud, code, name, request_id)


def refuse_cloud(request_id: UUID, by: str) -> Change:
    """Refuse a Cloud that was requested."""
    return partial(_refuse_cloud, request_id, by)


def create_service(name: str, description: str | None) -> Change:
    """Create a Service, whose name is its own in its Cloud."""
    return partial(_create_service, name, description)


async def _create_organization(
    organization: dict[str, Any],
    cloud: dict[str, Any],
    transaction: Transaction,
    _grant: AdministrationGrant,
    now: datetime,
) -> Done:
    id_, times = uuid7(), {"created_at": now}
    await _add(
        transaction, _ADD_ORGANIZATION, {**organization, **times, "id": id_}, "uq_organization_code", ("code",), "code"
    )
    row: dict[str, Any] = {**cloud, **times, "organization_id": id_, "id": uuid7(), "is_default": True}
    await _add(transaction, _ADD_CLOUD, row, "uq_cloud_code", ("cloudCode",), "code")
    return Done("Organization", id_, id_, event=EventKind.CREATED)


async def _request_cloud(
    name: str,
    reason: str | None,
    by: str,
    transaction: Transaction,
    grant: AdministrationGrant,
    now: datetime,
) -> Done:
    organization_id = _organization(grant)
    row: dict[str, Any] = {
        "organization_id": organization_id,
        "id": uuid7(),
        "name": name,
        "reason": reason,
        "requested_by_id": grant.account_id,
        "requested_by": by,
        "requested_at": now,
        "cloud_id": None,
        "refused_by_id": None,
        "refused_by": None,
        "refused_at": None,
    }
    await _add(transaction, _ADD_REQUEST, row, "uq_cloud_request_open", ("name",), "name, as an open request")
    return Done("CloudRequest", row["id"], organization_id)


async def _create_cloud(
    code: str,
    name: str | None,
    request_id: UUID | None,
    transaction: Transaction,
    grant: AdministrationGrant,
    now: datetime,
) -> Done:
    organization_id = _organization(grant)
    key = None if request_id is None else {"organization_id": organization_id, "request_id": request_id}
    if key is not None:
        requested = await _lock_request(transaction, key)
        name = name or requested["name"]
    row: dict[str, Any] = {
        "organization_id": organization_id,
        "id": uuid7(),
        "code": code,
        "name": name,
        "is_default": False,
        "created_at": now,
    }
    await _add(transaction, _ADD_CLOUD, row, "uq_cloud_code", ("code",), "code")
    if key is not None:
        await transaction.fetch(_ANSWER_REQUEST, {**key, "answer": row["id"]})
    return Done("Cloud", row["id"], organization_id, row["id"], EventKind.CREATED)


async def _refuse_cloud(
    request_id: UUID, by: str, transaction: Transaction, grant: AdministrationGrant, now: datetime
) -> Done:
    key = {"organization_id": _organization(grant), "request_id": request_id}
    await _lock_request(transaction, key)
    await transaction.fetch(_REFUSE_REQUEST, {**key, "by_id": grant.account_id, "by": by, "now": now})
    return Done("CloudRequest", request_id, key["organization_id"])


async def _lock_request(transaction: Transaction, key: dict[str, UUID]) -> Any:
    """Lock a request that is open; raises Refused if there is none."""
    found = await transaction.fetch(_LOCK_REQUEST, key)
    if not found:
        message = "There is no such request of this organization."
        raise Refused(UserError(message, UserErrorCode.NOT_FOUND, ("requestId",)))
    if found[0]["cloud_id"] is not None:
        message = "A Cloud was created of this request already."
        raise Refused(UserError(message, UserErrorCode.WRONG_STATUS, ("requestId",)))
    if found[0]["refused_at"] is not None:
        raise Refused(UserError("This request was refused.", UserErrorCode.WRONG_STATUS, ("requestId",)))
    return found[0]


async def _create_service(
    name: str, description: str | None, transaction: Transaction, grant: AdministrationGrant, now: datetime
) -> Done:
    organization_id, cloud_id = _organization(grant), grant.target.cloud_id
    row: dict[str, Any] = {
        "organization_id": organization_id,
        "cloud_id": cloud_id,
        "id": uuid7(),
        "name": name,
        "description": description,
        "created_at": now,
    }
    constraint = "uq_service_organization_id_cloud_id_name"
    await _add(transaction, _ADD_SERVICE, row, constraint, ("name",), "name in the Cloud")
    return Done("Service", row["id"], organization_id, cloud_id, EventKind.CREATED)


async def _add(
    transaction: Transaction,
    statement: Statement,
    row: dict[str, Any],
    constraint: str,
    field: tuple[str, ...],
    what: str,
) -> None:
    """Add a row; whose code or name it is, if that is taken, is not for the answer to say."""
    try:
        await transaction.fetch(statement, row)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != constraint:
            raise
        raise Refused(UserError(f"There is another of this {what}.", UserErrorCode.NAME_TAKEN, field)) from None


def _organization(grant: AdministrationGrant) -> UUID:
    organization_id = grant.target.organization_id
    assert organization_id is not None  # noqa: S101 - nothing is decided without it
    return organization_id
