"""The log of events of each organization: appended to in the transaction of what happened, pruned when it is old."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import text

from auth.statements import Fetch, Statement
from resolvers.tables.events import EventKind

PRUNED_AT_ONCE: Final = 10_000
"""How many events one statement takes away."""
_APPEND = Statement(text("SELECT append_events(CAST(CAST(:events AS text) AS json))"))
_PRUNE = Statement(text("SELECT prune_events(CAST(:before AS timestamptz), CAST(:most AS integer))"))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a subject, in a Cloud of an organization or, without one, to the organization.

    `subject_type` is the name of its type in the graph, such as `Instance`. Whoever sees into the Cloud, or into one of
    the organization, is shown the event: the payload, values of JSON, holds no secret.
    """

    organization_id: UUID
    cloud_id: UUID | None
    kind: EventKind
    subject_type: str
    subject_id: UUID
    payload: Mapping[str, Any] = field(default_factory=dict)


async def append_events(fetch: Fetch, events: Sequence[Event], at: datetime) -> None:
    """Append events to the logs of their organizations, in their order, in the caller's transaction that writes.

    Nobody else appends to these logs until the transaction ends: call it last, once, with all that happened. It takes
    no scope. An event of a Cloud that is not the organization's, or of a type that is no name, is refused by the
    database.
    """
    if events:
        await fetch(_APPEND, {"events": orjson.dumps([_row(event, at) for event in events], default=str).decode()})


async def prune_events(fetch: Fetch, before: datetime) -> int:
    """Take away events from before a time, up to 10,000 in the caller's transaction that writes; gives how many.

    To be called again, in another transaction, until it gives 0. Of each organization the oldest go first, and none
    after one that is younger; those of the last day stay in any case.
    """
    pruned: int = (await fetch(_PRUNE, {"before": before, "most": PRUNED_AT_ONCE}))[0][0]
    return pruned


def _row(event: Event, at: datetime) -> dict[str, Any]:
    # As texts: of the driver come identifiers of its own class, which no writer of JSON knows.
    return {
        "organization_id": str(event.organization_id),
        "cloud_id": event.cloud_id and str(event.cloud_id),
        "kind": event.kind,
        "subject_type": event.subject_type,
        "subject_id": str(event.subject_id),
        "payload": event.payload,
        "at": at,
    }
