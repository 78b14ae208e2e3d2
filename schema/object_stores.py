"""Object stores and their users."""

from datetime import datetime

import strawberry

from resolvers.reads.sources import USERS_OF_OBJECT_STORE
from schema.connections import Connection, connection_of
from schema.edge import edge
from schema.node import Node
from schema.resources import Resource, detail


@strawberry.type(description="Who may use an object store.")
class ObjectStoreUser(Node):
    """A user of an object store."""

    label: str = strawberry.field(description="The label, unique in the object store.")
    access_key: str = strawberry.field(description="The access key; the secret is not kept.")
    locked: bool = strawberry.field(description="Whether the user is locked out.")
    created_at: datetime = strawberry.field(description="When the user was created.")
    object_store: "ObjectStore" = edge(
        lambda loaders: loaders.resource_by_id, key="resource_id", description="The object store."
    )


@strawberry.type(description="A store of objects.")
class ObjectStore(Resource):
    """An object store."""

    geo_replicated: bool = detail("geo_replicated", description="Whether it is replicated; fixed when it is created.")
    quota_gb: int = detail("quota_gb", description="What it may hold, in GB.")
    used_gb: float = detail("used_gb", description="What it holds, in GB.")
    users: Connection[ObjectStoreUser] = connection_of(
        USERS_OF_OBJECT_STORE, parent="id", description="Who may use it, by label."
    )
