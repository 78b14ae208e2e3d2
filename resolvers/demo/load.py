"""Writes the demo into an empty database, by COPY, in one transaction."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from resolvers.bulk import analyze, copy_rows
from resolvers.demo.content import batches
from resolvers.reference import load_reference

MOST_RESOURCES: Final = 5_000_000


class DatabaseNotEmpty(Exception):
    """There are organizations already; the demo is only ever written into an empty database."""


@dataclass(frozen=True)
class DemoSummary:
    """What was written: rows by table, and the seconds it took."""

    rows: dict[str, int]
    seconds: float


async def is_empty(connection: AsyncConnection) -> bool:
    """Tell whether the database holds no organization."""
    return bool(await connection.scalar(text("SELECT NOT EXISTS (SELECT FROM organization)")))


async def load_demo(
    owner_url: str, *, resources: int = 2000, progress: Callable[[int, int], None] | None = None
) -> DemoSummary:
    """Write the demo with exactly that many resources; `progress` is told the resources written, and of how many.

    Raises:
        ValueError: `resources` is not from 1 to `MOST_RESOURCES`.
        DatabaseNotEmpty: the database holds an organization.
    """
    if not 1 <= resources <= MOST_RESOURCES:
        raise ValueError(f"The demo has from 1 to {MOST_RESOURCES:,} resources, not {resources:,}.")
    started = time.monotonic()
    rows: dict[str, int] = {}
    written = 0
    engine = create_async_engine(owner_url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            # Two demos at once: the second one waits here and then finds the first.
            await connection.execute(text("LOCK TABLE organization IN SHARE ROW EXCLUSIVE MODE"))
            # Foreign keys are checked by plans that are kept: made while tables are small, they would read them whole,
            # and go on doing so when they are large.
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
            if not await is_empty(connection):
                raise DatabaseNotEmpty("The database already holds data; the demo needs an empty one.")
            await load_reference(connection)
            for batch in batches(resources):
                for table, columns, records in batch.in_order():
                    name = str(table.__tablename__)
                    await copy_rows(connection, name, columns, records)
                    rows[name] = rows.get(name, 0) + len(records)
                if not written and batch.resources < resources:
                    await analyze(connection)
                written += batch.resources
                if progress:
                    progress(written, resources)
            await analyze(connection)
    finally:
        await engine.dispose()
    return DemoSummary(rows, time.monotonic() - started)
