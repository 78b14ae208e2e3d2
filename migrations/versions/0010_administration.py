"""Creations and grants beside the actions: their tables, and what the app may write of tenancy.

    itcare.represented    the organizations whose security representative is calling; `enter_scope` writes it, too

A profile is written only where a proposal says that who is calling has given it, and the checks of the proposal say
that they may: to another than themselves, and, but for STD, what another proposed.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

CALLER = "(SELECT nullif(current_setting('itcare.account', true), '')::uuid AS caller)"
ALL_NAMES = "(SELECT coalesce(current_setting('itcare.all_names', true), '') = 'on')"
REPRESENTED = (
    "organization_id IN (SELECT unnest(string_to_array("
    "nullif(current_setting('itcare.represented', true), ''), ',')::uuid[]))"
)
OWN = f"account_id = {CALLER}"
OTHER = f"account_id <> {CALLER}"
STANDING = "withdrawn_by_id IS NULL"
GIVES = f"given_by_id = {CALLER} AND {STANDING}"

POLICIES = {
    "cloud_request": {
        "scope": f"FOR SELECT USING ({ALL_NAMES} OR {REPRESENTED})",
        "asks": f"FOR INSERT WITH CHECK ({REPRESENTED} AND requested_by_id = {CALLER} AND cloud_id IS NULL)",
        "answers": f"FOR UPDATE USING ({ALL_NAMES}) WITH CHECK ({ALL_NAMES} AND cloud_id IS NOT NULL)",
    },
    "profile_proposal": {
        "scope": f"FOR SELECT USING ({ALL_NAMES} OR {REPRESENTED})",
        "proposes": (
            f"FOR INSERT WITH CHECK ({REPRESENTED} AND {OTHER} AND proposed_by_id = {CALLER} AND {STANDING}"
            f" AND (given_by_id IS NULL OR profile = 'STD' AND {GIVES}))"
        ),
        "decides": (
            f"FOR UPDATE USING ({STANDING} AND ({ALL_NAMES} OR {REPRESENTED})) WITH CHECK ({OTHER}"
            f" AND (({ALL_NAMES} OR {REPRESENTED}) AND {GIVES} OR {REPRESENTED} AND withdrawn_by_id = {CALLER}))"
        ),
    },
    "administrative_change": {
        "scope": f"FOR SELECT USING ({OWN})",
        "records": f"FOR INSERT WITH CHECK ({OWN})",
    },
    "organization": {"creates": f"FOR INSERT WITH CHECK ({ALL_NAMES})"},
    "cloud": {"creates": f"FOR INSERT WITH CHECK ({ALL_NAMES})"},
    "organization_member": {
        "names": f"FOR SELECT USING ({ALL_NAMES} OR {REPRESENTED})",
        "appoints": f"FOR INSERT WITH CHECK ({ALL_NAMES} AND {OTHER})",
        "dismisses": f"FOR UPDATE USING ({ALL_NAMES} AND {OTHER}) WITH CHECK ({ALL_NAMES} AND {OTHER})",
    },
    "membership": {
        "names": f"FOR SELECT USING ({REPRESENTED})",
        "gives": (
            f"FOR INSERT WITH CHECK ({OTHER} AND ({ALL_NAMES} OR {REPRESENTED}) AND EXISTS ("
            "SELECT FROM profile_proposal p WHERE p.organization_id = membership.organization_id"
            " AND p.cloud_id = membership.cloud_id AND p.account_id = membership.account_id"
            f" AND p.profile = membership.profile AND {GIVES}))"
        ),
        "withdraws": f"FOR DELETE USING ({REPRESENTED} AND {OTHER})",
    },
}  # fmt: skip
"""What is added to the policies that are there; these and others of one kind are alternatives."""
OWN_TABLES = ("cloud_request", "profile_proposal", "administrative_change")

DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
ACCOUNT_IN = f"""
CREATE FUNCTION account_in(organization uuid, address text, account uuid)
RETURNS TABLE (id uuid, email text, kind text, is_active boolean, is_security_representative boolean)
LANGUAGE sql STABLE {DEFINER} AS $$
  SELECT a.id, a.email, a.kind, a.disabled_at IS NULL, EXISTS (
    SELECT FROM public.organization_member m
    WHERE m.account_id = a.id AND m.organization_id = organization AND m.is_security_representative
  )
  FROM public.account a
  WHERE (a.email = lower(address) OR a.id = account)
  AND (
    coalesce(current_setting('itcare.all_names', true), '') = 'on'
    OR organization = ANY (string_to_array(nullif(current_setting('itcare.represented', true), ''), ',')::uuid[])
  )
  AND (
    a.organization_id = organization
    OR EXISTS (
      SELECT FROM public.organization_member m WHERE m.account_id = a.id AND m.organization_id = organization
    )
    OR EXISTS (SELECT FROM public.membership m WHERE m.account_id = a.id AND m.organization_id = organization)
    OR EXISTS (
      SELECT FROM public.profile_proposal p
      WHERE p.account_id = a.id AND p.organization_id = organization AND p.withdrawn_at IS NULL
    )
  )
