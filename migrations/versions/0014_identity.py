"""Who signs in: passwords, sessions, links by e-mail, clients, requests for accounts; further kinds of factors.

What an account has of this is seen and written in its own scope. Before there is one, functions of the database find
the account that a secret, a factor or a foreign issuer's subject belongs to.

`enter_scope` is told by which session or credential somebody calls: once that is ended or revoked, nothing is seen. Of
factors it counts those that serve already.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
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

OWN_TABLES = (
    "password", "known_device", "link", "session", "refresh_token", "authorization_code", "client_credential",
    "client_assertion", "foreign_identity", "delivery", "sendings", "recovery_code",
)  # fmt: skip
"""Tables whose rows are an account's own."""
POLICIES = {
    "link": {"invites": f"FOR INSERT WITH CHECK ({ALL_NAMES} AND {OTHER} AND purpose = 'INVITATION')"},
    "foreign_identity": {
        "names": f"FOR SELECT USING ({ALL_NAMES})",
        "links": f"FOR INSERT WITH CHECK ({ALL_NAMES} AND {OTHER})",
        "unlinks": f"FOR DELETE USING ({ALL_NAMES} AND {OTHER})",
    },
    "client_credential": {
        "names": f"FOR SELECT USING ({ALL_NAMES} OR {REPRESENTED})",
        "gives": f"FOR INSERT WITH CHECK (({ALL_NAMES} OR {REPRESENTED}) AND {OTHER})",
        "revokes": f"FOR UPDATE USING ({ALL_NAMES} OR {REPRESENTED}) WITH CHECK (revoked_at IS NOT NULL)",
    },
    "account_request": {
        "scope": f"FOR SELECT USING ({ALL_NAMES} OR {REPRESENTED})",
        "asks": f"FOR INSERT WITH CHECK ({REPRESENTED} AND requested_by_id = {CALLER} AND decided_at IS NULL)",
        "answers": f"FOR UPDATE USING ({ALL_NAMES} AND decided_at IS NULL) WITH CHECK (decided_by_id = {CALLER})",
    },
    "account": {"creates": f"FOR INSERT WITH CHECK ({ALL_NAMES} AND NOT is_platform)"},
}
"""Beside the policy by which an account's own rows are seen and written; these and others of one kind are alternatives."""

DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
ACCOUNT_OF_SECRET = f"""
CREATE FUNCTION account_of_secret(kind text, digest bytea) RETURNS uuid LANGUAGE sql STABLE {DEFINER} AS $$
  SELECT a.id FROM public.account a WHERE a.disabled_at IS NULL AND a.id = CASE $1
    WHEN 'LINK' THEN (SELECT l.account_id FROM public.link l WHERE l.digest = $2)
    WHEN 'SESSION' THEN (SELECT s.account_id FROM public.session s WHERE s.digest = $2)
    WHEN 'REFRESH_TOKEN' THEN (SELECT t.account_id FROM public.refresh_token t WHERE t.digest = $2)
    WHEN 'AUTHORIZATION_CODE' THEN (SELECT c.account_id FROM public.authorization_code c WHERE c.digest = $2)
    WHEN 'DELIVERY' THEN (SELECT d.account_id FROM public.delivery d WHERE d.digest = $2)
  END
$$
"""  # noqa: S608 - our own text
"""Finds the active account that a secret belongs to, by its digest, before there is a scope."""
ACCOUNT_OF_IDENTITY = f"""
CREATE FUNCTION account_of_identity(issuer text, subject text) RETURNS uuid LANGUAGE sql STABLE {DEFINER} AS $$
  SELECT a.id FROM public.account a JOIN public.foreign_identity f ON f.account_id = a.id
  WHERE a.disabled_at IS NULL AND f.issuer = $1 AND f.subject = $2
$$
"""  # noqa: S608 - our own text
"""Finds the active account of a foreign issuer's subject."""
ACCOUNT_OF_FACTOR = f"""
CREATE FUNCTION account_of_factor(factor uuid) RETURNS uuid LANGUAGE sql STABLE {DEFINER} AS $$
  SELECT a.id FROM public.account a JOIN public.factor f ON f.account_id = a.id
  WHERE a.disabled_at IS NULL AND f.id = $1
$$
"""  # noqa: S608 - our own text
"""Finds the active account that a factor belongs to."""
END_FOREIGN_SESSIONS = f"""
CREATE FUNCTION end_foreign_sessions() RETURNS trigger LANGUAGE plpgsql {DEFINER} AS $$
BEGIN
  UPDATE public.session SET ended_at = statement_timestamp(), ended_for = 'REVOKED'
  WHERE account_id = OLD.account_id AND kind = 'CLIENT' AND parent_id IS NULL AND ended_at IS NULL;
  RETURN NULL;
END $$
"""  # noqa: S608 - our own text
"""Ends what an account got by foreign tokens, once one of its identities is not its own any more."""
FUNCTIONS = {
    "account_of_secret(text, bytea)": ACCOUNT_OF_SECRET,
    "account_of_identity(text, text)": ACCOUNT_OF_IDENTITY,
    "account_of_factor(uuid)": ACCOUNT_OF_FACTOR,
}

