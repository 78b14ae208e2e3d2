"""Filters as a small algebra: values that can be compared, hashed and turned into SQL.

    All AnyOf Not                  combine; All(()) is true, AnyOf(()) is false
    In Text Range Overlaps         ask about one field of the thing listed
    Exists                         asks whether it has a related row: a tag, a place, the detail of its type

A predicate names fields and relations; a `Fields` says which columns these are. What is null matches nothing, and
therefore matches `Not`.

Predicates of the same `shape` say themselves in the same SQL, with parameters in the places of their `values`.
"""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from itertools import chain
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

from auth.statements import Parameters

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


class Predicate(ABC):
    """A condition on the rows of a list."""

    @abstractmethod
    def sql(self, fields: Fields, parameter: Parameters) -> ColumnElement[bool]:
        """Say it in SQL, with one parameter for each of the values, in their order."""

    @property
    @abstractmethod
    def shape(self) -> Hashable:
        """What decides the SQL: everything but the values."""

    @property
    @abstractmethod
    def values(self) -> Iterator[Any]:
        """The values that its parameters stand for."""


@dataclass(frozen=True)
class All(Predicate):
    """Every part holds."""

    parts: tuple[Predicate, ...]

    def sql(self, fields: Fields, parameter: Parameters) -> ColumnElement[bool]:
        """Say it in SQL."""
        return and_(true(), *[part.sql(fields, parameter) for part in self.parts])

    @property
    def shape(self) -> Hashable:
        """What decides the SQL."""
        return "all", *[part.shape for part in self.parts]

    @property
    def values(self) -> Iterator[Any]:
        """The values of the parts."""
        return chain.from_iterable(part.values for part in self.parts)


@dataclass(frozen=True)
class AnyOf(Predicate):
    """At least one part holds."""

    parts: tuple[Predicate, ...]

    def sql(self, fields: Fields, parameter: Parameters) -> ColumnElement[bool]:
        """Say it in SQL."""
        return or_(false(), *[part.sql(fields, parameter) for part in self.parts])

    @property
    def shape(self) -> Hashable:
        """What decides the SQL."""
        return "any", *[part.shape for part in self.parts]

    @property
    def values(self) -> Iterator[Any]:
        """The values of the parts."""
        return chain.from_iterable(part.values for part in self.parts)


@dataclass(frozen=True)
class Not(Predicate):
    """The part does not hold; what is unknown does not hold."""

    part: Predicate

    def sql(self, fields: Fields, parameter: Parameters) -> ColumnElement[bool]:
        """Say it in SQL."""
        return not_(func.coalesce(self.part.sql(fields, parameter), false()))

    @property
    def shape(self) -> Hashable:
        """What decides the SQL."""
        return "not", self.part.shape

    @property
    def values(self) -> Iterator[Any]:
        """The values of the part."""
        return self.part.values


@dataclass(frozen=True)
class In(Predicate):
    """The field is one of some values; of none, if there are none."""

    field: str
    among: tuple[Scalar, ...]

    def sql(self, fields: Fields, parameter: Parameters) -> ColumnElement[bool]:
        """Say it in SQL."""
        column = fields.columns[self.field]
        if not self.among:
            return false()
        kind = _sql_type(self.among[0])
        return column == parameter(kind) if len(self.among) == 1 else column == any_(parameter(ARRAY(kind)))

    @property
    def shape(self) -> Hashable:
        """What decides the SQL."""
        return "in", self.field, min(len(self.among), 2), *map(type, self.among[:1])

    @property
    def values(self) -> Iterator[Any]:
        """The one value, or all as one list."""
        return iter(self.among if len(self.among) <= 1 else [list(self.among)])


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

    def sql(self, fields: Fields, parameter: Parameters) -> ColumnElement[bool]:
        """Say it in SQL."""
        column = fields.columns[self.field]
        if self.value == "":
            return column.is_not(None)
        if self.match is Match.STARTS_WITH:
            # A range rather than LIKE: it keeps its index under row-level security.
            lower = column >= parameter(SqlText())
            return lower if _after(self.value) is None else and_(lower, column < parameter(SqlText()))
        if self.match is Match.CONTAINS:
            return func.strpos(column, parameter(SqlText())) > 0
        return func.strpos(_folded(column), _folded(parameter(SqlText()))) > 0

    @property
    def shape(self) -> Hashable:
        """What decides the SQL."""
        return "text", self.field, self.match, self.value == "", self._has_end

    @property
    def values(self) -> Iterator[Any]:
        """The text, and what comes after all that starts with it."""
        if self.value != "":
            yield self.value
        if self._has_end:
            yield _after(self.value)

    @property
    def _has_end(self) -> bool:
        return self.match is Match.STARTS_WITH and self.value != "" and _after(self.value) is not None


@dataclass(frozen=True)
class Range(Predicate):
    """The field lies between two bounds; a bound that is None asks nothing. `before` is open, `to` is closed."""

    field: str
    at_least: int | datetime | None = None
    to: int | datetime | None = None
    before: int | datetime | None = None

    def sql(self, fields: Fields, parameter: Parameters) -> ColumnElement[bool]:
        """Say it in SQL."""
        column = fields.columns[self.field]
        bounds: list[ColumnElement[bool]] = []
        if self.at_least is not None:
            bounds.append(column >= parameter(column.type))
        if self.to is not None:
            bounds.append(column <= parameter(column.type))
        if self.before is not None:
            bounds.append(column < parameter(column.type))
        return and_(column.is_not(None), *bounds)

    @property
    def shape(self) -> Hashable:
        """What decides the SQL."""
        return "range", self.field, self.at_least is None, self.to is None, self.before is None

    @property
    def values(self) -> Iterator[Any]:
        """The bounds that there are."""
        return (bound for bound in (self.at_least, self.to, self.before) if bound is not None)


@dataclass(frozen=True)
class Overlaps(Predicate):
    """The field, a list of IP addresses, holds one of some addresses."""

    field: str
    among: tuple[IPv4Address | IPv6Address, ...]

    def sql(self, fields: Fields, parameter: Parameters) -> ColumnElement[bool]:
        """Say it in SQL."""
        if not self.among:
            return false()
        return fields.columns[self.field].op("&&", return_type=Boolean())(parameter(ARRAY(INET)))

    @property
    def shape(self) -> Hashable:
        """What decides the SQL."""
        return "overlaps", self.field, bool(self.among)

    @property
    def values(self) -> Iterator[Any]:
        """The addresses, as one list."""
        return iter([list(self.among)] if self.among else [])


@dataclass(frozen=True)
class Exists(Predicate):
    """There is a related row for which the part holds."""

    relation: str
    part: Predicate = All(())

    def sql(self, fields: Fields, parameter: Parameters) -> ColumnElement[bool]:
        """Say it in SQL."""
        related = fields.relations[self.relation]
        return (
            select(literal(1))
            .select_from(related.table)
            .where(related.on, self.part.sql(related.fields, parameter))
            .correlate_except(related.table)
            .exists()
        )

    @property
    def shape(self) -> Hashable:
        """What decides the SQL."""
        return "exists", self.relation, self.part.shape

    @property
    def values(self) -> Iterator[Any]:
        """The values of the part."""
        return self.part.values


def size(predicate: Predicate) -> int:
    """Count the conditions that a predicate combines."""
    match predicate:
        case All(parts) | AnyOf(parts):
            return sum(map(size, parts))
        case Not(part) | Exists(_, part):
            return max(1, size(part))
        case _:
            return 1


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
