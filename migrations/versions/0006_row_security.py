"""Row-level security: PostgreSQL itself shows the app's role nothing but the scope of the caller.

A scope is settings of one transaction, lists of identifiers separated by commas; `enter_scope` writes them. Where there
is none, nothing is seen.

    itcare.account               who is calling
    itcare.all_names             `on` for the platform, which sees every organization and Cloud by name
    itcare.organizations         what is seen by name
    itcare.clouds
    itcare.open_organizations    what is seen with its content
    itcare.open_clouds

The owner, who migrates, imports and restores, is exempted by a policy named `owner`, which is made after each revision
(`gateway/postgres/privileges.py`): it names a role, and every database has its own.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

IN_CLOUDS = (
    "cluster_node", "dns_alias", "file_system", "indicator", "instance", "kubernetes_cluster", "load_balancer",
    "load_balancer_member", "maintenance", "maintenance_subject", "middleware", "namespace", "object_store",
    "object_store_user", "operation", "operation_step", "resource", "resource_placement", "resource_tag", "service",
    "sms_subscription", "snapshot",
)  # fmt: skip
"""Tables whose rows are in Clouds: seen and written by those who see what is in the Cloud."""

OF_ACCOUNTS = ("factor", "mfa_challenge", "approval", "mfa_failures")
"""Tables whose rows are an account's own."""


def among(column: str, setting: str) -> str:
    """Hold a column to what a setting lists.

    The list is read once a statement, into a hash table: a comparison with an array would look at all of it for each
    row. The statement's own conditions say the same, so that this takes nothing away; but the planner would take it for
    half of the rows, of each table once more, and so an order that sorts them for a cheap one. Of a test for null it
    expects that nearly all pass: which index it follows stays a matter of the other conditions.
    """
    listed = f"string_to_array(nullif(current_setting('itcare.{setting}', true), ''), ',')"
    return f"nullif({column} IN (SELECT unnest({listed}::uuid[])), false) IS NOT NULL"


def own(column: str) -> str:
    """Hold a column to who is calling."""
    return f"{column} = (SELECT nullif(current_setting('itcare.account', true), '')::uuid)"


ALL_NAMES = "(SELECT coalesce(current_setting('itcare.all_names', true), '') = 'on')"
READ_ONLY = {
    "organization": f"{ALL_NAMES} OR {among('id', 'organizations')}",
    "cloud": f"{ALL_NAMES} OR {among('id', 'clouds')}",
    "area": among("organization_id", "open_organizations"),
    "network": among("organization_id", "open_organizations"),
    "domain": among("organization_id", "open_organizations"),
    "account": own("id"),
    "organization_member": own("account_id"),
    "membership": own("account_id"),
}
"""What is seen of tables that no command writes yet; their rows can be locked by whoever sees them."""

PROTECTED = (*IN_CLOUDS, *READ_ONLY, *OF_ACCOUNTS, "audit_record")

