"""Counts and facets of the graph's lists, under the same scope and filter as their pages."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
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
    bindparam,
    cast,
    func,
    literal,
    null,
    select,
    true,
    union_all,
)

from auth.principal import Scope
from auth.statements import Parameters
from resolvers.reads.pages import Parent, conditions
from resolvers.reads.predicates import Predicate, size
from resolvers.reads.relations import CLOUD, PLACEMENT, RESOURCE, SERVICE, TAG
from resolvers.reads.sources import ListOf
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

    def counted(where: Predicate, parameter: Parameters, parent: ColumnElement[Any] | None) -> Select[Any]:
        number = func.count(of.source.id.distinct()) if of.source.grouped else func.count()
        return (
            select(number.label("number"))
            .select_from(of.source.counted)
            .where(*conditions(of, scope, where, parameter, parent))
        )

    asked = {where: Asked(where.shape, list(where.values), 1 + size(where)) for _, where in keys}
    found = await _by_parent(snapshot, scope, of, keys, asked, counted, seconds)
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

    def counted(
        asked: tuple[Predicate, tuple[Dimension, ...]], parameter: Parameters, parent: ColumnElement[Any] | None
    ) -> SelectBase:
        where, dimensions = asked
        held = conditions(of, scope, where, parameter, parent)
        parts = [_facet(n, dimension, held, parameter) for n, dimension in enumerate(dimensions)]
        # Not wrapped in another select, which would hide the parent from its parts.
        return union_all(*parts) if len(parts) > 1 else parts[0]

    asked = {
        (where, dimensions): Asked(
            (where.shape, *[dimension.field for dimension in dimensions]),
            [*where.values, *[dimension.tag for dimension in dimensions if dimension.tag is not None]],
            (1 + size(where)) * len(dimensions),
        )
        for _, (where, dimensions) in keys
    }
    found = await _by_parent(snapshot, scope, of, keys, asked, counted, seconds)
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


def _facet(number: int, dimension: Dimension, held: list[ColumnElement[bool]], parameter: Parameters) -> Select[Any]:
    """Select (dimension's number, value, label, count) for one dimension."""
    source, value, label = _dimension(dimension, parameter)
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


def _dimension(
    dimension: Dimension, parameter: Parameters
) -> tuple[FromClause, ColumnElement[Any], ColumnElement[Any]]:
    if dimension.tag is not None:
        tagged = and_(_same_resource(TAG), TAG.c.key == parameter(Text()))
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


class Asked(NamedTuple):
    """What is counted, as the statement sees it: what decides its text, the values in it, and its conditions."""

    shape: Hashable
    values: list[Any]
    weight: int


async def _by_parent(
    snapshot: Snapshot,
    scope: Scope,
    of: ListOf[Any],
    keys: Sequence[tuple[Parent, Any]],
    asked: Mapping[Any, Asked],
    counted: Callable[[Any, Parameters, ColumnElement[Any] | None], SelectBase],
    seconds: float,
) -> dict[tuple[Parent, Any], list[tuple[Any, ...]]]:
    """Run `counted` for every parent and argument in one statement, and give its rows under their keys."""
    parents_of: dict[Any, list[Parent]] = defaultdict(list)
    for parent, key in keys:
        parents_of[key].append(parent)

    def build() -> Select[Any]:
        groups = [_group(of, n, partial(counted, key, Parameters(f"c{n}_"))) for n, key in enumerate(parents_of)]
        return select(union_all(*groups).subquery()) if len(groups) > 1 else groups[0]

    shape = (counted.__qualname__, of.name, scope.shape, *[asked[key].shape for key in parents_of])
    statement = snapshot.statement(shape, build, weight=sum(asked[key].weight for key in parents_of))
    values = dict(scope.values)
    for n, (key, parents) in enumerate(parents_of.items()):
        values |= Parameters(f"c{n}_").named(asked[key].values) | {f"parents{n}": parents}
    names = [[(parent, key) for parent in parents] for key, parents in parents_of.items()]
    found: dict[tuple[Parent, Any], list[tuple[Any, ...]]] = defaultdict(list)
    for number, place, *columns in await snapshot.fetch_within(seconds, statement, values):
        found[names[number][place - 1]].append(tuple(columns))
    return found


def _group(of: ListOf[Any], number: int, counted: Callable[[ColumnElement[Any] | None], SelectBase]) -> Select[Any]:
    """Select (group, parent's place, columns…) of what is counted, for the parents that share one question."""
    group = literal(number, Integer).label("group")
    if of.belongs is None:
        return select(group, literal(1, Integer).label("place"), *counted(None).subquery().c)
    parents = bindparam(f"parents{number}", type_=ARRAY(of.key))
    given = func.unnest(parents).table_valued("id", with_ordinality="place").render_derived(name="parent")
    lateral = counted(given.c.id).lateral("counted")
    return select(group, given.c.place, *lateral.c).select_from(given.join(lateral, true()))
