"""Maintenance windows and their subjects."""

from datetime import datetime

import strawberry

from resolvers.reads.sources import RESOURCES_OF_MAINTENANCE, SERVICES_OF_MAINTENANCE
from schema.connections import Connection, ResourcesConnection, connection_of, resources_of
from schema.edge import edge
from schema.node import Node
from schema.organizations import Cloud, Service
from schema.resources import Resource


@strawberry.type(description="A window of time during which the alerts of its subjects are silent.")
class Maintenance(Node):
    """A maintenance window."""

    starts_at: datetime = strawberry.field(description="When it starts.")
    ends_at: datetime = strawberry.field(description="When it ends.")
    reason: str = strawberry.field(description="What it is for.")
    created_by: str | None = strawberry.field(description="Who opened it.")
    created_at: datetime = strawberry.field(description="When it was opened.")
    cloud: Cloud = edge(lambda loaders: loaders.cloud_by_id, key="cloud_id", description="Its Cloud.")
    services: Connection[Service] = connection_of(
        SERVICES_OF_MAINTENANCE, parent="id", description="The Services that it silences as a whole, by name."
    )
    resources: ResourcesConnection[Resource] = resources_of(
        RESOURCES_OF_MAINTENANCE, parent="id", description="The resources that it silences by themselves."
    )
