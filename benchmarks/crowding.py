"""Sixteen large pages at once: how much memory they take, and what they do to a small query beside them."""

from dataclasses import dataclass
from typing import Final

from benchmarks.data.store import Store
from benchmarks.figures import percentile, ratio
from benchmarks.load import Stream, run_load
from benchmarks.measuring import TOGETHER, requests_of, warm_up
from benchmarks.processes import peak_mb, reset_peak, resident_mb, settle
from benchmarks.queries import Query
from benchmarks.servers.process import Server

_TIMES: Final = 2
"""How often each of the sixteen asks: a second time shows what is not given back."""
_QUIET_SECONDS: Final = 3.0
_BUSY_SECONDS: Final = 6.0


@dataclass(frozen=True)
class Memory:
    """Memory of a server's process in MB: before, and at the most while it answers sixteen large pages at once."""

    server: str
    idle_mb: float
    peak_mb: float

    @property
    def growth_mb(self) -> float:
        """What the pages take."""
        return self.peak_mb - self.idle_mb


@dataclass(frozen=True)
class Stall:
    """How long a small query takes, in ms: alone, and beside sixteen large pages in a loop."""

    server: str
    quiet_p50_ms: float
    quiet_p95_ms: float
    busy_p50_ms: float
    busy_p95_ms: float
    asked: int
    pages: int

    @property
    def ratio(self) -> float:
        """How many times longer, at the 95th percentile."""
        return ratio(self.busy_p95_ms, self.quiet_p95_ms)


def measure_memory(server: Server, store: Store) -> Memory:
    """Measure a server that has just been started."""
    warm_up(server, Query.POINT, seconds=1.0)  # connections to the database, and what is loaded with the first answer
    settle([server.pid, *store.pids])
    idle = resident_mb(server.pid)
    reset_peak(server.pid)
    run_load(server.port, [Stream(requests_of(server, Query.PAGE), TOGETHER, count=_TIMES * TOGETHER)])
    return Memory(server.name, idle, peak_mb(server.pid))


def measure_stall(server: Server) -> Stall:
    """Measure a server that has answered before."""
    points, pages = requests_of(server, Query.POINT), requests_of(server, Query.PAGE)
    (quiet,) = run_load(server.port, [Stream(points, 1, seconds=_QUIET_SECONDS)])
    beside, large = run_load(
        server.port,
        [Stream(points, 1, seconds=_BUSY_SECONDS), Stream(pages, TOGETHER, seconds=_BUSY_SECONDS)],
    )
    return Stall(
        server=server.name,
        quiet_p50_ms=percentile(quiet.latencies, 0.5) * 1000,
        quiet_p95_ms=percentile(quiet.latencies, 0.95) * 1000,
        busy_p50_ms=percentile(beside.latencies, 0.5) * 1000,
        busy_p95_ms=percentile(beside.latencies, 0.95) * 1000,
        asked=beside.requests,
        pages=large.requests,
    )
