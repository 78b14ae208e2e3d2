from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gateway.postgres import DatabaseUrls
from resolvers.database import Database
from tests.schema.graph import Graph
from tests.schema.making import make_world
from tests.schema.world import World, load_world


@pytest.fixture(scope="session")
async def graph_of(make_database: Callable[[], DatabaseUrls]) -> AsyncIterator[Callable[[int], Awaitable[Graph]]]:
    """Gives the graph over a database with the world of a seed; every seed is made once."""
    graphs: dict[int, Graph] = {}

    async def give(seed: int) -> Graph:
        if seed not in graphs:
            urls, world = make_database(), make_world(seed)
            await load_world(urls, world)
            graphs[seed] = Graph(Database(urls.app, pool_size=4, statement_seconds=20), world)
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
