"""Connections: pages of the graph's lists, by Relay's specification, with counts and facets of the whole list."""

from collections.abc import Callable, Mapping, Sequence, Set
from operator import attrgetter
from typing import Annotated, Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import strawberry
from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

from auth.errors import BadUserInput
from resolvers.reads.counts import Dimension as CountedBy
from resolvers.reads.counts import Facet as FacetRow
from resolvers.reads.counts import FacetValue as FacetValueRow
from resolvers.reads.pages import LARGEST_FLAT_PAGE, LARGEST_PAGE, Listing, Order, Page, PageArguments, listings
from resolvers.reads.pages import Parent as ParentKey
from resolvers.reads.predicates import All, Predicate
from resolvers.reads.rows import ResourceRow
from resolvers.reads.sources import ListOf
from schema.edge import Column, Info, by_column, caller_of, then
from schema.enums import ResourceField
from schema.filters import ResourceFilter, ServiceFilter
from schema.ids import global_id
from schema.orders import ResourceOrder, ServiceOrder, ordering
from schema.selections import selected

T = TypeVar("T")
MOST_DIMENSIONS = 10

NONE: frozenset[str] = frozenset()
COLUMNS_OF_FIELDS: Mapping[str, Set[str]] = {
    **{to_camel_case(name): {name} for name in ResourceRow._fields},
    "tag": {"tags"},
    "cloud": {"cloud_id"},
    "organization": {"organization_id"},
    "viewerPermissions": {"cloud_id", "status"},
}
"""The columns of a resource's row that its fields are made of; its other fields take its id and its type."""
COLUMNS_OF_SERVICES: Mapping[str, Set[str]] = {
    "name": {"service_name"},
    "description": {"service_description"},
    "cloud": {"cloud_id"},
}
"""The columns of a resource's row that the fields of its Service are made of; the others take the Service's id."""

First = Annotated[
    int | None, strawberry.argument(description=f"How many from the start: 20 if absent, at most {LARGEST_PAGE}.")
]
After = Annotated[str | None, strawberry.argument(description="The cursor after which the page starts.")]
Last = Annotated[int | None, strawberry.argument(description=f"How many from the end, at most {LARGEST_PAGE}.")]
FLAT = f"{LARGEST_PAGE}, or {LARGEST_FLAT_PAGE:,} if no connection is selected below"
FirstOfFlat = Annotated[
    int | None, strawberry.argument(description=f"How many from the start: 20 if absent, at most {FLAT}.")
]
LastOfFlat = Annotated[int | None, strawberry.argument(description=f"How many from the end, at most {FLAT}.")]
Before = Annotated[str | None, strawberry.argument(description="The cursor before which the page ends.")]
Filter = Annotated[ResourceFilter | None, strawberry.argument(description="Which resources; all if absent.")]
OrderBy = Annotated[
    list[ResourceOrder] | None,
    strawberry.argument(description="In which order, the first key first; by name if absent. Ties go by id."),
]
ServicesFilter = Annotated[ServiceFilter | None, strawberry.argument(description="Which Services; all if absent.")]
ServicesOrderBy = Annotated[
    list[ServiceOrder] | None, strawberry.argument(description="In which order; by name if absent. Ties go by id.")
]


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool = strawberry.field(description="Whether the list goes on after the page.")
    has_previous_page: bool = strawberry.field(description="Whether the list has something before the page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the page's first node.")
    end_cursor: str | None = strawberry.field(description="The cursor of the page's last node.")


class EdgeRow(NamedTuple):
    """A node in its list, which knows its cursor."""

    listing: Listing
    node: Any


def _cursors(edges: Sequence[EdgeRow], info: Info) -> Column:
    return [edge.listing.cursor(edge.node) for edge in edges]


@strawberry.type(name="Edge", description="A node in its list.")
class ConnectionEdge(Generic[T]):
    """A node in its list."""

    node: T = strawberry.field(description="The node.")
    cursor: str = by_column(
        _cursors, description="Where the node stands; valid in this list with this order and filter only."
    )


