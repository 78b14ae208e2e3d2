"""A reader's way through the logs: where it begins, what comes next, and the token by which it goes on elsewhere."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from auth.errors import ItcareError
from auth.principal import Principal
from resolvers.events.reading import Batch, EventRow, Wanted, heads, pruned, read_events
from resolvers.events.tokens import Resume, ResumeSeal
from resolvers.snapshot import Snapshot

ARGUMENT: Final = "after"


class ResyncRequired(ItcareError):
    """Events after the cursor are gone: read again what you show, and subscribe without a cursor."""

    code = "RESYNC"
    http_status = 409

    def __init__(self) -> None:
        super().__init__(
            "Events after this cursor are no longer kept. Read again what you show, and begin without a cursor."
        )


class FellBehind(ItcareError):
    """The reader was too slow; `cursor` is where it can go on."""

    code = "FELL_BEHIND"
    http_status = 503

    def __init__(self, cursor: str | None) -> None:
        super().__init__("You were too slow to take what you asked for. Go on after the cursor.", cursor=cursor)


class Feed:
    """The events that one account wants, from a cursor on or from now on.

    An organization that becomes visible on the way is followed from then on; one that is no longer visible is not, and
    if it becomes visible again, from then on too.
    """

    def __init__(
        self, seal: ResumeSeal, account_id: UUID, wanted: Wanted, *, retention: timedelta, most_behind: int
    ) -> None:
        self._seal = seal
        self._account_id = account_id
        self._wanted = wanted
        self._retention = retention
        self._most_behind = most_behind
        self._behind_at_first: int | None = None
        self._positions: dict[UUID, int] = {}

    @property
    def positions(self) -> Mapping[UUID, int]:
        """The last event passed of each organization."""
        return self._positions

    @property
    def cursor(self) -> str:
        """The token for going on from here."""
        return self._seal.seal(self._account_id, Resume(datetime.now(UTC), self._positions))

    async def begin(self, snapshot: Snapshot, principal: Principal, after: str | None) -> None:
        """Take up where a cursor says, or at the end of the logs.

        Raises:
            BadUserInput: it is no cursor of this account.
            ResyncRequired: what came after it is not kept any more.
        """
        resume = None if after is None else self._seal.open(self._account_id, after, argument=ARGUMENT)
        if resume is not None and datetime.now(UTC) - resume.made_at > self._retention:
            raise ResyncRequired
        organizations = principal.scope.resource_organizations
        known = {} if resume is None else {of: resume.positions[of] for of in organizations if of in resume.positions}
        ends = await heads(snapshot, organizations)
        if known:
            gone = await pruned(snapshot, list(known))
            # A log that ends before the cursor is another one: the database was restored.
            if any(not gone[of] <= seq <= ends[of] for of, seq in known.items()):
                raise ResyncRequired
        self._positions = {**ends, **known}

    async def read(self, snapshot: Snapshot, principal: Principal) -> Batch:
        """Read what comes next.

        Raises:
            FellBehind: the reader is further behind the logs than allowed, beyond what it was at the beginning.
        """
        organizations = principal.scope.resource_organizations
        new = [of for of in organizations if of not in self._positions]
        ends = await heads(snapshot, new) if new else {}
        self._positions = {of: self._positions[of] if of in self._positions else ends[of] for of in organizations}
        batch = await read_events(snapshot, principal, self._positions, self._wanted)
        behind = sum(batch.heads[of] - seq for of, seq in self._positions.items())
        if self._behind_at_first is None:
            self._behind_at_first = behind
        if behind > self._behind_at_first + self._most_behind:
            raise FellBehind(self.cursor)
        return batch

    def through(self, batch: Batch) -> Iterator[EventRow]:
        """Go through what was read; the cursor is that of the event given last, at the end that of the batch."""
        for event in batch.events:
            self._positions[event.organization_id] = event.seq
            yield event
        self._positions.update(batch.after)
