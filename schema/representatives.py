"""Security representatives of an organization: appointed and dismissed by the platform."""

import strawberry
from strawberry import ID

from auth.administration import Administration, Target
from resolvers.administration import representatives
from resolvers.administration.submission import Change
from resolvers.context import Caller
from schema.administering import AccountInput, AdministrationInput, AdministrationPayload, administers
from schema.guarded import Found
from schema.naming import account_of, organization_of
from schema.organizations import Organization


@strawberry.input(description="Who is to be a security representative, of which organization.")
class AppointRepresentativeInput(AdministrationInput):
    """Who is to be a security representative."""

    organization_id: ID = strawberry.field(description="The organization.")
    account: AccountInput = strawberry.field(description="The account, of this organization.")


@strawberry.type(description="What came of appointing a security representative.")
class AppointRepresentativePayload(AdministrationPayload):
    """What came of appointing a security representative."""

    subject_name, loader = "organization", "organization_by_id"

    organization: Organization | None = strawberry.field(description="The organization; null if nothing was done.")


async def _find_to_appoint(caller: Caller, asked: AppointRepresentativeInput) -> Found:
    return await _find(caller, asked, "Appoint as a security representative", is_given=True)


@administers(Administration.APPOINT_REPRESENTATIVE, payload=AppointRepresentativePayload, find=_find_to_appoint)
def appoint_representative(caller: Caller, input: AppointRepresentativeInput) -> Change:  # noqa: A002
    """Make an account a security representative of its organization."""
    return representatives.appoint_representative()


@strawberry.input(description="Who is to be no security representative any more, of which organization.")
class DismissRepresentativeInput(AdministrationInput):
    """Who is to be no security representative any more."""

    organization_id: ID = strawberry.field(description="The organization.")
    account: AccountInput = strawberry.field(description="The account, of this organization.")


@strawberry.type(description="What came of dismissing a security representative.")
class DismissRepresentativePayload(AdministrationPayload):
    """What came of dismissing a security representative."""

    subject_name, loader = "organization", "organization_by_id"

    organization: Organization | None = strawberry.field(description="The organization; null if nothing was done.")


async def _find_to_dismiss(caller: Caller, asked: DismissRepresentativeInput) -> Found:
    return await _find(caller, asked, "Dismiss as a security representative", is_given=False)


@administers(Administration.DISMISS_REPRESENTATIVE, payload=DismissRepresentativePayload, find=_find_to_dismiss)
def dismiss_representative(caller: Caller, input: DismissRepresentativeInput) -> Change:  # noqa: A002
    """End that an account is a security representative."""
    return representatives.dismiss_representative()


async def _find(
    caller: Caller,
    asked: AppointRepresentativeInput | DismissRepresentativeInput,
    verb: str,
    *,
    is_given: bool,
) -> Found:
    organization = await organization_of(caller, asked)
    account = await account_of(caller, organization.id, asked.account, is_given=is_given)
    return Found(
        Target(organization.id, account_id=account.id),
        f"{verb} of {organization.name}: {account.email}.",
        organization.id,
        (organization.id, None),
        account.errors,
    )
