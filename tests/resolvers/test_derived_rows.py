"""The rows that filters use follow the resources they are made from, whatever is written and how."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import NullPool, Uuid, bindparam, column, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from auth.tables import table
from gateway.postgres import DatabaseUrls
from resolvers.reference import AVAILABILITY_ZONES, DATA_CENTERS
from resolvers.tables import Resource, ResourcePlacement, ResourceTag
from tests.resolvers.shop import Shop, load_shop

RESOURCE, TAG, PLACEMENT = table(Resource), table(ResourceTag), table(ResourcePlacement)

keys = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0:!"), min_size=1, max_size=4)
values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
tags = st.dictionaries(st.sampled_from(["team", "env", "é"]) | keys, values, max_size=4)


@st.composite
def places(draw: st.DrawFn) -> dict[str, list[str]]:
    """Draw data centers, and zones that lie in them, in any order and also twice."""
    centers = draw(st.lists(st.sampled_from(list(DATA_CENTERS)), min_size=1, max_size=3))
    within = [zone for zone, (center, _) in AVAILABILITY_ZONES.items() if center in centers]
    zones = draw(st.lists(st.sampled_from(within), max_size=3)) if within else []
    return {"data_centers": centers, "availability_zones": zones}


written = st.builds(lambda tagged, placed: {"tags": tagged, **placed}, tags, places())
changes = st.fixed_dictionaries({}, optional={"tags": tags, "comment": values}) | places()
numbers = st.lists(st.integers(0, 5), min_size=1, max_size=6, unique=True)
steps = st.lists(
    st.tuples(st.just("insert"), st.lists(written, min_size=1, max_size=3))
    | st.tuples(st.just("update"), st.lists(st.tuples(numbers, changes), min_size=1, max_size=2))
    | st.tuples(st.just("update at once"), st.lists(written, min_size=6, max_size=6))
    | st.tuples(st.just("delete"), numbers),
    max_size=8,
)


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="module")
async def engine(database: DatabaseUrls, shop: Shop) -> AsyncEngine:
    async with create_async_engine(database.owner, poolclass=NullPool).begin() as connection:
        await load_shop(connection, shop)
    return create_async_engine(database.app, poolclass=NullPool)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(steps=steps)
async def test_tags_and_places_follow_every_change_of_resources(
    engine: AsyncEngine, shop: Shop, steps: list[tuple[str, Any]]
) -> None:
    await follow(engine, shop, steps)


@pytest.mark.long
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=steps)
async def test_tags_and_places_follow_many_changes_of_resources(
    engine: AsyncEngine, shop: Shop, steps: list[tuple[str, Any]]
) -> None:
    await follow(engine, shop, steps)


async def follow(engine: AsyncEngine, shop: Shop, steps: list[tuple[str, Any]]) -> None:
    """Take the steps in a transaction of the app's role, in the scope of an account; it is rolled back."""
    async with engine.connect() as connection:
        await connection.execute(select(func.enter_scope(shop.account)))
        alive: list[UUID] = [shop.web, shop.spare]
        await compare(connection)
        for kind, what in steps:
            match kind:
                case "insert":
                    alive += await add(connection, shop, what)
                case "update":
                    for chosen, change in what:
                        ids = [alive[n] for n in chosen if n < len(alive)]
                        change = {**change, "revision": RESOURCE.c.revision + 1}
                        await connection.execute(update(RESOURCE).where(RESOURCE.c.id.in_(ids)).values(change))
                case "update at once":
                    await exchange(connection, alive, what)
                case "delete":
                    gone = [alive[n] for n in what if n < len(alive)]
                    await connection.execute(delete(RESOURCE).where(RESOURCE.c.id.in_(gone)))
                    alive = [resource for resource in alive if resource not in gone]
            await compare(connection)


async def add(connection: AsyncConnection, shop: Shop, rows: Sequence[dict[str, Any]]) -> list[UUID]:
    """Insert resources in one statement."""
    new = [Resource(**{**shop.another(Resource), "id": uuid4(), **row}).model_dump() for row in rows]
    await connection.execute(insert(RESOURCE).values(new))
    return [row["id"] for row in new]


async def exchange(connection: AsyncConnection, ids: Sequence[UUID], rows: Sequence[dict[str, Any]]) -> None:
    """Give each resource what the row beside it says, in one statement for all of them."""
    given = func.jsonb_to_recordset(bindparam("rows", type_=JSONB)).table_valued(
        column("id", Uuid), column("tags", JSONB)
    )
    given = given.render_derived(name="given", with_types=True)
    statement = update(RESOURCE).where(RESOURCE.c.id == given.c.id).values(tags=given.c.tags)
    pairs = zip(ids, rows, strict=False)
    await connection.execute(statement, {"rows": [{"id": str(key), "tags": row["tags"]} for key, row in pairs]})


async def compare(connection: AsyncConnection) -> None:
    """Compare the derived rows with what they are derived from."""
    tagged, placed = set(), set()
    for row in await connection.execute(select(RESOURCE)):
        own = (row.organization_id, row.cloud_id, row.id)
        tagged |= {(*own, key, value) for key, value in row.tags.items()}
        placed |= {(*own, position, *place) for position, place in enumerate(expected_places(row))}
    tag = select(TAG.c.organization_id, TAG.c.cloud_id, TAG.c.resource_id, TAG.c.key, TAG.c.value)
    assert {tuple(row) for row in await connection.execute(tag)} == tagged
    columns = ("organization_id", "cloud_id", "resource_id", "position")
    place = select(*[PLACEMENT.c[name] for name in (*columns, "region_code", "data_center_code")])
    place = place.add_columns(PLACEMENT.c.availability_zone_code)
    assert {tuple(row) for row in await connection.execute(place)} == placed


def expected_places(row: Any) -> list[tuple[str, str, str | None]]:
    """Say where a resource is: in each data center by its zones there, or in the data center alone."""
    found: list[tuple[str, str, str | None]] = []
    for center in row.data_centers:
        region = DATA_CENTERS[center][0]
        zones = [zone for zone in row.availability_zones if AVAILABILITY_ZONES[zone][0] == center]
        found += [(region, center, zone) for zone in zones or [None]]
    return found
