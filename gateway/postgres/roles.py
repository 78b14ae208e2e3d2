"""Whom row-level security holds: the role that the gateway works as must be neither the owner nor exempt."""

import asyncio

from sqlalchemy import text

from gateway.postgres.connecting import transaction
from gateway.postgres.errors import PostgresError

_EXEMPT = text("""
SELECT current_user,
  EXISTS (
    SELECT FROM pg_roles r WHERE (r.rolsuper OR r.rolbypassrls) AND pg_has_role(current_user, r.oid, 'MEMBER')
  ),
  EXISTS (
    SELECT FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    AND pg_has_role(current_user, c.relowner, 'MEMBER')
  )
""")
_OWNS_ALL = text("""
SELECT coalesce(bool_and(pg_has_role(current_user, c.relowner, 'USAGE')), true) FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
""")


def require_held_role(url: str) -> None:
    """Checks that row-level security holds the role of `url`, and every role that it could become.

    Raises:
        PostgresError: it does not, or the database cannot be reached.
    """

    async def read() -> tuple[str, bool, bool]:
        async with transaction(url) as connection:
            role, is_exempt, owns = (await connection.execute(_EXEMPT)).one()
            return role, is_exempt, owns

    role, is_exempt, owns = asyncio.run(read())
    if is_exempt or owns:
        reason = "is a superuser or has BYPASSRLS" if is_exempt else "owns tables"
        raise PostgresError(
            f"The gateway does not serve as the role {role}, which {reason}, itself or as a member of another role:"
            " row-level security would not hold it. Let DATABASE_URL name a role that can only log in, and"
            " DATABASE_OWNER_URL the owner; then run `itcare-gateway migrate`."
        )


def owns_all(url: str) -> bool:
    """Whether the role of `url` has the owner's rights in every table, and so sees all rows.

    Raises:
        PostgresError: the database cannot be reached.
    """

    async def read() -> bool:
        async with transaction(url) as connection:
            return bool(await connection.scalar(_OWNS_ALL))

    return asyncio.run(read())
