import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from gateway.postgres import DatabaseUrls, EmbeddedPostgres
from gateway.postgres.programs import find_programs
from resolvers.database import Database
from tests.databases import FAST, Databases, migrated_server, reachable_folder
from tests.schema.graph import Graph
from tests.schema.making import make_world
from tests.schema.world import WIDE, World, load_world


def pytest_configure() -> None:
    """The tests see the product as it comes: no setting of the machine's reaches them."""
    for name in list(os.environ):
        if name.startswith(("ITCARE_", "DATABASE_", "PG")):
            del os.environ[name]


def pytest_collection_finish() -> None:
    """What was imported and collected stays: garbage is looked for in what the tests make."""
    gc.collect()
    gc.freeze()


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


# -- the graph over a world


@pytest.fixture(scope="session")
async def graph_of(make_database: Callable[[], DatabaseUrls]) -> AsyncIterator[Callable[[int], Awaitable[Graph]]]:
    """Gives the graph over a database with the world of a seed; every seed is made once."""
    graphs: dict[int, Graph] = {}

    async def give(seed: int) -> Graph:
        if seed not in graphs:
            urls, world = make_database(), make_world(seed)
            await load_world(urls, world)
            graphs[seed] = Graph(Database(urls.app, pool_size=4, statement_seconds=20), world)
            await graphs[seed].keep_topology(WIDE)
        return graphs[seed]

    yield give
    for graph in graphs.values():
        await graph.database.close()


@pytest.fixture(scope="session")
async def graph(request: pytest.FixtureRequest, graph_of: Callable[[int], Awaitable[Graph]]) -> Graph:
    """The graph over a database with a world in it, for tests that only read.

    The world is that of seed 1, unless a test is parametrized, indirectly, with another seed.
    """
    return await graph_of(getattr(request, "param", 1))


@pytest.fixture(scope="session")
def world(graph: Graph) -> World:
    """The rows that `graph` shows."""
    return graph.world
