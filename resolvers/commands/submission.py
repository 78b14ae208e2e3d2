"""The one path of commands: decided, done and recorded in one transaction, or nothing at all."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy import ARRAY, Uuid, and_, any_, bindparam, select

from auth.audit.records import Decision as Audited
from auth.audit.records import Entry, append
from auth.decisions import Grant, decide
from auth.errors import InsufficientUserAuthentication, ItcareError
from auth.mfa.approvals import spend_approval
from auth.permissions import Action
from auth.principal import Principals, set_scope
from auth.statements import Fetch, Statement
from auth.tables import Account, Factor, Membership, table, uuid7
from resolvers.commands.locking import BUSY
from resolvers.commands.outcome import Changed, Outcome, Refused, Request
from resolvers.commands.recording import entry_of
from resolvers.commands.refusals import refusal_of
from resolvers.commands.resources import inserting
from resolvers.commands.transacting import KEY_REUSED, Rehearsed, take_turns, transact
from resolvers.context import Caller
from resolvers.events import append_events
from resolvers.operations.queue import enqueue
from resolvers.operations.records import updated
from resolvers.tables import Operation, OperationSecret, OperationStatus, OperationStep
from resolvers.transaction import Transaction

Change = Callable[[Transaction, Grant, datetime], Awaitable[Changed]]
"""Locks what a command is about, checks it, and changes it; raises Refused if it cannot be done."""

OPERATION: Final = table(Operation)
STEP: Final = table(OperationStep)
SECRET: Final = table(OperationSecret)
ACCOUNT, MEMBERSHIP, FACTOR = table(Account), table(Membership), table(Factor)
_MINE: Final = (MEMBERSHIP.c.account_id == bindparam("account_id"), MEMBERSHIP.c.cloud_id == bindparam("cloud_id"))

# What the decision rests on stays as it is until the command is committed: who withdraws it waits, or is seen here.
_LOCKS: Final = (
    Statement(select(ACCOUNT.c.id).where(ACCOUNT.c.id == bindparam("account_id")).with_for_update(read=True)),
    Statement(select(MEMBERSHIP.c.profile).where(*_MINE).with_for_update(read=True)),
    Statement(select(FACTOR.c.id).where(FACTOR.c.account_id == bindparam("account_id")).with_for_update(read=True)),
)
_ASKED_BEFORE: Final = Statement(
    select(OPERATION.c.id, OPERATION.c.cloud_id, OPERATION.c.subject_id, OPERATION.c.input_digest).where(
        and_(
            # By them the index of the key begins.
            OPERATION.c.organization_id == any_(bindparam("organizations", type_=ARRAY(Uuid()))),
            OPERATION.c.submitted_by_id == bindparam("account_id"),
            OPERATION.c.action == bindparam("action"),
            OPERATION.c.idempotency_key == bindparam("idempotency_key"),
        )
    )
)


async def asked_before(caller: Caller, action: Action, request: Request) -> Outcome | None:
    """Find the operation that the caller was given for the same key; None without a key, or the first time.

    It is answered only while the caller sees into its Cloud.
    """
    return await _find(caller.loaders.snapshot.fetch, caller, action, request)


async def submit(caller: Caller, grant: Grant, request: Request, change: Change) -> Outcome:
    """Decide once more under lock, change, and record the operation.

    Raises:
        ItcareError: what the grant rested on has been withdrawn, or the approval is spent.
    """
    if not isinstance(grant, Grant):
        raise TypeError("Nothing is done without a grant.")
    place = (grant.organization_id, grant.cloud_id)

    def entry(decision: Audited, refusal: ItcareError | None) -> Entry:
        return entry_of(caller, grant.privilege, request, decision, place=place, refusal=refusal)

    async def run(transaction: Transaction) -> Outcome:
        return await _run(transaction, caller, grant, request, change)

    return await transact(caller, request, run, entry)


async def _run(transaction: Transaction, caller: Caller, grant: Grant, request: Request, change: Change) -> Outcome:
    await _decide_again(transaction, caller, grant)
    if request.idempotency_key is not None and not request.dry_run:
        key = f"{grant.account_id}:{grant.privilege.label}:{request.idempotency_key}"
        await take_turns(transaction.fetch, key)
        found = await _find(transaction.fetch, caller, grant.privilege.action, request)
        if found is not None:
            return found
    now = datetime.now(UTC)
    changed = await change(transaction, grant, now)
    if request.dry_run:
        raise Rehearsed
    if grant.needs_approval and not await spend_approval(transaction.fetch, grant.account_id, request.approval, now):
        raise InsufficientUserAuthentication(grant.privilege.mfa_max_age, grant.privilege.mfa_binding.value)
    operation_id = await _record(transaction, caller, grant, request, changed, now)
    await enqueue(transaction, operation_id)
    place = (grant.organization_id, grant.cloud_id)
    about = changed.subject_id or (changed.resource and changed.resource["id"])
    entry = entry_of(caller, grant.privilege, request, Audited.ALLOWED, place=place, target_id=about)
    transaction.events.append(updated(grant, operation_id, OperationStatus.IN_PROGRESS, 0))
    # Last: from here on, nobody else of this organization commits before this does.
    await append(transaction.fetch, [entry])
    await append_events(transaction.fetch, transaction.events, now)
    return Outcome(operation_id, changed.subject_id, secret=changed.secret)


async def _decide_again(transaction: Transaction, caller: Caller, grant: Grant) -> None:
    values = {"account_id": grant.account_id, "cloud_id": grant.cloud_id}
    # Without a scope, nothing is seen, and so nothing is locked; what is read before the locks decides nothing.
    await set_scope(transaction.fetch, grant.account_id, caller.claims.session_id)
    for lock in _LOCKS:
        await transaction.fetch(lock, values)
    principal = Principals().of(
        grant.account_id, await set_scope(transaction.fetch, grant.account_id, caller.claims.session_id)
    )
    again = decide(caller.asker_as(principal), grant.privilege.action, grant.cloud_id, datetime.now(UTC))
    if not isinstance(again, Grant):
        raise refusal_of(again, grant.privilege)


async def _find(fetch: Fetch, caller: Caller, action: Action, request: Request) -> Outcome | None:
    if request.idempotency_key is None:
        return None
    values = {
        "organizations": list(caller.principal.scope.resource_organizations),
        "account_id": caller.principal.account_id,
        "action": action.value,
        "idempotency_key": request.idempotency_key,
    }
    found = await fetch(_ASKED_BEFORE, values)
    if not found:
        return None
    operation_id, cloud_id, subject_id, digest = found[0]
    cloud = caller.principal.clouds_by_id.get(cloud_id)
    if cloud is None or not cloud.sees_resources:
        return None
    return Outcome(operation_id, subject_id) if digest == request.digest else Outcome(errors=(KEY_REUSED,))


async def _record(
    transaction: Transaction, caller: Caller, grant: Grant, request: Request, changed: Changed, now: datetime
) -> UUID:
    """Record the operation with its steps, of which none has begun."""
    operation_id, resource = uuid7(), changed.resource
    organization_id, cloud_id = grant.organization_id, grant.cloud_id
    operation = Operation(
        organization_id=organization_id,
        cloud_id=cloud_id,
        id=operation_id,
        action=grant.privilege.action,
        resource_id=resource and resource["id"],
        resource_name=resource and resource["name"],
        resource_type=resource and resource["type"],
        subject_id=changed.subject_id,
        parameters=dict(changed.parameters),
        submitted_by_id=grant.account_id,
        submitted_by=caller.principal.email,
        submitted_at=now,
        last_updated_at=now,
        change_reference=request.change_reference,
        idempotency_key=request.idempotency_key,
        input_digest=request.digest,
    )
    try:
        await transaction.fetch(inserting(OPERATION), operation.model_dump())
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "uq_operation_open":
            raise Refused(BUSY) from None
        if error.constraint_name != "uq_operation_idempotency_key":
            raise
        # For an operation in a Cloud that the caller no longer sees.
        raise Refused(KEY_REUSED) from None
    for position, (name, subject_id) in enumerate(changed.steps):
        step = OperationStep(
            organization_id=organization_id,
            cloud_id=cloud_id,
            operation_id=operation_id,
            position=position,
            name=name,
            subject_id=subject_id,
            status=OperationStatus.IN_PROGRESS,
        )
        await transaction.fetch(inserting(STEP), step.model_dump())
    if changed.secret is not None:
        sealed = caller.secrets.seal(operation_id, changed.secret.encode())
        secret = OperationSecret(
            organization_id=organization_id, cloud_id=cloud_id, operation_id=operation_id, sealed=sealed
        )
        await transaction.fetch(inserting(SECRET), secret.model_dump())
    return operation_id
