"""What happened: a log of each organization, and those who wait for what comes next.

log.py          appends events, in the transaction of what happened; prunes
"""

from resolvers.events.log import Event, append_events, prune_events
from resolvers.tables.events import EventKind

__all__ = ["Event", "EventKind", "append_events", "prune_events"]
