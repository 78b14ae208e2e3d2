"""Writing many rows at once."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from resolvers import tables

_IS_PROTECTED = text("SELECT row_security_active(CAST(:table AS text))")


async def copy_rows(
    connection: AsyncConnection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Write rows by COPY, inside the connection's transaction; values as asyncpg takes them, jsonb as JSON text.

    PostgreSQL has no COPY into a table whose row-level security holds for who writes, such as an owner that is no
    superuser: theirs go through a temporary table.
    """
    driver: Any = (await connection.get_raw_connection()).driver_connection
    # SQLAlchemy opens the transaction with its first statement; before that, the driver would commit by itself.
    if not driver.is_in_transaction():
        raise RuntimeError("Run a statement first: rows are only ever copied inside a transaction.")
    if not await connection.scalar(_IS_PROTECTED, {"table": table}):
        await driver.copy_records_to_table(table, columns=columns, records=rows)
        return
    listed = ", ".join(columns)
    chosen = f"SELECT {listed} FROM"
    await connection.execute(text(f"CREATE TEMPORARY TABLE copied AS {chosen} {table} WITH NO DATA"))
    await driver.copy_records_to_table("copied", columns=columns, records=rows)
    await connection.execute(text(f"INSERT INTO {table} ({listed}) {chosen} copied"))
    await connection.execute(text("DROP TABLE copied"))


async def analyze(connection: AsyncConnection, *names: str) -> None:
    """Tell the planner what is in these tables, or in all of ours; those of another owner are passed over.

    Large writes need it: foreign keys are checked by plans that are kept, and those made without statistics may read
    all Services of a Cloud for every row.
    """
    # Without names it would also lock the catalogs that all databases of the server share, until the transaction ends.
    listed = names or tables.Resource.metadata.tables
    await connection.execute(text(f"ANALYZE {', '.join(listed)}"))
