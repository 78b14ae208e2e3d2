"""Runs revisions on the connection that `gateway.migrate` opened; it also holds the lock and the transaction."""

from typing import Any

from alembic import context
from sqlalchemy import Connection
from sqlmodel import SQLModel

import auth.audit.tables
import auth.identity.tables
import auth.mfa.tables
import auth.tables  # noqa: F401 - fills the metadata, as the ones beside it do
import resolvers.tables  # noqa: F401
from gateway.postgres.privileges import PROTECT_ROWS

connection: Connection = context.config.attributes["connection"]


def protect_rows(*_: Any, **_named: Any) -> None:
    connection.exec_driver_sql(PROTECT_ROWS)


def is_ours(name: str | None, type_: str, _: Any) -> bool:
    # The queue's tables are PgQueuer's own, and in no model.
    return not (type_ == "table" and name is not None and name.startswith("pgqueuer"))


context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    include_name=is_ours,
    on_version_apply=protect_rows,
)
with context.begin_transaction():
    context.run_migrations()
