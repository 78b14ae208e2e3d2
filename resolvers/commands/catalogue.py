"""Every module of commands: whoever imports this one knows the effects of all actions."""

from resolvers.commands import aliases, instances, maintenances, monitoring, snapshots
from resolvers.commands.effects import EFFECTS

__all__ = ["EFFECTS", "aliases", "instances", "maintenances", "monitoring", "snapshots"]
