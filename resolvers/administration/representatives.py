"""Appointing and dismissing the security representatives of an organization."""

from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import bindparam, true, update
from sqlalchemy.dialects.postgresql import insert

from auth.administration import AdministrationGrant
from auth.statements import Statement
from auth.tables import OrganizationMember, table
from resolvers.administration.submission import Change, Done
from resolvers.commands.outcome import Refused, UserError, UserErrorCode
from resolvers.transaction import Transaction

MEMBER: Final = table(OrganizationMember)
_THIS: Final = (
    MEMBER.c.organization_id == bindparam("of_organization"),
    MEMBER.c.account_id == bindparam("of_account"),
)
_ADD: Final = Statement(
    insert(MEMBER)
    .values({column.name: bindparam(column.name, type_=column.type) for column in MEMBER.c})
    .on_conflict_do_nothing()
)
_APPOINT: Final = Statement(
    update(MEMBER)
    .where(*_THIS, MEMBER.c.is_security_representative.is_(False))
    .values(is_security_representative=True)
    .returning(MEMBER.c.account_id)
)
_DISMISS: Final = Statement(
    update(MEMBER)
    .where(*_THIS, MEMBER.c.is_security_representative == true())
    .values(is_security_representative=False)
    .returning(MEMBER.c.account_id)
)


def appoint_representative() -> Change:
    """Make the account that the decision was about a security representative; it becomes a member if it was none."""
    return partial(_change, True)


def dismiss_representative() -> Change:
    """Let the account that the decision was about be no security representative any more; it stays a member."""
    return partial(_change, False)


async def _change(appoints: bool, transaction: Transaction, grant: AdministrationGrant, now: datetime) -> Done:
    organization_id, account_id = grant.target.organization_id, grant.target.account_id
    assert organization_id is not None  # noqa: S101 - nothing is decided without it
    key = {"of_organization": organization_id, "of_account": account_id}
    if appoints:
        row = {
            "organization_id": organization_id,
            "account_id": account_id,
            "is_security_representative": False,
            "created_at": now,
        }
        await transaction.fetch(_ADD, row)
    if not await transaction.fetch(_APPOINT if appoints else _DISMISS, key):
        message = f"The account is {'one already' if appoints else 'no security representative'}."
        code = UserErrorCode.UNCHANGED if appoints else UserErrorCode.WRONG_STATUS
        raise Refused(UserError(message, code, ("account",)))
    return Done("Organization", organization_id, organization_id)
