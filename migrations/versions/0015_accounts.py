"""Accounts as security representatives and the platform manage them.

    organization_account    the accounts, once for each organization: by a place, by a profile, or as its API account

What is written of somebody else's account, functions do that run with the rights of the owner, each for one purpose:
the app's role can neither read another's factors and sessions nor change another's account. What is told of them is the
same whether an account that was given its place in an organization existed before: nothing from before that.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

CALLER = "(SELECT nullif(current_setting('itcare.account', true), '')::uuid AS caller)"
ALL_NAMES = "(SELECT coalesce(current_setting('itcare.all_names', true), '') = 'on')"
REPRESENTED = "(SELECT unnest(string_to_array(nullif(current_setting('itcare.represented', true), ''), ',')::uuid[]))"

NAMES = """
CREATE VIEW organization_account WITH (security_invoker = true) AS
  SELECT p.organization_id, a.id, a.email, a.kind, a.disabled_at
  FROM account a LEFT JOIN (
    SELECT m.organization_id, m.account_id FROM organization_member m
    UNION
    SELECT m.organization_id, m.account_id FROM membership m
    UNION
    SELECT o.organization_id, o.id FROM account o WHERE o.organization_id IS NOT NULL
  ) p ON p.account_id = a.id
"""
OF_REPRESENTED = f"""
  organization_id IN {REPRESENTED}
  OR id IN (SELECT m.account_id FROM organization_member m WHERE m.organization_id IN {REPRESENTED})
  OR id IN (SELECT m.account_id FROM membership m WHERE m.organization_id IN {REPRESENTED})
"""  # noqa: S608 - our own text
POLICIES = {
    "account": {"names": f"FOR SELECT USING ({ALL_NAMES} OR {OF_REPRESENTED})"},
    "membership": {"all_names": f"FOR SELECT USING ({ALL_NAMES})"},
}
ANSWERS = f"FOR UPDATE USING ({ALL_NAMES}) WITH CHECK ({ALL_NAMES} AND cloud_id IS NOT NULL)"
ANSWERS_OR_REFUSES = (
    f"FOR UPDATE USING ({ALL_NAMES}) WITH CHECK ({ALL_NAMES} AND (cloud_id IS NOT NULL OR refused_by_id = {CALLER}))"
)
INVITES = f"FOR INSERT WITH CHECK ({ALL_NAMES} AND account_id <> {CALLER} AND purpose = 'INVITATION')"
INVITES_REPRESENTED = (
    f"FOR INSERT WITH CHECK (account_id <> {CALLER} AND purpose = 'INVITATION' AND ({ALL_NAMES} OR EXISTS ("
    f"SELECT FROM organization_account o WHERE o.id = link.account_id AND o.organization_id IN {REPRESENTED})))"
)
GIVES = f"FOR INSERT WITH CHECK (({ALL_NAMES} OR organization_id IN {REPRESENTED}) AND account_id <> {CALLER})"
GIVES_PROGRAMS = (
    f"FOR INSERT WITH CHECK (({ALL_NAMES} OR organization_id IN {REPRESENTED}) AND account_id <> {CALLER} AND EXISTS ("
    "SELECT FROM account a WHERE a.id = client_credential.account_id AND a.kind = 'API_ACCOUNT'"
    " AND a.organization_id = client_credential.organization_id))"
)

DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
ACCOUNT_STATES = f"""
CREATE FUNCTION account_states(accounts uuid[])
RETURNS TABLE (account_id uuid, represents uuid[], signed_in_at timestamptz, factors jsonb)
LANGUAGE sql STABLE {DEFINER} AS $$
  WITH asking AS (
    SELECT coalesce(current_setting('itcare.all_names', true), '') = 'on' AS all_names,
      nullif(current_setting('itcare.account', true), '')::uuid AS caller,
      string_to_array(nullif(current_setting('itcare.represented', true), ''), ',')::uuid[] AS represented
  ), placed AS (
    SELECT a.id, a.created_at, k.all_names, k.represented, k.all_names OR a.id = k.caller AS sees_all, (
      SELECT min(p.created_at) FROM (
        SELECT m.created_at FROM public.organization_member m
        WHERE m.account_id = a.id AND m.organization_id = ANY (k.represented)
        UNION ALL
        SELECT m.created_at FROM public.membership m
        WHERE m.account_id = a.id AND m.organization_id = ANY (k.represented)
        UNION ALL
        SELECT a.created_at WHERE a.organization_id = ANY (k.represented)
      ) p
    ) AS placed_at
    FROM public.account a CROSS JOIN asking k WHERE a.id = ANY (accounts)
  ), seen AS (
    -- Of an account that is older than its place there, representatives are told what has been since then.
    SELECT p.id, p.all_names, p.represented,
      CASE WHEN p.sees_all OR p.created_at >= p.placed_at THEN '-infinity' ELSE p.placed_at END AS since
    FROM placed p WHERE p.sees_all OR p.placed_at IS NOT NULL
  )
  SELECT s.id,
    ARRAY(
      SELECT m.organization_id FROM public.organization_member m
      WHERE m.account_id = s.id AND m.is_security_representative
      AND (s.all_names OR m.organization_id = ANY (s.represented))
      ORDER BY m.organization_id
    ),
    i.signed_in_at,
    coalesce((
      SELECT jsonb_agg(jsonb_build_object(
        'kind', f.kind, 'confirmed_at', greatest(f.confirmed_at, s.since), 'usable_from', f.usable_from
      ) ORDER BY f.confirmed_at, f.id)
      FROM public.factor f WHERE f.account_id = s.id AND f.confirmed_at IS NOT NULL
      AND (s.since = '-infinity' OR i.signed_in_at IS NOT NULL)
    ), '[]')
  FROM seen s CROSS JOIN LATERAL (
    SELECT max(n.auth_time) AS signed_in_at FROM public.session n
    WHERE n.account_id = s.id AND n.auth_time >= s.since
  ) i
