"""What the app's role may do: read and write rows of the owner's tables, and nothing else."""

from sqlalchemy.dialects import postgresql

PROTECTED = {
    "alembic_version": "INSERT, UPDATE, DELETE",
    "audit_record": "UPDATE, DELETE",
    "audit_checkpoint": "UPDATE, DELETE",
    "audit_chain": "DELETE",
}
"""What the app's role may not do with some tables, which an older revision may not have."""


def app_privileges(role: str) -> list[str]:
    """The statements, for the owner to run before tables are made, that give `role` its rights in them."""
    quoted = postgresql.dialect().identifier_preparer.quote(role)  # type: ignore[no-untyped-call]
    return [
        f"GRANT USAGE ON SCHEMA public TO {quoted}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {quoted}",
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
