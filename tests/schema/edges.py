"""The edges that lead to resources: how to ask something of many parents at once, and what is below which."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from resolvers.reference import reference_id
from resolvers.tables import MaintenanceSubject, Resource
from schema.ids import global_id
from tests.schema.world import World


@dataclass(frozen=True)
class ResourcesBelow:
    """The field `resources` of one type.

    `path` is how a query goes to all that the caller sees of the type, which costs so many `statements`.
    """

    type: str
    path: str
    statements: int
    keys: Callable[[World, Resource], Collection[UUID]]
    """The parents that a resource is below."""

    def document(self, selection: str) -> str:
        """Ask for a selection of every parent."""
        return self.path.replace("…", f"id {selection}")

    def parents(self, data: Any) -> list[dict[str, Any]]:
        """Give the parents in an answer."""
        return list(_with_id(data))

    def below(self, world: World, parent: str, resources: Sequence[Resource]) -> list[Resource]:
        """Give those of some resources that are below a parent, by its id."""
        return [row for row in resources if parent in {global_id(self.type, key) for key in self.keys(world, row)}]

    def __str__(self) -> str:
        return self.type


def _with_id(data: Any) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict) and "id" in data:
        yield data
    elif isinstance(data, (dict, list)):
        for part in data.values() if isinstance(data, dict) else data:
            yield from _with_id(part)


def _maintenances(world: World, resource: Resource) -> list[UUID]:
    return [row.maintenance_id for row in world.all(MaintenanceSubject) if row.resource_id == resource.id]


EDGES = (
    ResourcesBelow("Organization", "organizations { nodes { … } }", 1, lambda _, resource: [resource.organization_id]),
    ResourcesBelow(
        "Cloud", "organizations { nodes { clouds { nodes { … } } } }", 2, lambda _, resource: [resource.cloud_id]
    ),
    ResourcesBelow("Service", "services { nodes { … } }", 1, lambda _, resource: [resource.service_id]),
    ResourcesBelow(
        "AvailabilityZone",
        "availabilityZones { … }",
        0,  # the topology is kept
        lambda _, resource: [reference_id("availability_zone", code) for code in resource.availability_zones],
    ),
    ResourcesBelow(
        "Maintenance",
        "organizations { nodes { clouds { nodes { maintenances { nodes { … } } } } } }",
        3,
        _maintenances,
    ),
)
