"""Databases of one PostgreSQL server, each a copy of a migrated and empty one."""

import itertools
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from gateway.migrate import upgrade
from gateway.postgres import DatabaseUrls, EmbeddedPostgres
from gateway.postgres.programs import Programs, clean_environment
from gateway.postgres.system_user import SystemUser
from gateway.postgres.urls import libpq_environment

# A test's data may be lost with the machine.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB"}


class Databases:
    """Makes and drops databases on a server whose own database is the template."""

    def __init__(self, template: DatabaseUrls, programs: Programs) -> None:
        self._template = template
        self._programs = programs
        self._numbers = itertools.count(1)

    def make(self) -> DatabaseUrls:
        """A new database: migrated, with no row."""
        name = f"test_{next(self._numbers)}"
        # Copying files is quicker than writing what is in them to the log.
        self.run(f"CREATE DATABASE {name} TEMPLATE {self._name(self._template)} STRATEGY file_copy")
        return DatabaseUrls(app=_of(self._template.app, name), owner=_of(self._template.owner, name))

    def make_bare(self) -> DatabaseUrls:
        """A new database: not migrated, with nothing in it."""
        name = f"bare_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0")
        return DatabaseUrls(app=_of(self._template.app, name), owner=_of(self._template.owner, name))

    def drop(self, urls: DatabaseUrls) -> None:
        """Drops a database and ends its connections."""
        self.run(f"DROP DATABASE {self._name(urls)} WITH (FORCE)")

    def run(self, sql: str, urls: DatabaseUrls | None = None) -> str:
        """Runs `sql` as the superuser, in the database `postgres` or that of `urls`; returns rows as text."""
        environment = libpq_environment(urls.owner if urls else _of(self._template.owner, "postgres"))
        psql = [self._programs.path("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]
        answer = subprocess.run(  # noqa: S603 - statements of the tests
            psql, env=clean_environment(environment), capture_output=True, text=True, check=False
        )
        if answer.returncode != 0:
            raise AssertionError(answer.stderr)
        return answer.stdout.strip()

    @staticmethod
    def _name(urls: DatabaseUrls) -> str:
        return str(make_url(urls.owner).database)


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A temporary folder that the server's user can enter; pytest's own is root's alone."""
    user = SystemUser.for_server(None)
    parents = [tempfile.gettempdir(), "/tmp", "/var/tmp"]  # noqa: S108
    parent = next((parent for parent in parents if user.can_enter(Path(parent))), None)
    folder = Path(tempfile.mkdtemp(prefix="itcare-test-", dir=parent))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def migrated_server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    """A running server, fast and forgetful, whose database is migrated."""
    with EmbeddedPostgres(data_dir, parameters=FAST) as server:
        upgrade(server.urls)
        yield server


def copy_of(stopped: Path, folder: Path) -> Path:
    """Copies the data folder of a stopped server, with whom its files belong to; returns the copy."""
    subprocess.run(["/bin/cp", "-a", stopped, folder], check=True)  # noqa: S603 - our own folders
    return folder


def _of(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)