def _from_pages(lists: Sequence[Listing], info: Info, look_up: Callable[[Listing, Page], Any]) -> Column:
    # A column has the lists of one field, and these are of one kind.
    loader = caller_of(info).loaders.page_by_list(lists[0].of)
    pages = loader.load_column([(listing.parent, listing.query) for listing in lists])
    return then(pages, lambda found: list(map(look_up, lists, found)))


def _edges(listing: Listing, page: Page) -> list[EdgeRow]:
    return [EdgeRow(listing, row) for row in page.rows]


def _page_info(listing: Listing, page: Page) -> PageInfo:
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=listing.cursor(page.rows[0]) if page.rows else None,
        end_cursor=listing.cursor(page.rows[-1]) if page.rows else None,
    )


def _total_counts(lists: Sequence[Listing], info: Info) -> Column:
    loader = caller_of(info).loaders.count_by_list(lists[0].of)
    return loader.load_column([(listing.parent, listing.query.where) for listing in lists])


@strawberry.type(name="Connection", description="A page of a list, and what is known of the whole list.")
class Connection(Generic[T]):
    """A page of a list, and what is known of the whole list."""

    edges: list[ConnectionEdge[T]] = by_column(
        lambda lists, info: _from_pages(lists, info, _edges), description="The page's nodes with their cursors."
    )
    nodes: list[T] = by_column(
        lambda lists, info: _from_pages(lists, info, lambda _, page: page.rows),
        description="The page's nodes, for those who need no cursor of each.",
    )
    page_info: PageInfo = by_column(
        lambda lists, info: _from_pages(lists, info, _page_info), description="Where the page stands in the list."
    )
    total_count: int | None = by_column(
        _total_counts,
        description="How many the whole list has. Counted only if selected; null with an error if that takes too long.",
    )


@strawberry.input(one_of=True, description="What to count by: a field of resources or one of their tags.")
class Dimension:
    """What to count by."""

    field: ResourceField | None = strawberry.field(default=UNSET, description="A field of resources.")
    tag: str | None = strawberry.field(default=UNSET, description="A tag key.")


@strawberry.type(description="How many resources have a value.")
class FacetValue:
    """How many resources have a value."""

    value: str | None = strawberry.field(
        description="The value, as filters take it: a name, a code, an id. Null: untagged, or in none."
    )
    label: str | None = strawberry.field(description="The value for people, where it is an id.")
    count: int = strawberry.field(description="How many resources of the list have it.")


@strawberry.type(description="The values that resources of the list have in one dimension.")
class Facet:
    """The values of one dimension."""

    dimension: str = strawberry.field(description="The dimension: a field's name, or tag:key.")
    values: list[FacetValue] = strawberry.field(description="The 100 most frequent values, the most frequent first.")
    has_more: bool = strawberry.field(description="Whether there are more than these.")


def _facets(
    lists: Sequence[Listing],
    info: Info,
    by: Annotated[list[Dimension], strawberry.argument(description=f"What to count by; at most {MOST_DIMENSIONS}.")],
) -> Column:
    if len(by) > MOST_DIMENSIONS:
        raise BadUserInput(f"`by` has {len(by)} dimensions; at most {MOST_DIMENSIONS} are counted.", argument="by")
    if not by:
        return [[] for _ in lists]
    dimensions = tuple(
        CountedBy(field=asked.field.value) if asked.field else CountedBy(tag=asked.tag or "") for asked in by
    )
    loader = caller_of(info).loaders.facets_by_list(lists[0].of)
    facets = loader.load_column([(listing.parent, (listing.query.where, dimensions)) for listing in lists])
    return then(facets, lambda found: [list(map(_facet, rows)) for rows in found])


@strawberry.type(name="Connection", description="A page of resources, and what is known of the whole list.")
class ResourcesConnection(Connection[T]):
    """A page of resources, with counts by dimension."""

    facets: list[Facet] = by_column(
        _facets,
        description="How many resources of the whole list have each value, for a filter's sidebar. A resource with"
        " several places counts in each.",
    )


