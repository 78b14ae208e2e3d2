"""Every module of commands: whoever imports this one knows the effects of all actions."""

from resolvers.commands import (
    aliases,
    indicators,
    instances,
    load_balancers,
    maintenances,
    members,
    monitoring,
    sms,
    snapshots,
)
from resolvers.commands.effects import EFFECTS

__all__ = [
    "EFFECTS",
    "aliases",
    "indicators",
    "instances",
    "load_balancers",
    "maintenances",
    "members",
    "monitoring",
    "sms",
    "snapshots",
]
