"""Operations that a worker executes, step by step: what a step needs to know, the secrets it brings, and the queue.

The queue is PgQueuer's, made by its own statements. Its trigger, which notifies at each change, is left out: in the
transaction of a command it costs more than the rest of the job, and workers look for themselves.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from pgqueuer.adapters.persistence.schema_ddl import render_enum, render_index, render_table, render_uninstall
from pgqueuer.domain.schema.declaration import target
from pgqueuer.domain.settings import DBSettings
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

IN_CLOUD = (
    "nullif(cloud_id IN (SELECT unnest(string_to_array("
    "nullif(current_setting('itcare.open_clouds', true), ''), ',')::uuid[])), false) IS NOT NULL"
)
ENTER_OPERATION = """
CREATE FUNCTION enter_operation(operation uuid) RETURNS TABLE (
  organization_id uuid, cloud_id uuid, profiles text[]
) LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH entered AS MATERIALIZED (
    SELECT o.organization_id, o.cloud_id, o.submitted_by_id,
      set_config('itcare.account', '', true) || set_config('itcare.all_names', '', true)
      || set_config('itcare.organizations', o.organization_id::text, true)
      || set_config('itcare.clouds', o.cloud_id::text, true)
      || set_config('itcare.open_organizations', o.organization_id::text, true)
      || set_config('itcare.open_clouds', o.cloud_id::text, true) AS settings
    FROM public.operation o WHERE o.id = operation
  )
  SELECT e.organization_id, e.cloud_id, ARRAY(
    SELECT m.profile FROM public.membership m JOIN public.account a ON a.id = m.account_id
    WHERE m.account_id = e.submitted_by_id AND m.cloud_id = e.cloud_id AND a.disabled_at IS NULL
    AND EXISTS (SELECT FROM public.factor f WHERE f.account_id = a.id AND f.confirmed_at IS NOT NULL)
  ) FROM entered e WHERE e.settings IS NOT NULL;
  IF NOT FOUND THEN
    PERFORM set_config('itcare.' || name, '', true) FROM unnest(ARRAY[
      'account', 'all_names', 'organizations', 'clouds', 'open_organizations', 'open_clouds'
    ]) name;
  END IF;
END $$
"""
"""Sets the scope of a transaction to the Cloud of one operation, and says what who asked for it holds there now."""

LOST_OPERATIONS = """
CREATE FUNCTION lost_operations() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT o.id FROM public.operation o
  WHERE o.status = 'IN_PROGRESS' AND o.input_digest IS NOT NULL AND o.submitted_at < now() - interval '1 minute'
  AND EXISTS (SELECT FROM public.operation_step s WHERE s.operation_id = o.id AND s.status = 'IN_PROGRESS')
  AND NOT EXISTS (SELECT FROM public.pgqueuer j WHERE j.dedupe_key = o.id::text)
  ORDER BY o.id
$$
"""
"""Finds the operations that the gateway was asked for and that are in no queue, whatever became of their jobs."""


def upgrade() -> None:
    op.add_column("operation", sa.Column("subject_id", sa.Uuid(), nullable=True))
    op.add_column(
        "operation", sa.Column("parameters", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False)
    )
    op.create_index(
        "uq_operation_open",
        "operation",
        ["organization_id", sa.text("coalesce(resource_id, subject_id)")],
        unique=True,
        postgresql_where=sa.text("status = 'IN_PROGRESS'"),
    )
    for column in (
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("nonce", sa.Uuid(), nullable=True),
        sa.Column("report", postgresql.JSONB(), nullable=True),
    ):
        op.add_column("operation_step", column)
    op.create_table(
        "operation_secret",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id", "operation_id"],
            ["operation.organization_id", "operation.cloud_id", "operation.id"],
            name=op.f("fk_operation_secret_organization_id_cloud_id_operation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "operation_id", name=op.f("pk_operation_secret")),
    )
    op.execute("ALTER TABLE operation_secret ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE operation_secret FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON operation_secret USING ({IN_CLOUD})")
    op.execute(ENTER_OPERATION)
    settings = DBSettings()
    queue = target(settings)
    for enum in queue.enums:
        op.execute(render_enum(enum, settings))
    for table in queue.tables:
        op.execute(render_table(table, settings))
    for index in queue.indexes:
        op.execute(render_index(index, settings))
    op.execute(LOST_OPERATIONS)


def downgrade() -> None:
    op.execute("DROP FUNCTION lost_operations()")
    for statement in render_uninstall(DBSettings()).splitlines():
        op.execute(statement)
    op.execute("DROP FUNCTION enter_operation(uuid)")
    op.drop_table("operation_secret")
    for column in ("report", "nonce", "started_at", "subject_id"):
        op.drop_column("operation_step", column)
    op.drop_index("uq_operation_open", "operation")
    for column in ("parameters", "subject_id"):
        op.drop_column("operation", column)