$$
"""  # noqa: S608 - our own text
"""Finds one account of an organization, by its exact address or its id, for the platform and for representatives."""


def visible(represents: bool) -> str:
    """Say why a caller sees what, with or without whom they represent."""
    none, member = (", false AS represents", ", m.is_security_representative") if represents else ("", "")
    nothing = ", false" if represents else ""
    return f"""
    SELECT m.organization_id, m.cloud_id, m.profile, true AS sees_resources{none}
    FROM public.membership m WHERE m.account_id = caller
    UNION ALL
    SELECT c.organization_id, c.id, NULL, true{nothing}
    FROM public.cloud c JOIN public.account a ON a.organization_id = c.organization_id
    WHERE a.id = caller AND a.kind = 'API_ACCOUNT'
    UNION ALL
    SELECT c.organization_id, c.id, NULL, false{member}
    FROM public.cloud c JOIN public.organization_member m ON m.organization_id = c.organization_id
    WHERE m.account_id = caller AND m.is_security_representative
    UNION ALL
    SELECT m.organization_id, NULL, NULL, false{member}
    FROM public.organization_member m WHERE m.account_id = caller
"""  # noqa: S608 - our own text


def enter_scope(represents: bool) -> str:
    """Write the function that sets the scope of a caller, with or without whom they represent."""
    column, result, selected = (
        (", v.represents", ", represents boolean", ", coalesce(v.represents, false)") if represents else ("", "", "")
    )
    setting = (
        """,
      set_config('itcare.represented', array_to_string(ARRAY(
        SELECT DISTINCT v.organization_id FROM visible v WHERE v.represents
      ), ','), true)"""
        if represents
        else ""
    )
    name = ", 'represented'" if represents else ""
    return f"""
CREATE FUNCTION enter_scope(caller uuid) RETURNS TABLE (
  account_id uuid, kind text, email text, is_platform boolean, has_factor boolean,
  organization_id uuid, organization_code text, organization_name text, is_group boolean,
  cloud_id uuid, cloud_code text, cloud_name text, is_default boolean,
  profile text, sees_resources boolean{result}
) LANGUAGE plpgsql VOLATILE {DEFINER} AS $$
#variable_conflict use_column
BEGIN
  -- Every row is joined with the one of `scope`, so that none is given before all of the scope is written.
  RETURN QUERY
  WITH visible AS MATERIALIZED (
    SELECT a.id AS account_id, a.kind, a.email, a.is_platform, v.organization_id, v.cloud_id, v.profile,
      v.sees_resources{column}
    FROM public.account a LEFT JOIN ({visible(represents)}) v ON true
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
        coalesce(string_agg(v.cloud_id::text, ',') FILTER (WHERE v.sees_resources), ''), true){setting}
    FROM visible v
  )
  SELECT v.account_id, v.kind, v.email, v.is_platform,
    (SELECT EXISTS (SELECT FROM public.factor f WHERE f.account_id = caller AND f.confirmed_at IS NOT NULL)),
    o.id, o.code, o.name, o.is_group, c.id, c.code, c.name, c.is_default, v.profile, v.sees_resources{selected}
  FROM scope CROSS JOIN visible v
  LEFT JOIN public.organization o ON o.id = v.organization_id
  LEFT JOIN public.cloud c ON c.organization_id = v.organization_id AND c.id = v.cloud_id
  ORDER BY o.id, c.id;
  IF NOT FOUND THEN
    -- There is no such account, or it is disabled; what was set before must not stay.
    PERFORM set_config('itcare.' || name, '', true) FROM unnest(ARRAY[
      'account', 'all_names', 'organizations', 'clouds', 'open_organizations', 'open_clouds'{name}
    ]) name;
  END IF;