VISIBLE = """
    SELECT m.organization_id, m.cloud_id, m.profile, true AS sees_resources, false AS represents
    FROM public.membership m WHERE m.account_id = caller
    UNION ALL
    SELECT c.organization_id, c.id, NULL, true, false
    FROM public.cloud c JOIN public.account a ON a.organization_id = c.organization_id
    WHERE a.id = caller AND a.kind = 'API_ACCOUNT'
    UNION ALL
    SELECT c.organization_id, c.id, NULL, false, m.is_security_representative
    FROM public.cloud c JOIN public.organization_member m ON m.organization_id = c.organization_id
    WHERE m.account_id = caller AND m.is_security_representative
    UNION ALL
    SELECT m.organization_id, NULL, NULL, false, m.is_security_representative
    FROM public.organization_member m WHERE m.account_id = caller
"""
# Not now(), which is when the transaction began: a connection of the pool keeps one open, from its last use on.
LIVE = """
    AND (via IS NULL OR EXISTS (
      SELECT FROM public.session s
      WHERE s.id = via AND s.account_id = caller AND s.ended_at IS NULL AND s.expires_at > statement_timestamp()
    ) OR EXISTS (
      SELECT FROM public.client_credential k
      WHERE k.id = via AND k.account_id = caller AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp())
    ))"""
SERVES = " AND (f.usable_from IS NULL OR f.usable_from <= statement_timestamp())"


def enter_scope(sessions: bool) -> str:
    """Write the function that sets the scope of a caller, with or without the session that they call by."""
    via, live, serves = (", via uuid DEFAULT NULL", LIVE, SERVES) if sessions else ("", "", "")
    return f"""
CREATE FUNCTION enter_scope(caller uuid{via}) RETURNS TABLE (
  account_id uuid, kind text, email text, is_platform boolean, has_factor boolean,
  organization_id uuid, organization_code text, organization_name text, is_group boolean,
  cloud_id uuid, cloud_code text, cloud_name text, is_default boolean,
  profile text, sees_resources boolean, represents boolean
) LANGUAGE plpgsql VOLATILE {DEFINER} AS $$
#variable_conflict use_column
BEGIN
  -- Every row is joined with the one of `scope`, so that none is given before all of the scope is written.
  RETURN QUERY
  WITH visible AS MATERIALIZED (
    SELECT a.id AS account_id, a.kind, a.email, a.is_platform, v.organization_id, v.cloud_id, v.profile,
      v.sees_resources, v.represents
    FROM public.account a LEFT JOIN ({VISIBLE}) v ON true
    WHERE a.id = caller AND a.disabled_at IS NULL{live}
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
        coalesce(string_agg(v.cloud_id::text, ',') FILTER (WHERE v.sees_resources), ''), true),
      set_config('itcare.represented', array_to_string(ARRAY(
        SELECT DISTINCT v.organization_id FROM visible v WHERE v.represents
      ), ','), true)
    FROM visible v
  )
  SELECT v.account_id, v.kind, v.email, v.is_platform,
    (SELECT EXISTS (
      SELECT FROM public.factor f WHERE f.account_id = caller AND f.confirmed_at IS NOT NULL{serves}
    )),
    o.id, o.code, o.name, o.is_group, c.id, c.code, c.name, c.is_default, v.profile, v.sees_resources, coalesce(v.represents, false)
  FROM scope CROSS JOIN visible v
  LEFT JOIN public.organization o ON o.id = v.organization_id
  LEFT JOIN public.cloud c ON c.organization_id = v.organization_id AND c.id = v.cloud_id
  ORDER BY o.id, c.id;
  IF NOT FOUND THEN
    -- There is no such account, or it is disabled; what was set before must not stay.
    PERFORM set_config('itcare.' || name, '', true) FROM unnest(ARRAY[
      'account', 'all_names', 'organizations', 'clouds', 'open_organizations', 'open_clouds', 'represented'
    ]) name;
  END IF;
END $$
"""  # noqa: S608 - our own text


