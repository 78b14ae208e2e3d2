"""Where the database is: the address of the app's role and that of the owner."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from gateway.postgres.errors import PostgresError

DRIVER = "postgresql+asyncpg"
PORT = 5432
OWNER_ROLE = "postgres"
APP_ROLE = "itcare_app"
DATABASE = "itcare"

# libpq's names in a URL's query, and what asyncpg calls them.
QUERY_PARAMETERS = {"host": "host", "port": "port", "sslmode": "ssl", "ssl": "ssl"}


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """SQLAlchemy URLs for asyncpg: `app` reads and writes rows, `owner` owns the tables and migrates them.

    They may hold passwords, so neither is shown by `repr`.
    """

    app: str = field(repr=False)
    owner: str = field(repr=False)

    @property
    def app_role(self) -> str | None:
        """The name of the app's role; None where it is the owner's too."""
        role = make_url(self.app).username
        return None if role == make_url(self.owner).username else role


def given_urls(app: str, owner: str | None) -> DatabaseUrls:
    """Reads `DATABASE_URL` and `DATABASE_OWNER_URL`; without the latter, the app's role is the owner too.

    Raises:
        PostgresError: one of them is not a URL of a PostgreSQL database.
    """
    app_url = asyncpg_url(app, "DATABASE_URL")
    return DatabaseUrls(app=app_url, owner=asyncpg_url(owner, "DATABASE_OWNER_URL") if owner else app_url)


def socket_urls(socket_folder: Path, database: str = DATABASE) -> DatabaseUrls:
    """The URLs of an embedded server that listens in `socket_folder`."""

    def url(role: str) -> str:
        place = {"host": str(socket_folder), "port": str(PORT)}
        return URL.create(DRIVER, username=role, database=database, query=place).render_as_string(hide_password=False)

    return DatabaseUrls(app=url(APP_ROLE), owner=url(OWNER_ROLE))


def asyncpg_url(text: str, variable: str) -> str:
    """Turns a plain `postgresql://` URL into SQLAlchemy's for asyncpg; `variable` is named in errors.

    Raises:
        PostgresError: it is not such a URL; the message does not quote it, since it may hold a password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is None or not re.fullmatch(r"postgres(ql)?(\+asyncpg)?", url.drivername) or not url.database:
        raise PostgresError(f"{variable} is not of the form postgresql://user:password@host:port/database.")
    unknown = sorted(set(url.query) - set(QUERY_PARAMETERS))
    if unknown:
        raise PostgresError(
            f"{variable} has parameters that are not supported: {', '.join(unknown)}. Supported are host, port and"
            " sslmode; certificates are named by PGSSLROOTCERT, PGSSLCERT and PGSSLKEY."
        )
    query = {QUERY_PARAMETERS[name]: value for name, value in url.query.items()}
    return url.set(drivername=DRIVER, query=query).render_as_string(hide_password=False)


def libpq_environment(text: str) -> dict[str, str]:
    """The variables by which `pg_dump` and `psql` find the database of an `asyncpg_url`; no secret in an argument."""
    url = make_url(text)
    values = {
        "PGHOST": url.query.get("host") or url.host,
        "PGPORT": url.query.get("port") or url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": url.query.get("ssl"),
    }
    return {name: str(value) for name, value in values.items() if value}
