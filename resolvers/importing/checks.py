"""What only the whole input and the database can tell: each check is one statement that finds the rows in error."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from resolvers.importing.columns import DETAILS, Unset, types_of_table, unset_value
from resolvers.importing.errors import MOST_LISTED, ErrorLog
from resolvers.importing.values import shown

_KEYS: Final = frozenset({"organization_id", "cloud_id", "resource_id"})
_IDENTIFIED: Final = "num_nulls(s.organization_id, s.external_id) = 0"


class Check(NamedTuple):
    """A statement that gives `ordinal`, `source`, `line` and the `column_name` at fault, and what to say of a row."""

    statement: str
    problem: Callable[[Row[Any], Sequence[str]], str]
    expected: str


def _twice(column: str, key: str, problem: str, expected: str) -> Check:
    statement = f"""
    SELECT ordinal, source, line, '{column}' AS column_name, {column} AS value, first_source, first_line FROM (
      SELECT *, row_number() OVER same AS turn, first_value(line) OVER same AS first_line,
        first_value(source) OVER same AS first_source
      FROM staged WHERE num_nulls(organization_id, {key}) = 0
      WINDOW same AS (PARTITION BY organization_id, {key} ORDER BY ordinal)
    ) numbered WHERE turn > 1"""  # noqa: S608 # the names are constants of this module
    return Check(
        statement,
        lambda row, names: f"{shown(row.value)} {problem} {names[row.first_source]}:{row.first_line} too",
        expected,
    )


def _missing(table: type[SQLModel]) -> Check:
    required = [name for name in table.model_fields if name not in _KEYS and unset_value(table, name) is Unset.REFUSED]
    listed = ", ".join(f"('{name}')" for name in required)
    types = ", ".join(f"'{type_}'" for type_ in types_of_table(table))
    statement = f"""
    SELECT s.ordinal, s.source, s.line, required.name AS column_name
    FROM staged s CROSS JOIN (VALUES {listed}) required (name)
    LEFT JOIN resource r USING (organization_id, external_id)
    LEFT JOIN {table.__tablename__} d ON (d.organization_id, d.resource_id) = (r.organization_id, r.id)
    WHERE s.type IN ({types}) AND NOT s.given ? required.name AND {_IDENTIFIED}
      AND d.resource_id IS NULL AND coalesce(r.type = s.type, true)"""  # noqa: S608 # constants
    return Check(statement, lambda row, names: "is missing", "a value, for the resource is new")


CHECKS: Final = (
    _twice("external_id", "external_id", "is the external_id of", "each external_id once in an organization"),
    _twice("name", "service_id, name", "is the name of", "each name once in a Service"),
    Check(
        """
        SELECT s.ordinal, s.source, s.line, 'type' AS column_name, r.type
        FROM staged s JOIN resource r USING (organization_id, external_id) WHERE s.type <> r.type""",
        lambda row, names: f"the resource has the type {row.type}",
        "the same, for a type never changes",
    ),
    Check(
        """
        SELECT s.ordinal, s.source, s.line, 'cloud' AS column_name, c.code
        FROM staged s JOIN resource r USING (organization_id, external_id)
        JOIN cloud c ON (c.organization_id, c.id) = (r.organization_id, r.cloud_id) WHERE s.cloud_id <> r.cloud_id""",
        lambda row, names: f"the resource is in the Cloud {shown(row.code)}",
        "the same, for a resource never moves to another Cloud",
    ),
    Check(
        """
        SELECT s.ordinal, s.source, s.line, 'name' AS column_name, s.name, r.external_id
        FROM staged s JOIN resource r USING (organization_id, service_id, name)
        WHERE r.external_id IS DISTINCT FROM s.external_id AND s.external_id IS NOT NULL AND NOT EXISTS (
          SELECT FROM staged other
          WHERE (other.organization_id, other.external_id) = (r.organization_id, r.external_id))""",
        lambda row, names: f"{shown(row.name)} is the name of a resource {_external(row)} in that Service",
        "a name that is free",
    ),
    Check(
        f"""
        SELECT s.ordinal, s.source, s.line, required.name AS column_name
        FROM staged s CROSS JOIN (VALUES ('status'), ('environment'), ('data_centers')) required (name)
        LEFT JOIN resource r USING (organization_id, external_id)
        WHERE NOT s.given ? required.name AND {_IDENTIFIED} AND r.id IS NULL""",  # noqa: S608 # constants
        lambda row, names: "is missing",
        "a value, for the resource is new",
    ),
    *(_missing(table) for table in dict.fromkeys(DETAILS.values())),
    Check(
        """
        SELECT s.ordinal, s.source, s.line, 'data_centers' AS column_name, az.code, az.data_center_code
        FROM staged s JOIN resource r USING (organization_id, external_id)
        JOIN availability_zone az ON az.code = ANY (r.availability_zones)
        WHERE s.given ? 'data_centers' AND NOT s.given ? 'availability_zones'
          AND NOT s.given -> 'data_centers' ? az.data_center_code""",
        lambda row, names: f"the resource is in {row.code} of {row.data_center_code}, which is not among them",
        "that data center too, or other availability_zones",
    ),
    Check(
        """
        SELECT s.ordinal, s.source, s.line, 'patching_excluded_reason' AS column_name
        FROM staged s LEFT JOIN resource r USING (organization_id, external_id)
        LEFT JOIN instance d ON (d.organization_id, d.resource_id) = (r.organization_id, r.id)
        WHERE s.type = 'INSTANCE' AND NOT s.given ?& ARRAY['patching_excluded', 'patching_excluded_reason']
          AND NOT coalesce((s.given ->> 'patching_excluded')::boolean, d.patching_excluded, false)
          AND CASE WHEN s.given ? 'patching_excluded_reason' THEN s.given ->> 'patching_excluded_reason'
            ELSE d.patching_excluded_reason END IS NOT NULL""",
        lambda row, names: "is there though nothing is excluded",
        "patching_excluded true, or no reason",
    ),
)


async def check_staged(connection: AsyncConnection, log: ErrorLog, source_names: Sequence[str]) -> None:
    """Hold the staged rows against each other and against the database; what is wrong goes to the log."""
    for check in CHECKS:
        found = await connection.execute(
            text(
                f"SELECT *, count(*) OVER () AS total FROM ({check.statement}) found"  # noqa: S608 # constants
                " ORDER BY ordinal LIMIT :most"
            ),
            {"most": MOST_LISTED},
        )
        rows = found.all()
        log.add_found(rows[0].total if rows else 0, _errors(check, rows, source_names))


def _errors(
    check: Check, rows: Sequence[Row[Any]], source_names: Sequence[str]
) -> Iterator[tuple[int, int | None, str | None, str, str | None]]:
    for row in rows:
        yield row.source, row.line, row.column_name, check.problem(row, source_names), check.expected


def _external(row: Row[Any]) -> str:
    return "without external_id" if row.external_id is None else f"with the external_id {shown(row.external_id)}"
