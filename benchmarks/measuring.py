"""Measures one server with one query: what a request costs the server and the database, and how long it takes."""

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.data.store import Store
from benchmarks.figures import percentile
from benchmarks.load import LoadFailed, Sample, Stream, run_load
from benchmarks.processes import busy_seconds, cpu_seconds, peak_mb, reset_peak, settle
from benchmarks.queries import Query
from benchmarks.servers.process import Server

TOGETHER: Final = 16
"""How many requests are under way at once where it is not one."""
_VARIANTS: Final = 200


@dataclass(frozen=True)
class Measurement:
    """What some requests cost. CPU and latencies are per request, in ms; memory in MB."""

    server: str
    query: str
    connections: int
    requests: int
    errors: int
    seconds: float
    cpu_ms: float
    database_ms: float
    p50_ms: float
    p95_ms: float
    peak_mb: float
    answer_kb: float
    others: float
    """Cores' worth of CPU that other processes of this machine used meanwhile."""

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds if self.seconds else math.nan


@dataclass(frozen=True)
class Cost:
    """CPU seconds that were used between two moments."""

    server: float
    database: float
    others: float
    wall: float


class Meter:
    """Reads what a server and the database have cost since it was made."""

    def __init__(self, server: Server, store: Store) -> None:
        self._server, self._store = server, store
        self._began = self._read()

    def stop(self) -> Cost:
        """Wait until both have finished what was begun, and tell what it cost."""
        settle([self._server.pid, *self._store.pids])
        server, database, own, busy, now = (
            after - before for after, before in zip(self._read(), self._began, strict=True)
        )
        return Cost(server, database, max(0.0, busy - server - database - own), now)

    def _read(self) -> tuple[float, float, float, float, float]:
        return (
            cpu_seconds([self._server.pid]),
            cpu_seconds(self._store.pids),
            time.process_time(),
            busy_seconds(),
            time.monotonic(),
        )


def requests_of(server: Server, query: Query, *, seed: int = 0) -> list[bytes]:
    """Requests with variables that are drawn, the same for every server."""
    choices = server.dialect.variants(query)
    drawn = random.Random(f"{query}/{seed}")  # noqa: S311 - the same every time is the point
    variants = (
        [drawn.randrange(choices) for _ in range(_VARIANTS)]
        if choices > _VARIANTS
        else drawn.sample(range(choices), choices)
    )
    return [server.request(query, variant) for variant in variants]


def warm_up(server: Server, query: Query, *, seconds: float) -> None:
    """Let a server compile, plan and cache what it will, for at most so many seconds; raises LoadFailed."""
    connections = 2 if query.value.is_heavy else TOGETHER
    stream = Stream(requests_of(server, query), connections, seconds=seconds, count=query.value.warm_up)
    _checked(server, query, run_load(server.port, [stream]))


def measure(
    server: Server, store: Store, query: Query, *, connections: int, seconds: float = 0.0, count: int = 0, seed: int = 0
) -> Measurement:
    """Send requests for so many seconds, or so many of them, and tell what one costs.

    Raises:
        LoadFailed: the server answered with errors, or not at all.
    """
    stream = Stream(requests_of(server, query, seed=seed), connections, seconds=seconds, count=count)
    reset_peak(server.pid)
    meter = Meter(server, store)
    (sample,) = _checked(server, query, run_load(server.port, [stream]))
    cost = meter.stop()
    return Measurement(
        server=server.name,
        query=str(query),
        connections=connections,
        requests=sample.requests,
        errors=sample.errors,
        seconds=sample.seconds,
        cpu_ms=cost.server * 1000 / sample.requests,
        database_ms=cost.database * 1000 / sample.requests,
        p50_ms=percentile(sample.latencies, 0.5) * 1000,
        p95_ms=percentile(sample.latencies, 0.95) * 1000,
        peak_mb=peak_mb(server.pid),
        answer_kb=sample.body_bytes / 1000 / sample.requests,
        others=cost.others / cost.wall,
    )


def _checked(server: Server, query: Query, samples: Sequence[Sample]) -> Sequence[Sample]:
    for sample in samples:
        if sample.errors:
            raise LoadFailed(
                f"{server.name} answered {sample.errors} of {sample.requests} requests of the query {query} with"
                f" errors: {sample.first_error}"
            )
    return samples
