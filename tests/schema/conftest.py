from collections.abc import AsyncIterator, Callable

import pytest

from gateway.postgres import DatabaseUrls
from resolvers.snapshot import create_engine
from tests.schema.graph import Graph
from tests.schema.making import make_world
from tests.schema.world import World, load_world


@pytest.fixture(scope="session")
async def graph(request: pytest.FixtureRequest, make_database: Callable[[], DatabaseUrls]) -> AsyncIterator[Graph]:
    """The graph over a database with a world in it, for tests that only read.

    The world is that of seed 1, unless a test is parametrized, indirectly, with another seed.
    """
    urls, world = make_database(), make_world(getattr(request, "param", 1))
    await load_world(urls, world)
    database = create_engine(urls.app, pool_size=4, statement_seconds=20)
    yield Graph(database, world)
    await database.dispose()


@pytest.fixture(scope="session")
def world(graph: Graph) -> World:
    """The rows that `graph` shows."""
    return graph.world
