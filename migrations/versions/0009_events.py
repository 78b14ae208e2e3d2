"""The log of what happened: events of each organization, numbered without gaps in the order of their commits.

The app's role reads events within its scope. It writes them by functions of the database alone, which number them: what
is in the log cannot be changed, left out or put in between by whatever the app does.

Revision ID: 0009
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = ("event", "event_counter")
DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, pg_temp"


def among(column: str, setting: str) -> str:
    """Hold a column to what a setting lists, as in 0006."""
    listed = f"string_to_array(nullif(current_setting('itcare.{setting}', true), ''), ',')"
    return f"nullif({column} IN (SELECT unnest({listed}::uuid[])), false) IS NOT NULL"


SEEN = f"""
CASE WHEN cloud_id IS NULL THEN {among("organization_id", "open_organizations")}
ELSE {among("cloud_id", "open_clouds")} END
"""
APPEND = f"""
CREATE FUNCTION append_events(events json) RETURNS void LANGUAGE sql VOLATILE {DEFINER} AS $$
  WITH given AS MATERIALIZED (
    SELECT e.*, row_number() OVER (PARTITION BY e.organization_id ORDER BY e.place) AS step,
      count(*) OVER (PARTITION BY e.organization_id) AS steps
    FROM ROWS FROM (json_to_recordset(events) AS (
      organization_id uuid, cloud_id uuid, kind text, subject_type text, subject_id uuid, payload jsonb, at timestamptz
    )) WITH ORDINALITY AS e (organization_id, cloud_id, kind, subject_type, subject_id, payload, at, place)
  ), advanced AS (
    -- Whoever appends for several organizations takes their counters in one order, so that nobody waits in a circle.
    INSERT INTO public.event_counter AS c (organization_id, seq)
    SELECT g.organization_id, count(*) FROM given g GROUP BY g.organization_id ORDER BY g.organization_id
    ON CONFLICT (organization_id) DO UPDATE SET seq = c.seq + excluded.seq
    RETURNING c.organization_id, c.seq
  )
  INSERT INTO public.event (organization_id, seq, cloud_id, kind, subject_type, subject_id, payload, at)
  SELECT g.organization_id, a.seq - g.steps + g.step, g.cloud_id, g.kind, g.subject_type, g.subject_id, g.payload, g.at
  FROM given g JOIN advanced a ON a.organization_id = g.organization_id
$$
"""  # noqa: S608 - our own text
"""Numbers events and writes them. The counter stays locked until the transaction ends: who sees one, sees all before."""
HEADS = f"""
CREATE FUNCTION event_heads(organizations uuid[]) RETURNS TABLE (organization_id uuid, seq bigint)
LANGUAGE sql STABLE {DEFINER} AS $$
  SELECT c.organization_id, c.seq FROM public.event_counter c WHERE c.organization_id = ANY (organizations)
$$
"""  # noqa: S608 - our own text
"""How far logs are, for whoever wakes those who wait for events: the process, which has no scope."""
PRUNED = f"""
CREATE FUNCTION pruned_events(organizations uuid[]) RETURNS TABLE (organization_id uuid, seq bigint)
LANGUAGE sql STABLE {DEFINER} AS $$
  SELECT c.organization_id, coalesce(
    (SELECT e.seq - 1 FROM public.event e WHERE e.organization_id = c.organization_id ORDER BY e.seq LIMIT 1), c.seq)
  FROM public.event_counter c WHERE c.organization_id = ANY (organizations)
$$
"""  # noqa: S608 - our own text
"""Up to which event logs were pruned. A caller's own scope does not tell: their first event need not be the first."""
PRUNE = f"""
CREATE FUNCTION prune_events(before timestamptz, most integer) RETURNS bigint LANGUAGE sql VOLATILE {DEFINER} AS $$
  WITH kept AS MATERIALIZED (
    SELECT c.organization_id, coalesce((
      SELECT e.seq FROM public.event e
      WHERE e.organization_id = c.organization_id AND e.at >= least(before, now() - interval '1 day')
      ORDER BY e.seq LIMIT 1
    ), c.seq + 1) AS seq
    FROM public.event_counter c
  ), old AS MATERIALIZED (
    SELECT e.organization_id, e.seq FROM kept k JOIN public.event e
    ON e.organization_id = k.organization_id AND e.seq < k.seq
    ORDER BY e.organization_id, e.seq LIMIT most
  ), gone AS (
    DELETE FROM public.event e USING old o WHERE e.organization_id = o.organization_id AND e.seq = o.seq RETURNING 1
  )
  SELECT count(*) FROM gone
$$
"""  # noqa: S608 - our own text
"""Takes the oldest events, never one after a younger one, so that what is left has no gaps; the last day stays."""


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.Text(collation="C"), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('OPERATION_UPDATED', 'RESOURCE_CREATED', 'RESOURCE_UPDATED', 'RESOURCE_DELETED',"
            " 'CREATED', 'UPDATED', 'DELETED')",
            name=op.f("ck_event_kind_known"),
        ),
        sa.CheckConstraint("seq > 0", name=op.f("ck_event_seq_positive")),
        sa.CheckConstraint("subject_type ~ '^[A-Z][A-Za-z]{0,62}$'", name=op.f("ck_event_subject_type_form")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_event_organization_id")),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id"],
            ["cloud.organization_id", "cloud.id"],
            name=op.f("fk_event_organization_id_cloud_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "seq", name=op.f("pk_event")),
    )
    op.create_table(
        "event_counter",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("seq > 0", name=op.f("ck_event_counter_seq_positive")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_event_counter_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_event_counter")),
    )
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON event FOR SELECT USING ({SEEN})")
    op.execute(
        f"CREATE POLICY scope ON event_counter FOR SELECT USING ({among('organization_id', 'open_organizations')})"
    )
    for function in (APPEND, HEADS, PRUNED, PRUNE):
        op.execute(function)


def downgrade() -> None:
    for function in (
        "prune_events(timestamptz, integer)",
        "pruned_events(uuid[])",
        "event_heads(uuid[])",
        "append_events(json)",
    ):
        op.execute(f"DROP FUNCTION {function}")
    for table in TABLES:
        op.drop_table(table)
