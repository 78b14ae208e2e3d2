"""Writes what was staged: new resources, and those that really change; all others stay as they are.

`jsonb_populate_record(record, given)` is what an update means here: columns that are not given keep their values.
"""

from collections.abc import Callable
from typing import Any, Final

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from resolvers.bulk import analyze
from resolvers.importing.columns import DETAILS, Unset, types_of_table, unset_value
from resolvers.tables import Resource

_ROWS_PER_STATEMENT: Final = 10_000
_TABLES: Final = tuple(dict.fromkeys(DETAILS.values()))
_STAMPED: Final = frozenset({"id", "created_at", "updated_at"})


def _name(table: type[SQLModel]) -> str:
    return str(table.__tablename__)


def _defaults(table: type[SQLModel]) -> str:
    """Give what a new row has where nothing is given, as JSON."""
    values = {name: unset_value(table, name) for name in table.model_fields if name not in _STAMPED}
    return orjson.dumps({name: value for name, value in values.items() if value is not Unset.REFUSED}).decode()


def _types(table: type[SQLModel]) -> str:
    return ", ".join(f"'{type_}'" for type_ in types_of_table(table))


_DETAIL_JOINS: Final = "\n".join(
    f"LEFT JOIN {_name(table)} ON ({_name(table)}.organization_id, {_name(table)}.resource_id)"
    " = (r.organization_id, r.id)"
    for table in _TABLES
)
_DETAIL_CHANGES: Final = "\n".join(
    f"OR s.type IN ({_types(table)}) AND jsonb_populate_record({_name(table)}, s.given) IS DISTINCT FROM {_name(table)}"
    for table in _TABLES
)
_WRITTEN: Final = f"""
CREATE TEMPORARY TABLE written ON COMMIT DROP AS
SELECT s.ordinal, r.organization_id, r.cloud_id, r.id, r.type, s.given, false AS is_new,
  jsonb_populate_record(after, jsonb_build_object(
    'revision', r.revision + 1,
    'updated_at', CASE WHEN told.updated_at > r.updated_at THEN told.updated_at
      ELSE greatest(now(), after.created_at) END
  )) AS resource
FROM staged s JOIN resource r USING (organization_id, external_id)
CROSS JOIN LATERAL jsonb_populate_record(r, s.given - 'updated_at') after
CROSS JOIN LATERAL (SELECT (s.given ->> 'updated_at')::timestamptz) told (updated_at)
{_DETAIL_JOINS}
WHERE after IS DISTINCT FROM r OR told.updated_at > r.updated_at
{_DETAIL_CHANGES}
UNION ALL
SELECT s.ordinal, s.organization_id, s.cloud_id, s.id, s.type, s.given, true AS is_new,
  jsonb_populate_record(NULL::resource, :defaults ::jsonb || jsonb_build_object(
    'created_at', least(now(), (s.given ->> 'updated_at')::timestamptz),
    'updated_at', greatest(now(), (s.given ->> 'created_at')::timestamptz)
  ) || s.given || jsonb_build_object('organization_id', s.organization_id, 'cloud_id', s.cloud_id, 'id', s.id))
FROM staged s
WHERE NOT EXISTS (
  SELECT FROM resource r WHERE (r.organization_id, r.external_id) = (s.organization_id, s.external_id))
"""  # noqa: S608 # built from the names of our own tables

# A name is unique at every moment: whoever has one that another resource is about to take gives it up first.
_PARK_NAMES: Final = """
UPDATE resource r SET name = r.id::text FROM written own
WHERE (own.organization_id, own.id) = (r.organization_id, r.id) AND EXISTS (
  SELECT FROM staged other
  WHERE (other.organization_id, other.service_id, other.name) = (r.organization_id, r.service_id, r.name)
    AND other.external_id <> r.external_id)
"""


def _upsert_resources() -> str:
    names = list(Resource.model_fields)
    return f"""
    INSERT INTO resource ({", ".join(names)})
    SELECT {", ".join(f"(resource).{name}" for name in names)}
    FROM written WHERE ordinal > :after AND ordinal <= :up_to ORDER BY ordinal
    ON CONFLICT (organization_id, id) DO UPDATE SET {_from_excluded(names)}"""  # noqa: S608 # names of our own


def _upsert_details(table: type[SQLModel]) -> str:
    names = list(table.model_fields)
    return f"""
    INSERT INTO {_name(table)} ({", ".join(names)})
    SELECT {", ".join(f"detail.{name}" for name in names)}
    FROM written w
    LEFT JOIN {_name(table)} before ON (before.organization_id, before.resource_id) = (w.organization_id, w.id)
    CROSS JOIN LATERAL jsonb_populate_record(
      before, CASE WHEN before.resource_id IS NULL THEN :defaults ::jsonb ELSE '{{}}' END || w.given
      || jsonb_build_object('organization_id', w.organization_id, 'cloud_id', w.cloud_id, 'resource_id', w.id)
    ) detail
    WHERE w.type IN ({_types(table)}) AND w.ordinal > :after AND w.ordinal <= :up_to
    ON CONFLICT (organization_id, resource_id) DO UPDATE SET {_from_excluded(names)}"""  # noqa: S608 # names of our own


def _from_excluded(names: list[str]) -> str:
    return ", ".join(f"{name} = EXCLUDED.{name}" for name in names)


async def merge(connection: AsyncConnection, progress: Callable[[int, int], None]) -> tuple[int, int]:
    """Write the staged rows that are new or change something; tell how many were created and updated.

    `progress` is told the resources written, and of how many.
    """
    await connection.execute(text(_WRITTEN), {"defaults": _defaults(Resource)})
    await connection.execute(text("CREATE INDEX ON written (ordinal)"))
    await connection.execute(text("ANALYZE written (ordinal, organization_id, id, type)"))
    counts = (
        await connection.execute(
            text(
                "SELECT count(*) FILTER (WHERE is_new) AS created, count(*) FILTER (WHERE NOT is_new) AS updated,"
                " coalesce(max(ordinal), 0) AS last FROM written"
            )
        )
    ).one()
    await connection.execute(text(_PARK_NAMES))
    is_large = counts.created + counts.updated > _ROWS_PER_STATEMENT
    if is_large:
        await analyze(connection, "cloud", "service", "network")
    statements: list[tuple[str, dict[str, Any]]] = [(_upsert_resources(), {})]
    statements += [(_upsert_details(table), {"defaults": _defaults(table)}) for table in _TABLES]
    total = counts.created + counts.updated
    written = 0
    for after in range(0, counts.last, _ROWS_PER_STATEMENT):
        for position, (statement, parameters) in enumerate(statements):
            result = await connection.execute(
                text(statement), parameters | {"after": after, "up_to": after + _ROWS_PER_STATEMENT}
            )
            written += result.rowcount if position == 0 else 0
        progress(written, total)
    if is_large:
        await analyze(connection)
    return counts.created, counts.updated
