"""The gateway alone, on ten and a hundred times as much: what a resource of an answer costs must stay the same."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.budgets import Figure
from benchmarks.comparison import Effort
from benchmarks.data.store import Progress, Store
from benchmarks.draining import Drain, drain, learn_cursors
from benchmarks.figures import middle, ratio
from benchmarks.measuring import Measurement, measure, warm_up
from benchmarks.processes import Cores
from benchmarks.queries import Query
from benchmarks.servers.plans import GATEWAY, Site
from benchmarks.servers.process import ServerPlan, running

SIZES: Final = (10_000, 100_000, 1_000_000)
FLAT: Final = 1.25
"""How many times as much a resource may cost on the largest data set as on the smallest: what noise can do."""


@dataclass(frozen=True)
class Size:
    """What was found on one data set."""

    site: Site
    measurements: Sequence[Measurement]
    drain: Drain

    @property
    def resources(self) -> int:
        """How many there are."""
        return self.site.scale.resources

    def cpu_us(self, query: Query) -> float:
        """What a resource of an answer costs the server."""
        return self._per_row(query, [found.cpu_ms for found in self._of(query)])

    def database_us(self, query: Query) -> float:
        """What it costs the database."""
        return self._per_row(query, [found.database_ms for found in self._of(query)])

    def p50_ms(self, query: Query) -> float:
        """How long an answer takes."""
        return middle(found.p50_ms for found in self._of(query))

    def _of(self, query: Query) -> list[Measurement]:
        return [found for found in self.measurements if found.query == str(query)]

    def _per_row(self, query: Query, costs: Sequence[float]) -> float:
        return middle(costs) * 1000 / self.site.scale.rows(query)


@dataclass(frozen=True)
class Growth:
    """What was found on all of them, the smallest first."""

    queries: Sequence[Query]
    sizes: Sequence[Size]

    def cpu(self, query: Query) -> Figure:
        """How many times as much a resource costs the server on the largest as on the smallest."""
        return Figure(ratio(self.sizes[-1].cpu_us(query), self.sizes[0].cpu_us(query)), "x", FLAT)

    def database(self, query: Query) -> Figure:
        """And the database."""
        return Figure(ratio(self.sizes[-1].database_us(query), self.sizes[0].database_us(query)), "x", FLAT)

    @property
    def others(self) -> float:
        """Cores' worth of CPU that other processes used, on average."""
        return middle(found.others for size in self.sizes for found in size.measurements)


def measure_growth(
    sites: Sequence[Site], store: Store, cores: Cores, queries: Sequence[Query], effort: Effort, progress: Progress
) -> Growth:
    """Measure a gateway on each data set, in turns; raises ServerFailed and LoadFailed."""
    measurements: list[list[Measurement]] = [[] for _ in sites]
    with ExitStack() as stack:
        servers = [stack.enter_context(running(_plan(site), cores, site.data_dir / "logs")) for site in sites]
        for n, server in enumerate(servers):
            progress("Warming up", n, len(servers))
            learn_cursors(server)
            for query in queries:
                warm_up(server, query, seconds=effort.warm_up_seconds)
        steps = [(number, query) for number in range(effort.rounds) for query in queries]
        for n, (number, query) in enumerate(steps):
            progress("Measuring", n, len(steps))
            for server, found in zip(servers, measurements, strict=True):
                found.append(measure(server, store, query, connections=1, seconds=effort.seconds, seed=number))
        progress("Measuring", len(steps), len(steps))
        drains = [drain(server, store) for server in servers]
    return Growth(queries, [Size(*size) for size in zip(sites, measurements, drains, strict=True)])


def _plan(site: Site) -> ServerPlan:
    """The gateway, under a name of its own."""
    return replace(site.plan(GATEWAY), name=f"{GATEWAY}-{site.scale.resources}")
