"""The types that are known to the inventory and not acted on."""

import strawberry

from resolvers.reads.sources import NODES_OF_RESOURCE
from schema.clusters import ClusterNode
from schema.connections import Connection, connection_of
from schema.resources import Resource, detail


@strawberry.interface(description="A resource made of a product: a database, a broker, an application server, files.")
class Middleware(Resource):
    """What the four inventory types have."""

    family: str = detail("family", description="Its family, like POSTGRESQL.")
    version: str | None = detail("version", description="Its version.")
    topology: str | None = detail("topology", description="How its nodes are arranged.")
    disk_gb: int | None = detail("disk_gb", description="Its disks together, in GB.")
    tls_enabled: bool = detail("tls_enabled", description="Whether it speaks TLS.")
    nodes: Connection[ClusterNode] = connection_of(NODES_OF_RESOURCE, parent="id", description="Its nodes, by name.")


@strawberry.type(description="A managed database.")
class ManagedDatabase(Middleware):
    """A managed database."""


@strawberry.type(description="A message broker.")
class MessageBroker(Middleware):
    """A message broker."""


@strawberry.type(description="An application server.")
class ApplicationServer(Middleware):
    """An application server."""


@strawberry.type(description="A file storage.")
class FileStorage(Middleware):
    """A file storage."""