END $$
"""  # noqa: S608 - our own text


def upgrade() -> None:
    op.create_table(
        "cloud_request",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("requested_by_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 200", name=op.f("ck_cloud_request_name_length")),
        sa.CheckConstraint("char_length(reason) BETWEEN 1 AND 1000", name=op.f("ck_cloud_request_reason_length")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_cloud_request_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id"],
            ["cloud.organization_id", "cloud.id"],
            name=op.f("fk_cloud_request_organization_id_cloud_id"),
        ),
        sa.ForeignKeyConstraint(["requested_by_id"], ["account.id"], name=op.f("fk_cloud_request_requested_by_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_cloud_request")),
    )
    op.create_index("ix_cloud_request_id", "cloud_request", ["id"])
    op.create_index("ix_cloud_request_requested_at", "cloud_request", ["organization_id", "requested_at", "id"])
    op.create_index(
        "uq_cloud_request_open",
        "cloud_request",
        ["organization_id", "name"],
        unique=True,
        postgresql_where=sa.text("cloud_id IS NULL"),
    )
    op.create_table(
        "profile_proposal",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("proposed_by_id", sa.Uuid(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_by_id", sa.Uuid(), nullable=True),
        sa.Column("given_by", sa.Text(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by_id", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("profile IN ('STD', 'DTM', 'OPE', 'POW')", name=op.f("ck_profile_proposal_profile_known")),
        sa.CheckConstraint("proposed_by_id <> account_id", name=op.f("ck_profile_proposal_not_proposed_to_oneself")),
        sa.CheckConstraint("given_by_id <> account_id", name=op.f("ck_profile_proposal_not_given_to_oneself")),
        sa.CheckConstraint(
            "withdrawn_by_id <> account_id", name=op.f("ck_profile_proposal_not_withdrawn_from_oneself")
        ),
        sa.CheckConstraint(
            "profile = 'STD' OR given_by_id <> proposed_by_id", name=op.f("ck_profile_proposal_second_person")
        ),
        sa.CheckConstraint(
            "num_nulls(given_by_id, given_by, given_at) IN (0, 3)", name=op.f("ck_profile_proposal_given")
        ),
        sa.CheckConstraint(
            "num_nulls(withdrawn_by_id, withdrawn_by, withdrawn_at) IN (0, 3)",
            name=op.f("ck_profile_proposal_withdrawn"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "cloud_id"],
            ["cloud.organization_id", "cloud.id"],
            name=op.f("fk_profile_proposal_organization_id_cloud_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_profile_proposal_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["proposed_by_id"], ["account.id"], name=op.f("fk_profile_proposal_proposed_by_id")),
        sa.ForeignKeyConstraint(["given_by_id"], ["account.id"], name=op.f("fk_profile_proposal_given_by_id")),
        sa.ForeignKeyConstraint(["withdrawn_by_id"], ["account.id"], name=op.f("fk_profile_proposal_withdrawn_by_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_profile_proposal")),
    )
    op.create_index("ix_profile_proposal_id", "profile_proposal", ["id"])
    op.create_index(
        "ix_profile_proposal_proposed_at", "profile_proposal", ["organization_id", "cloud_id", "proposed_at", "id"]
    )
    op.create_index(
        "uq_profile_proposal_standing",
        "profile_proposal",
        ["organization_id", "cloud_id", "account_id", "profile"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    administrations = (
        "CREATE_ORGANIZATION", "REQUEST_CLOUD", "CREATE_CLOUD", "CREATE_SERVICE", "SET_TAGS", "REQUEST_ACCOUNT",
        "APPROVE_ACCOUNT", "DISABLE_ACCOUNT", "PROPOSE_PROFILE", "APPROVE_PROFILE", "WITHDRAW_PROFILE",
        "APPOINT_REPRESENTATIVE", "DISMISS_REPRESENTATIVE", "APPROVE_FACTOR",
    )  # fmt: skip
    known = ", ".join(f"'{name}'" for name in administrations)
    op.create_table(
        "administrative_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("administration", sa.Text(collation="C"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("cloud_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("change_reference", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.Text(collation="C"), nullable=True),
        sa.Column("input_digest", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"administration IN ({known})", name=op.f("ck_administrative_change_administration_known")),
        sa.CheckConstraint(
            "octet_length(input_digest) = 32", name=op.f("ck_administrative_change_input_digest_length")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_administrative_change_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_administrative_change")),
        sa.UniqueConstraint(
            "account_id", "administration", "idempotency_key", name="uq_administrative_change_idempotency_key"
        ),
    )
    op.drop_constraint(op.f("ck_mfa_challenge_of"), "mfa_challenge", type_="check")
    op.create_check_constraint(
        op.f("ck_mfa_challenge_of"),
        "mfa_challenge",
        "num_nulls(digest, action) = CASE kind WHEN 'SESSION' THEN 2 ELSE 0 END",
    )
    op.create_check_constraint(
        op.f("ck_mfa_challenge_cloud"), "mfa_challenge", "kind = 'OPERATION' OR cloud_id IS NULL"
    )
    for table in OWN_TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for table, policies in POLICIES.items():
        for name, policy in policies.items():
            op.execute(f"CREATE POLICY {name} ON {table} {policy}")
    op.execute("DROP FUNCTION enter_scope(uuid)")
    op.execute(enter_scope(True))
    op.execute(ACCOUNT_IN)


def downgrade() -> None:
    op.execute("DROP FUNCTION account_in(uuid, text, uuid)")
    op.execute("DROP FUNCTION enter_scope(uuid)")
    op.execute(enter_scope(False))
    for table, policies in POLICIES.items():
        for name in policies:
            op.execute(f"DROP POLICY {name} ON {table}")
    # What was asked outside of any Cloud could not be told from what is wrong.
    op.execute("DELETE FROM mfa_challenge WHERE kind = 'OPERATION' AND cloud_id IS NULL")
    op.drop_constraint(op.f("ck_mfa_challenge_cloud"), "mfa_challenge", type_="check")
    op.drop_constraint(op.f("ck_mfa_challenge_of"), "mfa_challenge", type_="check")
    op.create_check_constraint(
        op.f("ck_mfa_challenge_of"),
        "mfa_challenge",
        "num_nulls(digest, action, cloud_id) = CASE kind WHEN 'SESSION' THEN 3 ELSE 0 END",
    )
    for table in reversed(OWN_TABLES):
        op.drop_table(table)
