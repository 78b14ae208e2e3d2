"""Counts and facets of the graph's lists, under the same scope and filter as their pages."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    SelectBase,
    Text,
    and_,
    cast,
    func,
    literal,
    null,
    select,
    true,
    union_all,
)

from auth.principal import Scope
from resolvers.reads.pages import Parent, conditions
from resolvers.reads.predicates import Predicate, size
from resolvers.reads.sources import CLOUD, PLACEMENT, RESOURCE, SERVICE, TAG, ListOf
from resolvers.snapshot import Snapshot

SECONDS = 3.0
"""How long a count may take unless said otherwise; a page must not wait for one that takes longer."""
MOST_VALUES = 100


@dataclass(frozen=True)
class Dimension:
    """What resources are counted by: one of the names in FIELDS, or a tag key."""

    field: str | None = None
    tag: str | None = None


class FacetValue(NamedTuple):
    """One value, for people to read and to filter by, and how many have it. None: untagged, or none."""

    value: str | None
    label: str | None
    resources: int


class Facet(NamedTuple):
    """The values of a dimension, the most frequent first, and whether there are more than these."""

    dimension: Dimension
    values: list[FacetValue]
    has_more: bool


async def load_counts(
    snapshot: Snapshot,
    scope: Scope,
    of: ListOf[Any],
    keys: Sequence[tuple[Parent, Predicate]],
    *,
    seconds: float = SECONDS,
) -> list[int]:
    """Count one list for many parents and filters, in one statement; raises CountTimeout."""

    def counted(where: Predicate, parent: ColumnElement[Any] | None) -> Select[Any]:
        number = func.count(of.source.id.distinct()) if of.source.grouped else func.count()
        return (
            select(number.label("number")).select_from(of.source.counted).where(*conditions(of, scope, where, parent))
        )

    weight = sum(1 + size(where) for where in {where for _, where in keys})
    found = await _by_parent(snapshot, of, keys, counted, seconds, weight)
    return [found[key][0][0] for key in keys]


async def load_facets(
    snapshot: Snapshot,
    scope: Scope,
    of: ListOf[Any],
    keys: Sequence[tuple[Parent, tuple[Predicate, tuple[Dimension, ...]]]],
    *,
    seconds: float = SECONDS,
) -> list[list[Facet]]:
    """Count resources by several dimensions, for many parents and filters, in one statement; raises CountTimeout."""

    def counted(asked: tuple[Predicate, tuple[Dimension, ...]], parent: ColumnElement[Any] | None) -> SelectBase:
        where, dimensions = asked
        held = conditions(of, scope, where, parent)
        parts = [_facet(n, dimension, held) for n, dimension in enumerate(dimensions)]
        # Not wrapped in another select, which would hide the parent from its parts.
        return union_all(*parts) if len(parts) > 1 else parts[0]

    weight = sum((1 + size(where)) * len(dimensions) for where, dimensions in {asked for _, asked in keys})
    found = await _by_parent(snapshot, of, keys, counted, seconds, weight)
    facets = []
    for key in keys:
        values: dict[int, list[FacetValue]] = defaultdict(list)
        for number, *value in found[key]:
            values[number].append(FacetValue(*value))
        facets.append([_ranked(dimension, values[n]) for n, dimension in enumerate(key[1][1])])
    return facets


def _ranked(dimension: Dimension, values: list[FacetValue]) -> Facet:
    ranked = sorted(values, key=lambda value: (-value.resources, value.value is None, value.value or ""))
    return Facet(dimension, ranked[:MOST_VALUES], len(ranked) > MOST_VALUES)


def _facet(number: int, dimension: Dimension, held: list[ColumnElement[bool]]) -> Select[Any]:
    """Select (dimension's number, value, label, count) for one dimension."""
    source, value, label = _dimension(dimension)
    resources = func.count(RESOURCE.c.id.distinct())
    return (
        select(
            literal(number, Integer).label("dimension"),
            value.label("value"),
            label.label("label"),
            resources.label("resources"),
        )
        .select_from(source)
        .where(*held)
        .group_by(value, label)
        .order_by(resources.desc(), value)
        .limit(MOST_VALUES + 1)
    )


def _dimension(dimension: Dimension) -> tuple[FromClause, ColumnElement[Any], ColumnElement[Any]]:
    if dimension.tag is not None:
        tagged = and_(_same_resource(TAG), TAG.c.key == dimension.tag)
        return RESOURCE.outerjoin(TAG, tagged), TAG.c.value, cast(null(), Text)
    return FIELDS[dimension.field or ""]()


def _same_resource(related: FromClause) -> ColumnElement[bool]:
    return and_(related.c.organization_id == RESOURCE.c.organization_id, related.c.resource_id == RESOURCE.c.id)


def _own(name: str) -> Callable[[], tuple[FromClause, ColumnElement[Any], ColumnElement[Any]]]:
    return lambda: (RESOURCE, RESOURCE.c[name], cast(null(), Text))


def _placed(name: str) -> Callable[[], tuple[FromClause, ColumnElement[Any], ColumnElement[Any]]]:
    # A resource in a zone may also lie in a data center without one: it still is not in none.
    placed = and_(_same_resource(PLACEMENT), PLACEMENT.c[name].is_not(None))
    return lambda: (RESOURCE.outerjoin(PLACEMENT, placed), PLACEMENT.c[name], cast(null(), Text))


def _holder(table: FromClause, key: str) -> Callable[[], tuple[FromClause, ColumnElement[Any], ColumnElement[Any]]]:
    on = and_(table.c.organization_id == RESOURCE.c.organization_id, table.c.id == RESOURCE.c[key])
    return lambda: (RESOURCE.join(table, on), cast(table.c.id, Text), table.c.name)


FIELDS = {
    "TYPE": _own("type"),
    "STATUS": _own("status"),
    "ENVIRONMENT": _own("environment"),
    "REGION": _placed("region_code"),
    "DATA_CENTER": _placed("data_center_code"),
    "AVAILABILITY_ZONE": _placed("availability_zone_code"),
    "CLOUD": _holder(CLOUD, "cloud_id"),
    "SERVICE": _holder(SERVICE, "service_id"),
}


async def _by_parent(
    snapshot: Snapshot,
    of: ListOf[Any],
    keys: Sequence[tuple[Parent, Any]],
    counted: Callable[[Any, ColumnElement[Any] | None], SelectBase],
    seconds: float,
    weight: int,
) -> dict[tuple[Parent, Any], list[tuple[Any, ...]]]:
    """Run `counted` for every parent and argument in one statement, and give its rows under their keys."""
    parents_of: dict[Any, list[Parent]] = defaultdict(list)
    for parent, asked in keys:
        parents_of[asked].append(parent)
    groups = []
    for number, (asked, parents) in enumerate(parents_of.items()):
        group = literal(number, Integer).label("group")
        if of.belongs is None:
            rows = counted(asked, None).subquery()
            groups.append(select(group, literal(1, Integer).label("place"), *rows.c))
        else:
            given = func.unnest(literal(parents, ARRAY(of.key))).table_valued("id", with_ordinality="place")
            given = given.render_derived(name="parent")
            lateral = counted(asked, given.c.id).lateral("counted")
            groups.append(select(group, given.c.place, *lateral.c).select_from(given.join(lateral, true())))
    statement = select(union_all(*groups).subquery()) if len(groups) > 1 else groups[0]
    names = [[(parent, asked) for parent in parents] for asked, parents in parents_of.items()]
    found: dict[tuple[Parent, Any], list[tuple[Any, ...]]] = defaultdict(list)
    for number, place, *columns in await snapshot.fetch_within(seconds, statement, weight=weight):
        found[names[number][place - 1]].append(tuple(columns))
    return found
