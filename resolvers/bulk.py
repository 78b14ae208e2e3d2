"""Writing many rows at once."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection


async def copy_rows(
    connection: AsyncConnection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Write rows by COPY, inside the connection's transaction; values as asyncpg takes them, jsonb as JSON text."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    # SQLAlchemy opens the transaction with its first statement; before that, the driver would commit by itself.
    if not driver.is_in_transaction():
        raise RuntimeError("Run a statement first: rows are only ever copied inside a transaction.")
    await driver.copy_records_to_table(table, columns=columns, records=rows)