# Everything is qualified, and the search path holds nothing that anybody could put something into.
DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
VISIBLE = """
    SELECT m.organization_id, m.cloud_id, m.profile, true AS sees_resources
    FROM public.membership m WHERE m.account_id = caller
    UNION ALL
    SELECT c.organization_id, c.id, NULL, true
    FROM public.cloud c JOIN public.account a ON a.organization_id = c.organization_id
    WHERE a.id = caller AND a.kind = 'API_ACCOUNT'
    UNION ALL
    SELECT c.organization_id, c.id, NULL, false
    FROM public.cloud c JOIN public.organization_member m ON m.organization_id = c.organization_id
    WHERE m.account_id = caller AND m.is_security_representative
    UNION ALL
    SELECT m.organization_id, NULL, NULL, false
    FROM public.organization_member m WHERE m.account_id = caller
"""
ENTER_SCOPE = f"""
CREATE FUNCTION enter_scope(caller uuid) RETURNS TABLE (
  account_id uuid, kind text, email text, is_platform boolean, has_factor boolean,
  organization_id uuid, organization_code text, organization_name text, is_group boolean,
  cloud_id uuid, cloud_code text, cloud_name text, is_default boolean,
  profile text, sees_resources boolean
) LANGUAGE plpgsql VOLATILE {DEFINER} AS $$
#variable_conflict use_column
BEGIN
  -- Every row is joined with the one of `scope`, so that none is given before all of the scope is written.
  RETURN QUERY
  WITH visible AS MATERIALIZED (
    SELECT a.id AS account_id, a.kind, a.email, a.is_platform, v.organization_id, v.cloud_id, v.profile, v.sees_resources
    FROM public.account a LEFT JOIN ({VISIBLE}) v ON true
    WHERE a.id = caller AND a.disabled_at IS NULL
  ), scope AS MATERIALIZED (
    SELECT set_config('itcare.account', coalesce(min(v.account_id::text), ''), true),
      set_config('itcare.all_names', CASE WHEN bool_or(v.is_platform) THEN 'on' ELSE '' END, true),
      set_config('itcare.organizations', array_to_string(ARRAY(
        SELECT DISTINCT v.organization_id FROM visible v WHERE v.organization_id IS NOT NULL
      ), ','), true),
      set_config('itcare.clouds', coalesce(string_agg(v.cloud_id::text, ','), ''), true),
      set_config('itcare.open_organizations', array_to_string(ARRAY(
        SELECT DISTINCT v.organization_id FROM visible v WHERE v.sees_resources
      ), ','), true),
      set_config('itcare.open_clouds',
        coalesce(string_agg(v.cloud_id::text, ',') FILTER (WHERE v.sees_resources), ''), true)
    FROM visible v
  )
  SELECT v.account_id, v.kind, v.email, v.is_platform,
    (SELECT EXISTS (SELECT FROM public.factor f WHERE f.account_id = caller AND f.confirmed_at IS NOT NULL)),
    o.id, o.code, o.name, o.is_group, c.id, c.code, c.name, c.is_default, v.profile, v.sees_resources
  FROM scope CROSS JOIN visible v
  LEFT JOIN public.organization o ON o.id = v.organization_id
  LEFT JOIN public.cloud c ON c.organization_id = v.organization_id AND c.id = v.cloud_id
  ORDER BY o.id, c.id;
  IF NOT FOUND THEN
    -- There is no such account, or it is disabled; what was set before must not stay.
    PERFORM set_config('itcare.' || name, '', true) FROM unnest(ARRAY[
      'account', 'all_names', 'organizations', 'clouds', 'open_organizations', 'open_clouds'
    ]) name;
  END IF;
END $$
"""  # noqa: S608 - our own text
"""Writes the scope of a caller, as the database has it, and gives what makes a principal."""
ACTIVE_ACCOUNT = f"""
CREATE FUNCTION active_account(address text) RETURNS uuid LANGUAGE sql STABLE {DEFINER}
RETURN (SELECT a.id FROM public.account a WHERE a.email = lower(address) AND a.disabled_at IS NULL)
"""  # noqa: S608 - our own text
"""Finds an account before there is a scope: at the sign-in, and for tokens of operators."""


def upgrade() -> None:
    for table in PROTECTED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for table in IN_CLOUDS:
        op.execute(f"CREATE POLICY scope ON {table} USING ({among('cloud_id', 'open_clouds')})")
    for table in OF_ACCOUNTS:
        op.execute(f"CREATE POLICY scope ON {table} USING ({own('account_id')})")
    # What is recorded is recorded also where there is no scope; it is read by the owner alone.
    op.execute("CREATE POLICY records ON audit_record FOR INSERT WITH CHECK (true)")
    for table, seen in READ_ONLY.items():
        op.execute(f"CREATE POLICY scope ON {table} FOR SELECT USING ({seen})")
        op.execute(f"CREATE POLICY locks ON {table} FOR UPDATE USING ({seen}) WITH CHECK (false)")
    op.execute(ENTER_SCOPE)
    op.execute(ACTIVE_ACCOUNT)


def downgrade() -> None:
    op.execute("DROP FUNCTION active_account(text)")
    op.execute("DROP FUNCTION enter_scope(uuid)")
    for table in PROTECTED:
        for policy in ("scope", "locks", "records", "owner"):
            op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
