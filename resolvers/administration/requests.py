"""Accounts that are requested by a security representative, and made or refused by the platform.

An address that has an account already, elsewhere, gets a place in the organization and no second account; the answers
to whom requested it are the same. So is what they are shown of it: nothing from before that place (`account_states`).
"""

from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import Text, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from auth.administration import AdministrationGrant
from auth.identity.clients import add_secret
from auth.identity.tables import AccountRequest
from auth.statements import Statement
from auth.tables import TIMESTAMP, Account, AccountKind, OrganizationMember, table, uuid7
from resolvers.administration.accounts import find_account_in
from resolvers.administration.invitations import invite, name_of
from resolvers.administration.submission import Change, Done
from resolvers.commands.outcome import Refused, UserError, UserErrorCode
from resolvers.letters import PlaceGiven
from resolvers.transaction import Transaction

FIRST_LABEL: Final = "first"
"""What the secret is called that an API account is made with."""

REQUEST, ACCOUNT, MEMBER = table(AccountRequest), table(Account), table(OrganizationMember)
_ADD: Final = Statement(
    insert(REQUEST).values({column.name: bindparam(column.name, type_=column.type) for column in REQUEST.c})
)
_THIS: Final = (REQUEST.c.organization_id == bindparam("organization_id"), REQUEST.c.id == bindparam("request_id"))
_LOCK: Final = Statement(select(REQUEST.c.kind, REQUEST.c.email).where(*_THIS).with_for_update())
_DECIDE: Final = Statement(
    update(REQUEST)
    .where(*_THIS)
    .values(
        decided_by_id=bindparam("by_id"),
        decided_by=bindparam("by"),
        decided_at=bindparam("now", type_=TIMESTAMP),
        account_id=bindparam("answer", type_=REQUEST.c.account_id.type),
    )
)
_ADD_ACCOUNT: Final = Statement(
    insert(ACCOUNT)
    .values({column.name: bindparam(column.name, type_=column.type) for column in ACCOUNT.c})
    .on_conflict_do_nothing(constraint="uq_account_email")
    .returning(ACCOUNT.c.id)
)
_OF_ADDRESS: Final = Statement(
    select(ACCOUNT.c.id, ACCOUNT.c.kind, ACCOUNT.c.is_platform, ACCOUNT.c.disabled_at).where(
        ACCOUNT.c.email == bindparam("email", type_=Text())
    )
)
_ADD_PLACE: Final = Statement(
    insert(MEMBER)
    .values({column.name: bindparam(column.name, type_=column.type) for column in MEMBER.c})
    .on_conflict_do_nothing()
)


def request_account(kind: AccountKind, email: str, reason: str | None, by: str, field: tuple[str, ...]) -> Change:
    """Ask for the account of a person, by their address, or for an API account, by its name, as `field` named it."""
    return partial(_request, kind, email.lower(), reason, by, field)


def approve_account(request_id: UUID, by: str) -> Change:
    """Make the account that was requested, with its place in the organization."""
    return partial(_approve, request_id, by)


def refuse_account(request_id: UUID, by: str) -> Change:
    """Refuse the account that was requested."""
    return partial(_refuse, request_id, by)


async def _request(
    kind: AccountKind,
    email: str,
    reason: str | None,
    by: str,
    field: tuple[str, ...],
    transaction: Transaction,
    grant: AdministrationGrant,
    now: datetime,
) -> Done:
    organization_id = _organization(grant)
    if await find_account_in(transaction.fetch, organization_id, email=email) is not None:
        raise Refused(UserError("There is such an account in the organization.", UserErrorCode.NAME_TAKEN, field))
    row: dict[str, Any] = dict.fromkeys(REQUEST.c.keys())
    row |= {
        "organization_id": organization_id,
        "id": uuid7(),
        "kind": kind.value,
        "email": email,
        "reason": reason,
        "requested_by_id": grant.account_id,
        "requested_by": by,
        "requested_at": now,
    }
    try:
        await transaction.fetch(_ADD, row)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "uq_account_request_open":
            raise
        raise Refused(UserError("This is requested already.", UserErrorCode.NAME_TAKEN, field)) from None
    return Done("AccountRequest", row["id"], organization_id)


