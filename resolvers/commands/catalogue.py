"""Every module of commands: whoever imports this one knows the effects of all actions."""

from resolvers.commands import instances, maintenances
from resolvers.commands.effects import EFFECTS

__all__ = ["EFFECTS", "instances", "maintenances"]
