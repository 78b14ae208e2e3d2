"""The topology: small, shared, read whole, and kept by the process as long as it does not change."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Table, func, literal_column, select, union_all

from auth.principal import CALLER, Principal, Principals
from auth.statements import Statement
from auth.tables import table
from resolvers import tables as t
from resolvers.reads import rows
from resolvers.snapshot import Snapshot

REGION, CENTER, ZONE = table(t.Region), table(t.DataCenter), table(t.AvailabilityZone)
PLACES: tuple[tuple[Table, Any], ...] = (
    (REGION, rows.RegionRow),
    (CENTER, rows.DataCenterRow),
    (ZONE, rows.AvailabilityZoneRow),
)
TOPOLOGY = Statement(
    select(*[of.c[name] for of, row in PLACES for name in row._fields])
    .select_from(
        REGION.outerjoin(CENTER, CENTER.c.region_code == REGION.c.code).outerjoin(
            ZONE, ZONE.c.data_center_code == CENTER.c.code
        )
    )
    .order_by(REGION.c.code, CENTER.c.code, ZONE.c.code)
)


class Topology(NamedTuple):
    """Every region, data center and availability zone, by code, in the order of their codes."""

    regions: dict[str, rows.RegionRow]
    data_centers: dict[str, rows.DataCenterRow]
    zones: dict[str, rows.AvailabilityZoneRow]


# It is of no more than some dozens of rows: how many there are, and the sum of the transactions that wrote them, is
# another number after every change.
VERSION = (
    select(func.concat(func.count(), ":", func.sum(literal_column("written"))))
    .select_from(
        union_all(
            *[select(literal_column("xmin::text::bigint").label("written")).select_from(of) for of, _ in PLACES]
        ).subquery()
    )
    .scalar_subquery()
)
CALLER_AND_VERSION = Statement(CALLER.add_columns(VERSION.label("topology_version")))


class Caller(NamedTuple):
    """Who is calling, and which topology there is in the operation's snapshot."""

    principal: Principal
    topology_version: str


class Topologies:
    """The topology, kept with its version."""

    def __init__(self) -> None:
        self._version: str | None = None
        self._topology: Topology | None = None

    def kept(self, version: str) -> Topology | None:
        """Give the topology of a version, if it is kept."""
        return self._topology if version == self._version else None

    async def load(self, snapshot: Snapshot, version: str, keys: Sequence[str]) -> list[Topology]:
        """Read the topology for the one key that there is, "all", in one statement, and keep it."""
        found: tuple[dict[str, Any], ...] = ({}, {}, {})
        for columns in await snapshot.fetch(TOPOLOGY):
            start = 0
            for (_, row), by_code in zip(PLACES, found, strict=True):
                values = columns[start : start + len(row._fields)]
                start += len(row._fields)
                if values[0] is not None:
                    place = row(*values)
                    by_code[place.code] = place
        self._topology, self._version = Topology(*found), version
        return [self._topology for _ in keys]


async def load_caller(
    snapshot: Snapshot, principals: Principals, account_id: UUID, session_id: UUID | None = None
) -> Caller:
    """Read the caller of an operation and the version of the topology, in its first statement, which sets the scope.

    Raises Unauthenticated if there is no such account, or it is disabled, or the session that the caller names is over.
    """
    read = await snapshot.fetch(CALLER_AND_VERSION, {"account_id": account_id, "session_id": session_id})
    return Caller(principals.of(account_id, read), read[0]["topology_version"])
