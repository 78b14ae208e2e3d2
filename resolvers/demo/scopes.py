"""What the makers of the demo's rows know of where they are: the Cloud, and the Service being filled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final, NamedTuple
from uuid import UUID

from auth.tables import Profile
from resolvers.demo.batch import Batch
from resolvers.demo.identifiers import AS_OF, drawn_id
from resolvers.demo.networks import AddressBook
from resolvers.demo.vocabulary import Application, ProductVersion, Role
from resolvers.tables import ResourceStatus, ZoneAudience

_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True)
class CloudScope:
    """A Cloud to fill. `domains` are identifiers and names; `operators` say who acts here under which profile."""

    organization_id: UUID
    organization_code: str
    id: UUID
    code: str
    environments: tuple[str, ...]
    audience: ZoneAudience
    domains: tuple[tuple[UUID, str], ...]
    operators: Mapping[Profile, tuple[UUID | None, str]]
    addresses: AddressBook


@dataclass
class ServiceScope:
    """A Service being filled. In the showcase everything happens that otherwise happens to some."""

    cloud: CloudScope
    number: int
    application: Application
    id: UUID
    created_at: datetime
    environment: str
    team: str
    random: Random
    batch: Batch
    showcase: bool
    resources: list[UUID] = field(default_factory=list)
    """Those made so far."""
    instances: list[UUID] = field(default_factory=list)
    """Those of them that can stand behind a load balancer."""

    def chance(self, probability: float) -> bool:
        """Tell whether something that happens to some happens here."""
        return self.random.random() < probability or self.showcase

    def moment(self, after: datetime, before: datetime = AS_OF) -> datetime:
        """Draw a moment between two, in whole seconds."""
        return after + int(self.random.random() * ((before - after) // _SECOND)) * _SECOND

    def new_id(self, at: datetime) -> UUID:
        """Draw the identifier of something created at a moment."""
        return drawn_id(self.random, at)


class Made(NamedTuple):
    """A resource that was made, for the rows that hang on it."""

    service: ServiceScope
    id: UUID
    name: str
    status: ResourceStatus
    role: Role
    zones: tuple[str, ...]
    data_centers: tuple[str, ...]
    version: ProductVersion
    created_at: datetime
    updated_at: datetime

    @property
    def key(self) -> tuple[UUID, UUID, UUID]:
        """Give organization, resource and Cloud: the first columns of a detail."""
        return self.service.cloud.organization_id, self.id, self.service.cloud.id
