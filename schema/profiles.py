"""Profiles that are proposed, given by a second person, and withdrawn."""

from collections.abc import Sequence
from datetime import datetime

import strawberry
from strawberry import ID

from auth.administration import Administration, Target
from auth.errors import NotFound
from resolvers.administration import profiles
from resolvers.administration.submission import Change
from resolvers.context import Caller
from resolvers.reads.proposals import ProfileProposalRow
from schema.administering import AccountInput, AdministrationInput, AdministrationPayload, administers
from schema.edge import Column, Info, by_column, edge
from schema.enums import Profile, ProposalStatus
from schema.guarded import Found
from schema.ids import global_id, key_in, key_of
from schema.naming import account_of, cloud_of
from schema.node import Node
from schema.operations import Actor
from schema.organizations import Cloud


def _account_ids(proposals: Sequence[ProfileProposalRow], info: Info) -> Column:
    return [global_id("Account", proposal.account_id) for proposal in proposals]


def _actors(name: str, description: str) -> Actor:
    field: Actor = by_column(
        lambda proposals, info: [Actor(name=getattr(proposal, name)) for proposal in proposals],
        description=description,
    )
    return field


def _actors_if_any(name: str, description: str) -> Actor | None:
    def resolve(proposals: Sequence[ProfileProposalRow], info: Info) -> Column:
        names = [getattr(proposal, name) for proposal in proposals]
        return [None if found is None else Actor(name=found) for found in names]

    field: Actor | None = by_column(resolve, description=description)
    return field


def _statuses(proposals: Sequence[ProfileProposalRow], info: Info) -> Column:
    return [_status(proposal) for proposal in proposals]


def _status(proposal: ProfileProposalRow) -> ProposalStatus:
    if proposal.withdrawn_at is not None:
        return ProposalStatus.WITHDRAWN
    return ProposalStatus.PROPOSED if proposal.given_at is None else ProposalStatus.GIVEN


@strawberry.type(description="A profile for an account in a Cloud: proposed, given by a second person, withdrawn.")
class ProfileProposal(Node):
    """A proposed profile."""

    cloud: Cloud = edge(lambda loaders: loaders.cloud_by_id, key="cloud_id", description="The Cloud.")
    account_id: ID = by_column(_account_ids, description="The id of the account that it is for.")
    account: Actor = _actors("account", "The account that it is for.")
    profile: Profile = by_column(
        lambda proposals, info: [Profile(proposal.profile) for proposal in proposals], description="The profile."
    )
    status: ProposalStatus = by_column(_statuses, description="How it stands.")
    proposed_by: Actor = _actors("proposed_by", "Who proposed it.")
    proposed_at: datetime = strawberry.field(description="When it was proposed.")
    given_by: Actor | None = _actors_if_any("given_by", "Who gave it; null if it was never given.")
    given_at: datetime | None = strawberry.field(description="When it was given.")
    withdrawn_by: Actor | None = _actors_if_any("withdrawn_by", "Who withdrew it; null if it stands.")
    withdrawn_at: datetime | None = strawberry.field(description="When it was withdrawn.")


@strawberry.input(description="Which profile to give to whom, where.")
class ProposeProfileInput(AdministrationInput):
    """Which profile to give to whom, where."""

    cloud_id: ID = strawberry.field(description="The Cloud.")
    account: AccountInput = strawberry.field(description="The account, of the organization of the Cloud.")
    profile: Profile = strawberry.field(description="The profile: STD is given at once, any other is proposed.")


@strawberry.type(description="What came of proposing a profile.")
class ProposeProfilePayload(AdministrationPayload):
    """What came of proposing a profile."""

    subject_name, loader = "proposal", "profile_proposal_by_id"

    proposal: ProfileProposal | None = strawberry.field(
        description="The proposal, of STD with the status GIVEN; null if nothing was done."
    )


async def _find_for_account(caller: Caller, asked: ProposeProfileInput) -> Found:
    return await _find_profile(caller, asked, "Give or propose", is_given=True)


@administers(Administration.PROPOSE_PROFILE, payload=ProposeProfilePayload, find=_find_for_account)
def propose_profile(caller: Caller, input: ProposeProfileInput) -> Change:  # noqa: A002
    """Give STD, or propose another profile."""
    return profiles.propose_profile(input.profile, caller.principal.email)


@strawberry.input(description="Which proposal to approve.")
class ApproveProfileInput(AdministrationInput):
    """Which proposal to approve."""

    proposal_id: ID = strawberry.field(description="The proposal, of another person.")


@strawberry.type(description="What came of approving a profile.")
class ApproveProfilePayload(AdministrationPayload):
    """What came of approving a profile."""

    subject_name, loader = "proposal", "profile_proposal_by_id"

    proposal: ProfileProposal | None = strawberry.field(description="The proposal; null if nothing was done.")


async def _find_proposal(caller: Caller, asked: ApproveProfileInput) -> Found:
    key = key_of(asked.proposal_id, "ProfileProposal", argument="input.proposalId")
    row = None if key is None else await caller.loaders.profile_proposal_by_id.load(key)
    cloud = row and await caller.loaders.cloud_by_id.load(row.cloud_id)
    if row is None or cloud is None:
        raise NotFound("ProfileProposal")
    place = (row.organization_id, row.cloud_id)
    return Found(
        Target(*place, account_id=row.account_id, proposed_by=row.proposed_by_id),
        f"Give the profile {row.profile} in the Cloud {cloud.name} to {row.account}, as {row.proposed_by} proposed.",
        row.id,
        place,
    )


@administers(Administration.APPROVE_PROFILE, payload=ApproveProfilePayload, find=_find_proposal)
def approve_profile(caller: Caller, input: ApproveProfileInput) -> Change:  # noqa: A002
    """Give what another person proposed."""
    return profiles.approve_profile(key_in(input.proposal_id), caller.principal.email)


@strawberry.input(description="Which profile to withdraw from whom, where, be it held or proposed.")
class WithdrawProfileInput(AdministrationInput):
    """Which profile to withdraw from whom, where."""

    cloud_id: ID = strawberry.field(description="The Cloud.")
    account: AccountInput = strawberry.field(description="The account, of the organization of the Cloud.")
    profile: Profile = strawberry.field(description="The profile.")


@strawberry.type(description="What came of withdrawing a profile.")
class WithdrawProfilePayload(AdministrationPayload):
    """What came of withdrawing a profile."""

    subject_name, loader = "proposal", "profile_proposal_by_id"

    proposal: ProfileProposal | None = strawberry.field(
        description="The proposal that it was given by, or waited for; null if there was none, or nothing was done."
    )


async def _find_held(caller: Caller, asked: WithdrawProfileInput) -> Found:
    return await _find_profile(caller, asked, "Withdraw", is_given=False)


@administers(Administration.WITHDRAW_PROFILE, payload=WithdrawProfilePayload, find=_find_held)
def withdraw_profile(caller: Caller, input: WithdrawProfileInput) -> Change:  # noqa: A002
    """Take a profile from an account, and what is proposed of it."""
    return profiles.withdraw_profile(input.profile, caller.principal.email)


async def _find_profile(
    caller: Caller, asked: ProposeProfileInput | WithdrawProfileInput, verb: str, *, is_given: bool
) -> Found:
    cloud = await cloud_of(caller, asked)
    account = await account_of(caller, cloud.organization_id, asked.account, is_given=is_given)
    place = (cloud.organization_id, cloud.id)
    return Found(
        Target(*place, account_id=account.id),
        f"{verb} the profile {asked.profile.value} in the Cloud {cloud.name}: {account.email}.",
        cloud.id,
        place,
        account.errors,
    )