$$
"""  # noqa: S608 - our own text
"""Tells of accounts, for representatives and the platform, and each of their own, what may be told of factors."""

HAS_SIGNED_IN = f"""
CREATE FUNCTION has_signed_in(organization uuid, target uuid) RETURNS boolean LANGUAGE sql STABLE {DEFINER} AS $$
  SELECT EXISTS (SELECT FROM public.password p WHERE p.account_id = a.id)
    OR EXISTS (SELECT FROM public.session s WHERE s.account_id = a.id)
  FROM public.account a
  WHERE a.id = target AND a.kind = 'PERSON' AND a.disabled_at IS NULL
  AND (
    coalesce(current_setting('itcare.all_names', true), '') = 'on'
    OR organization = ANY (string_to_array(nullif(current_setting('itcare.represented', true), ''), ',')::uuid[])
  )
  AND (
    EXISTS (SELECT FROM public.organization_member m WHERE m.account_id = a.id AND m.organization_id = organization)
    OR EXISTS (SELECT FROM public.membership m WHERE m.account_id = a.id AND m.organization_id = organization)
  )
$$
"""  # noqa: S608 - our own text
"""Says whether a person of an organization has a password, or has ever signed in, anywhere: it chooses their letter."""

END_SIGN_IN = """
CREATE FUNCTION end_sign_in(target uuid, why text, moment timestamptz) RETURNS void LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
  UPDATE public.session SET ended_at = moment, ended_for = why WHERE account_id = target AND ended_at IS NULL;
  DELETE FROM public.authorization_code WHERE account_id = target;
  DELETE FROM public.link WHERE account_id = target;
  DELETE FROM public.password WHERE account_id = target;
  DELETE FROM public.known_device WHERE account_id = target;
  DELETE FROM public.recovery_code WHERE account_id = target;
  DELETE FROM public.mfa_challenge WHERE account_id = target;
  DELETE FROM public.approval WHERE account_id = target;
  DELETE FROM public.factor WHERE account_id = target;
