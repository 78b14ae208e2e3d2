"""The database server around the gateway: the embedded one, or yours by `DATABASE_URL`."""

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.postgres.cluster import Cluster
from gateway.postgres.errors import PostgresError
from gateway.postgres.server import EmbeddedPostgres
from gateway.postgres.urls import DatabaseUrls, given_urls
from gateway.settings import Settings

__all__ = ["Cluster", "DatabaseUrls", "EmbeddedPostgres", "PostgresError", "database"]


@contextmanager
def database(settings: Settings, *, create: bool = False, borrow: bool = True) -> Iterator[DatabaseUrls]:
    """The database of `settings`, running: yours; or the embedded one, made first if `create`, and shared if `borrow`.

    Raises:
        PostgresError: it cannot be used, or there is none and it is not to be made.
    """
    if settings.database_url:
        yield given_urls(settings.database_url, settings.database_owner_url)
        return
    if not create and not Cluster.exists(settings.data_dir):
        raise PostgresError(f"There is no database in {settings.data_dir} yet; `serve`, `demo` or `migrate` make one.")
    server = EmbeddedPostgres(settings.data_dir, pg_bin=settings.pg_bin)
    server.start(borrow=borrow)
    try:
        yield server.urls
    finally:
        server.stop()
