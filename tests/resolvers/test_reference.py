"""Reference data is what the platform publishes, and the same in every installation."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from gateway.postgres import DatabaseUrls
from resolvers.reference import ENVIRONMENTS, PRODUCTS, SIZINGS, load_reference, reference_id

TABLES = ("region", "data_center", "availability_zone", "environment", "sizing", "product")
PUBLISHED = {
    ("EB", "Paris area", "EB4", "Boulogne-Billancourt", "EB-HDS-A", "Client zone", "CLIENT"),
    ("EB", "Paris area", "EB4", "Boulogne-Billancourt", "EB-HDS-B", "Client zone", "CLIENT"),
    ("EB", "Paris area", "EB5", "Magny-les-Hameaux", "EB-HDS-C", "Client zone", "CLIENT"),
    ("EB", "Paris area", "EB4", "Boulogne-Billancourt", "EB-A", "Area reserved for the cegedim group", "GROUP"),
    ("EB", "Paris area", "EB4", "Boulogne-Billancourt", "EB-B", "Area reserved for the cegedim group", "GROUP"),
    ("EB", "Paris area", "EB5", "Magny-les-Hameaux", "EB-C", "Area reserved for the cegedim group", "GROUP"),
    ("ET", "Toulouse area", "ET1", "Labège", "ET-HDS-A", "Client zone", "CLIENT"),
    ("ET", "Toulouse area", "ET1", "Labège", "ET-HDS-B", "Client zone", "CLIENT"),
    ("ET", "Toulouse area", "ET1", "Labège", "ET-A", "Area reserved for the cegedim group", "GROUP"),
    ("ET", "Toulouse area", "ET1", "Labège", "ET-B", "Area reserved for the cegedim group", "GROUP"),
    ("ET", "Toulouse area", "ET2", "Balma", None, None, None),
}


@pytest.fixture
async def connection(database: DatabaseUrls) -> AsyncIterator[AsyncConnection]:
    """A connection whose changes are taken back."""
    engine = create_async_engine(database.owner, poolclass=NullPool)
    async with engine.connect() as connection:
        yield connection
        await connection.rollback()
    await engine.dispose()


async def content(connection: AsyncConnection) -> dict[str, list[tuple[object, ...]]]:
    return {
        name: [tuple(row) for row in await connection.execute(text(f"SELECT * FROM {name} ORDER BY code"))]  # noqa: S608
        for name in TABLES
    }


async def test_the_topology_is_the_one_that_the_platform_publishes(connection: AsyncConnection) -> None:
    found = await connection.execute(
        text(
            "SELECT r.code, r.description, d.code, d.name, z.code, z.description, z.audience FROM region r"
            " JOIN data_center d ON d.region_code = r.code LEFT JOIN availability_zone z ON z.data_center_code = d.code"
        )
    )
    rows = [tuple(row) for row in found]
    assert len(rows) == len(PUBLISHED)
    assert set(rows) == PUBLISHED


async def test_the_environments_of_the_specification_are_known(connection: AsyncConnection) -> None:
    known = set(await connection.scalars(text("SELECT code FROM environment")))
    assert known == set(ENVIRONMENTS)
    assert known >= {"production", "preproduction", "qa", "dev", "test"}


async def test_every_product_is_there_in_each_of_its_versions(connection: AsyncConnection) -> None:
    rows = [tuple(row) for row in await connection.execute(text("SELECT code, name, version FROM product"))]
    assert len(rows) == sum(len(versions) for versions in PRODUCTS.values())
    assert ("postgresql-17", "PostgreSQL", "17") in rows
    assert ("red-hat-enterprise-linux-9", "Red Hat Enterprise Linux", "9") in rows


async def test_a_sizing_says_what_its_code_says(connection: AsyncConnection) -> None:
    rows = [tuple(row) for row in await connection.execute(text("SELECT code, cpu, ram_gb FROM sizing"))]
    assert len(rows) == len(SIZINGS)
    assert all(code == f"{cpu}cpu{ram_gb}gb" for code, cpu, ram_gb in rows)


async def test_loading_again_changes_nothing(connection: AsyncConnection) -> None:
    before = await content(connection)
    await load_reference(connection)
    assert await content(connection) == before


async def test_what_an_operator_added_or_renumbered_stays_and_names_are_brought_up_to_date(
    connection: AsyncConnection,
) -> None:
    own = UUID(int=1)
    await connection.execute(
        text("INSERT INTO product (id, code, name, version) VALUES (:id, 'own-1', 'Own', '1')"), {"id": own}
    )
    await connection.execute(
        text("UPDATE product SET name = 'old', id = :id WHERE code = 'redis-7.4'"), {"id": UUID(int=2)}
    )
    await load_reference(connection)
    rows = await connection.execute(text("SELECT id, code, name FROM product WHERE code IN ('own-1', 'redis-7.4')"))
    assert {tuple(row) for row in rows} == {(own, "own-1", "Own"), (UUID(int=2), "redis-7.4", "Redis")}


async def test_identifiers_are_the_same_in_every_installation(connection: AsyncConnection) -> None:
    found = await connection.scalar(text("SELECT id FROM region WHERE code = 'EB'"))
    assert found == reference_id("region", "EB") == UUID("75fadf18-126d-5f0c-9116-99a27331c209")
