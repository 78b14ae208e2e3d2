"""The import of an inventory: read, check, write; all of it or nothing."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import NullPool, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from resolvers.importing.catalogue import read_catalogue
from resolvers.importing.checks import check_staged
from resolvers.importing.columns import columns
from resolvers.importing.directory import Directory
from resolvers.importing.errors import ErrorLog, ImportInterrupted
from resolvers.importing.merging import merge
from resolvers.importing.reading import Source, read_rows
from resolvers.importing.rows import RowReader
from resolvers.importing.staging import Staging

_BYTES_PER_REPORT: Final = 256 * 1024
_UNIQUE_VIOLATION: Final = "23505"
_FOREIGN_KEY_VIOLATION: Final = "23503"


class Stage(StrEnum):
    """What an import is doing; reading is measured in bytes, writing in resources."""

    READING = "reading"
    CHECKING = "checking"
    WRITING = "writing"


Progress = Callable[[Stage, int, int | None], None]
"""Told the stage, what is done, and of how much; None where that cannot be known."""


@dataclass(frozen=True)
class ImportSummary:
    """What an import did, or would have done: resources by what became of them, and what was created around them."""

    created: int
    updated: int
    unchanged: int
    also_created: dict[str, int]
    dry_run: bool
    seconds: float


async def import_inventory(
    url: str,
    sources: Sequence[Source],
    *,
    dry_run: bool = False,
    create_missing: bool = True,
    progress: Progress | None = None,
) -> ImportSummary:
    """Import resources, in one transaction; the same input again changes nothing.

    Args:
        url: A database role that may read and write all tables and make temporary ones.
        sources: What to read, in this order.
        dry_run: Do everything and then take it back.
        create_missing: Create organizations, Clouds, Services, areas and networks that are named and not there.
        progress: Told how far the import is.

    Raises:
        ImportRefused: the input has errors; nothing was written.
        ImportInterrupted: somebody else changed the same things meanwhile; nothing was written.
    """
    started = time.monotonic()
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection, connection.begin() as transaction:
            created, updated, rows, also_created = await _run(
                connection, sources, create_missing=create_missing, progress=progress or _no_progress
            )
            if dry_run:
                await transaction.rollback()
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) not in {_UNIQUE_VIOLATION, _FOREIGN_KEY_VIOLATION}:
            raise
        raise ImportInterrupted(
            "Somebody else changed the same things meanwhile; nothing was written. Run the import again."
        ) from error
    finally:
        await engine.dispose()
    return ImportSummary(created, updated, rows - created - updated, also_created, dry_run, time.monotonic() - started)


async def _run(
    connection: AsyncConnection, sources: Sequence[Source], *, create_missing: bool, progress: Progress
) -> tuple[int, int, int, dict[str, int]]:
    names = [source.name for source in sources]
    log = ErrorLog(names)
    directory = Directory(create_missing=create_missing)
    await directory.read(connection)
    rows = await _stage(connection, sources, directory, log, progress)
    # From here on nobody else adds or changes a resource; reading goes on.
    await connection.execute(text("LOCK TABLE resource IN SHARE ROW EXCLUSIVE MODE"))
    progress(Stage.CHECKING, 0, None)
    await check_staged(connection, log, names)
    log.raise_if_any()
    also_created = await directory.create(connection)
    created, updated = await merge(connection, lambda done, total: progress(Stage.WRITING, done, total))
    return created, updated, rows, also_created


async def _stage(
    connection: AsyncConnection, sources: Sequence[Source], directory: Directory, log: ErrorLog, progress: Progress
) -> int:
    """Read all sources into the staging table; tell the number of rows."""
    catalogue = await read_catalogue(connection)
    known = columns(catalogue, datetime.now(UTC))
    reader = RowReader(known, catalogue, directory, log)
    staging = Staging(connection)
    await staging.create()
    sizes = [source.size for source in sources]
    meter = _Meter(progress, None if None in sizes else sum(size or 0 for size in sizes))
    rows = 0
    for index, source in enumerate(sources):
        for row in read_rows(index, source, frozenset(known), log, meter.advance):
            rows += 1
            await staging.add(reader.read(row))
    await staging.finish()
    meter.report()
    return rows


class _Meter:
    """Counts bytes, and reports them now and then."""

    def __init__(self, progress: Progress, total: int | None) -> None:
        self._progress = progress
        self._total = total
        self._done = 0
        self._reported = 0

    def advance(self, size: int) -> None:
        self._done += size
        if self._done - self._reported >= _BYTES_PER_REPORT:
            self.report()

    def report(self) -> None:
        self._reported = self._done
        self._progress(Stage.READING, self._done, self._total)


def _no_progress(stage: Stage, done: int, total: int | None) -> None:
    """Tell nobody."""
