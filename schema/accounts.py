"""The caller's own account."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid5

import strawberry
from strawberry import ID, Parent

from auth.decisions import is_fresh
from auth.permissions import MFA_MAX_AGE
from auth.principal import Principal
from resolvers.reads import rows
from resolvers.reads.sources import MEMBERSHIPS_OF_ACCOUNT
from schema.connections import Connection, connection_of
from schema.edge import Column, Info, by_column, caller_of, edge, then
from schema.enums import AccountKind, FactorKind, Profile
from schema.ids import global_id
from schema.node import Node
from schema.organizations import Cloud


def _membership_ids(memberships: Sequence[rows.MembershipRow], info: Info) -> Column:
    return [global_id("Membership", uuid5(row.account_id, row.cloud_id.hex)) for row in memberships]


def _profiles(memberships: Sequence[rows.MembershipRow], info: Info) -> Column:
    return [[profile for profile in Profile if profile in row.profiles] for row in memberships]


@strawberry.type(description="What an account holds in one Cloud.")
class Membership:
    """A membership."""

    id: ID = by_column(_membership_ids, description="Its id.")
    cloud: Cloud = edge(lambda loaders: loaders.cloud_by_id, key="cloud_id", description="The Cloud.")
    profiles: list[Profile] = by_column(_profiles, description="The profiles, the least first.")


@strawberry.type(description="How it stands with the caller's second factor.")
class MfaState:
    """How it stands with the caller's second factor."""

    enrolled: bool = strawberry.field(description="Whether one is confirmed; until then privileged profiles are inert.")
    last_success_at: datetime | None = strawberry.field(
        description="When a second factor last succeeded, as the token says."
    )
    fresh_until: datetime | None = strawberry.field(
        description="Until when that is fresh enough for privileged mutations; null if it is not now."
    )


def _mfa(viewers: Sequence[Principal], info: Info) -> Column:
    succeeded = caller_of(info).claims.mfa_time
    is_fresh_now = is_fresh(succeeded, MFA_MAX_AGE, datetime.now(UTC))
    until = succeeded + timedelta(seconds=MFA_MAX_AGE) if succeeded and is_fresh_now else None
    return [MfaState(enrolled=viewer.has_factor, last_success_at=succeeded, fresh_until=until) for viewer in viewers]


@strawberry.type(description="A second factor that is confirmed. What it is, a number or a key, is not told.")
class Factor:
    """A confirmed second factor."""

    kind: FactorKind = strawberry.field(description="How it is presented.")
    confirmed_at: datetime = strawberry.field(description="When it was confirmed.")
    usable_from: datetime | None = strawberry.field(
        description="Until when it serves nothing, since it was set up without another factor; null if it served from"
        " the beginning."
    )


def _factors(viewers: Sequence[Principal], info: Info) -> Column:
    states = caller_of(info).loaders.account_state_by_id.load_column([viewer.account_id for viewer in viewers])
    return then(states, lambda found: [list(state.factors) for state in found])


def _viewer_id(root: Parent[Principal]) -> ID:
    return ID(global_id("Viewer", root.account_id))


@strawberry.type(description="The caller's own account.")
class Viewer(Node):
    """The caller."""

    id: ID = strawberry.field(resolver=_viewer_id, description="Its id: opaque, unique over everything, stable.")
    email: str | None = strawberry.field(description="The e-mail address, or the name of an API account.")
    kind: AccountKind = strawberry.field(description="Whether a person or a program is calling.")
    memberships: Connection[Membership] = connection_of(
        MEMBERSHIPS_OF_ACCOUNT, parent="account_id", description="What the account holds, by Cloud."
    )
    mfa: MfaState = by_column(_mfa, description="How it stands with the caller's second factor.")
    factors: list[Factor] = by_column(
        _factors, list_size=4, description="The second factors that are confirmed, the oldest first."
    )