def _facet(row: FacetRow) -> Facet:
    by = row.dimension
    return Facet(
        dimension=by.field or f"tag:{by.tag}",
        values=[FacetValue(value=_value(by, value), label=value.label, count=value.resources) for value in row.values],
        has_more=row.has_more,
    )


def _value(by: CountedBy, row: FacetValueRow) -> str | None:
    if row.value is not None and by.field in ("CLOUD", "SERVICE"):
        return global_id(by.field.capitalize(), UUID(row.value))
    return row.value


# -- fields that are connections -------------------------------------------------------------------------------------


def connection_of(of: ListOf[Any], *, description: str, parent: str | None = None) -> Any:
    """Declare a field that pages through a list, of the parent's attribute `parent` or of all."""

    def resolve(
        parents: Sequence[Any],
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Column:
        return list_pages(of, info, (first, after, last, before), parents=_keys(parents, parent))

    return by_column(resolve, description=description)


def resources_of(of: ListOf[Any], *, description: str, parent: str | None = None, only: Predicate | None = None) -> Any:
    """Declare a field that pages through resources, with their filter and orders; `only` narrows it for good."""

    def resolve(
        parents: Sequence[Any],
        info: Info,
        filter: Filter = UNSET,  # noqa: A002 - the argument's public name
        order_by: OrderBy = UNSET,
        first: FirstOfFlat = UNSET,
        after: After = UNSET,
        last: LastOfFlat = UNSET,
        before: Before = UNSET,
    ) -> Column:
        where = filter.predicate() if filter else All(())
        if only is not None:
            where = All((only, where))
        return list_pages(
            of,
            info,
            (first, after, last, before),
            parents=_keys(parents, parent),
            where=where,
            order=ordering(order_by),
            names=columns_shown(info),
            flat_page=LARGEST_FLAT_PAGE,
        )

    return by_column(resolve, description=description, flat_page=LARGEST_FLAT_PAGE)


def services_of(of: ListOf[Any], *, description: str, parent: str | None = None) -> Any:
    """Declare a field that pages through Services, with their filter and orders."""

    def resolve(
        parents: Sequence[Any],
        info: Info,
        filter: ServicesFilter = UNSET,  # noqa: A002 - the argument's public name
        order_by: ServicesOrderBy = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Column:
        where = filter.predicate() if filter else All(())
        return list_pages(
            of,
            info,
            (first, after, last, before),
            parents=_keys(parents, parent),
            where=where,
            order=ordering(order_by),
        )

    return by_column(resolve, description=description)


def list_pages(
    of: ListOf[Any],
    info: Info,
    page: tuple[Any, ...],
    *,
    parents: Sequence[ParentKey] = (None,),
    where: Predicate | None = None,
    order: Order = (),
    names: frozenset[str] | None = None,
    flat_page: int | None = None,
) -> list[Any]:
    """Say which page of each parent's list the four page arguments ask for; raises BadUserInput."""
    return listings(
        of,
        PageArguments(*[None if value is UNSET else value for value in page]),
        seal=caller_of(info).seal,
        parents=parents,
        where=where,
        order=order,
        names=names,
        flat_page=flat_page,
    )


def columns_shown(info: Info) -> frozenset[str]:
    """Name the columns of a `ResourceRow` that show what is selected of a connection's resources."""
    names = {"id", "type"}
    for field in selected(info, ("nodes",), ("edges", "node")):
        names |= COLUMNS_OF_FIELDS.get(field, NONE)
    for field in selected(info, ("nodes", "service"), ("edges", "node", "service")):
        names |= COLUMNS_OF_SERVICES.get(field, {"service_id"})
    return frozenset(names)


def _keys(parents: Sequence[Any], name: str | None) -> Sequence[ParentKey]:
    return [None] * len(parents) if name is None else list(map(attrgetter(name), parents))
