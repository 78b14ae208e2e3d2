"""The comparison: all servers side by side, in rounds, so that what disturbs the machine disturbs them alike."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from benchmarks.agreement import check
from benchmarks.crowding import Memory, Stall, measure_memory, measure_stall
from benchmarks.data.store import Progress, Store
from benchmarks.draining import Drain, drain, learn_cursors
from benchmarks.figures import middle
from benchmarks.measuring import TOGETHER, Measurement, measure, warm_up
from benchmarks.processes import Cores
from benchmarks.queries import Query, Scale
from benchmarks.scopes import as_member_of_one_cloud, resources_seen
from benchmarks.servers.plans import GATEWAY, GRAPHQL_CORE, Site
from benchmarks.servers.process import Server, running
from benchmarks.statements import count_statements

_SLOW_DRAIN_SECONDS: Final = 10.0
"""A server that takes longer is not asked for everything again."""


@dataclass(frozen=True)
class Effort:
    """How much is measured: rounds, and seconds for each server and query in each."""

    rounds: int = 3
    seconds: float = 3.0
    warm_up_seconds: float = 8.0
    is_quick: bool = False
    """Whether graphql-core is spared what takes it minutes: many large pages."""

    def bears_pages(self, server: str) -> bool:
        """Whether a server is asked for many large pages."""
        return not (self.is_quick and server == GRAPHQL_CORE)


@dataclass
class Comparison:
    """What was found."""

    scale: Scale
    servers: Sequence[str]
    queries: Sequence[Query]
    measurements: list[Measurement] = field(default_factory=list)
    drains: list[Drain] = field(default_factory=list)
    statements: dict[Query, int] = field(default_factory=dict)
    seen_in_one_cloud: dict[Query, int] = field(default_factory=dict)
    """How many resources a member of one Cloud gets; empty unless that was measured."""
    memory: list[Memory] = field(default_factory=list)
    stalls: list[Stall] = field(default_factory=list)
    compared: int = 0

    def of(self, server: str, query: Query, connections: int) -> list[Measurement]:
        """The measurements of a server with a query, at so many requests at once."""
        return [
            found
            for found in self.measurements
            if (found.server, found.query, found.connections) == (server, str(query), connections)
        ]

    def cpu_ms(self, server: str, query: Query, connections: int = 1) -> float:
        """What a request costs the server."""
        return middle(found.cpu_ms for found in self.of(server, query, connections))

    def database_ms(self, server: str, query: Query, connections: int = 1) -> float:
        """What a request costs the database."""
        return middle(found.database_ms for found in self.of(server, query, connections))

    def drains_of(self, server: str) -> list[Drain]:
        """The times that a server was asked for everything."""
        return [found for found in self.drains if found.server == server]

    @property
    def others(self) -> float:
        """Cores' worth of CPU that other processes used, on average."""
        return sum(found.others for found in self.measurements) / max(1, len(self.measurements))


def compare(
    site: Site, store: Store, cores: Cores, servers: Sequence[str], queries: Sequence[Query], effort: Effort,
    progress: Progress,
) -> Comparison:  # fmt: skip
    """Run the servers, check that they agree, and measure them.

    Raises:
        ServerFailed: one does not start.
        Disagreement: two answer differently.
        LoadFailed: one answers with errors.
    """
    found = Comparison(site.scale, servers, queries)
    logs = site.data_dir / "logs"
    with ExitStack() as stack:
        started = [stack.enter_context(running(site.plan(name), cores, logs)) for name in servers]
        if Query.PAGE in queries:
            for server in started:
                learn_cursors(server)
        found.compared = check(started, queries)
        for server in started:
            if server.name == GATEWAY:
                found.statements = {query: count_statements(server, query) for query in queries}
        _warm_up(started, queries, effort, progress)
        for n in range(effort.rounds):
            _round(found, n, started, store, effort, progress)
        for server in started:
            if server.name == GATEWAY:
                _narrow(found, as_member_of_one_cloud(server, site), site, store, effort, progress)
        if Query.PAGE in queries:
            _drain(found, started, store, effort, progress)
    if Query.PAGE in queries and Query.POINT in queries:
        crowded = [server for server in started if effort.bears_pages(server.name)]
        _crowd(found, site, crowded, store, cores, progress)
    return found


def _warm_up(servers: Sequence[Server], queries: Sequence[Query], effort: Effort, progress: Progress) -> None:
    for n, server in enumerate(servers):
        progress("Warming up", n, len(servers))
        for query in queries:
            warm_up(server, query, seconds=effort.warm_up_seconds)
    progress("Warming up", len(servers), len(servers))


def _round(
    found: Comparison, number: int, servers: Sequence[Server], store: Store, effort: Effort, progress: Progress
) -> None:
    # Each round begins with another server: none is always the one after the heaviest.
    turned = [*servers[number % len(servers) :], *servers[: number % len(servers)]]
    steps = [(query, server) for query in found.queries for server in turned]
    for n, (query, server) in enumerate(steps):
        progress(f"Round {number + 1} of {effort.rounds}", n, len(steps))
        found.measurements.append(measure(server, store, query, connections=1, seconds=effort.seconds, seed=number))
        if not query.value.is_heavy:
            found.measurements.append(
                measure(server, store, query, connections=TOGETHER, seconds=effort.seconds, seed=number)
            )
        elif number == 0 and effort.bears_pages(server.name):
            found.measurements.append(measure(server, store, query, connections=TOGETHER, count=TOGETHER))
    progress(f"Round {number + 1} of {effort.rounds}", len(steps), len(steps))


def _drain(found: Comparison, servers: Sequence[Server], store: Store, effort: Effort, progress: Progress) -> None:
    for number in range(effort.rounds):
        for n, server in enumerate(servers):
            progress("Reading everything", number * len(servers) + n, effort.rounds * len(servers))
            if effort.bears_pages(server.name) and all(
                drained.seconds < _SLOW_DRAIN_SECONDS for drained in found.drains_of(server.name)
            ):
                found.drains.append(drain(server, store))
    progress("Reading everything", 1, 1)


def _narrow(found: Comparison, server: Server, site: Site, store: Store, effort: Effort, progress: Progress) -> None:
    """Measure the gateway once more, for a caller who sees one Cloud."""
    found.seen_in_one_cloud = resources_seen(site, found.queries)
    for number in range(effort.rounds):
        for n, query in enumerate(found.queries):
            progress("A narrower scope", number * len(found.queries) + n, effort.rounds * len(found.queries))
            found.measurements.append(measure(server, store, query, connections=1, seconds=effort.seconds, seed=number))
    progress("A narrower scope", 1, 1)


def _crowd(
    found: Comparison, site: Site, servers: Sequence[Server], store: Store, cores: Cores, progress: Progress
) -> None:
    """Measure sixteen large pages at once, each server in a fresh process that is alone on its core."""
    for n, server in enumerate(servers):
        progress("Sixteen large pages at once", n, len(servers))
        with running(server.plan, cores, site.data_dir / "logs") as fresh:
            found.memory.append(measure_memory(fresh, store))
            found.stalls.append(measure_stall(fresh))
    progress("Sixteen large pages at once", len(servers), len(servers))