DROPPED = (
    "refresh_token",
    "delivery",
    "authorization_code",
    "session",
    "sendings",
    "recovery_code",
    "password",
    "link",
    "known_device",
    "foreign_identity",
    "client_credential",
    "client_assertion",
    "account_request",
    "sign_in_failures",
)
KINDS = ("TOTP", "PHONE", "PUSH", "WEBAUTHN")


def hold_kinds(kinds: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("ck_factor_kind_known"), "factor", type_="check")
    op.create_check_constraint(op.f("ck_factor_kind_known"), "factor", f"kind IN ({listed})")


def hold_one_confirmed(several: str) -> None:
    op.drop_index("uq_factor_confirmed", table_name="factor")
    op.create_index(
        "uq_factor_confirmed",
        "factor",
        ["account_id", "kind"],
        unique=True,
        postgresql_where=sa.text(f"confirmed_at IS NOT NULL{several}"),
    )


def upgrade() -> None:
    op.create_table(
        "sign_in_failures",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("failed_at", sa.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.CheckConstraint("octet_length(key) = 32", name=op.f("ck_sign_in_failures_key_length")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_failures")),
    )
    op.create_table(
        "account_request",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("requested_by_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Text(collation="C"), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_by", sa.Text(collation="C"), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("kind IN ('PERSON', 'API_ACCOUNT')", name=op.f("ck_account_request_kind_known")),
        sa.CheckConstraint("account_id IS NULL OR decided_at IS NOT NULL", name=op.f("ck_account_request_approved")),
        sa.CheckConstraint("char_length(email) BETWEEN 1 AND 320", name=op.f("ck_account_request_email_length")),
        sa.CheckConstraint("char_length(reason) BETWEEN 1 AND 1000", name=op.f("ck_account_request_reason_length")),
        sa.CheckConstraint("decided_by_id <> requested_by_id", name=op.f("ck_account_request_second_person")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_account_request_email_lower")),
        sa.CheckConstraint(
            "num_nulls(decided_by_id, decided_by, decided_at) IN (0, 3)", name=op.f("ck_account_request_decided")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_account_request_account_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["account.id"], name=op.f("fk_account_request_decided_by_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_account_request_organization_id")
        ),
        sa.ForeignKeyConstraint(["requested_by_id"], ["account.id"], name=op.f("fk_account_request_requested_by_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_account_request")),
    )
    op.create_index("ix_account_request_id", "account_request", ["id"], unique=False)
    op.create_index(
        "ix_account_request_requested_at", "account_request", ["organization_id", "requested_at", "id"], unique=False
    )
    op.create_index(
        "uq_account_request_open",
        "account_request",
        ["organization_id", "email"],
        unique=True,
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.create_table(
        "client_assertion",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_client_assertion_digest_length")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_client_assertion_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "digest", name=op.f("pk_client_assertion")),
    )
    op.create_table(
        "client_credential",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("public_key", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(kind = 'PUBLIC_KEY') = (public_key IS NOT NULL)", name=op.f("ck_client_credential_public_key")
        ),
        sa.CheckConstraint("(kind = 'SECRET') = (digest IS NOT NULL)", name=op.f("ck_client_credential_secret")),
        sa.CheckConstraint("kind IN ('SECRET', 'PUBLIC_KEY')", name=op.f("ck_client_credential_kind_known")),
        sa.CheckConstraint("char_length(label) BETWEEN 1 AND 100", name=op.f("ck_client_credential_label_length")),
        sa.CheckConstraint(
            "char_length(public_key) BETWEEN 1 AND 2000", name=op.f("ck_client_credential_public_key_length")
        ),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_client_credential_digest_length")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_client_credential_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_client_credential_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_client_credential")),
        sa.UniqueConstraint("id", name=op.f("uq_client_credential_id")),
    )
    op.create_index("ix_client_credential_account_id", "client_credential", ["account_id"], unique=False)
    op.create_table(
        "foreign_identity",
        sa.Column("issuer", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("char_length(issuer) BETWEEN 1 AND 500", name=op.f("ck_foreign_identity_issuer_length")),
        sa.CheckConstraint("char_length(subject) BETWEEN 1 AND 255", name=op.f("ck_foreign_identity_subject_length")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_foreign_identity_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_foreign_identity")),
    )
    op.create_index("ix_foreign_identity_account_id", "foreign_identity", ["account_id"], unique=False)
    op.create_table(
        "known_device",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_known_device_digest_length")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_known_device_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_known_device")),
    )
    op.create_index("ix_known_device_account_id", "known_device", ["account_id"], unique=False)
    op.create_table(
        "link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose IN ('INVITATION', 'PASSWORD_RESET')", name=op.f("ck_link_purpose_known")),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_link_digest_length")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_link_account_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link")),
        sa.UniqueConstraint("digest", name=op.f("uq_link_digest")),
    )
    op.create_index("ix_link_account_id", "link", ["account_id"], unique=False)
    op.create_table(
        "password",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("char_length(hash) BETWEEN 1 AND 500", name=op.f("ck_password_hash_length")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_password_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_password")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_recovery_code_digest_length")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_recovery_code_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "digest", name=op.f("pk_recovery_code")),
    )
    op.create_table(
        "sendings",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('TOTP', 'PHONE', 'PUSH', 'WEBAUTHN')", name=op.f("ck_sendings_kind_known")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_sendings_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "kind", name=op.f("pk_sendings")),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("client_id", sa.Text(collation="C"), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("amr", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("auth_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mfa_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_for", sa.Text(), nullable=True),
        sa.CheckConstraint("(kind = 'BROWSER') = (digest IS NOT NULL)", name=op.f("ck_session_browser")),
        sa.CheckConstraint("(kind = 'CLIENT') = (client_id IS NOT NULL)", name=op.f("ck_session_client")),
        sa.CheckConstraint(
            "ended_for IN ('SIGNED_OUT', 'REUSED', 'PASSWORD_CHANGED', 'ACCOUNT_DISABLED', 'REVOKED')",
            name=op.f("ck_session_ended_for_known"),
        ),
        sa.CheckConstraint("kind IN ('BROWSER', 'CLIENT')", name=op.f("ck_session_kind_known")),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_for IS NULL)", name=op.f("ck_session_ended")),
        sa.CheckConstraint("char_length(client_id) BETWEEN 1 AND 100", name=op.f("ck_session_client_id_length")),
        sa.CheckConstraint("char_length(user_agent) BETWEEN 1 AND 300", name=op.f("ck_session_user_agent_length")),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_session_digest_length")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_session_account_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["parent_id"], ["session.id"], name=op.f("fk_session_parent_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_session_digest")),
    )
    op.create_index("ix_session_account_id", "session", ["account_id"], unique=False)
    op.create_index("ix_session_parent_id", "session", ["parent_id"], unique=False)
    op.create_table(
        "authorization_code",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("browser_session_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(collation="C"), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("code_challenge", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "char_length(client_id) BETWEEN 1 AND 100", name=op.f("ck_authorization_code_client_id_length")
        ),
        sa.CheckConstraint(
            "char_length(code_challenge) BETWEEN 43 AND 43", name=op.f("ck_authorization_code_code_challenge_length")
        ),
        sa.CheckConstraint("char_length(nonce) BETWEEN 1 AND 500", name=op.f("ck_authorization_code_nonce_length")),
        sa.CheckConstraint(
            "char_length(redirect_uri) BETWEEN 1 AND 2000", name=op.f("ck_authorization_code_redirect_uri_length")
        ),
        sa.CheckConstraint("char_length(scope) BETWEEN 1 AND 500", name=op.f("ck_authorization_code_scope_length")),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_authorization_code_digest_length")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_authorization_code_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["browser_session_id"],
            ["session.id"],
            name=op.f("fk_authorization_code_browser_session_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.id"], name=op.f("fk_authorization_code_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_authorization_code")),
    )
    op.create_index("ix_authorization_code_account_id", "authorization_code", ["account_id"], unique=False)
    op.create_index(
        "ix_authorization_code_browser_session_id", "authorization_code", ["browser_session_id"], unique=False
    )
    op.create_index("ix_authorization_code_session_id", "authorization_code", ["session_id"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("factor_id", sa.Uuid(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expected", sa.LargeBinary(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('TOTP', 'PHONE', 'PUSH', 'WEBAUTHN')", name=op.f("ck_delivery_kind_known")),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_delivery_digest_length")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_delivery_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["factor_id"], ["factor.id"], name=op.f("fk_delivery_factor_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("challenge_id", "kind", name=op.f("pk_delivery")),
        sa.UniqueConstraint("digest", name=op.f("uq_delivery_digest")),
    )
    op.create_index("ix_delivery_account_id", "delivery", ["account_id"], unique=False)
    op.create_index("ix_delivery_factor_id", "delivery", ["factor_id"], unique=False)
    op.create_table(
        "refresh_token",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_refresh_token_digest_length")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_refresh_token_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.id"], name=op.f("fk_refresh_token_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_refresh_token")),
    )
    op.create_index("ix_refresh_token_account_id", "refresh_token", ["account_id"], unique=False)
    op.create_index("ix_refresh_token_session_id", "refresh_token", ["session_id"], unique=False)
    op.add_column("factor", sa.Column("usable_from", sa.DateTime(timezone=True), nullable=True))
    hold_kinds(KINDS)
    hold_one_confirmed(" AND usable_from IS NULL AND kind <> 'WEBAUTHN'")
    for table in (*OWN_TABLES, "account_request"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for table in OWN_TABLES:
        op.execute(f"CREATE POLICY scope ON {table} USING ({OWN})")
    for table, policies in POLICIES.items():
        for name, policy in policies.items():
            op.execute(f"CREATE POLICY {name} ON {table} {policy}")
    for function in FUNCTIONS.values():
        op.execute(function)
    op.execute(END_FOREIGN_SESSIONS)
    op.execute(
        "CREATE TRIGGER foreign_identity_unlinked AFTER DELETE ON foreign_identity"
        " FOR EACH ROW EXECUTE FUNCTION end_foreign_sessions()"
    )
    op.execute("DROP FUNCTION enter_scope(uuid)")
    op.execute(enter_scope(True))


def downgrade() -> None:
    op.execute("DROP FUNCTION enter_scope(uuid, uuid)")
    op.execute(enter_scope(False))
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP POLICY creates ON account")
    op.execute("DELETE FROM factor WHERE kind <> 'TOTP'")
    hold_one_confirmed("")
    hold_kinds(("TOTP",))
    op.drop_column("factor", "usable_from")
    for table in DROPPED:
        op.drop_table(table)
    op.execute("DROP FUNCTION end_foreign_sessions()")
