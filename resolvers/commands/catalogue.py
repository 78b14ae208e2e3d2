"""Every module of commands: whoever imports this one knows the effects of all actions."""

from resolvers.commands import indicators, instances, load_balancers, maintenances, members, sms
from resolvers.commands.effects import EFFECTS

__all__ = ["EFFECTS", "indicators", "instances", "load_balancers", "maintenances", "members", "sms"]
