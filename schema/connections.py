"""Connections: pages of the graph's lists, by Relay's specification, with counts and facets of the whole list."""

from typing import Annotated, Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import strawberry
from strawberry import UNSET, Parent

from auth.errors import BadUserInput
from resolvers.reads.counts import Dimension as CountedBy
from resolvers.reads.counts import Facet as FacetRow
from resolvers.reads.counts import FacetValue as FacetValueRow
from resolvers.reads.pages import LARGEST_PAGE, Listing, Order, Page, PageArguments, listing
from resolvers.reads.pages import Parent as ParentKey
from resolvers.reads.predicates import All, Predicate
from resolvers.reads.sources import ListOf
from schema.edge import caller_of
from schema.enums import ResourceField
from schema.filters import ResourceFilter, ServiceFilter
from schema.ids import global_id
from schema.orders import ResourceOrder, ServiceOrder, ordering

T = TypeVar("T")
MOST_DIMENSIONS = 10

First = Annotated[
    int | None, strawberry.argument(description=f"How many from the start: 20 if absent, at most {LARGEST_PAGE}.")
]
After = Annotated[str | None, strawberry.argument(description="The cursor after which the page starts.")]
Last = Annotated[int | None, strawberry.argument(description=f"How many from the end, at most {LARGEST_PAGE}.")]
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


@strawberry.type(name="Edge", description="A node in its list.")
class ConnectionEdge(Generic[T]):
    """A node in its list."""

    node: T = strawberry.field(description="The node.")

    @strawberry.field(description="Where the node stands; valid in this list with this order and filter only.")
    def cursor(root: Parent[EdgeRow]) -> str:
        """Make the cursor, only for those who ask."""
        return root.listing.cursor(root.node)


@strawberry.type(name="Connection", description="A page of a list, and what is known of the whole list.")
class Connection(Generic[T]):
    """A page of a list, and what is known of the whole list."""

    @strawberry.field(description="The page's nodes with their cursors.")
    async def edges(root: Parent[Listing], info: strawberry.Info[Any, Any]) -> list[ConnectionEdge[T]]:
        """Load the page, and let every node know its list."""
        page = await _page(root, info)
        return [EdgeRow(root, row) for row in page.rows]  # type: ignore[misc]

    @strawberry.field(description="The page's nodes, for those who need no cursor of each.")
    async def nodes(root: Parent[Listing], info: strawberry.Info[Any, Any]) -> list[T]:
        """Load the page."""
        return (await _page(root, info)).rows

    @strawberry.field(description="Where the page stands in the list.")
    async def page_info(root: Parent[Listing], info: strawberry.Info[Any, Any]) -> PageInfo:
        """Load the page, and say where it stands."""
        page = await _page(root, info)
        return PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=root.cursor(page.rows[0]) if page.rows else None,
            end_cursor=root.cursor(page.rows[-1]) if page.rows else None,
        )

    @strawberry.field(
        description="How many the whole list has. Counted only if selected; null with an error if that takes too long."
    )
    async def total_count(root: Parent[Listing], info: strawberry.Info[Any, Any]) -> int | None:
        """Count the list."""
        loader = caller_of(info).loaders.count_by_list(root.of)
        return await loader.load((root.parent, root.query.where))


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


@strawberry.type(name="Connection", description="A page of resources, and what is known of the whole list.")
class ResourcesConnection(Connection[T]):
    """A page of resources, with counts by dimension."""

    @strawberry.field(
        description="How many resources of the whole list have each value, for a filter's sidebar. A resource with"
        " several places counts in each."
    )
    async def facets(
        root: Parent[Listing],
        info: strawberry.Info[Any, Any],
        by: Annotated[
            list[Dimension], strawberry.argument(description=f"What to count by; at most {MOST_DIMENSIONS}.")
        ],
    ) -> list[Facet]:
        """Count the list by every dimension."""
        if len(by) > MOST_DIMENSIONS:
            raise BadUserInput(f"`by` has {len(by)} dimensions; at most {MOST_DIMENSIONS} are counted.", argument="by")
        if not by:
            return []
        dimensions = tuple(
            CountedBy(field=asked.field.value) if asked.field else CountedBy(tag=asked.tag or "") for asked in by
        )
        loader = caller_of(info).loaders.facets_by_list(root.of)
        return [_facet(row) for row in await loader.load((root.parent, (root.query.where, dimensions)))]


async def _page(of: Listing, info: strawberry.Info[Any, Any]) -> Page:
    return await caller_of(info).loaders.page_by_list(of.of).load((of.parent, of.query))


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
        root: Any,
        info: strawberry.Info[Any, Any],
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Any:
        return list_page(of, info, (first, after, last, before), parent=_key(root, parent))

    return strawberry.field(resolver=resolve, description=description)


def resources_of(of: ListOf[Any], *, description: str, parent: str | None = None, only: Predicate | None = None) -> Any:
    """Declare a field that pages through resources, with their filter and orders; `only` narrows it for good."""

    def resolve(
        root: Any,
        info: strawberry.Info[Any, Any],
        filter: Filter = UNSET,  # noqa: A002 - the argument's public name
        order_by: OrderBy = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Any:
        where = filter.predicate() if filter else All(())
        if only is not None:
            where = All((only, where))
        return list_page(
            of,
            info,
            (first, after, last, before),
            parent=_key(root, parent),
            where=where,
            order=ordering(order_by),
        )

    return strawberry.field(resolver=resolve, description=description)


def services_of(of: ListOf[Any], *, description: str, parent: str | None = None) -> Any:
    """Declare a field that pages through Services, with their filter and orders."""

    def resolve(
        root: Any,
        info: strawberry.Info[Any, Any],
        filter: ServicesFilter = UNSET,  # noqa: A002 - the argument's public name
        order_by: ServicesOrderBy = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Any:
        where = filter.predicate() if filter else All(())
        return list_page(
            of,
            info,
            (first, after, last, before),
            parent=_key(root, parent),
            where=where,
            order=ordering(order_by),
        )

    return strawberry.field(resolver=resolve, description=description)


def list_page(
    of: ListOf[Any],
    info: strawberry.Info[Any, Any],
    page: tuple[Any, ...],
    *,
    parent: ParentKey = None,
    where: Predicate | None = None,
    order: Order = (),
) -> Listing:
    """Say which page of a list the four page arguments ask for; raises BadUserInput."""
    return listing(
        of,
        PageArguments(*[None if value is UNSET else value for value in page]),
        seal=caller_of(info).seal,
        parent=parent,
        where=where,
        order=order,
    )


def _key(root: Any, parent: str | None) -> ParentKey:
    return None if parent is None else getattr(root, parent)
