"""Runs revisions on the connection that `gateway.migrate` opened; it also holds the lock and the transaction."""

from alembic import context
from sqlmodel import SQLModel

import auth.audit.tables
import auth.mfa.tables
import auth.tables  # noqa: F401 - fills the metadata, as the ones beside it do
import resolvers.tables  # noqa: F401

context.configure(connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata)
with context.begin_transaction():
    context.run_migrations()
