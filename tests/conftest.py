import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from gateway.postgres import DatabaseUrls, EmbeddedPostgres
from gateway.postgres.programs import find_programs
from tests.databases import FAST, Databases, migrated_server, reachable_folder


def pytest_configure() -> None:
    """The tests see the product as it comes: no setting of the machine's reaches them."""
    for name in list(os.environ):
        if name.startswith(("ITCARE_", "DATABASE_", "PG")):
            del os.environ[name]


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's user can enter, also where the tests run as root."""
    with reachable_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres(server_folder: Path) -> Iterator[EmbeddedPostgres]:
    """The one server of this process's tests."""
    with migrated_server(server_folder / "shared") as server:
        yield server


@pytest.fixture(scope="session")
def stopped(server_folder: Path) -> Path:
    """A data folder whose server was stopped in order; to be copied, which is quicker than making one."""
    folder = server_folder / "stopped"
    with EmbeddedPostgres(folder, parameters=FAST):
        return folder


@pytest.fixture(scope="session")
def databases(postgres: EmbeddedPostgres) -> Databases:
    return Databases(postgres.urls, find_programs(None))


@pytest.fixture(scope="session")
def make_database(databases: Databases) -> Callable[[], DatabaseUrls]:
    """Makes a migrated, empty database, which ends with the server."""
    return databases.make


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[DatabaseUrls]:
    """A migrated, empty database of the module's own."""
    urls = databases.make()
    yield urls
    databases.drop(urls)


@pytest.fixture
def bare(databases: Databases) -> Iterator[DatabaseUrls]:
    urls = databases.make_bare()
    yield urls
    databases.drop(urls)


@pytest.fixture
def foreign(databases: Databases) -> Iterator[DatabaseUrls]:
    """A database as an operator's own PostgreSQL has it: an owner and an app role, neither of them a superuser."""
    urls = databases.make_bare()
    name = make_url(urls.owner).database
    databases.run(f"CREATE ROLE {name}_owner LOGIN; CREATE ROLE {name}_app LOGIN")
    databases.run(f"ALTER DATABASE {name} OWNER TO {name}_owner")
    app, owner = (
        make_url(urls.owner).set(username=f"{name}_{role}").render_as_string(hide_password=False)
        for role in ("app", "owner")
    )
    yield DatabaseUrls(app=app, owner=owner)
    databases.drop(urls)
    databases.run(f"DROP ROLE {name}_owner; DROP ROLE {name}_app")
