"""Accounts that are requested by security representatives, and made or refused by the platform."""

from collections.abc import Sequence
from datetime import datetime

import strawberry
from strawberry import ID, UNSET

from auth.administration import Administration, Target
from auth.errors import NotFound
from resolvers.administration import requests
from resolvers.administration.checks import LONGEST_TEXT, check_email, check_program, check_text
from resolvers.administration.submission import Change
from resolvers.commands.outcome import UserError
from resolvers.context import Caller
from resolvers.reads.accounts import AccountRequestRow
from schema.administering import (
    AdministrationInput,
    AdministrationPayload,
    SecretAdministrationPayload,
    administers,
)
from schema.edge import Column, Info, by_column, edge
from schema.enums import AccountKind, RequestStatus
from schema.guarded import Found
from schema.ids import key_in, key_of
from schema.managed_accounts import Account
from schema.naming import in_organization
from schema.node import Node
from schema.operations import Actor
from schema.organizations import Organization


def _statuses(requests: Sequence[AccountRequestRow], info: Info) -> Column:
    return [_status(request) for request in requests]


def _status(request: AccountRequestRow) -> RequestStatus:
    if request.decided_at is None:
        return RequestStatus.OPEN
    return RequestStatus.REFUSED if request.account_id is None else RequestStatus.APPROVED


def _decided_by(requests: Sequence[AccountRequestRow], info: Info) -> Column:
    return [None if request.decided_by is None else Actor(name=request.decided_by) for request in requests]


@strawberry.type(description="An account that was requested for an organization.")
class AccountRequest(Node):
    """An account that was requested."""

    kind: AccountKind = by_column(
        lambda requests, info: [AccountKind(request.kind) for request in requests],
        description="Whether it is for a person or a program.",
    )
    email: str = strawberry.field(description="The person's e-mail address, or the name of the API account.")
    reason: str | None = strawberry.field(description="What it is for.")
    organization: Organization = edge(
        lambda loaders: loaders.organization_by_id, key="organization_id", description="The organization."
    )
    status: RequestStatus = by_column(_statuses, description="How it stands.")
    requested_by: Actor = by_column(
        lambda requests, info: [Actor(name=request.requested_by) for request in requests],
        description="Who asked for it.",
    )
    requested_at: datetime = strawberry.field(description="When it was asked for.")
    decided_by: Actor | None = by_column(
        _decided_by, description="Who approved or refused it; null as long as it is open."
    )
    decided_at: datetime | None = strawberry.field(description="When it was approved or refused.")
    account: Account | None = edge(
        lambda loaders: loaders.account_by_id,
        key="account_id",
        description="The account that has its place by it; null if it is open or was refused.",
    )


@strawberry.input(one_of=True, description="Whose account to ask for.")
class RequestedAccountInput:
    """Whose account to ask for."""

    email: str | None = strawberry.field(default=UNSET, description="A person's, by their e-mail address.")
    program: str | None = strawberry.field(
        default=UNSET,
        description="An API account's, by its name, unique over the platform: lower-case letters, digits, dots,"
        " hyphens, underscores.",
    )


@strawberry.input(description="The account to ask for.")
class RequestAccountInput(AdministrationInput):
    """The account to ask for."""

    organization_id: ID = strawberry.field(description="The organization.")
    account: RequestedAccountInput = strawberry.field(description="Whose account.")
    reason: str | None = strawberry.field(
        default=UNSET, description=f"What it is for, in at most {LONGEST_TEXT} characters."
    )


@strawberry.type(description="What came of asking for an account.")
class RequestAccountPayload(AdministrationPayload):
    """What came of asking for an account."""

    subject_name, loader = "account_request", "account_request_by_id"

    account_request: AccountRequest | None = strawberry.field(description="The request; null if nothing was done.")


def _check_request(asked: RequestAccountInput, _now: datetime) -> Sequence[UserError]:
    email, program = asked.account.email, asked.account.program
    if isinstance(email, str):
        found = check_email(email, "account", "email")
    else:
        found = check_program(program or "", "account", "program")
    return [*found, *check_text(asked.reason or None, "reason")]


@administers(Administration.REQUEST_ACCOUNT, payload=RequestAccountPayload, find=in_organization, check=_check_request)
def request_account(caller: Caller, input: RequestAccountInput) -> Change:  # noqa: A002
    """Ask for the account of a person, or for an API account."""
    email, program, by = input.account.email, input.account.program, caller.principal.email
    if email:
        return requests.request_account(AccountKind.PERSON, email, input.reason or None, by, ("account", "email"))
    field = ("account", "program")
    return requests.request_account(AccountKind.API_ACCOUNT, program or "", input.reason or None, by, field)


@strawberry.input(description="Which requested account to make.")
class ApproveAccountInput(AdministrationInput):
    """Which requested account to make."""

    request_id: ID = strawberry.field(description="The request, of another person.")


@strawberry.type(description="What came of approving an account.")
class ApproveAccountPayload(SecretAdministrationPayload):
    """What came of approving an account."""

    subject_name, loader = "account_request", "account_request_by_id"

    account_request: AccountRequest | None = strawberry.field(
        description="The request, with the account; null if nothing was done."
    )

    @classmethod
    def makes_secret(cls, subject: AccountRequestRow) -> bool:
        """Say whether it was for an API account, which is made with its first secret."""
        return subject.kind == AccountKind.API_ACCOUNT


async def _find_to_approve(caller: Caller, asked: ApproveAccountInput) -> Found:
    return await _find_request(caller, asked, "Create")


@administers(Administration.APPROVE_ACCOUNT, payload=ApproveAccountPayload, find=_find_to_approve)
def approve_account(caller: Caller, input: ApproveAccountInput) -> Change:  # noqa: A002
    """Make the account that was requested, with its place in the organization."""
    return requests.approve_account(key_in(input.request_id), caller.principal.email)


@strawberry.input(description="Which requested account to refuse.")
class RefuseAccountInput(AdministrationInput):
    """Which requested account to refuse."""

    request_id: ID = strawberry.field(description="The request.")


@strawberry.type(description="What came of refusing an account.")
class RefuseAccountPayload(AdministrationPayload):
    """What came of refusing an account."""

    subject_name, loader = "account_request", "account_request_by_id"

    account_request: AccountRequest | None = strawberry.field(description="The request; null if nothing was done.")


async def _find_to_refuse(caller: Caller, asked: RefuseAccountInput) -> Found:
    return await _find_request(caller, asked, "Refuse")


@administers(Administration.REFUSE_ACCOUNT, payload=RefuseAccountPayload, find=_find_to_refuse)
def refuse_account(caller: Caller, input: RefuseAccountInput) -> Change:  # noqa: A002
    """Refuse the account that was requested."""
    return requests.refuse_account(key_in(input.request_id), caller.principal.email)


async def _find_request(caller: Caller, asked: ApproveAccountInput | RefuseAccountInput, verb: str) -> Found:
    key = key_of(asked.request_id, "AccountRequest", argument="input.requestId")
    row = None if key is None else await caller.loaders.account_request_by_id.load(key)
    organization = row and await caller.loaders.organization_by_id.load(row.organization_id)
    if row is None or organization is None:
        raise NotFound("AccountRequest")
    return Found(
        Target(organization.id, proposed_by=row.requested_by_id),
        f"{verb} the account {row.email} in {organization.name}, as {row.requested_by} requested.",
        row.id,
        (organization.id, None),
    )
