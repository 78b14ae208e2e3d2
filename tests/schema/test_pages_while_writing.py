"""Pages are honest: what stands still while somebody pages is seen once, whatever is written in between.

No transaction is held between two pages, so a row that moves in the order, or in or out of the list, may be seen once,
twice or not at all. A row that does not move is seen exactly once.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from auth.tables import table
from gateway.postgres import DatabaseUrls
from resolvers.database import Database
from resolvers.tables import Resource, Service
from schema.enums import ResourceOrderField
from schema.ids import global_id
from tests.schema.asking import booleans, orders
from tests.schema.evaluation import Json
from tests.schema.graph import Graph
from tests.schema.making import make_world
from tests.schema.tiers import examples
from tests.schema.vocabulary import ENVIRONMENTS, TIMES
from tests.schema.world import ALPHA, load_world

RESOURCE = table(Resource)
Values = dict[str, Any]
Change = tuple[str, int, Values]
"""To insert, delete or update: which of the rows there are, and the values."""

# Few values, so that rows tie and every change moves a row past others; names differ within a Service.
VALUES: dict[str, Sequence[Any]] = {
    "name": [f"{letter}{number}" for letter in "aé\U0010ffff" for number in range(30)],
    "type": ("FILE_STORAGE", "INSTANCE", "MESSAGE_BROKER"),
    "status": ("ACTIVE", "INACTIVE", "PREPARATION"),
    "environment": ENVIRONMENTS,
    "created_at": TIMES[:3],
    "updated_at": TIMES[3:6],
}
values = st.fixed_dictionaries({column: st.sampled_from(some) for column, some in VALUES.items()})
one_value = st.one_of(
    *(st.fixed_dictionaries({column: st.sampled_from(some)}) for column, some in VALUES.items()),
    st.just({"comment": "of no order"}),
)
changes = st.one_of(
    st.tuples(st.just("insert"), st.just(0), values),
    st.tuples(st.just("delete"), st.integers(0, 99), st.just({})),
    st.tuples(st.just("update"), st.integers(0, 99), one_value),
)


class Shelf:
    """The resources of one Service, as another connection than the reader's writes them."""

    def __init__(self, graph: Graph, writer: AsyncEngine) -> None:
        self.graph = graph
        self.service: Service = graph.world.seen(Service, ALPHA)[0]
        self._writer = writer
        self.versions: dict[UUID, list[Values | None]] = {}
        """What each row was, one after another; None while it was not there."""

    async def fill(self, rows: Sequence[Values]) -> None:
        """Begin anew with these rows."""
        async with self._writer.begin() as connection:
            await connection.execute(delete(RESOURCE).where(RESOURCE.c.service_id == self.service.id))
            self.versions = {uuid4(): [row] for row in rows}
            if rows:
                await connection.execute(insert(RESOURCE), [self._row(key) for key in self.versions])

    async def write(self, change: Change) -> None:
        """Commit one change, if there is a row to change and no other of its name."""
        kind, number, new = change
        there = [key for key, versions in self.versions.items() if versions[-1] is not None]
        names = {row["name"] for versions in self.versions.values() if (row := versions[-1]) is not None}
        if new.get("name") in names or (kind != "insert" and not there):
            return
        key = uuid4() if kind == "insert" else there[number % len(there)]
        this = RESOURCE.c.id == key
        async with self._writer.begin() as connection:
            if kind == "delete":
                self.versions[key].append(None)
                await connection.execute(delete(RESOURCE).where(this))
            elif kind == "update":
                self.versions[key].append({**(self.versions[key][-1] or {}), **new})
                await connection.execute(update(RESOURCE).where(this).values(new))
            else:
                self.versions[key] = [None, new]
                await connection.execute(insert(RESOURCE), self._row(key))

    def _row(self, key: UUID) -> Values:
        service, version = self.service, self.versions[key][-1] or {}
        return Resource(
            organization_id=service.organization_id,
            cloud_id=service.cloud_id,
            service_id=service.id,
            id=key,
            data_centers=["EB4"],
            **version,
        ).model_dump()


@pytest.fixture(scope="module")
async def shelf(make_database: Callable[[], DatabaseUrls]) -> AsyncIterator[Shelf]:
    urls, world = make_database(), make_world()
    await load_world(urls, world)
    reader = Database(urls.app, pool_size=1, statement_seconds=20)
    writer = create_async_engine(urls.owner)
    yield Shelf(Graph(reader, world), writer)
    await reader.close()
    await writer.dispose()


async def walk(shelf: Shelf, asked: Json, size: int, between: list[list[Change]], *, forwards: bool) -> Counter[str]:
    """Page through the shelf, and write between the pages; give how often each row was seen."""
    many, cursor, end = ("first", "after", "endCursor") if forwards else ("last", "before", "startCursor")
    more = "hasNextPage" if forwards else "hasPreviousPage"
    document = f"""
        query($id: ID!, $size: Int, $cursor: String, $filter: ResourceFilter, $order: [ResourceOrder!]) {{
          service(id: $id) {{ resources({many}: $size, {cursor}: $cursor, filter: $filter, orderBy: $order) {{
            nodes {{ id }} pageInfo {{ {more} {end} }} }} }} }}
    """
    variables = {**asked, "id": global_id("Service", shelf.service.id), "size": size}
    waiting = iter(between)
    seen: Counter[str] = Counter()
    # Every row and every change may be on a page of its own; more would be no walk.
    for _ in range(100):
        answer = await shelf.graph.ask(ALPHA, document, variables)
        page = answer.whole["service"]["resources"]
        seen.update(node["id"].partition("_")[2] for node in page["nodes"])
        if not page["pageInfo"][more]:
            return seen
        variables["cursor"] = page["pageInfo"][end]
        for change in next(waiting, []):
            await shelf.write(change)
    raise AssertionError("the walk does not end")


# In the long tier, every key in every direction is the first one in turn.
FIRST_KEYS = [
    None,
    *(
        pytest.param({"field": field.value, "direction": direction}, marks=pytest.mark.long)
        for field in ResourceOrderField
        for direction in ("ASC", "DESC")
    ),
]


@pytest.mark.parametrize("first_key", FIRST_KEYS)
@examples(100)
@given(
    rows=st.lists(values, min_size=12, max_size=25, unique_by=lambda row: str(row["name"])),
    order=orders,
    is_filtered=booleans,
    size=st.integers(1, 6),
    between=st.lists(st.lists(changes, min_size=1, max_size=4), max_size=8),
    forwards=booleans,
)
async def test_a_row_that_stands_still_is_seen_once_whatever_is_written(
    shelf: Shelf,
    first_key: Json | None,
    rows: list[Values],
    order: list[Json],
    is_filtered: bool,
    size: int,
    between: list[list[Change]],
    forwards: bool,
) -> None:
    if first_key:
        order = [first_key, *(key for key in order if key["field"] != first_key["field"])]
    await shelf.fill(rows)
    statuses = ["ACTIVE", "PREPARATION"] if is_filtered else list(VALUES["status"])
    asked = {"filter": {"status": statuses}, "order": order}
    seen = await walk(shelf, asked, size, between, forwards=forwards)

    columns = [key["field"].lower() for key in order] or ["name"]
    for key, versions in shelf.versions.items():
        places = {
            tuple(row[column] for column in columns) if row is not None and row["status"] in statuses else None
            for row in versions
        }
        if len(places) == 1:
            assert seen[key.hex] == (0 if places == {None} else 1), versions