async def _approve(
    request_id: UUID, by: str, transaction: Transaction, grant: AdministrationGrant, now: datetime
) -> Done:
    organization_id = _organization(grant)
    request = await _lock(transaction, organization_id, request_id)
    kind, email = AccountKind(request["kind"]), request["email"]
    if kind is AccountKind.API_ACCOUNT:
        account_id, secret = await _make_program(transaction, email, organization_id, by, now)
    else:
        account_id, secret = await _make_person(transaction, email, organization_id, now), None
    answer = {"by_id": grant.account_id, "by": by, "now": now, "answer": account_id}
    await transaction.fetch(_DECIDE, {"organization_id": organization_id, "request_id": request_id, **answer})
    return Done("AccountRequest", request_id, organization_id, secret=secret)


async def _refuse(
    request_id: UUID, by: str, transaction: Transaction, grant: AdministrationGrant, now: datetime
) -> Done:
    organization_id = _organization(grant)
    await _lock(transaction, organization_id, request_id)
    answer = {"by_id": grant.account_id, "by": by, "now": now, "answer": None}
    await transaction.fetch(_DECIDE, {"organization_id": organization_id, "request_id": request_id, **answer})
    return Done("AccountRequest", request_id, organization_id)


async def _lock(transaction: Transaction, organization_id: UUID, request_id: UUID) -> Any:
    """Lock a request that is open; raises Refused if it was decided since it was seen."""
    found = await transaction.fetch(_LOCK, {"organization_id": organization_id, "request_id": request_id})
    if not found:
        # Those that are decided cannot be locked any more, and are seen by the guard.
        raise _refused("It was decided already.", UserErrorCode.WRONG_STATUS)
    return found[0]


async def _make_program(
    transaction: Transaction, name: str, organization_id: UUID, by: str, now: datetime
) -> tuple[UUID, str]:
    account_id = await _add_account(transaction, AccountKind.API_ACCOUNT, name, organization_id, now)
    if account_id is None:
        raise _refused("There is another account of this name.", UserErrorCode.NAME_TAKEN)
    _, secret = await add_secret(transaction.fetch, organization_id, account_id, FIRST_LABEL, by, now)
    return account_id, secret


async def _make_person(transaction: Transaction, email: str, organization_id: UUID, now: datetime) -> UUID:
    """Give a person a place in an organization, and an account if they have none."""
    account_id = await _add_account(transaction, AccountKind.PERSON, email, None, now)
    if account_id is not None:
        await invite(transaction, account_id, email, now)
    else:
        account_id = await _find_person(transaction, email)
        transaction.letters.append(PlaceGiven(email, await name_of(transaction, organization_id)))
    place = {"organization_id": organization_id, "account_id": account_id, "is_security_representative": False}
    await transaction.fetch(_ADD_PLACE, {**place, "created_at": now})
    return account_id


async def _add_account(
    transaction: Transaction, kind: AccountKind, email: str, organization_id: UUID | None, now: datetime
) -> UUID | None:
    """Add an account; None if there is one of this address or name."""
    # An id that grows with time would tell how old the account is.
    account = Account(id=uuid4(), kind=kind.value, email=email, organization_id=organization_id, created_at=now)
    added = await transaction.fetch(_ADD_ACCOUNT, account.model_dump())
    return added[0]["id"] if added else None


async def _find_person(transaction: Transaction, email: str) -> UUID:
    """Find the person who has an address; raises Refused if it is no person who can be given a place."""
    (account,) = await transaction.fetch(_OF_ADDRESS, {"email": email})
    if account["kind"] == AccountKind.API_ACCOUNT or account["is_platform"]:
        raise _refused(
            "The address is that of an account that belongs to no further organization.", UserErrorCode.IN_USE
        )
    if account["disabled_at"] is not None:
        raise _refused("The address has an account that is disabled: enable it first.", UserErrorCode.WRONG_STATUS)
    found: UUID = account["id"]
    return found


def _refused(message: str, code: UserErrorCode) -> Refused:
    return Refused(UserError(message, code, ("requestId",)))


def _organization(grant: AdministrationGrant) -> UUID:
    organization_id = grant.target.organization_id
    assert organization_id is not None  # noqa: S101 - nothing is decided without it
    return organization_id
