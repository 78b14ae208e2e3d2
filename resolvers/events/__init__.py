"""What happened: a log of each organization, and those who wait for what comes next.

log.py       appends events, in the transaction of what happened; prunes
reading.py   reads events within a caller's scope
tokens.py    seals how far somebody had come, to go on from there
feed.py      a reader's way through the logs
tail.py      wakes those who wait, one statement for all of a process
"""

from resolvers.events.feed import Feed, FellBehind, ResyncRequired
from resolvers.events.log import Event, append_events, prune_events
from resolvers.events.reading import EventRow, Wanted, may_see
from resolvers.events.tail import Tail, heads_of
from resolvers.events.tokens import Resume, ResumeSeal
from resolvers.tables.events import EventKind

__all__ = [
    "Event",
    "EventKind",
    "EventRow",
    "Feed",
    "FellBehind",
    "Resume",
    "ResumeSeal",
    "ResyncRequired",
    "Tail",
    "Wanted",
    "append_events",
    "heads_of",
    "may_see",
    "prune_events",
]
