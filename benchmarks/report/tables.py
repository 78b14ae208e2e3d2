"""The tables, as rows of text: the terminal and RESULTS.md show the same ones."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.budgets import Figure, by_query, of_large_pages
from benchmarks.comparison import Comparison
from benchmarks.figures import middle, shown
from benchmarks.growth import Growth
from benchmarks.measuring import TOGETHER, Measurement
from benchmarks.queries import Query
from benchmarks.scopes import ONE_CLOUD_SERVER
from benchmarks.servers.plans import GATEWAY

KEPT: Final = "kept"
MISSED: Final = "missed"
_PER_RESOURCE: Final = ("resources", "CPU us per resource", "database us per resource")


@dataclass(frozen=True)
class Table:
    """A title, the names of columns, and rows."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def growth_tables(found: Growth) -> Iterator[Table]:
    """A table for each query, and one for reading everything."""
    for query in found.queries:
        rows = [
            (
                f"{size.resources:,}",
                shown(size.cpu_us(query)),
                shown(size.database_us(query)),
                shown(size.p50_ms(query)),
            )
            for size in found.sizes
        ]
        rows.append(("growth", _verdict(found.cpu(query)), _verdict(found.database(query)), ""))
        yield Table(f"{query}: {found.sizes[0].site.scale.title(query)}", (*_PER_RESOURCE, "p50 ms"), rows)
    drains = [size.drain for size in found.sizes]
    per_page = [
        (
            f"{size.resources:,}",
            shown(drain.cpu_seconds / drain.resources * 1e6),
            shown(drain.database_seconds / drain.resources * 1e6),
            shown(drain.seconds),
            str(drain.pages),
        )
        for size, drain in zip(found.sizes, drains, strict=True)
    ]
    yield Table("Reading page after page", (*_PER_RESOURCE, "seconds", "pages"), per_page)


def tables_of(found: Comparison) -> Iterator[Table]:
    """Every table of a comparison that has something in it."""
    yield _budgets(found)
    if found.drains or found.memory or found.stalls:
        yield _large_page_budgets(found)
    for query in found.queries:
        yield _query(found, query)
    if found.seen_in_one_cloud:
        yield _scopes(found)
    if found.drains:
        yield _drains(found)
    if found.memory:
        yield _crowding(found)


def _budgets(found: Comparison) -> Table:
    rows = [(line.title, *(_verdict(line.figures[query]) for query in found.queries)) for line in by_query(found)]
    return Table("Budgets", ("the gateway's", *(found.scale.title(query) for query in found.queries)), rows)


def _large_page_budgets(found: Comparison) -> Table:
    rows = [(title, _verdict(figure)) for title, figure in of_large_pages(found)]
    return Table("Budgets of large pages", ("the gateway's", ""), rows)


def _verdict(figure: Figure) -> str:
    kept = figure.is_kept
    if kept is None:
        return str(figure)
    return f"{figure} ({figure.budget}: {KEPT if kept else MISSED})"


def _query(found: Comparison, query: Query) -> Table:
    columns = (
        "server", "CPU ms", "database ms", "p50 ms", "p95 ms", "16: per second", "p50 ms", "p95 ms", "CPU ms",
        "database ms", "peak MB", "KB",
    )  # fmt: skip
    title = f"{query}: {found.scale.title(query)}. One request at a time, then 16 at once"
    return Table(title, columns, [_query_row(found, query, server) for server in found.servers])


def _query_row(found: Comparison, query: Query, server: str) -> tuple[str, ...]:
    alone, together = found.of(server, query, 1), found.of(server, query, TOGETHER)

    def median(of: list[Measurement], value: Callable[[Measurement], float]) -> str:
        return shown(middle(map(value, of)))

    return (
        server,
        median(alone, lambda one: one.cpu_ms),
        median(alone, lambda one: one.database_ms),
        median(alone, lambda one: one.p50_ms),
        median(alone, lambda one: one.p95_ms),
        median(together, lambda one: one.per_second),
        median(together, lambda one: one.p50_ms),
        median(together, lambda one: one.p95_ms),
        median(together, lambda one: one.cpu_ms),
        median(together, lambda one: one.database_ms),
        median(together, lambda one: one.peak_mb),
        median(alone, lambda one: one.answer_kb),
    )


def _scopes(found: Comparison) -> Table:
    rows = [
        (
            found.scale.title(query),
            shown(found.cpu_ms(GATEWAY, query)),
            shown(found.database_ms(GATEWAY, query)),
            shown(found.cpu_ms(ONE_CLOUD_SERVER, query)),
            shown(found.database_ms(ONE_CLOUD_SERVER, query)),
            f"{found.seen_in_one_cloud[query]:,}",
        )
        for query in found.queries
    ]
    columns = ("query", "all 60 Clouds: CPU ms", "database ms", "one Cloud: CPU ms", "database ms", "resources seen")
    return Table("The gateway, asked by a member of all Clouds and by a member of one", columns, rows)


def _drains(found: Comparison) -> Table:
    rows = []
    for server in found.servers:
        drains = found.drains_of(server)
        if drains:
            rows.append(
                (
                    server,
                    f"{drains[0].resources:,}",
                    str(drains[0].pages),
                    shown(middle(drain.seconds for drain in drains)),
                    shown(middle(drain.cpu_seconds for drain in drains)),
                    shown(middle(drain.database_seconds for drain in drains)),
                    shown(max(drain.peak_mb for drain in drains)),
                )
            )
    columns = ("server", "resources", "pages", "seconds", "CPU s", "database CPU s", "peak MB")
    return Table("Reading everything, page after page", columns, rows)


def _crowding(found: Comparison) -> Table:
    columns = (
        "server", "idle MB", "peak MB", "growth MB", "small query p50 ms", "p95 ms", "beside: p50 ms", "p95 ms",
        "p95 times", "pages",
    )  # fmt: skip
    rows = [
        (
            memory.server,
            shown(memory.idle_mb),
            shown(memory.peak_mb),
            shown(memory.growth_mb),
            shown(stall.quiet_p50_ms),
            shown(stall.quiet_p95_ms),
            shown(stall.busy_p50_ms),
            shown(stall.busy_p95_ms),
            shown(stall.ratio),
            str(stall.pages),
        )
        for memory, stall in zip(found.memory, found.stalls, strict=True)
    ]
    return Table("Sixteen large pages at once, and a small query beside them", columns, rows)
