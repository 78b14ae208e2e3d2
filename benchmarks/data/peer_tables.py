"""The data set in plain tables, as one would make them for a peer: integer keys, and an index for every foreign key.

Every peer has these tables to itself, in a schema of its own name, beside the gateway's on the same server.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import asyncpg

from benchmarks.data import content
from benchmarks.data.gateway_tables import Written
from resolvers.reference import AVAILABILITY_ZONES, DATA_CENTERS, REGIONS

_RESOURCES_PER_BATCH: Final = 20_000

TABLES: Final = """
CREATE TABLE region (id int, code text NOT NULL);
CREATE TABLE data_center (id int, code text NOT NULL, region_id int NOT NULL);
CREATE TABLE availability_zone (id int, code text NOT NULL, data_center_id int NOT NULL);
CREATE TABLE organization (id int, name text NOT NULL);
CREATE TABLE cloud (id int, name text NOT NULL, organization_id int NOT NULL);
CREATE TABLE service (id int, name text NOT NULL, cloud_id int NOT NULL);
CREATE TABLE resource (
  id int, name text NOT NULL, type text NOT NULL, status text NOT NULL, environment text NOT NULL,
  created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, availability_zone_id int NOT NULL,
  service_id int NOT NULL, cpu int, ram_gb int);
CREATE TABLE resource_tag (id int, resource_id int NOT NULL, key text NOT NULL, value text NOT NULL);
"""

KEYS_AND_INDEXES: Final = """
ALTER TABLE region ADD PRIMARY KEY (id);
ALTER TABLE data_center ADD PRIMARY KEY (id), ADD FOREIGN KEY (region_id) REFERENCES region;
ALTER TABLE availability_zone ADD PRIMARY KEY (id), ADD FOREIGN KEY (data_center_id) REFERENCES data_center;
ALTER TABLE organization ADD PRIMARY KEY (id);
ALTER TABLE cloud ADD PRIMARY KEY (id), ADD FOREIGN KEY (organization_id) REFERENCES organization;
ALTER TABLE service ADD PRIMARY KEY (id), ADD FOREIGN KEY (cloud_id) REFERENCES cloud;
ALTER TABLE resource ADD PRIMARY KEY (id), ADD FOREIGN KEY (service_id) REFERENCES service,
  ADD FOREIGN KEY (availability_zone_id) REFERENCES availability_zone;
ALTER TABLE resource_tag ADD PRIMARY KEY (id), ADD FOREIGN KEY (resource_id) REFERENCES resource;
CREATE INDEX ON data_center (region_id);
CREATE INDEX ON availability_zone (data_center_id);
CREATE INDEX ON cloud (organization_id, id);
CREATE INDEX ON service (cloud_id, id);
CREATE INDEX ON resource (service_id, id);
CREATE INDEX ON resource (availability_zone_id);
CREATE INDEX ON resource_tag (resource_id, id);
CREATE INDEX ON resource_tag (key, value, resource_id);
"""
"""Made after the rows, which is far quicker."""

FUNCTIONS: Final = """
CREATE FUNCTION resources_by_tag(k text, v text) RETURNS SETOF resource LANGUAGE sql STABLE BEGIN ATOMIC
  SELECT r.* FROM resource r
  WHERE EXISTS (SELECT 1 FROM resource_tag t WHERE t.resource_id = r.id AND t.key = k AND t.value = v) ORDER BY r.id;
END;
CREATE FUNCTION resources_after(after_id int) RETURNS SETOF resource LANGUAGE sql STABLE BEGIN ATOMIC
  SELECT r.* FROM resource r WHERE r.id > after_id ORDER BY r.id;
END;
"""
"""The two lists that no table of PostGraphile's gives by itself: those with a tag, and those after a resource."""


async def fill(connection: "asyncpg.Connection", schema: str, resources: int, report: Written) -> None:
    """Make the schema anew and fill it, inside the connection's transaction."""
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
    await connection.execute(f"SET LOCAL search_path = {schema}")
    await connection.execute(TABLES)
    for table, rows in _surroundings().items():
        await connection.copy_records_to_table(table, schema_name=schema, records=rows)
    written = 0
    made = content.resources(resources)
    while some := list(islice(made, _RESOURCES_PER_BATCH)):
        await connection.copy_records_to_table("resource", schema_name=schema, records=map(_resource, some))
        await connection.copy_records_to_table("resource_tag", schema_name=schema, records=_tags(some))
        written += len(some)
        report(written)
    await connection.execute(KEYS_AND_INDEXES)
    await connection.execute(FUNCTIONS)


def _numbers(codes: Any) -> dict[str, int]:
    return {code: number for number, code in enumerate(codes, start=1)}


_REGIONS, _DATA_CENTERS, _ZONES = _numbers(REGIONS), _numbers(DATA_CENTERS), _numbers(AVAILABILITY_ZONES)


def _surroundings() -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table that stands above resources, referenced ones first."""
    return {
        "region": [(number, code) for code, number in _REGIONS.items()],
        "data_center": [(_DATA_CENTERS[code], code, _REGIONS[region]) for code, (region, _) in DATA_CENTERS.items()],
        "availability_zone": [
            (_ZONES[code], code, _DATA_CENTERS[center]) for code, (center, _) in AVAILABILITY_ZONES.items()
        ],
        "organization": [(n, content.organization_name(n)) for n in range(1, content.ORGANIZATIONS + 1)],
        "cloud": [(n, content.cloud_name(n), content.organization_of_cloud(n)) for n in range(1, content.CLOUDS + 1)],
        "service": [(n, content.service_name(n), content.cloud_of_service(n)) for n in range(1, content.SERVICES + 1)],
    }


def _resource(resource: content.Resource) -> tuple[Any, ...]:
    return (
        resource.number,
        resource.name,
        resource.type,
        resource.status,
        resource.environment,
        resource.created_at,
        resource.updated_at,
        _ZONES[resource.zone],
        resource.service,
        resource.cpu,
        resource.ram_gb,
    )


def _tags(resources: list[content.Resource]) -> Iterator[tuple[int, int, str, str]]:
    for resource in resources:
        for position, (key, value) in enumerate(resource.tags.items()):
            number = (resource.number - 1) * content.TAGS_PER_RESOURCE + position + 1
            yield number, resource.number, key, value
