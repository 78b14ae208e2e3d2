"""Every module of commands: whoever imports this one knows the effects of all actions."""

from resolvers.commands import (
    aliases,
    cluster_nodes,
    clusters,
    indicators,
    instances,
    load_balancers,
    maintenances,
    members,
    monitoring,
    namespaces,
    object_store_users,
    object_stores,
    sms,
    snapshots,
)
from resolvers.commands.effects import EFFECTS

__all__ = [
    "EFFECTS",
    "aliases",
    "cluster_nodes",
    "clusters",
    "indicators",
    "instances",
    "load_balancers",
    "maintenances",
    "members",
    "monitoring",
    "namespaces",
    "object_store_users",
    "object_stores",
    "sms",
    "snapshots",
]
