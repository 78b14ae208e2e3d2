"""Every module of commands: whoever imports this one knows the effects of all actions."""

from resolvers.commands import (
    cluster_nodes,
    clusters,
    instances,
    maintenances,
    namespaces,
    object_store_users,
    object_stores,
)
from resolvers.commands.effects import EFFECTS

__all__ = [
    "EFFECTS",
    "cluster_nodes",
    "clusters",
    "instances",
    "maintenances",
    "namespaces",
    "object_store_users",
    "object_stores",
]
