"""Events that a caller may see, read from where they were; held to their scope in SQL, and again by row policies."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Text, Uuid, bindparam, text

from auth.principal import Principal
from auth.statements import Statement
from resolvers.snapshot import Snapshot

AT_ONCE: Final = 100
"""How many events of an organization are read at once."""


class EventRow(NamedTuple):
    """One event, as it is in the log."""

    organization_id: UUID
    seq: int
    cloud_id: UUID | None
    kind: str
    subject_type: str
    subject_id: UUID
    at: datetime


class Wanted(NamedTuple):
    """Which events: of these kinds, and about this subject; None: of any."""

    kinds: tuple[str, ...] | None = None
    subject_id: UUID | None = None


class Batch(NamedTuple):
    """Events in the order of their logs, where the reader is after them, and how far the logs are."""

    events: list[EventRow]
    after: Mapping[UUID, int]
    heads: Mapping[UUID, int]


_HEADS = Statement(
    text("SELECT organization_id, seq FROM event_counter WHERE organization_id = ANY (:organizations)").bindparams(
        bindparam("organizations", type_=ARRAY(Uuid()))
    )
)
_PRUNED = Statement(
    text("SELECT organization_id, seq FROM pruned_events(:organizations)").bindparams(
        bindparam("organizations", type_=ARRAY(Uuid()))
    )
)
# Whatever is wanted: what is not seen or not asked for is passed over in the order of the primary key.
_READ = Statement(
    text(
        """
SELECT c.organization_id, c.seq AS head, e.seq, e.cloud_id, e.kind, e.subject_type, e.subject_id, e.at
FROM unnest(CAST(:organizations AS uuid[]), CAST(:positions AS bigint[])) AS a (organization_id, seq)
JOIN event_counter c ON c.organization_id = a.organization_id
LEFT JOIN LATERAL (
  SELECT * FROM event e
  WHERE e.organization_id = a.organization_id AND e.seq > a.seq
  AND (e.cloud_id IS NULL OR e.cloud_id = ANY (CAST(:clouds AS uuid[])))
  AND (CAST(:kinds AS text[]) IS NULL OR e.kind = ANY (CAST(:kinds AS text[])))
  AND (CAST(:subject_id AS uuid) IS NULL OR e.subject_id = CAST(:subject_id AS uuid))
  ORDER BY e.seq LIMIT :at_once
) e ON true
ORDER BY c.organization_id, e.seq
"""
    ).bindparams(
        bindparam("organizations", type_=ARRAY(Uuid())),
        bindparam("positions", type_=ARRAY(BigInteger())),
        bindparam("clouds", type_=ARRAY(Uuid())),
        bindparam("kinds", type_=ARRAY(Text())),
        bindparam("subject_id", type_=Uuid()),
        bindparam("at_once", type_=BigInteger()),
    )
)


def may_see(principal: Principal, event: EventRow) -> bool:
    """Whether a caller, as they are now, may see an event."""
    scope = principal.scope
    if event.cloud_id is not None:
        return event.cloud_id in scope.resource_clouds
    return event.organization_id in scope.resource_organizations


async def heads(snapshot: Snapshot, organizations: Sequence[UUID]) -> dict[UUID, int]:
    """Tell how far the logs of organizations are; 0 where there was no event yet."""
    return await _by_organization(snapshot, _HEADS, organizations)


async def pruned(snapshot: Snapshot, organizations: Sequence[UUID]) -> dict[UUID, int]:
    """Tell up to which event the logs of organizations were pruned."""
    return await _by_organization(snapshot, _PRUNED, organizations)


async def read_events(
    snapshot: Snapshot, principal: Principal, positions: Mapping[UUID, int], wanted: Wanted, at_once: int = AT_ONCE
) -> Batch:
    """Read the next events after `positions`, of organizations that the caller sees into."""
    values = {
        "organizations": list(positions),
        "positions": list(positions.values()),
        "clouds": list(principal.scope.resource_clouds),
        "kinds": None if wanted.kinds is None else list(wanted.kinds),
        "subject_id": wanted.subject_id,
        "at_once": at_once,
    }
    events: list[EventRow] = []
    counts: dict[UUID, int] = {}
    last: dict[UUID, int] = {}
    reached: dict[UUID, int] = {}
    for organization_id, head, seq, *rest in await snapshot.fetch(_READ, values):
        reached[organization_id] = head
        if seq is not None:
            events.append(EventRow(organization_id, seq, *rest))
            counts[organization_id] = counts.get(organization_id, 0) + 1
            last[organization_id] = seq
    # Where less came than could have, nothing is left of the log as it was read.
    after = {
        organization: last[organization] if counts.get(organization) == at_once else reached.get(organization, seq)
        for organization, seq in positions.items()
    }
    return Batch(events, after, {organization: reached.get(organization, 0) for organization in positions})


async def _by_organization(snapshot: Snapshot, of: Statement, organizations: Sequence[UUID]) -> dict[UUID, int]:
    found: dict[UUID, Any] = dict.fromkeys(organizations, 0)
    found.update({row[0]: row[1] for row in await snapshot.fetch(of, {"organizations": list(organizations)})})
    return found
