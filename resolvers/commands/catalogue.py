"""Every module of commands: whoever imports this one knows the effects of all actions."""

from resolvers.commands import (
    aliases,
    cluster_nodes,
    clusters,
    instances,
    maintenances,
    monitoring,
    namespaces,
    object_store_users,
    object_stores,
    snapshots,
)
from resolvers.commands.effects import EFFECTS

__all__ = [
    "EFFECTS",
    "aliases",
    "cluster_nodes",
    "clusters",
    "instances",
    "maintenances",
    "monitoring",
    "namespaces",
    "object_store_users",
    "object_stores",
    "snapshots",
]
