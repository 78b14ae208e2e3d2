"""A small world of the resource model, made to be awkward; its rows are plain values, and can be loaded.

    organization   Clouds             what is special
    acme           alpha beta gamma
    globex         omega lab
    …-vault        …-cellar           every text starts with CANARY, codes too; only vault@ sees what is in it

Names and tags are full of what is special to SQL, to LIKE, to case mapping and to the encodings of Unicode; times and
names tie; resources lie in several places, or in a data center without a zone; whatever can be null sometimes is.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import NullPool, insert
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from auth.tables import Account, AccountKind, Cloud, Membership, Organization, OrganizationMember, Profile, table
from gateway.postgres import DatabaseUrls
from resolvers.reference import load_reference
from resolvers.tables import (
    Area,
    ClusterNode,
    DnsAlias,
    Domain,
    FileSystem,
    Indicator,
    Instance,
    KubernetesCluster,
    LoadBalancer,
    LoadBalancerMember,
    Maintenance,
    MaintenanceSubject,
    Middleware,
    Namespace,
    Network,
    ObjectStore,
    ObjectStoreUser,
    Operation,
    OperationStep,
    Resource,
    Service,
    SmsSubscription,
    Snapshot,
)

Row = TypeVar("Row", bound=SQLModel)
Detail = Instance | LoadBalancer | ObjectStore | KubernetesCluster | Middleware

CANARY: Final = "canary-7f3a"

WIDE, ALPHA, API, REPRESENTATIVE, PLATFORM, VAULT, NOBODY, DISABLED = (
    f"{name}@world.example" for name in ("wide", "alpha", "api", "rep", "platform", "vault", "nobody", "disabled")
)
MEMBERSHIPS: Final = {
    WIDE: (("alpha", Profile.STD), ("alpha", Profile.DTM), ("beta", Profile.POW), ("omega", Profile.STD)),
    ALPHA: (("alpha", Profile.STD),),
    VAULT: ((f"{CANARY}-cellar", Profile.POW),),
    DISABLED: (("alpha", Profile.POW),),
}
"""Who holds what where. `wide@` sees Clouds of two organizations, and of neither all.

Beside them: the API account and the security representative of acme, the platform's operator, one who holds nothing.
"""

TABLES: Final[tuple[type[SQLModel], ...]] = (
    Organization, Cloud, Account, OrganizationMember, Membership, Area, Network, Domain, Service, Resource, Instance,
    LoadBalancer, ObjectStore, KubernetesCluster, Middleware, FileSystem, Snapshot, DnsAlias, LoadBalancerMember,
    ObjectStoreUser, Namespace, ClusterNode, Maintenance, MaintenanceSubject, Indicator, SmsSubscription, Operation,
    OperationStep,
)  # fmt: skip
"""In the order that foreign keys ask for."""


class World:
    """Rows of every table; they are never changed, and never seen by a database session."""

    def __init__(self) -> None:
        self._rows: dict[type[SQLModel], list[Any]] = {model: [] for model in TABLES}

    def add(self, row: Row) -> Row:
        """Take one row, and give it back."""
        self._rows[type(row)].append(row)
        return row

    def all(self, model: type[Row]) -> list[Row]:
        """Give the rows of one table, in the order they were made."""
        return self._rows[model]

    def in_order(self) -> Iterator[tuple[type[SQLModel], list[SQLModel]]]:
        """Give every table that has rows with its rows, referenced tables first."""
        return ((model, rows) for model, rows in self._rows.items() if rows)

    @cached_property
    def details(self) -> dict[UUID, Detail]:
        """The row that each resource has in the table of its type."""
        kinds: tuple[type[Detail], ...] = (Instance, LoadBalancer, ObjectStore, KubernetesCluster, Middleware)
        return {row.resource_id: row for kind in kinds for row in self.all(kind)}

    @cached_property
    def networks(self) -> dict[UUID, Network]:
        """Networks by id."""
        return {row.id: row for row in self.all(Network)}

    @cached_property
    def areas(self) -> dict[UUID, Area]:
        """Areas by id."""
        return {row.id: row for row in self.all(Area)}

    @cached_property
    def clouds(self) -> dict[UUID, Cloud]:
        """Clouds by id."""
        return {row.id: row for row in self.all(Cloud)}

    @cached_property
    def services(self) -> dict[UUID, Service]:
        """Services by id."""
        return {row.id: row for row in self.all(Service)}

    def organization(self, code: str) -> Organization:
        """Give an organization by its code."""
        return next(row for row in self.all(Organization) if row.code == code)

    def cloud(self, code: str) -> Cloud:
        """Give a Cloud by its code."""
        return next(row for row in self.all(Cloud) if row.code == code)

    def account(self, email: str) -> Account:
        """Give an account by its address."""
        return next(row for row in self.all(Account) if row.email == email)

    def open_clouds(self, email: str) -> set[UUID]:
        """Say in which Clouds an account sees Services, resources and all that hangs on them."""
        account = self.account(email)
        if account.disabled_at is not None:
            return set()
        if account.kind == AccountKind.API_ACCOUNT:
            return {cloud.id for cloud in self.all(Cloud) if cloud.organization_id == account.organization_id}
        return {row.cloud_id for row in self.all(Membership) if row.account_id == account.id}

    def seen(self, model: type[Row], email: str) -> list[Row]:
        """Give the rows of one table that an account sees, of a table whose rows are in Clouds."""
        clouds = self.open_clouds(email)
        return [row for row in self.all(model) if row.cloud_id in clouds]  # type: ignore[attr-defined]


async def load_world(urls: DatabaseUrls, world: World) -> None:
    """Write the reference data and a world into a migrated and empty database."""
    owner = create_async_engine(urls.owner, poolclass=NullPool)
    async with owner.begin() as connection:
        await load_reference(connection)
        for model, rows in world.in_order():
            await connection.execute(insert(table(model)), [row.model_dump() for row in rows])
    await owner.dispose()
