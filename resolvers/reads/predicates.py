"""Filters as a small algebra: values that can be compared, hashed and turned into SQL.

    All AnyOf Not                  combine; All(()) is true, AnyOf(()) is false
    In Text Range Overlaps         ask about one field of the thing listed
    Exists                         asks whether it has a related row: a tag, a place, the detail of its type

A predicate names fields and relations; a `Fields` says which columns these are. What is null matches nothing, and
therefore matches `Not`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Uuid,
    and_,
    any_,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy import Text as SqlText
from sqlalchemy.dialects.postgresql import INET

Scalar = str | int | bool | UUID
LAST_CHARACTER = 0x10FFFF
SURROGATES = range(0xD800, 0xE000)


@dataclass(frozen=True)
class Relation:
    """A table whose rows belong to the thing listed, by `on`."""

    table: FromClause
    on: ColumnElement[bool]
    fields: "Fields"


@dataclass(frozen=True)
class Fields:
    """The columns and relations that predicates over one kind of row may name."""

    columns: Mapping[str, ColumnElement[Any]]
    relations: Mapping[str, Relation] = field(default_factory=dict)


class Predicate:
    """A condition on the rows of a list."""

    def sql(self, fields: Fields) -> ColumnElement[bool]:
        """Say it in SQL."""
        raise NotImplementedError


@dataclass(frozen=True)
class All(Predicate):
    """Every part holds."""

    parts: tuple[Predicate, ...]

    def sql(self, fields: Fields) -> ColumnElement[bool]:
        """Say it in SQL."""
        return and_(true(), *[part.sql(fields) for part in self.parts])


@dataclass(frozen=True)
class AnyOf(Predicate):
    """At least one part holds."""

    parts: tuple[Predicate, ...]

    def sql(self, fields: Fields) -> ColumnElement[bool]:
        """Say it in SQL."""
        return or_(false(), *[part.sql(fields) for part in self.parts])


@dataclass(frozen=True)
class Not(Predicate):
    """The part does not hold; what is unknown does not hold."""

    part: Predicate

    def sql(self, fields: Fields) -> ColumnElement[bool]:
        """Say it in SQL."""
        return not_(func.coalesce(self.part.sql(fields), false()))


@dataclass(frozen=True)
class In(Predicate):
    """The field is one of some values; of none, if there are none."""

    field: str
    values: tuple[Scalar, ...]

    def sql(self, fields: Fields) -> ColumnElement[bool]:
        """Say it in SQL."""
        column = fields.columns[self.field]
        if not self.values:
            return false()
        if len(self.values) == 1:
            return column == literal(self.values[0], _sql_type(self.values[0]))
        return column == any_(literal(list(self.values), ARRAY(_sql_type(self.values[0]))))


class Match(StrEnum):
    """How a text is compared; by code point, but for CONTAINS_TEXT, which ignores case."""

    STARTS_WITH = "STARTS_WITH"
    CONTAINS = "CONTAINS"
    CONTAINS_TEXT = "CONTAINS_TEXT"


@dataclass(frozen=True)
class Text(Predicate):
    """The field, a text, starts with or contains a value."""

    field: str
    match: Match
    value: str

    def sql(self, fields: Fields) -> ColumnElement[bool]:
        """Say it in SQL."""
        column = fields.columns[self.field]
        if self.value == "":
            return column.is_not(None)
        if self.match is Match.STARTS_WITH:
            return _starts_with(column, self.value)
        if self.match is Match.CONTAINS:
            return func.strpos(column, literal(self.value, SqlText)) > 0
        return func.strpos(_folded(column), _folded(literal(self.value, SqlText))) > 0


@dataclass(frozen=True)
class Range(Predicate):
    """The field lies between two bounds; a bound that is None asks nothing. `before` is open, `to` is closed."""

    field: str
    at_least: int | datetime | None = None
    to: int | datetime | None = None
    before: int | datetime | None = None

    def sql(self, fields: Fields) -> ColumnElement[bool]:
        """Say it in SQL."""
        column = fields.columns[self.field]
        bounds: list[ColumnElement[bool]] = []
        if self.at_least is not None:
            bounds.append(column >= self.at_least)
        if self.to is not None:
            bounds.append(column <= self.to)
        if self.before is not None:
            bounds.append(column < self.before)
        return and_(column.is_not(None), *bounds)


@dataclass(frozen=True)
class Overlaps(Predicate):
    """The field, a list of IP addresses, holds one of some addresses."""

    field: str
    values: tuple[IPv4Address | IPv6Address, ...]

    def sql(self, fields: Fields) -> ColumnElement[bool]:
        """Say it in SQL."""
        if not self.values:
            return false()
        return fields.columns[self.field].op("&&", return_type=Boolean())(literal(list(self.values), ARRAY(INET)))


@dataclass(frozen=True)
class Exists(Predicate):
    """There is a related row for which the part holds."""

    relation: str
    part: Predicate = All(())

    def sql(self, fields: Fields) -> ColumnElement[bool]:
        """Say it in SQL."""
        related = fields.relations[self.relation]
        return (
            select(literal(1))
            .select_from(related.table)
            .where(related.on, self.part.sql(related.fields))
            .correlate_except(related.table)
            .exists()
        )


def size(predicate: Predicate) -> int:
    """Count the conditions that a predicate combines."""
    match predicate:
        case All(parts) | AnyOf(parts):
            return sum(map(size, parts))
        case Not(part) | Exists(_, part):
            return max(1, size(part))
        case _:
            return 1


def _starts_with(column: ColumnElement[Any], prefix: str) -> ColumnElement[bool]:
    # A range rather than LIKE: it keeps its index under row-level security.
    end = _after(prefix)
    lower = column >= literal(prefix, SqlText)
    return lower if end is None else and_(lower, column < literal(end, SqlText))


def _after(prefix: str) -> str | None:
    """Give the least text above everything that starts with the prefix, by code point."""
    while prefix:
        following = ord(prefix[-1]) + 1
        if following in SURROGATES:
            following = SURROGATES.stop
        if following <= LAST_CHARACTER:
            return prefix[:-1] + chr(following)
        prefix = prefix[:-1]
    return None


def _folded(text: ColumnElement[Any]) -> ColumnElement[str]:
    # The columns' own collation knows only ASCII letters; this one, built into PostgreSQL 17, knows all.
    return func.lower(text.collate("pg_c_utf8")).collate("C")


def _sql_type(value: Scalar) -> Any:
    if isinstance(value, bool):
        return Boolean()
    return Integer() if isinstance(value, int) else Uuid() if isinstance(value, UUID) else SqlText()
