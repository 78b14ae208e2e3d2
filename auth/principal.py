"""The caller: which account, and what of which Clouds it may see. Read from the database at each operation."""

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Boolean, Text, Uuid, bindparam, column, func, select

from auth.errors import Unauthenticated
from auth.statements import Fetch, Statement
from auth.tables import AccountKind, Profile
from auth.tokens import INVALID_TOKEN


@dataclass(frozen=True, slots=True)
class VisibleOrganization:
    """An organization that the caller sees by name."""

    id: UUID
    code: str
    name: str
    is_group: bool


@dataclass(frozen=True, slots=True)
class VisibleCloud:
    """A Cloud that the caller sees by name, and whether also what is in it."""

    organization_id: UUID
    id: UUID
    code: str
    name: str
    is_default: bool
    profiles: frozenset[Profile]
    sees_resources: bool


@dataclass(frozen=True)
class Scope:
    """What a caller may see, as the identifiers that every select is held to.

    `organizations` and `clouds` are seen by name; in `resource_clouds`, of `resource_organizations`, also Services and
    resources. The platform sees every name (`all_names`) and no resource. In statements they are parameters of these
    names.
    """

    all_names: bool
    organizations: tuple[UUID, ...]
    clouds: tuple[UUID, ...]
    resource_organizations: tuple[UUID, ...]
    resource_clouds: tuple[UUID, ...]
    represented: tuple[UUID, ...] = ()
    """The organizations whose security representative the caller is: they see who holds and is to hold what there."""

    @cached_property
    def shape(self) -> Hashable:
        """What decides how statements say it: of each whether there are none, one or more."""
        return self.all_names, *(min(len(held), 2) for held in self._held.values())

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """The parameters' values: of one its identifier, of more a list."""
        return {name: held[0] if len(held) == 1 else list(held) for name, held in self._held.items()}

    @property
    def _held(self) -> dict[str, tuple[UUID, ...]]:
        return {
            "organizations": self.organizations,
            "clouds": self.clouds,
            "resource_organizations": self.resource_organizations,
            "resource_clouds": self.resource_clouds,
            "represented": self.represented,
        }


COLUMNS = 16
"""How many columns `CALLER` has."""
NO_PROFILES: frozenset[Profile] = frozenset()
NOTHING = Scope(False, (), (), (), ())
"""The scope of the anonymous."""


@dataclass(frozen=True)
class Principal:
    """An authenticated account with its memberships, as they are in this operation's snapshot."""

    account_id: UUID
    kind: AccountKind
    email: str
    is_platform: bool
    has_factor: bool
    """Whether a second factor is confirmed; without one, privileged profiles are inert."""
    organizations: tuple[VisibleOrganization, ...]
    clouds: tuple[VisibleCloud, ...]
    scope: Scope

    @cached_property
    def organizations_by_id(self) -> Mapping[UUID, VisibleOrganization]:
        """The organizations that the caller sees by name, by their ids."""
        return {organization.id: organization for organization in self.organizations}

    @cached_property
    def clouds_by_id(self) -> Mapping[UUID, VisibleCloud]:
        """The Clouds that the caller sees by name, by their ids."""
        return {cloud.id: cloud for cloud in self.clouds}


ACCOUNT_ID: BindParameter[UUID] = bindparam("account_id", type_=Uuid())
SESSION_ID: BindParameter[UUID | None] = bindparam("session_id", None, type_=Uuid())
_ENTERED = func.enter_scope(ACCOUNT_ID, SESSION_ID).table_valued(
    column("account_id", Uuid()),
    column("kind", Text()),
    column("email", Text()),
    column("is_platform", Boolean()),
    column("has_factor", Boolean()),
    column("organization_id", Uuid()),
    column("organization_code", Text()),
    column("organization_name", Text()),
    column("is_group", Boolean()),
    column("cloud_id", Uuid()),
    column("cloud_code", Text()),
    column("cloud_name", Text()),
    column("is_default", Boolean()),
    column("profile", Text()),
    column("sees_resources", Boolean()),
    column("represents", Boolean()),
    name="caller",
)
CALLER = select(*_ENTERED.c).select_from(_ENTERED)
"""What makes a principal: a row for each reason why the caller sees something, or one without any.

The function of the database that gives them also writes the scope of the transaction, by which row-level security holds
every further statement: whoever reads the caller has set the scope. Until then, nothing is seen.
"""
_CALLER = Statement(CALLER)


