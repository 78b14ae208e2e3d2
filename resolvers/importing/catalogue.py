"""What the database knows before an import: the catalogues a row refers to, and what is there to put it into."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from resolvers.tables import ZoneAudience


@dataclass(frozen=True)
class Catalogue:
    """Catalogues by code: zones to their data center and audience, data centers to their region, products to ids."""

    environments: frozenset[str]
    products: Mapping[str, str]
    data_centers: Mapping[str, str]
    zones: Mapping[str, tuple[str, ZoneAudience]]


async def read_catalogue(connection: AsyncConnection) -> Catalogue:
    """Read the catalogues."""
    environments = await connection.scalars(text("SELECT code FROM environment"))
    products = await connection.execute(text("SELECT code, id FROM product"))
    data_centers = await connection.execute(text("SELECT code, region_code FROM data_center"))
    zones = await connection.execute(text("SELECT code, data_center_code, audience FROM availability_zone"))
    return Catalogue(
        environments=frozenset(environments),
        products={code: str(product_id) for code, product_id in products},
        data_centers={code: region for code, region in data_centers},  # noqa: C416 # dict() takes a result for a mapping
        zones={code: (data_center, ZoneAudience(audience)) for code, data_center, audience in zones},
    )
