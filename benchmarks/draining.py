"""Reads the whole list, page after page: what a BI tool does at night."""

import json
from dataclasses import dataclass

from benchmarks.data.store import Store
from benchmarks.dialects import GatewayDialect
from benchmarks.load import Stream, ask, run_load
from benchmarks.measuring import Meter
from benchmarks.processes import peak_mb, reset_peak
from benchmarks.queries import Query
from benchmarks.servers.process import Server


@dataclass(frozen=True)
class Drain:
    """What reading everything took: seconds of time and of CPU."""

    server: str
    resources: int
    pages: int
    seconds: float
    cpu_seconds: float
    database_seconds: float
    peak_mb: float


def learn_cursors(server: Server) -> None:
    """Walk the gateway's list once and remember where its pages begin; other servers begin after a number."""
    dialect = server.dialect
    if isinstance(dialect, GatewayDialect):
        dialect.cursors = [None]
        while len(dialect.cursors) < dialect.scale.pages:
            after = _end_cursor(ask(server.port, server.wrap(dialect.page(dialect.cursors[-1]))))
            dialect.cursors = [*dialect.cursors, after]


def drain(server: Server, store: Store) -> Drain:
    """Read every page, each when the one before is there."""
    scale = server.dialect.scale
    reset_peak(server.pid)
    meter = Meter(server, store)
    requests = [server.request(Query.PAGE, page) for page in range(scale.pages)]
    (sample,) = run_load(server.port, [Stream(requests, 1, count=scale.pages, counted=b'"createdAt"')])
    cost = meter.stop()
    return Drain(
        server.name, sample.counted, scale.pages, sample.seconds, cost.server, cost.database, peak_mb(server.pid)
    )


def _end_cursor(body: bytes) -> str:
    answer = json.loads(body)
    if "errors" in answer:
        raise ValueError(f"the answer has errors: {body[:300].decode(errors='replace')}")
    return str(answer["data"]["resources"]["pageInfo"]["endCursor"])