async def set_scope(fetch: Fetch, account_id: UUID, session_id: UUID | None = None) -> Sequence[Any]:
    """Set the scope of the caller's transaction to what an account may see now; gives rows for `Principals.of`.

    There are none, and nothing is seen, if there is no such account or it is disabled, or if the session (or the
    credential of an API account) that the caller's token names is over.
    """
    return await fetch(_CALLER, {"account_id": account_id, "session_id": session_id})


class Principals:
    """Makes principals of what was read of them; what is the same as the last time gives the same principal."""

    def __init__(self, size: int = 256) -> None:
        self._size = size
        self._made: OrderedDict[UUID, tuple[Sequence[Any], Principal]] = OrderedDict()

    def of(self, account_id: UUID, rows: Sequence[Any]) -> Principal:
        """Give the principal of an account, of rows as `CALLER` selects them, whatever columns come after.

        Raises Unauthenticated if there are none, with the answer of an invalid token: the account does not exist or is
        disabled, or its session is over.
        """
        if not rows:
            raise Unauthenticated(INVALID_TOKEN)
        made = self._made.get(account_id)
        if made is not None and made[0] == rows:
            return made[1]
        principal = _principal(account_id, rows)
        self._made[account_id] = (rows, principal)
        self._made.move_to_end(account_id)
        if len(self._made) > self._size:
            self._made.popitem(last=False)
        return principal


def _principal(account_id: UUID, rows: Sequence[Any]) -> Principal:
    organizations: dict[UUID, VisibleOrganization] = {}
    clouds: dict[UUID, VisibleCloud] = {}
    represented: dict[UUID, None] = {}
    for row in rows:
        _, _, _, _, _, organization_id, *organization, cloud_id, code, name, is_default, profile, sees, represents = (
            row[:COLUMNS]
        )
        if represents:
            represented[organization_id] = None
        if organization_id is not None and organization_id not in organizations:
            organizations[organization_id] = VisibleOrganization(organization_id, *organization)
        if cloud_id is not None:
            seen = clouds.get(cloud_id)
            held = seen.profiles if seen else NO_PROFILES
            clouds[cloud_id] = VisibleCloud(
                organization_id,
                cloud_id,
                code,
                name,
                is_default,
                held | {Profile(profile)} if profile else held,
                sees or (seen is not None and seen.sees_resources),
            )
    _, kind, email, is_platform, has_factor, *_ = rows[0]
    return Principal(
        account_id=account_id,
        kind=AccountKind(kind),
        email=email,
        is_platform=is_platform,
        has_factor=has_factor,
        organizations=tuple(organizations.values()),
        clouds=tuple(clouds.values()),
        scope=_scope(is_platform, tuple(organizations), tuple(clouds.values()), tuple(represented)),
    )


def _scope(
    is_platform: bool,
    organizations: tuple[UUID, ...],
    clouds: tuple[VisibleCloud, ...],
    represented: tuple[UUID, ...],
) -> Scope:
    open_clouds = tuple(cloud for cloud in clouds if cloud.sees_resources)
    return Scope(
        all_names=is_platform,
        organizations=organizations,
        clouds=tuple(cloud.id for cloud in clouds),
        resource_organizations=tuple({cloud.organization_id: None for cloud in open_clouds}),
        resource_clouds=tuple(cloud.id for cloud in open_clouds),
        represented=represented,
    )
