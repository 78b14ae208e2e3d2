"""What the app's role may do: read and write rows of the owner's tables, and nothing else."""

from sqlalchemy.dialects import postgresql


def app_privileges(role: str) -> list[str]:
    """The statements, for the owner to run before tables are made, that give `role` its rights in them."""
    quoted = postgresql.dialect().identifier_preparer.quote(role)  # type: ignore[no-untyped-call]
    return [
        f"GRANT USAGE ON SCHEMA public TO {quoted}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {quoted}",
    ]


def protect_version(role: str) -> str:
    """The statement that leaves `role` the reading of the database's revision only."""
    quoted = postgresql.dialect().identifier_preparer.quote(role)  # type: ignore[no-untyped-call]
    return f"REVOKE INSERT, UPDATE, DELETE ON public.alembic_version FROM {quoted}"
