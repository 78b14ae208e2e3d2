"""What becomes of accounts: invited once more, disabled and enabled, linked; their factors approved and reset.

Another's account is written by functions of the database alone, each of which looks once more at who is asking.
"""

from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, func, select

from auth.administration import AdministrationGrant
from auth.identity import foreign
from auth.statements import Statement
from auth.tables import TIMESTAMP, Account, AccountKind, FactorKind, table
from resolvers.administration.accounts import NO_ACCOUNT, find_account_in
from resolvers.administration.invitations import invite, name_of
from resolvers.administration.submission import Change, Done
from resolvers.commands.outcome import Refused, UserError, UserErrorCode
from resolvers.letters import FactorApproved, IdentityLinked, PlaceGiven
from resolvers.reads.accounts import states_of
from resolvers.transaction import Transaction

ACCOUNT: Final = table(Account)
_TARGET: Final = bindparam("target", type_=Uuid())
_NOW: Final = bindparam("now", type_=TIMESTAMP)
_FIND: Final = Statement(select(ACCOUNT.c.email, ACCOUNT.c.kind, ACCOUNT.c.disabled_at).where(ACCOUNT.c.id == _TARGET))
_HAS_SIGNED_IN: Final = Statement(select(func.has_signed_in(bindparam("organization_id", type_=Uuid()), _TARGET)))
_DISABLE: Final = Statement(select(func.disable_account(_TARGET, bindparam("by", type_=Text()), _NOW)))
_ENABLE: Final = Statement(select(func.enable_account(_TARGET)))
_RESET: Final = Statement(select(func.reset_factors(_TARGET, _NOW)))
_APPROVE: Final = Statement(
    select(
        func.approve_factor(bindparam("organization_id", type_=Uuid()), _TARGET, bindparam("kind", type_=Text()), _NOW)
    )
)


def resend_invitation() -> Change:
    """Send another invitation to the person whom the decision was about, unless they have signed in."""
    return _resend


def disable_account(by: str) -> Change:
    """Disable the account that the decision was about, with all that it holds."""
    return partial(_disable, by)


def enable_account() -> Change:
    """Let the account that the decision was about sign in again; a person is invited, as the first time."""
    return _enable


def link_identity(issuer: str, subject: str) -> Change:
    """Say that a foreign issuer's subject is the person whom the decision was about, and tell them."""
    return partial(_link, issuer, subject)


def unlink_identity(issuer: str, subject: str) -> Change:
    """Take that back."""
    return partial(_unlink, issuer, subject)


def approve_factor(kind: FactorKind) -> Change:
    """Let a factor of the account that the decision was about serve from now on."""
    return partial(_approve, kind)


def reset_factors() -> Change:
    """End what the person signs in with whom the decision was about, and invite them anew."""
    return _reset


async def _resend(transaction: Transaction, grant: AdministrationGrant, now: datetime) -> Done:
    organization_id, target = grant.target.organization_id, _account(grant)
    assert organization_id is not None  # noqa: S101 - nothing is decided without it
    account = await find_account_in(transaction.fetch, organization_id, account_id=target)
    if account is None or not account.is_active or account.kind is not AccountKind.PERSON:
        raise Refused(NO_ACCOUNT)
    (state,) = await states_of(transaction.fetch, [target])
    if state.signed_in_at is not None:
        raise Refused(UserError("This person has signed in already.", UserErrorCode.WRONG_STATUS, ("account",)))
    values = {"organization_id": organization_id, "target": target}
    ((has_signed_in,),) = await transaction.fetch(_HAS_SIGNED_IN, values)
    if has_signed_in:
        # Elsewhere: they need no link, and who asks is not told.
        transaction.letters.append(PlaceGiven(account.email, await name_of(transaction, organization_id)))
    else:
        await invite(transaction, target, account.email, now)
    return Done("Account", target, organization_id)


async def _disable(by: str, transaction: Transaction, grant: AdministrationGrant, now: datetime) -> Done:
    target = _account(grant)
    if not (await transaction.fetch(_DISABLE, {"target": target, "by": by, "now": now}))[0][0]:
        raise _wrong_status("The account is disabled already.")
    return Done("Account", target, None)


async def _enable(transaction: Transaction, grant: AdministrationGrant, now: datetime) -> Done:
    target = _account(grant)
    if not (await transaction.fetch(_ENABLE, {"target": target}))[0][0]:
        raise _wrong_status("The account is not disabled.")
    await _invite_anew(transaction, target, now)
    return Done("Account", target, None)


async def _link(issuer: str, subject: str, transaction: Transaction, grant: AdministrationGrant, now: datetime) -> Done:
    target = _account(grant)
    ((email, kind, disabled_at),) = await transaction.fetch(_FIND, {"target": target})
    if kind != AccountKind.PERSON or disabled_at is not None:
        raise _wrong_status("The account is disabled, or it is an API account.")
    if not await foreign.link_identity(transaction.fetch, issuer, subject, target, now):
        raise Refused(UserError("This identity is an account's already.", UserErrorCode.NAME_TAKEN, ("subject",)))
    transaction.letters.append(IdentityLinked(email, issuer, now))
    return Done("Account", target, None)


async def _unlink(
    issuer: str, subject: str, transaction: Transaction, grant: AdministrationGrant, _now: datetime
) -> Done:
    target = _account(grant)
    if await foreign.unlink_identity(transaction.fetch, issuer, subject) != target:
        raise Refused(UserError("The account has no such identity.", UserErrorCode.NOT_FOUND, ("subject",)))
    return Done("Account", target, None)


async def _reset(transaction: Transaction, grant: AdministrationGrant, now: datetime) -> Done:
    target = _account(grant)
    if not (await transaction.fetch(_RESET, {"target": target, "now": now}))[0][0]:
        raise _wrong_status("The account is disabled, or it is an API account.")
    await _invite_anew(transaction, target, now)
    return Done("Account", target, None)


async def _approve(kind: FactorKind, transaction: Transaction, grant: AdministrationGrant, now: datetime) -> Done:
    organization_id, target = grant.target.organization_id, _account(grant)
    values = {"organization_id": organization_id, "target": target, "kind": kind.value, "now": now}
    if not (await transaction.fetch(_APPROVE, values))[0][0]:
        message = "The account has no factor of this kind that waits for an approval."
        raise Refused(UserError(message, UserErrorCode.WRONG_STATUS, ("kind",)))
    ((email, *_),) = await transaction.fetch(_FIND, {"target": target})
    transaction.letters.append(FactorApproved(email, kind, now))
    return Done("Account", target, organization_id)


async def _invite_anew(transaction: Transaction, target: UUID, now: datetime) -> None:
    """Invite a person who has been there before; an API account is given a secret by its representatives."""
    ((email, kind, _),) = await transaction.fetch(_FIND, {"target": target})
    if kind == AccountKind.PERSON:
        await invite(transaction, target, email, now, is_known=True)


def _account(grant: AdministrationGrant) -> UUID:
    account_id = grant.target.account_id
    assert account_id is not None  # noqa: S101 - nothing is decided without it
    return account_id


def _wrong_status(message: str) -> Refused:
    return Refused(UserError(message, UserErrorCode.WRONG_STATUS, ("account",)))
