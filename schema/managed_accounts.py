"""Accounts as representatives and the platform see and change them: invited, disabled, enabled, their factors."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID

from auth.administration import Administration, Target
from resolvers.administration import lives
from resolvers.administration.checks import check_identity
from resolvers.administration.submission import Change
from resolvers.commands.outcome import UserError
from resolvers.context import Caller
from resolvers.reads.accounts import (
    CREDENTIALS_OF_ACCOUNT,
    MEMBERSHIPS_OF_ANY_ACCOUNT,
    AccountRow,
    AccountState,
)
from schema.accounts import Factor, Membership
from schema.administering import AccountInput, AdministrationInput, AdministrationPayload, administers
from schema.connections import Connection, connection_of
from schema.edge import Column, Info, by_column, caller_of, then
from schema.enums import AccountKind, AccountStatus, CredentialKind, FactorKind
from schema.guarded import Found
from schema.naming import account_anywhere, account_of, organization_of
from schema.node import Node
from schema.operations import Actor
from schema.organizations import Organization


def _of_states(make: Callable[[AccountRow, AccountState], Any]) -> Callable[[Sequence[AccountRow], Info], Column]:
    """Give a value of each account and how it stands."""

    def resolve(accounts: Sequence[AccountRow], info: Info) -> Column:
        states = caller_of(info).loaders.account_state_by_id.load_column([account.id for account in accounts])
        return then(states, lambda found: list(map(make, accounts, found)))

    return resolve


def _status(account: AccountRow, state: AccountState) -> AccountStatus:
    if account.disabled_at is not None:
        return AccountStatus.DISABLED
    is_new = account.kind == AccountKind.PERSON and state.signed_in_at is None
    return AccountStatus.INVITED if is_new else AccountStatus.ACTIVE


def _represents(accounts: Sequence[AccountRow], info: Info) -> Column:
    loaders = caller_of(info).loaders

    async def resolve() -> list[Any]:
        states = await _awaited(loaders.account_state_by_id.load_column([account.id for account in accounts]))
        keys = [key for state in states for key in state.represents]
        found = dict(zip(keys, await _awaited(loaders.organization_by_id.load_column(keys)), strict=True))
        return [[found[key] for key in state.represents if found[key] is not None] for state in states]

    return resolve()


async def _awaited(column: Column) -> list[Any]:
    return column if isinstance(column, list) else await column


def _created_by(credentials: Sequence[Any], info: Info) -> Column:
    return [Actor(name=credential.created_by) for credential in credentials]


@strawberry.type(description="A secret or a key by which an API account signs in. What it is, is not told.")
class ClientCredential(Node):
    """A secret or a key of an API account."""

    kind: CredentialKind = by_column(
        lambda credentials, info: [CredentialKind(credential.kind) for credential in credentials],
        description="Whether it is a secret or a key.",
    )
    label: str = strawberry.field(description="What it is called.")
    created_by: Actor = by_column(_created_by, description="Who added it.")
    created_at: datetime = strawberry.field(description="When it was added.")
    expires_at: datetime | None = strawberry.field(description="When it ends by itself, if it does.")
    last_used_at: datetime | None = strawberry.field(description="When it was last used, to the minute.")
    revoked_at: datetime | None = strawberry.field(description="When it was revoked.")


@strawberry.type(description="What a foreign issuer calls a person.")
class ForeignIdentity:
    """What a foreign issuer calls a person."""

    issuer: str = strawberry.field(description="The issuer, as its tokens have it in `iss`.")
    subject: str = strawberry.field(description="The subject, as its tokens have it in `sub`.")
    created_at: datetime = strawberry.field(description="When it was linked.")


def _identities(accounts: Sequence[AccountRow], info: Info) -> Column:
    return caller_of(info).loaders.identities_by_account.load_column([account.id for account in accounts])


@strawberry.type(
    description="An account of an organization, as its security representatives and the platform see it: a"
    " representative is told what is in their organization, and of the account nothing from before it came there."
)
class Account(Node):
    """An account."""

    email: str = strawberry.field(description="The e-mail address, or the name of an API account.")
    kind: AccountKind = by_column(
        lambda accounts, info: [AccountKind(account.kind) for account in accounts],
        description="Whether it is a person or a program.",
    )
    client_id: str | None = by_column(
        lambda accounts, info: [
            str(account.id) if account.kind == AccountKind.API_ACCOUNT else None for account in accounts
        ],
        description="By what an API account is named where tokens are asked for; null for a person.",
    )
    status: AccountStatus = by_column(_of_states(_status), description="How it stands.")
    is_security_representative: bool = by_column(
        _of_states(lambda _, state: bool(state.represents)),
        description="Whether it is a security representative, of an organization that the caller administers.",
    )
    represents: list[Organization] = by_column(
        _represents, list_size=2, description="The organizations whose security representative it is."
    )
    memberships: Connection[Membership] = connection_of(
        MEMBERSHIPS_OF_ANY_ACCOUNT, parent="id", description="What it holds, by Cloud."
    )
    factors: list[Factor] = by_column(
        _of_states(lambda _, state: list(state.factors)),
        list_size=4,
        description="The second factors that are confirmed, the oldest first; privileged profiles are inert without.",
    )
    last_sign_in_at: datetime | None = by_column(
        _of_states(lambda _, state: state.signed_in_at), description="When the person last signed in."
    )
    credentials: Connection[ClientCredential] = connection_of(
        CREDENTIALS_OF_ACCOUNT,
        parent="id",
        description="By what an API account signs in, the newest first, also what is over.",
    )
    identities: list[ForeignIdentity] = by_column(
        _identities, list_size=2, description="What foreign issuers call the person; told to the platform alone."
    )


# -- what is done to accounts ----------------------------------------------------------------------------------------


@strawberry.type
class AccountPayload(AdministrationPayload):
    """The payload of what is done to an account."""

    subject_name, loader = "account", "account_by_id"

    account: Account | None = strawberry.field(description="The account; null if nothing was done.")


@strawberry.input
class AnyAccountInput(AdministrationInput):
    """Which account, wherever it has its places."""

    account: AccountInput = strawberry.field(description="The account.")


async def _find_any(caller: Caller, asked: AnyAccountInput, verb: str, rest: str) -> Found:
    account = await account_anywhere(caller, asked.account)
    return Found(
        Target(account_id=account.id), f"{verb} the account {account.email}{rest}.", account.id, errors=account.errors
    )


@strawberry.input(description="Which account to disable.")
class DisableAccountInput(AnyAccountInput):
    """Which account to disable."""


@strawberry.type(description="What came of disabling an account.")
class DisableAccountPayload(AccountPayload):
    """What came of disabling an account."""


async def _find_to_disable(caller: Caller, asked: DisableAccountInput) -> Found:
    return await _find_any(caller, asked, "Disable", ", with everything it holds")


@administers(Administration.DISABLE_ACCOUNT, payload=DisableAccountPayload, find=_find_to_disable)
def disable_account(caller: Caller, input: DisableAccountInput) -> Change:  # noqa: A002
    """Disable an account, with everything it holds."""
    return lives.disable_account(caller.principal.email)


@strawberry.input(description="Which account to enable.")
class EnableAccountInput(AnyAccountInput):
    """Which account to enable."""


@strawberry.type(description="What came of enabling an account.")
class EnableAccountPayload(AccountPayload):
    """What came of enabling an account."""


async def _find_to_enable(caller: Caller, asked: EnableAccountInput) -> Found:
    return await _find_any(caller, asked, "Enable", "")


@administers(Administration.ENABLE_ACCOUNT, payload=EnableAccountPayload, find=_find_to_enable)
def enable_account(caller: Caller, input: EnableAccountInput) -> Change:  # noqa: A002
    """Let an account that was disabled sign in again."""
    return lives.enable_account()


@strawberry.input
class IdentityInput(AnyAccountInput):
    """What a foreign issuer calls a person."""

    issuer: str = strawberry.field(description="The issuer, letter by letter as its tokens have it in `iss`.")
    subject: str = strawberry.field(description="The subject, letter by letter as its tokens have it in `sub`.")


def _check_identity(asked: IdentityInput, _now: datetime) -> Sequence[UserError]:
    return check_identity(asked.issuer, asked.subject)


@strawberry.input(description="Which identity to link to whom.")
class LinkIdentityInput(IdentityInput):
    """Which identity to link to whom."""


@strawberry.type(description="What came of linking an identity.")
class LinkIdentityPayload(AccountPayload):
    """What came of linking an identity."""


async def _find_to_link(caller: Caller, asked: LinkIdentityInput) -> Found:
    return await _find_any(caller, asked, f"Let {asked.subject} of {asked.issuer} in as", "")


@administers(Administration.LINK_IDENTITY, payload=LinkIdentityPayload, find=_find_to_link, check=_check_identity)
def link_identity(caller: Caller, input: LinkIdentityInput) -> Change:  # noqa: A002
    """Say which subject of a foreign issuer a person is."""
    return lives.link_identity(input.issuer, input.subject)


@strawberry.input(description="Which identity to take from whom.")
class UnlinkIdentityInput(IdentityInput):
    """Which identity to take from whom."""


@strawberry.type(description="What came of unlinking an identity.")
class UnlinkIdentityPayload(AccountPayload):
    """What came of unlinking an identity."""


async def _find_to_unlink(caller: Caller, asked: UnlinkIdentityInput) -> Found:
    return await _find_any(caller, asked, f"Let {asked.subject} of {asked.issuer} no more in as", "")


@administers(Administration.UNLINK_IDENTITY, payload=UnlinkIdentityPayload, find=_find_to_unlink, check=_check_identity)
def unlink_identity(caller: Caller, input: UnlinkIdentityInput) -> Change:  # noqa: A002
    """Say that a person is a subject of a foreign issuer no more."""
    return lives.unlink_identity(input.issuer, input.subject)


@strawberry.input(description="Whose factors to reset.")
class ResetFactorsInput(AnyAccountInput):
    """Whose factors to reset."""


@strawberry.type(description="What came of resetting factors.")
class ResetFactorsPayload(AccountPayload):
    """What came of resetting factors."""


async def _find_to_reset(caller: Caller, asked: ResetFactorsInput) -> Found:
    return await _find_any(caller, asked, "End the second factors and the password of", ", and send an invitation")


@administers(Administration.RESET_FACTORS, payload=ResetFactorsPayload, find=_find_to_reset)
def reset_factors(caller: Caller, input: ResetFactorsInput) -> Change:  # noqa: A002
    """End what a person signs in with, who lost it, and invite them anew."""
    return lives.reset_factors()


@strawberry.input(description="Whom to send another invitation.")
class ResendInvitationInput(AdministrationInput):
    """Whom to send another invitation."""

    organization_id: ID = strawberry.field(description="The organization.")
    account: AccountInput = strawberry.field(description="The account, of this organization.")


@strawberry.type(description="What came of sending another invitation.")
class ResendInvitationPayload(AccountPayload):
    """What came of sending another invitation."""


async def _find_to_invite(caller: Caller, asked: ResendInvitationInput) -> Found:
    return await _find_in(caller, asked, "Invite once more to")


@administers(Administration.RESEND_INVITATION, payload=ResendInvitationPayload, find=_find_to_invite)
def resend_invitation(caller: Caller, input: ResendInvitationInput) -> Change:  # noqa: A002
    """Send a person who has not signed in yet another invitation."""
    return lives.resend_invitation()


@strawberry.input(description="Which factor of whom to approve.")
class ApproveFactorInput(AdministrationInput):
    """Which factor of whom to approve."""

    organization_id: ID = strawberry.field(description="The organization.")
    account: AccountInput = strawberry.field(description="The account, of this organization.")
    kind: FactorKind = strawberry.field(description="The factor, which waits until it serves.")


@strawberry.type(description="What came of approving a factor.")
class ApproveFactorPayload(AccountPayload):
    """What came of approving a factor."""


async def _find_to_approve(caller: Caller, asked: ApproveFactorInput) -> Found:
    return await _find_in(caller, asked, f"Let the factor {asked.kind.value} serve at once, in")


@administers(Administration.APPROVE_FACTOR, payload=ApproveFactorPayload, find=_find_to_approve)
def approve_factor(caller: Caller, input: ApproveFactorInput) -> Change:  # noqa: A002
    """Let a factor serve before its 24 hours are over."""
    return lives.approve_factor(input.kind)


async def _find_in(caller: Caller, asked: ResendInvitationInput | ApproveFactorInput, verb: str) -> Found:
    organization = await organization_of(caller, asked)
    account = await account_of(caller, organization.id, asked.account, is_given=True)
    return Found(
        Target(organization.id, account_id=account.id),
        f"{verb} {organization.name}: {account.email}.",
        organization.id,
        (organization.id, None),
        account.errors,
    )