$$
"""
"""Ends all that a person signs in with, and where they are signed in; with the rights of whoever calls it."""
IS_OTHER = (
    "coalesce(current_setting('itcare.all_names', true), '') = 'on'"
    " AND target <> nullif(current_setting('itcare.account', true), '')::uuid"
)
DISABLE_ACCOUNT = f"""
CREATE FUNCTION disable_account(target uuid, by_email text, moment timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE {DEFINER} AS $$
BEGIN
  UPDATE public.account SET disabled_at = moment WHERE id = target AND disabled_at IS NULL AND {IS_OTHER};
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM public.end_sign_in(target, 'ACCOUNT_DISABLED', moment);
  UPDATE public.client_credential SET revoked_at = moment WHERE account_id = target AND revoked_at IS NULL;
  UPDATE public.profile_proposal SET withdrawn_by_id = nullif(current_setting('itcare.account', true), '')::uuid,
    withdrawn_by = by_email, withdrawn_at = moment
  WHERE account_id = target AND withdrawn_at IS NULL;
  DELETE FROM public.foreign_identity WHERE account_id = target;
  DELETE FROM public.membership WHERE account_id = target;
  UPDATE public.organization_member SET is_security_representative = false
  WHERE account_id = target AND is_security_representative;
  RETURN true;
END $$
"""  # noqa: S608 - our own text
"""Disables an account, for the platform: sessions, credentials and all that it holds end; places stay, without rights."""
ENABLE_ACCOUNT = f"""
CREATE FUNCTION enable_account(target uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE {DEFINER} AS $$
BEGIN
  UPDATE public.account SET disabled_at = NULL WHERE id = target AND disabled_at IS NOT NULL AND {IS_OTHER};
  RETURN FOUND;
END $$
"""  # noqa: S608 - our own text
"""Takes back, for the platform, that an account is disabled."""
RESET_FACTORS = f"""
CREATE FUNCTION reset_factors(target uuid, moment timestamptz) RETURNS boolean LANGUAGE plpgsql VOLATILE {DEFINER} AS $$
BEGIN
  UPDATE public.account SET factors_reset_at = moment
  WHERE id = target AND disabled_at IS NULL AND kind = 'PERSON' AND {IS_OTHER};
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM public.end_sign_in(target, 'REVOKED', moment);
  RETURN true;
END $$
"""  # noqa: S608 - our own text
"""Ends, for the platform, what a person signs in with, who has lost it."""
APPROVE_FACTOR = f"""
CREATE FUNCTION approve_factor(organization uuid, target uuid, factor_kind text, moment timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE {DEFINER} AS $$
BEGIN
  UPDATE public.factor SET usable_from = moment
  WHERE account_id = target AND kind = factor_kind AND confirmed_at IS NOT NULL AND usable_from > moment
  AND organization = ANY (string_to_array(nullif(current_setting('itcare.represented', true), ''), ',')::uuid[])
  AND target <> nullif(current_setting('itcare.account', true), '')::uuid
  AND (
    EXISTS (SELECT FROM public.organization_member m WHERE m.account_id = target AND m.organization_id = organization)
    OR EXISTS (SELECT FROM public.membership m WHERE m.account_id = target AND m.organization_id = organization)
  );
  RETURN FOUND;
END $$
"""  # noqa: S608 - our own text
"""Lets a factor serve from now on, for a representative of an organization that its account is of."""
DELAY_FACTOR = f"""
CREATE FUNCTION delay_factor() RETURNS trigger LANGUAGE plpgsql {DEFINER} AS $$
DECLARE
  serves_from timestamptz;
BEGIN
  SELECT a.factors_reset_at + interval '24 hours' INTO serves_from FROM public.account a WHERE a.id = NEW.account_id;
  IF serves_from > NEW.confirmed_at THEN
    NEW.usable_from := greatest(NEW.usable_from, serves_from);
  END IF;
  RETURN NEW;
END $$
"""  # noqa: S608 - our own text
DELAYS = """
CREATE TRIGGER delay_confirmed BEFORE UPDATE OF confirmed_at ON factor
FOR EACH ROW WHEN (OLD.confirmed_at IS NULL AND NEW.confirmed_at IS NOT NULL) EXECUTE FUNCTION delay_factor()
"""
DELAYS_NEW = """
CREATE TRIGGER delay_new BEFORE INSERT ON factor
FOR EACH ROW WHEN (NEW.confirmed_at IS NOT NULL) EXECUTE FUNCTION delay_factor()
"""
"""However a factor is set up: for a day after a reset it serves nothing, unless a representative approves it."""
FUNCTIONS = {
    "account_states(uuid[])": ACCOUNT_STATES,
    "has_signed_in(uuid, uuid)": HAS_SIGNED_IN,
    "end_sign_in(uuid, text, timestamptz)": END_SIGN_IN,
    "disable_account(uuid, text, timestamptz)": DISABLE_ACCOUNT,
    "enable_account(uuid)": ENABLE_ACCOUNT,
    "reset_factors(uuid, timestamptz)": RESET_FACTORS,
    "approve_factor(uuid, uuid, text, timestamptz)": APPROVE_FACTOR,
    "delay_factor()": DELAY_FACTOR,
}

ADMINISTRATIONS = (
    "CREATE_ORGANIZATION", "REQUEST_CLOUD", "CREATE_CLOUD", "CREATE_SERVICE", "SET_TAGS", "REQUEST_ACCOUNT",
    "APPROVE_ACCOUNT", "DISABLE_ACCOUNT", "PROPOSE_PROFILE", "APPROVE_PROFILE", "WITHDRAW_PROFILE",
    "APPOINT_REPRESENTATIVE", "DISMISS_REPRESENTATIVE", "APPROVE_FACTOR",
)  # fmt: skip
ADDED = (
    "REFUSE_CLOUD", "REFUSE_ACCOUNT", "RESEND_INVITATION", "ENABLE_ACCOUNT", "LINK_IDENTITY", "UNLINK_IDENTITY", "RESET_FACTORS", "ADD_CLIENT_SECRET",
    "ADD_CLIENT_KEY", "REVOKE_CLIENT_CREDENTIAL",
)  # fmt: skip


def listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def hold_administrations(names: tuple[str, ...]) -> None:
    constraint = op.f("ck_administrative_change_administration_known")
    op.drop_constraint(constraint, "administrative_change", type_="check")
    op.create_check_constraint(constraint, "administrative_change", f"administration IN ({listed(names)})")


def hold_one_open(where: str) -> None:
    op.drop_index("uq_cloud_request_open", table_name="cloud_request")
    op.create_index(
        "uq_cloud_request_open",
        "cloud_request",
        ["organization_id", "name"],
        unique=True,
        postgresql_where=sa.text(where),
    )


def replace_policy(table: str, name: str, policy: str) -> None:
    op.execute(f"DROP POLICY {name} ON {table}")
    op.execute(f"CREATE POLICY {name} ON {table} {policy}")


def upgrade() -> None:
    op.add_column("account", sa.Column("factors_reset_at", sa.DateTime(timezone=True), nullable=True))
    hold_administrations((*ADMINISTRATIONS, *ADDED))
    op.alter_column("administrative_change", "organization_id", nullable=True)
    op.add_column("cloud_request", sa.Column("refused_by_id", sa.Uuid(), nullable=True))
    op.add_column("cloud_request", sa.Column("refused_by", sa.Text(), nullable=True))
    op.add_column("cloud_request", sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(op.f("fk_cloud_request_refused_by_id"), "cloud_request", "account", ["refused_by_id"], ["id"])
    op.create_check_constraint(
        op.f("ck_cloud_request_refused"), "cloud_request", "num_nulls(refused_by_id, refused_by, refused_at) IN (0, 3)"
    )
    op.create_check_constraint(
        op.f("ck_cloud_request_answered_once"), "cloud_request", "cloud_id IS NULL OR refused_at IS NULL"
    )
    hold_one_open("cloud_id IS NULL AND refused_at IS NULL")
    op.execute(NAMES)
    for table, policies in POLICIES.items():
        for name, policy in policies.items():
            op.execute(f"CREATE POLICY {name} ON {table} {policy}")
    replace_policy("cloud_request", "answers", ANSWERS_OR_REFUSES)
    replace_policy("link", "invites", INVITES_REPRESENTED)
    replace_policy("client_credential", "gives", GIVES_PROGRAMS)
    for function in FUNCTIONS.values():
        op.execute(function)
    op.execute(DELAYS)
    op.execute(DELAYS_NEW)


def downgrade() -> None:
    op.execute("DROP TRIGGER delay_new ON factor")
    op.execute("DROP TRIGGER delay_confirmed ON factor")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    replace_policy("client_credential", "gives", GIVES)
    replace_policy("link", "invites", INVITES)
    replace_policy("cloud_request", "answers", ANSWERS)
    for table, policies in POLICIES.items():
        for name in policies:
            op.execute(f"DROP POLICY {name} ON {table}")
    op.execute("DROP VIEW organization_account")
    # What was refused would be open again.
    op.execute("DELETE FROM cloud_request WHERE refused_at IS NOT NULL")
    hold_one_open("cloud_id IS NULL")
    for name in ("refused_by_id", "refused_by", "refused_at"):
        op.drop_column("cloud_request", name)
    op.execute(f"DELETE FROM administrative_change WHERE administration IN ({listed(ADDED)})")  # noqa: S608
    op.execute("DELETE FROM administrative_change WHERE organization_id IS NULL")
    op.alter_column("administrative_change", "organization_id", nullable=False)
    hold_administrations(ADMINISTRATIONS)
    op.drop_column("account", "factors_reset_at")
