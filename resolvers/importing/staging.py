"""The staging table: every row of the input, before anything is written."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from resolvers.bulk import copy_rows
from resolvers.importing.rows import StagedRow

_CREATE: Final = """
CREATE TEMPORARY TABLE staged (
  ordinal bigint, source integer, line bigint, id uuid, organization_id uuid, cloud_id uuid, service_id uuid,
  type text COLLATE "C", name text COLLATE "C", external_id text COLLATE "C", given jsonb
) ON COMMIT DROP
"""


class Staging:
    """Collects staged rows and copies them into the database, many at a time."""

    _ROWS_PER_COPY: Final = 5000

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._waiting: list[StagedRow] = []

    async def create(self) -> None:
        """Make the table; it goes with the transaction."""
        await self._connection.execute(text(_CREATE))

    async def add(self, row: StagedRow) -> None:
        """Take a row."""
        self._waiting.append(row)
        if len(self._waiting) >= self._ROWS_PER_COPY:
            await self._copy()

    async def finish(self) -> None:
        """Copy what still waits, and tell the planner what is there."""
        await self._copy()
        await self._connection.execute(
            text("ANALYZE staged (ordinal, organization_id, service_id, type, name, external_id)")
        )

    async def _copy(self) -> None:
        await copy_rows(self._connection, "staged", StagedRow._fields, self._waiting)
        self._waiting.clear()
