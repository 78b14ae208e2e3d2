"""Reference data that every installation has: topology, environments, sizings and the catalogue of products.

The regions, data centers and availability zones are those the platform publishes. Identifiers are derived from the
codes, so they are the same everywhere; what an operator adds beside these rows stays.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from resolvers.tables import AvailabilityZone, DataCenter, Environment, OsType, Product, Region, Sizing, ZoneAudience

NAMESPACE: Final = UUID("2f5b1f43-5a0c-5c0b-9d0e-6f6d0a7c1e55")
"""Where the identifiers of reference data are derived from: `uuid5(NAMESPACE, "region:EB")`."""

REGIONS: Final = {
    "EB": ("Paris", "Paris area"),
    "ET": ("Toulouse", "Toulouse area"),
}
"""Code to name and description."""

DATA_CENTERS: Final = {
    "EB4": ("EB", "Boulogne-Billancourt"),
    "EB5": ("EB", "Magny-les-Hameaux"),
    "ET1": ("ET", "Labège"),
    "ET2": ("ET", "Balma"),
}
"""Code to region and name."""

AVAILABILITY_ZONES: Final = {
    "EB-HDS-A": ("EB4", ZoneAudience.CLIENT),
    "EB-HDS-B": ("EB4", ZoneAudience.CLIENT),
    "EB-HDS-C": ("EB5", ZoneAudience.CLIENT),
    "EB-A": ("EB4", ZoneAudience.GROUP),
    "EB-B": ("EB4", ZoneAudience.GROUP),
    "EB-C": ("EB5", ZoneAudience.GROUP),
    "ET-HDS-A": ("ET1", ZoneAudience.CLIENT),
    "ET-HDS-B": ("ET1", ZoneAudience.CLIENT),
    "ET-A": ("ET1", ZoneAudience.GROUP),
    "ET-B": ("ET1", ZoneAudience.GROUP),
}
"""Code to data center and audience. The data center ET2 has none."""

ZONE_DESCRIPTIONS: Final = {
    ZoneAudience.CLIENT: "Client zone",
    ZoneAudience.GROUP: "Area reserved for the cegedim group",
}

ENVIRONMENTS: Final = {
    "production": "What customers use.",
    "preproduction": "The last stop before production, of the same shape.",
    "staging": "Releases are put together here.",
    "qa": "Acceptance and quality assurance.",
    "test": "Automated and manual tests.",
    "dev": "Development.",
    "integration": "Interfaces with other systems are tried here.",
    "training": "Courses and demonstrations.",
    "sandbox": "Experiments; may vanish.",
    "recovery": "Takes over when production is lost.",
}
"""Code to description."""

SIZINGS: Final = {
    f"{cpu}cpu{ram_gb}gb": (cpu, ram_gb)
    for cpu, ram_gb in (
        (1, 1), (1, 2), (2, 2), (2, 4), (2, 8), (4, 8), (4, 16), (4, 32),
        (8, 16), (8, 32), (8, 64), (16, 32), (16, 64), (16, 128), (32, 64), (32, 128), (32, 256),
    )
}  # fmt: skip
"""Code to number of CPUs and GB of RAM."""

PRODUCTS: Final = {
    "CentOS": ("7", "8"),
    "Debian": ("10", "11", "12", "13"),
    "Oracle Linux": ("7", "8", "9"),
    "Red Hat Enterprise Linux": ("7", "8", "9", "10"),
    "Ubuntu": ("20.04", "22.04", "24.04"),
    "Windows Server": ("2016", "2019", "2022", "2025"),
    "AIX": ("7.2", "7.3"),
    "Kubernetes": ("1.31", "1.32", "1.33", "1.34"),
    "MariaDB": ("10.6", "10.11", "11.4"),
    "OpenSearch": ("1.3", "2.19", "3.1"),
    "PostgreSQL": ("13", "14", "15", "16", "17", "18"),
    "Redis": ("6.2", "7.2", "7.4"),
    "SQL Server": ("2017", "2019", "2022"),
    "Apache Kafka": ("3.7", "3.9", "4.0"),
    "RabbitMQ": ("3.12", "3.13", "4.1"),
    "Apache Tomcat": ("9.0", "10.1", "11.0"),
    "WildFly": ("26", "30", "37"),
    "GlusterFS": ("10", "11"),
}
"""Name to versions; the code is both, such as `postgresql-17` or `red-hat-enterprise-linux-9`."""

OS_TYPES: Final = {
    "CENTOS": OsType.LINUX,
    "DEBIAN": OsType.LINUX,
    "ORACLE_LINUX": OsType.LINUX,
    "RHEL": OsType.LINUX,
    "UBUNTU": OsType.LINUX,
    "WINDOWS_SERVER": OsType.WINDOWS,
    "AIX": OsType.UNIX,
}
"""The families of operating systems that instances are created with, to their kinds."""


def reference_id(table: str, code: str) -> UUID:
    """Derive the identifier of a row of reference data from its table and its code."""
    return uuid5(NAMESPACE, f"{table}:{code}")


def product_code(name: str, version: str) -> str:
    """Make the code of a product's version from its name."""
    return f"{name} {version}".lower().replace(" ", "-")


async def load_reference(connection: AsyncConnection) -> None:
    """Write the reference data; what is there under the same code is brought up to date and keeps its identifier."""
    await _upsert(
        connection,
        Region,
        (
            {"id": reference_id("region", code), "code": code, "name": name, "description": description}
            for code, (name, description) in REGIONS.items()
        ),
    )
    await _upsert(
        connection,
        DataCenter,
        (
            {"id": reference_id("data_center", code), "code": code, "region_code": region, "name": name}
            for code, (region, name) in DATA_CENTERS.items()
        ),
    )
    await _upsert(
        connection,
        AvailabilityZone,
        (
            {
                "id": reference_id("availability_zone", code),
                "code": code,
                "data_center_code": data_center,
                "description": ZONE_DESCRIPTIONS[audience],
                "audience": audience.value,
            }
            for code, (data_center, audience) in AVAILABILITY_ZONES.items()
        ),
    )
    await _upsert(
        connection,
        Environment,
        ({"code": code, "description": description} for code, description in ENVIRONMENTS.items()),
    )
    await _upsert(
        connection,
        Sizing,
        ({"code": code, "cpu": cpu, "ram_gb": ram_gb} for code, (cpu, ram_gb) in SIZINGS.items()),
    )
    await _upsert(
        connection,
        Product,
        (
            {"id": reference_id("product", code), "code": code, "name": name, "version": version}
            for name, versions in PRODUCTS.items()
            for version in versions
            for code in (product_code(name, version),)
        ),
    )


async def _upsert(connection: AsyncConnection, table: type[SQLModel], rows: Iterable[Mapping[str, Any]]) -> None:
    statement = insert(table).values(list(rows))
    changes = {column.name: column for column in statement.excluded if column.name not in {"id", "code"}}
    await connection.execute(statement.on_conflict_do_update(index_elements=["code"], set_=changes))
