"""The topology is kept by the process, and nobody sees it as it was."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from auth.tables import table
from gateway.postgres import DatabaseUrls
from resolvers import tables as t
from tests.schema.graph import Graph
from tests.schema.making import make_world
from tests.schema.statements import executed
from tests.schema.tenants import graph_over
from tests.schema.world import WIDE

REGION = table(t.Region)
PLACES = "{ regions { code name dataCenters { availabilityZones { code } } } }"


async def test_a_change_of_the_topology_is_seen_by_the_next_operation(
    make_database: Callable[[], DatabaseUrls],
) -> None:
    database = make_database()
    owner = create_async_engine(database.owner, poolclass=NullPool)

    async def seen(graph: Graph) -> tuple[list[Any], int]:
        with executed(graph.database) as statements:
            return (await graph.ask(WIDE, PLACES)).whole["regions"], len(statements)

    async with graph_over(database, make_world()) as graph:
        before, kept = await seen(graph)
        last = before.pop()
        renamed = {**last, "name": "Renamed"}
        new = {"code": "ZZ", "name": "New", "dataCenters": []}
        for change, regions in (
            (update(REGION).where(REGION.c.code == last["code"]).values(name="Renamed"), [*before, renamed]),
            (insert(REGION).values(code="ZZ", name="New", description=""), [*before, renamed, new]),
            (delete(REGION).where(REGION.c.code == "ZZ"), [*before, renamed]),
        ):
            async with owner.begin() as connection:
                await connection.execute(change)
            assert await seen(graph) == (regions, kept + 1)
            assert await seen(graph) == (regions, kept)
