"""Made-up findings, to see what is made of them."""

from benchmarks.comparison import Comparison
from benchmarks.crowding import Memory, Stall
from benchmarks.draining import Drain
from benchmarks.measuring import Measurement
from benchmarks.queries import Query, Scale

SERVERS = ("gateway", "graphql-core", "postgraphile", "mercurius", "e", "e-snapshot")
CPU = {"gateway": 2.0, "graphql-core": 40.0, "postgraphile": 4.0, "mercurius": 8.0, "e": 0.4, "e-snapshot": 0.8}


def measurement(server: str, query: Query, connections: int, cpu_ms: float) -> Measurement:
    return Measurement(
        server=server,
        query=str(query),
        connections=connections,
        requests=100,
        errors=0,
        seconds=2.0,
        cpu_ms=cpu_ms,
        database_ms=1.0,
        p50_ms=3.0,
        p95_ms=5.0,
        peak_mb=100.0,
        answer_kb=30.0,
        others=0.5,
    )


def comparison() -> Comparison:
    """Three rounds of every server with every query; the second was disturbed, and the gateway bears sixteen badly."""
    found = Comparison(Scale(100_000, 5000), SERVERS, list(Query))
    for disturbance in (1.0, 9.0, 1.0):
        for server, cpu in CPU.items():
            for query in Query:
                found.measurements.append(measurement(server, query, 1, cpu * disturbance))
                together = 3 * cpu if server == "gateway" else cpu
                found.measurements.append(measurement(server, query, 16, together * disturbance))
    found.statements = {Query.POINT: 3, Query.DEEP: 7, Query.TAG: 4, Query.PAGE: 3}
    found.drains = [Drain("gateway", 100_000, 20, seconds, 1.0, 1.0, 150.0) for seconds in (2.0, 2.4, 9.0)]
    found.memory = [Memory("gateway", 80.0, 181.0)]
    found.stalls = [Stall("gateway", 1.0, 2.0, 8.0, 19.0, 500, 60)]
    return found
