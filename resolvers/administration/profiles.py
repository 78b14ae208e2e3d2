"""Profiles: proposed by a security representative, given by a second person, withdrawn.

STD is given by who proposes it. A row of `profile_proposal` stands until it is withdrawn, and the database gives a
profile only where one says that who is asking gave it.
"""

from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import bindparam, delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert

from auth.administration import AdministrationGrant
from auth.errors import NotFound
from auth.statements import Statement
from auth.tables import TIMESTAMP, Membership, Profile, table, uuid7
from resolvers.administration.accounts import NO_ACCOUNT, find_account_in
from resolvers.administration.submission import Change, Done
from resolvers.commands.outcome import Refused, UserError, UserErrorCode
from resolvers.tables import ProfileProposal
from resolvers.transaction import Transaction

PROPOSAL, MEMBERSHIP = table(ProfileProposal), table(Membership)
_HELD: Final = tuple(
    MEMBERSHIP.c[name] == bindparam(name) for name in ("organization_id", "cloud_id", "account_id", "profile")
)
_IS_HELD: Final = Statement(select(exists().where(*_HELD)))
_GIVE: Final = Statement(
    insert(MEMBERSHIP)
    .values({column.name: bindparam(column.name, type_=column.type) for column in MEMBERSHIP.c})
    .on_conflict_do_nothing()
)
_WITHDRAW: Final = Statement(delete(MEMBERSHIP).where(*_HELD).returning(MEMBERSHIP.c.profile))
_PROPOSE: Final = Statement(
    insert(PROPOSAL).values({column.name: bindparam(column.name, type_=column.type) for column in PROPOSAL.c})
)
_THIS: Final = (PROPOSAL.c.organization_id == bindparam("organization_id"), PROPOSAL.c.id == bindparam("id"))
_LOCK: Final = Statement(
    select(PROPOSAL.c.cloud_id, PROPOSAL.c.account_id, PROPOSAL.c.profile, PROPOSAL.c.given_at, PROPOSAL.c.withdrawn_at)
    .where(*_THIS)
    .with_for_update()
)
_MARK_GIVEN: Final = Statement(
    update(PROPOSAL)
    .where(*_THIS)
    .values(given_by_id=bindparam("by_id"), given_by=bindparam("by"), given_at=bindparam("now", type_=TIMESTAMP))
)
_MARK_WITHDRAWN: Final = Statement(
    update(PROPOSAL)
    .where(
        *(PROPOSAL.c[name] == bindparam(name) for name in ("organization_id", "cloud_id", "account_id", "profile")),
        PROPOSAL.c.withdrawn_at.is_(None),
    )
    .values(
        withdrawn_by_id=bindparam("by_id"), withdrawn_by=bindparam("by"), withdrawn_at=bindparam("now", type_=TIMESTAMP)
    )
    .returning(PROPOSAL.c.id)
)
_HAS_IT: Final = UserError("The account has this profile in the Cloud already.", UserErrorCode.UNCHANGED, ("profile",))
_IS_PROPOSED: Final = UserError(
    "This profile is proposed for the account already.", UserErrorCode.UNCHANGED, ("profile",)
)


def propose_profile(profile: Profile, by: str) -> Change:
    """Give STD, or propose another profile, to the account that the decision was about."""
    return partial(_propose, profile, by)


def approve_profile(proposal_id: UUID, by: str) -> Change:
    """Give what another person proposed."""
    return partial(_approve, proposal_id, by)


def withdraw_profile(profile: Profile, by: str) -> Change:
    """Take a profile from an account, and what is proposed of it."""
    return partial(_withdraw, profile, by)


async def _propose(
    profile: Profile, by: str, transaction: Transaction, grant: AdministrationGrant, now: datetime
) -> Done:
    of = _of(grant, profile)
    account = await find_account_in(transaction.fetch, of["organization_id"], account_id=of["account_id"])
    if account is None or not account.is_active:
        raise Refused(NO_ACCOUNT)
    if (await transaction.fetch(_IS_HELD, of))[0][0]:
        raise Refused(_HAS_IT)
    is_given = profile is Profile.STD
    row = {
        **of,
        "id": uuid7(),
        "account": account.email,
        "proposed_by_id": grant.account_id,
        "proposed_by": by,
        "proposed_at": now,
        "given_by_id": grant.account_id if is_given else None,
        "given_by": by if is_given else None,
        "given_at": now if is_given else None,
        "withdrawn_by_id": None,
        "withdrawn_by": None,
        "withdrawn_at": None,
    }
    try:
        await transaction.fetch(_PROPOSE, row)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "uq_profile_proposal_standing":
            raise
        raise Refused(_IS_PROPOSED) from None
    if is_given:
        await transaction.fetch(_GIVE, {**of, "created_at": now})
    return Done("ProfileProposal", row["id"], of["organization_id"], of["cloud_id"])


async def _approve(
    proposal_id: UUID, by: str, transaction: Transaction, grant: AdministrationGrant, now: datetime
) -> Done:
    key = {"organization_id": grant.target.organization_id, "id": proposal_id}
    found = await transaction.fetch(_LOCK, key)
    if not found:
        # Withdrawn ones cannot be locked any more, and are seen by the guard.
        raise Refused(UserError("It was withdrawn.", UserErrorCode.WRONG_STATUS, ("proposalId",)))
    (proposal,) = found
    of = _of(grant, Profile(proposal["profile"]))
    if (proposal["cloud_id"], proposal["account_id"]) != (of["cloud_id"], of["account_id"]):
        raise NotFound(grant.rule.target)
    if proposal["given_at"] is not None:
        raise Refused(UserError("It was given already.", UserErrorCode.WRONG_STATUS, ("proposalId",)))
    account = await find_account_in(transaction.fetch, of["organization_id"], account_id=of["account_id"])
    if account is None or not account.is_active:
        raise Refused(UserError(NO_ACCOUNT.message, NO_ACCOUNT.code, ("proposalId",)))
    await transaction.fetch(_MARK_GIVEN, {**key, "by_id": grant.account_id, "by": by, "now": now})
    await transaction.fetch(_GIVE, {**of, "created_at": now})
    return Done("ProfileProposal", proposal_id, of["organization_id"], of["cloud_id"])


async def _withdraw(
    profile: Profile, by: str, transaction: Transaction, grant: AdministrationGrant, now: datetime
) -> Done:
    of = _of(grant, profile)
    marked = await transaction.fetch(_MARK_WITHDRAWN, {**of, "by_id": grant.account_id, "by": by, "now": now})
    taken = await transaction.fetch(_WITHDRAW, of)
    if not marked and not taken:
        message = "The account neither has this profile in the Cloud, nor is it proposed."
        raise Refused(UserError(message, UserErrorCode.NOT_FOUND, ("profile",)))
    proposal_id = marked[0]["id"] if marked else None
    return Done("ProfileProposal", proposal_id, of["organization_id"], of["cloud_id"])


def _of(grant: AdministrationGrant, profile: Profile) -> dict[str, Any]:
    """Say which profile of which account it is about, as the columns of both tables."""
    target = grant.target
    return {
        "organization_id": target.organization_id,
        "cloud_id": target.cloud_id,
        "account_id": target.account_id,
        "profile": profile.value,
    }
