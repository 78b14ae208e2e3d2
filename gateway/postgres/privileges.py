"""What the app's role may do: read and write rows of the owner's tables, within its scope, and nothing else."""

from sqlalchemy.dialects import postgresql

PROTECTED = {
    "alembic_version": "INSERT, UPDATE, DELETE",
    "audit_record": "UPDATE, DELETE",
    "audit_checkpoint": "UPDATE, DELETE",
    "audit_chain": "DELETE",
    "event": "INSERT, UPDATE, DELETE",
    "event_counter": "INSERT, UPDATE, DELETE",
}
"""What the app's role may not do with some tables, which an older revision may not have."""

PROTECT_ROWS = """
DO $$
DECLARE
  protected regclass;
  definer regprocedure;
BEGIN
  FOR protected IN SELECT c.oid FROM pg_class c
    WHERE c.relforcerowsecurity AND c.relnamespace = 'public'::regnamespace AND NOT EXISTS (
      SELECT FROM pg_policy p
      WHERE p.polrelid = c.oid AND p.polname = 'owner' AND p.polroles = ARRAY[current_user::regrole::oid]
    )
  LOOP
    EXECUTE format('DROP POLICY IF EXISTS owner ON %s', protected);
    EXECUTE format('CREATE POLICY owner ON %s TO CURRENT_USER USING (true) WITH CHECK (true)', protected);
  END LOOP;
  FOR definer IN SELECT p.oid FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', definer);
  END LOOP;
END $$
"""
"""Lets the owner, by a policy of its own, see and write all rows of the tables whose row-level security is forced.

The owner of an operator's database is no superuser: forced, the policies hold for it too, and it migrates, imports and
backs up. Functions that run with its rights are taken from everybody but the app's role. To be run by the owner after
tables were made; it changes nothing the second time.
"""


def app_privileges(role: str) -> list[str]:
    """The statements, for the owner to run before tables are made, that give `role` its rights in them."""
    quoted = postgresql.dialect().identifier_preparer.quote(role)  # type: ignore[no-untyped-call]
    return [
        f"GRANT USAGE ON SCHEMA public TO {quoted}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {quoted}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {quoted}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO {quoted}",
    ]


def protect_tables(role: str) -> str:
    """The statement, for the owner to run once tables are made, that takes from `role` what only others may do."""
    quoted = postgresql.dialect().identifier_preparer.quote(role)  # type: ignore[no-untyped-call]
    revoke = " ".join(
        f"IF to_regclass('public.{table}') IS NOT NULL THEN REVOKE {rights} ON public.{table} FROM {quoted}; END IF;"
        for table, rights in PROTECTED.items()
    )
    # Not in dollar quotes: a role's name may hold them.
    return f"DO {_literal(f'BEGIN {revoke} END')}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
