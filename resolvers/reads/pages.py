"""Keyset pages of any list of the graph, for many parents and many arguments in one statement."""

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from auth.errors import BadUserInput
from auth.principal import Scope
from auth.statements import Parameters
from resolvers.reads.cursors import CursorSeal, binding
from resolvers.reads.predicates import All, Predicate, size
from resolvers.reads.sources import ListOf
from resolvers.snapshot import Snapshot

DEFAULT_PAGE = 20
LARGEST_PAGE = 100
LARGEST_FLAT_PAGE = 5000

Order = tuple[tuple[str, bool], ...]
Parent = UUID | str | None


@dataclass(frozen=True)
class PageQuery:
    """Which rows of a list: filter, order (name, descending), how many, from which end, between which order values."""

    where: Predicate
    order: Order
    limit: int
    backward: bool = False
    after: tuple[Any, ...] | None = None
    before: tuple[Any, ...] | None = None
    names: frozenset[str] | None = None
    """The names of the row's columns that are needed; None: all. Those that cursors are made of are always there."""

    @cached_property
    def shape(self) -> Hashable:
        """What decides the SQL: all but the values."""
        return self.where.shape, self.order, self.backward, self.after is None, self.before is None

    @cached_property
    def values(self) -> list[Any]:
        """The values that the SQL has parameters for."""
        return [*self.where.values, *(self.after or ()), *(self.before or ()), self.limit + 1]

    def __hash__(self) -> int:
        """Hash it, once: every parent of a list asks with the same query."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.where, self.order, self.limit, self.backward, self.after, self.before, self.names))


class Page(NamedTuple):
    """The rows of a page, in the list's order, and whether there are more on either side."""

    rows: list[Any]
    has_next: bool
    has_previous: bool


@dataclass(frozen=True, eq=False)
class Listing:
    """One list as it was asked for: what its page, its count and its facets are loaded by."""

    of: ListOf[Any]
    parent: Parent
    query: PageQuery
    seal: CursorSeal

    def cursor(self, row: Any) -> str:
        """Make the cursor of a row of this list."""
        return self.seal.seal(
            self._binding, [getattr(row, name) for name in _names_of_order(self.of, self.query.order)]
        )

    @cached_property
    def _binding(self) -> bytes:
        return _binding(self.of, self.parent, self.query.order, self.query.where)


