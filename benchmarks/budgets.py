"""What the gateway may cost, and whether it keeps to that."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from benchmarks.comparison import Comparison
from benchmarks.figures import middle, ratio, shown
from benchmarks.measuring import TOGETHER
from benchmarks.queries import Query
from benchmarks.servers.plans import GATEWAY, GRAPHQL_CORE, LIMIT, LIMIT_IN_SNAPSHOT, MERCURIUS, POSTGRAPHILE

AGAINST_POSTGRAPHILE: Final = {Query.POINT: 1.0, Query.DEEP: 0.5, Query.TAG: 0.5, Query.PAGE: 0.35}
AGAINST_LIMIT: Final = {Query.POINT: 6.0, Query.DEEP: 7.0, Query.TAG: 4.0, Query.PAGE: 10.0}
STATEMENTS: Final = {Query.POINT: 4, Query.DEEP: 6, Query.TAG: 4, Query.PAGE: 4}
MEMORY_MB: Final = 80.0
DRAIN_SECONDS: Final = 2.5
DRAINED: Final = 100_000
"""How many resources that budget is for."""
STALL: Final = 10.0


@dataclass(frozen=True)
class Figure:
    """One figure of the gateway's, and the most that it may be, if there is a budget for it."""

    value: float
    unit: str = "x"
    most: float | None = None

    @property
    def is_kept(self) -> bool | None:
        """Whether the budget is kept; None where there is none, or nothing was measured."""
        if self.most is None or math.isnan(self.value):
            return None
        return self.value <= self.most

    def __str__(self) -> str:
        figure = str(int(self.value)) if self.unit == "" and not math.isnan(self.value) else shown(self.value)
        return f"{figure}{self.unit}" if math.isnan(self.value) is False else "-"

    @property
    def budget(self) -> str:
        """The budget, as text."""
        return "" if self.most is None else f"<= {self.most:g}{self.unit}"


@dataclass(frozen=True)
class Line:
    """A line of the table of budgets: what is compared, for each query."""

    title: str
    figures: Mapping[Query, Figure]


def by_query(found: Comparison) -> list[Line]:
    """The budgets that are set for each query, and other ratios beside them."""
    return [
        _ratios(found, "server CPU against PostGraphile 5", GATEWAY, POSTGRAPHILE, budgets=AGAINST_POSTGRAPHILE),
        _ratios(found, "the same, 16 at once", GATEWAY, POSTGRAPHILE, TOGETHER, budgets=AGAINST_POSTGRAPHILE),
        _ratios(found, "server CPU against e", GATEWAY, LIMIT, budgets=AGAINST_LIMIT),
        _ratios(found, "the same, 16 at once", GATEWAY, LIMIT, TOGETHER, budgets=AGAINST_LIMIT),
        _ratios(found, "server CPU against Mercurius", GATEWAY, MERCURIUS),
        _ratios(found, "the same, 16 at once", GATEWAY, MERCURIUS, TOGETHER),
        _ratios(found, "server CPU of e-snapshot against PostGraphile 5", LIMIT_IN_SNAPSHOT, POSTGRAPHILE),
        _ratios(found, "the same, 16 at once", LIMIT_IN_SNAPSHOT, POSTGRAPHILE, TOGETHER),
        _ratios(found, "server CPU of graphql-core against the gateway", GRAPHQL_CORE, GATEWAY),
        _line(
            found,
            "SQL statements, with the one that sets scope",
            lambda query: Figure(found.statements.get(query, math.nan), "", STATEMENTS[query]),
        ),
    ]


def of_large_pages(found: Comparison) -> Iterator[tuple[str, Figure]]:
    """The budgets of what many large pages do."""
    drained = [drain for drain in found.drains if drain.server == GATEWAY]
    usual = all(drain.resources == DRAINED for drain in drained)
    grown = [memory.growth_mb for memory in found.memory if memory.server == GATEWAY]
    stalled = [stall.ratio for stall in found.stalls if stall.server == GATEWAY]
    yield "growth of RSS above idle, 16 large pages at once", Figure(middle(grown), " MB", MEMORY_MB)
    yield (
        "reading everything, page after page",
        Figure(middle(drain.seconds for drain in drained), " s", DRAIN_SECONDS if usual else None),
    )
    yield "p95 of a small query beside 16 large pages, against its quiet p95", Figure(middle(stalled), "x", STALL)


def _ratios(
    found: Comparison,
    title: str,
    server: str,
    against: str,
    connections: int = 1,
    *,
    budgets: Mapping[Query, float] = MappingProxyType({}),
) -> Line:
    def figure(query: Query) -> Figure:
        cost, base = (found.cpu_ms(name, query, connections) for name in (server, against))
        return Figure(ratio(cost, base), "x", budgets.get(query))

    return _line(found, title, figure)


def _line(found: Comparison, title: str, figure: Callable[[Query], Figure]) -> Line:
    return Line(title, {query: figure(query) for query in found.queries})
