"""The one path of administrative changes: decided, done and recorded in one transaction, or nothing at all.

It is that of the actions (`resolvers.commands.submission`), but that what is asked for is done at once: there is no
operation, and what was asked with one key is found in a table of its own.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy import BindParameter, bindparam, insert, select
from sqlmodel import SQLModel

from auth.administration import Administration, AdministrationGrant, AdministrationRule, decide_administration
from auth.audit.records import Decision as Audited
from auth.audit.records import Entry, append
from auth.errors import InsufficientUserAuthentication, ItcareError
from auth.mfa.approvals import spend_approval
from auth.permissions import Role
from auth.principal import Principal, Principals, set_scope
from auth.statements import Fetch, Statement
from auth.tables import Account, Factor, Membership, OrganizationMember, table, uuid7
from resolvers.commands.outcome import Outcome, Refused, Request
from resolvers.commands.recording import entry_of
from resolvers.commands.refusals import refusal_of
from resolvers.commands.transacting import KEY_REUSED, Rehearsed, take_turns, transact
from resolvers.context import Caller
from resolvers.events import Event, EventKind, append_events
from resolvers.tables import AdministrativeChange
from resolvers.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Done:
    """What was done: to what, of which type, and where it is; there is no id where nothing is left of it.

    What is done to an account, wherever it has its places, is in no organization.
    """

    subject_type: str
    subject_id: UUID | None
    organization_id: UUID | None
    cloud_id: UUID | None = None
    event: EventKind | None = None
    """What whoever sees into the Cloud is told has happened, if it is for them."""
    secret: str | None = field(default=None, repr=False)
    """A secret that was made, which the answer shows once."""


Change = Callable[[Transaction, AdministrationGrant, datetime], Awaitable[Done]]
"""Locks what a change is about, checks it, and changes it; raises Refused if it cannot be done."""

CHANGE: Final = table(AdministrativeChange)
_MINE: Final[BindParameter[UUID]] = bindparam("account_id")


def _lock(model: type[SQLModel], account: str = "account_id") -> Statement:
    of = table(model)
    return Statement(select(of.c[account]).where(of.c[account] == _MINE).with_for_update(read=True))


# What the decision rests on stays as it is until the change is committed: who withdraws it waits, or is seen here.
_LOCKS: Final = (_lock(Account, "id"), _lock(OrganizationMember), _lock(Factor))
# Where no profile is asked for, none is locked: two that withdraw each other's would wait for one another.
_LOCK_PROFILES: Final = _lock(Membership)
_ASKED_BEFORE: Final = Statement(
    select(CHANGE.c.subject_id, CHANGE.c.organization_id, CHANGE.c.cloud_id, CHANGE.c.input_digest).where(
        CHANGE.c.account_id == _MINE,
        CHANGE.c.administration == bindparam("administration"),
        CHANGE.c.idempotency_key == bindparam("idempotency_key"),
    )
)
_RECORD: Final = Statement(
    insert(CHANGE).values({column.name: bindparam(column.name, type_=column.type) for column in CHANGE.c})
)


async def asked_before(caller: Caller, rule: AdministrationRule, request: Request) -> Outcome | None:
    """Find what came of a change that the caller asked for with the same key; None without a key, or the first time.

    It is answered only while the caller sees where it was made.
    """
    return await _find(caller.loaders.snapshot.fetch, caller.principal, rule, request)


async def submit(caller: Caller, grant: AdministrationGrant, request: Request, change: Change) -> Outcome:
    """Decide once more under lock, change, and record it.

    Raises:
        ItcareError: what the grant rested on has been withdrawn, or the approval is spent.
    """
    if not isinstance(grant, AdministrationGrant):
        raise TypeError("Nothing is done without a grant.")
    organization_id = grant.target.organization_id
    place = None if organization_id is None else (organization_id, grant.target.cloud_id)

    def entry(decision: Audited, refusal: ItcareError | None) -> Entry:
        return entry_of(caller, grant.rule, request, decision, place=place, refusal=refusal)

    async def run(transaction: Transaction) -> Outcome:
        return await _run(transaction, caller, grant, request, change)

    return await transact(caller, request, run, entry)


async def _run(
    transaction: Transaction, caller: Caller, grant: AdministrationGrant, request: Request, change: Change
) -> Outcome:
    principal = await _decide_again(transaction, caller, grant)
    if request.idempotency_key is not None and not request.dry_run:
        await take_turns(transaction.fetch, f"{grant.account_id}:{grant.rule.label}:{request.idempotency_key}")
        found = await _find(transaction.fetch, principal, grant.rule, request)
        if found is not None:
            return found
    now = datetime.now(UTC)
    done = await change(transaction, grant, now)
    if request.dry_run:
        raise Rehearsed
    if grant.needs_approval and not await spend_approval(transaction.fetch, grant.account_id, request.approval, now):
        raise InsufficientUserAuthentication(grant.rule.mfa_max_age, grant.rule.mfa_binding.value)
    await _record(transaction.fetch, grant, request, done, now)
    entry = entry_of(
        caller,
        grant.rule,
        request,
        Audited.ALLOWED,
        place=None if grant.target.organization_id is None else (grant.target.organization_id, done.cloud_id),
        target_type=done.subject_type,
        target_id=done.subject_id,
    )
    # From here on, nobody else of this organization commits before this does.
    await append(transaction.fetch, [entry])
    await _announce(transaction, done, now)
    return Outcome(subject_id=done.subject_id, secret=done.secret)


async def _announce(transaction: Transaction, done: Done, now: datetime) -> None:
    if done.event is not None and done.organization_id is not None and done.subject_id is not None:
        event = Event(done.organization_id, done.cloud_id, done.event, done.subject_type, done.subject_id)
        transaction.events.append(event)
    await append_events(transaction.fetch, transaction.events, now)


async def _decide_again(transaction: Transaction, caller: Caller, grant: AdministrationGrant) -> Principal:
    # Without a scope, nothing is seen, and so nothing is locked; what is read before the locks decides nothing.
    await set_scope(transaction.fetch, grant.account_id, caller.claims.session_id)
    for lock in (*_LOCKS, _LOCK_PROFILES) if isinstance(grant.rule.who, Role) else _LOCKS:
        await transaction.fetch(lock, {"account_id": grant.account_id})
    principal = Principals().of(
        grant.account_id, await set_scope(transaction.fetch, grant.account_id, caller.claims.session_id)
    )
    again = decide_administration(
        caller.asker_as(principal),
        principal.scope.represented,
        grant.rule.administration,
        grant.target,
        datetime.now(UTC),
    )
    if not isinstance(again, AdministrationGrant):
        raise refusal_of(again, grant.rule)
    return principal


async def _find(fetch: Fetch, principal: Principal, rule: AdministrationRule, request: Request) -> Outcome | None:
    if request.idempotency_key is None:
        return None
    values = {
        "account_id": principal.account_id,
        "administration": rule.administration.value,
        "idempotency_key": request.idempotency_key,
    }
    found = await fetch(_ASKED_BEFORE, values)
    if not found:
        return None
    subject_id, organization_id, cloud_id, digest = found[0]
    if not _sees(principal, rule, organization_id, cloud_id):
        return None
    return Outcome(subject_id=subject_id) if digest == request.digest else Outcome(errors=(KEY_REUSED,))


def _sees(principal: Principal, rule: AdministrationRule, organization_id: UUID | None, cloud_id: UUID | None) -> bool:
    if isinstance(rule.who, Role):
        return cloud_id in principal.scope.resource_clouds
    return principal.scope.all_names or organization_id in principal.scope.organizations


async def _record(fetch: Fetch, grant: AdministrationGrant, request: Request, done: Done, now: datetime) -> None:
    administration: Administration = grant.rule.administration
    values = {
        "id": uuid7(),
        "account_id": grant.account_id,
        "administration": administration.value,
        "organization_id": done.organization_id,
        "cloud_id": done.cloud_id,
        "subject_id": done.subject_id,
        "change_reference": request.change_reference,
        "idempotency_key": request.idempotency_key,
        "input_digest": request.digest,
        "at": now,
    }
    try:
        await fetch(_RECORD, values)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "uq_administrative_change_idempotency_key":
            raise
        # For a change where the caller no longer sees anything.
        raise Refused(KEY_REUSED) from None