@dataclass(frozen=True)
class PageArguments:
    """The four arguments that every connection takes."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None


def listings(
    of: ListOf[Any],
    arguments: PageArguments,
    *,
    seal: CursorSeal,
    parents: Sequence[Parent],
    where: Predicate | None = None,
    order: Order = (),
    names: frozenset[str] | None = None,
    flat_page: int | None = None,
) -> list[Listing | BadUserInput]:
    """Check the arguments of a connection and say which page of each parent's list they ask for.

    A cursor is good for one parent; for the others, BadUserInput stands in its place. What is wrong with the arguments
    themselves is raised.
    """
    where = All(()) if where is None else where
    order = order or of.source.order
    limit, backward = extent(arguments, flat_page)
    if arguments.after is None and arguments.before is None:
        query = PageQuery(where, order, limit, backward, names=names)
        return [Listing(of, parent, query, seal) for parent in parents]
    kinds = [column.type.python_type for column, _ in _directed(of, order)]

    def from_cursors(parent: Parent) -> Listing | BadUserInput:
        bound = _binding(of, parent, order, where)
        try:
            after, before = (
                None if cursor is None else seal.open(bound, cursor, kinds, argument=argument)
                for argument, cursor in (("after", arguments.after), ("before", arguments.before))
            )
        except BadUserInput as error:
            return error
        return Listing(of, parent, PageQuery(where, order, limit, backward, after, before, names), seal)

    return list(map(from_cursors, parents))


def _binding(of: ListOf[Any], parent: Parent, order: Order, where: Predicate) -> bytes:
    return binding(of.name, parent, order, where)


def extent(arguments: PageArguments, flat_page: int | None = None) -> tuple[int, bool]:
    """Say how large a page is and whether it goes backwards; raises BadUserInput naming the argument.

    `flat_page` is how large it may be if it is flat, as the limits of the whole document have found.
    """
    backward = arguments.last is not None or (arguments.before is not None and arguments.first is None)
    name, other = ("last", "first") if backward else ("first", "last")
    stray = "after" if backward else "before"
    if getattr(arguments, other) is not None or getattr(arguments, stray) is not None:
        raise BadUserInput(
            "Page forwards with `first` and `after`, or backwards with `last` and `before`.",
            argument=other if getattr(arguments, other) is not None else stray,
        )
    size = getattr(arguments, name)
    largest = flat_page or LARGEST_PAGE
    if size is not None and not 0 <= size <= largest:
        raise BadUserInput(f"`{name}` is {size}; it must be from 0 to {largest:,} here.", argument=name)
    return (DEFAULT_PAGE if size is None else size), backward


async def load_pages(
    snapshot: Snapshot, scope: Scope, of: ListOf[Any], keys: Sequence[tuple[Parent, PageQuery]]
) -> list[Page]:
    """Load the pages of one list for many parents, also with different arguments, in one statement."""
    parents_of: dict[PageQuery, list[Parent]] = defaultdict(list)
    for parent, query in keys:
        parents_of[query].append(parent)
    queries = list(parents_of)
    names = _names(of, queries)
    make = of.source.make(names)
    shape = (of.name, scope.shape, names, *[query.shape for query in queries])
    weight = sum(1 + size(query.where) for query in queries)
    if weight > len(queries):
        await snapshot.plan_for_values()
    values = dict(scope.values)
    for n, (query, parents) in enumerate(parents_of.items()):
        values |= Parameters(f"q{n}_").named(query.values) | {f"parents{n}": parents}
    found: dict[tuple[int, int], list[Any]] = defaultdict(list)
    if len(queries) == 1 and of.belongs is None:
        statement = snapshot.statement(
            ("list", *shape), lambda: _rows(of, scope, names, queries[0], Parameters("q0_")), weight=weight
        )
        read = await snapshot.fetch(statement, values)
        # The driver has just been busy with a large page, and so will be who asked for it: others go between.
        await asyncio.sleep(0)
        found[0, 1] = list(map(make, read))
    else:

        def build() -> Select[Any]:
            groups = [_group(of, scope, names, n, query) for n, query in enumerate(queries)]
            return select(union_all(*groups).subquery()) if len(groups) > 1 else groups[0]

        statement = snapshot.statement(("lists", *shape), build, weight=weight)
        # The position is the database's own; the order of a lateral join's rows is only a habit.
        for group, place, _, *row in sorted(await snapshot.fetch(statement, values), key=itemgetter(2)):
            found[group, place].append(make(row))
    places = {
        (parent, query): (n, m)
        for n, query in enumerate(queries)
        for m, parent in enumerate(parents_of[query], start=1)
    }
    return [_page(query, found[places[parent, query]]) for parent, query in keys]


def _page(query: PageQuery, rows: list[Any]) -> Page:
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    if query.backward:
        return Page(rows[::-1], has_next=query.before is not None, has_previous=more)
    return Page(rows, has_next=more, has_previous=query.after is not None)


def _names(of: ListOf[Any], queries: list[PageQuery]) -> tuple[str, ...] | None:
    """Name the columns that any of some queries needs, in the order of the row; None: all."""
    if of.source.part is None or any(query.names is None for query in queries):
        return None
    needed = {name for query in queries for name in (*(query.names or ()), *_names_of_order(of, query.order))}
    return tuple(name for name in of.source.named if name in needed)


def _names_of_order(of: ListOf[Any], order: Order) -> list[str]:
    """Name the columns that cursors are made of: those of the order, and the id."""
    names = {column: name for name, column in of.source.named.items()}
    return [names[column] for column, _ in _directed(of, order)]


def _group(of: ListOf[Any], scope: Scope, names: tuple[str, ...] | None, number: int, query: PageQuery) -> Select[Any]:
    """Select (group, parent's position, row's position, columns…) for the parents that share one query."""
    parameter = Parameters(f"q{number}_")
    if of.belongs is None:
        rows = _rows(of, scope, names, query, parameter, numbered=True).subquery()
        return select(literal(number, Integer), literal(1, Integer), *rows.c)
    parents = bindparam(f"parents{number}", type_=ARRAY(of.key))
    given = func.unnest(parents).table_valued("id", with_ordinality="position").render_derived(name="parent")
    page = _rows(of, scope, names, query, parameter, given.c.id, numbered=True).lateral("page")
    return select(literal(number, Integer), given.c.position, *page.c).select_from(given.join(page, true()))


def _rows(
    of: ListOf[Any],
    scope: Scope,
    names: tuple[str, ...] | None,
    query: PageQuery,
    parameter: Parameters,
    parent: ColumnElement[Any] | None = None,
    *,
    numbered: bool = False,
) -> Select[Any]:
    """Select the rows of a page; if `numbered`, after their position in it, else in its order."""
    source = of.source
    columns = {name: source.named[name] for name in source.named if names is None or name in names}
    own = {name: column for name, column in columns.items() if source.is_own(name)}
    order = _directed(of, query.order)
    ordering = _ordering(query, [column for column, _ in order], of)
    position = [func.row_number().over(order_by=ordering).label("position")] if numbered else []
    if source.attach is None:
        statement = select(*position, *columns.values()).select_from(source.table)
    elif len(own) == len(columns):
        statement = select(*position, *columns.values()).select_from(source.counted)
    else:
        keys = [key for key in source.keys if key.name not in own]
        statement = select(*position, *own.values(), *keys).select_from(source.counted)
    statement = statement.where(*conditions(of, scope, query.where, parameter, parent))
    if query.after is not None:
        statement = statement.where(_beyond(order, parameter, forward=True))
    if query.before is not None:
        statement = statement.where(_beyond(order, parameter, forward=False))
    if of.source.grouped:
        statement = statement.group_by(of.source.id)
    statement = statement.order_by(*ordering).limit(parameter(Integer()))
    if source.attach is None or len(own) == len(columns):
        return statement
    page = statement.subquery("rows")
    attached = [page.c[name] if name in own else column for name, column in columns.items()]
    if numbered:
        return select(page.c.position, *attached).select_from(source.attach(page))
    again = _ordering(query, [page.c[name] for name in _names_of_order(of, query.order)], of)
    return select(*attached).select_from(source.attach(page)).order_by(*again)


def _ordering(query: PageQuery, columns: list[ColumnElement[Any]], of: ListOf[Any]) -> list[ColumnElement[Any]]:
    """Order by columns in the directions of a query."""
    directions = [descending is not query.backward for _, descending in _directed(of, query.order)]
    return [column.desc() if down else column.asc() for column, down in zip(columns, directions, strict=True)]


def conditions(
    of: ListOf[Any], scope: Scope, where: Predicate, parameter: Parameters, parent: ColumnElement[Any] | None
) -> list[ColumnElement[bool]]:
    """Say which rows of a list a caller gets: what they may see, below the parent, that the filter keeps."""
    belongs = [] if of.belongs is None or parent is None else [of.belongs(parent)]
    return [of.source.visible(scope), *belongs, where.sql(of.source.fields, parameter)]


def _directed(of: ListOf[Any], order: Order) -> list[tuple[ColumnElement[Any], bool]]:
    """The order's columns, then the id in the last one's direction, so that an index can serve both ways."""
    columns = [(of.source.orders[name], descending) for name, descending in order]
    return [*columns, (of.source.id, columns[-1][1] if columns else False)]


def _beyond(
    order: list[tuple[ColumnElement[Any], bool]], parameter: Parameters, *, forward: bool
) -> ColumnElement[bool]:
    bounds = [parameter(column.type) for column, _ in order]
    ups = [descending is not forward for _, descending in order]
    if all(up is other for up, other in pairwise(ups)):
        place, bound = tuple_(*[column for column, _ in order]), tuple_(*bounds)
        return place > bound if ups[0] else place < bound
    columns = [column for column, _ in order]
    return or_(
        *[
            and_(
                *[column == bound for column, bound in zip(columns[:n], bounds[:n], strict=True)],
                columns[n] > bounds[n] if ups[n] else columns[n] < bounds[n],
            )
            for n in range(len(columns))
        ]
    )
