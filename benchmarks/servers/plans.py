"""Every server of the comparison, and how it is run."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from auth.issuer import MAX_OPERATOR_LIFETIME, Issuer
from benchmarks.data.gateway_tables import EVERYTHING, Kind, key
from benchmarks.data.store import Database
from benchmarks.dialects import (
    MERCURIUS_DOCUMENTS,
    POSTGRAPHILE_DOCUMENTS,
    Dialect,
    GatewayDialect,
    PeerDialect,
    SqlDialect,
)
from benchmarks.queries import Scale
from benchmarks.servers.node import NODE_SOURCES, Peers
from benchmarks.servers.process import ServerPlan
from gateway.keys import signing_key
from gateway.settings import Settings

GATEWAY: Final = "gateway"
GRAPHQL_CORE: Final = "graphql-core"
POSTGRAPHILE: Final = "postgraphile"
MERCURIUS: Final = "mercurius"
LIMIT: Final = "e"
LIMIT_IN_SNAPSHOT: Final = "e-snapshot"

EXECUTORS: Final = {GATEWAY: "breadth-first", GRAPHQL_CORE: "graphql-core"}
TITLES: Final = {
    GATEWAY: "the gateway, all checks on",
    GRAPHQL_CORE: "the gateway with graphql-core's executor",
    POSTGRAPHILE: "PostGraphile 5",
    MERCURIUS: "Mercurius",
    LIMIT: "e: one SQL statement, passed on",
    LIMIT_IN_SNAPSHOT: "e, with the gateway's three round trips",
}
NODE_PEERS: Final = (POSTGRAPHILE, MERCURIUS)
PLAIN_TABLES: Final = (POSTGRAPHILE, MERCURIUS, LIMIT)
"""The servers with tables of their own; the gateway's two share theirs, and the limit's two share theirs."""
OWNERS: Final = {LIMIT_IN_SNAPSHOT: LIMIT}
"""Whose tables a server reads, if not its own."""

# graphql-core takes longer for sixteen large pages at once than an operation may.
_GATEWAY_SECONDS: Final = "60"
_ISSUER: Final = "http://gateway.bench"


@dataclass(frozen=True)
class Site:
    """What plans are made for: a database, a scale, a folder for keys, and the peers' packages if they are wanted."""

    database: Database
    scale: Scale
    data_dir: Path
    peers: Peers | None = None

    def plan(self, name: str) -> ServerPlan:
        """The plan of a server."""
        if name in EXECUTORS:
            return self._gateway(name)
        if name in {LIMIT, LIMIT_IN_SNAPSHOT}:
            return self._limit(name)
        if self.peers is None:
            raise ValueError(f"{name} needs the packages of the Node peers")
        return self._node(name, self.peers)

    def token(self, account: int) -> str:
        """An access token of one of the data set's accounts."""
        settings = Settings(data_dir=self.data_dir, issuer=_ISSUER)
        issuer = Issuer(signing_key(settings), settings.issuer, settings.audience)
        return issuer.issue(key(Kind.ACCOUNT, account), lifetime=MAX_OPERATOR_LIFETIME, for_operator=True)

    def _gateway(self, name: str) -> ServerPlan:
        return ServerPlan(
            name,
            TITLES[name],
            GatewayDialect(self.scale),
            lambda port: [sys.executable, "-m", "gateway.cli", "serve", "--port", str(port)],
            {
                "DATABASE_URL": self.database.urls.app.replace("+asyncpg", "", 1),
                "ITCARE_DATA_DIR": str(self.data_dir),
                "ITCARE_ISSUER": _ISSUER,  # whichever port it will be given
                "ITCARE_EXECUTOR": EXECUTORS[name],
                "ITCARE_DEBUG": "1",  # for the counts of statements, which only requests that ask for them pay for
                "ITCARE_LIMIT_SECONDS": _GATEWAY_SECONDS,
            },
            {"Authorization": f"Bearer {self.token(EVERYTHING)}"},
        )

    def _limit(self, name: str) -> ServerPlan:
        options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
        command = [sys.executable, "-m", "uvicorn", "benchmarks.servers.limit:app", *options]
        in_snapshot = {"BENCH_IN_SNAPSHOT": "1"} if name == LIMIT_IN_SNAPSHOT else {}
        return self._peer(name, SqlDialect(self.scale), lambda port: [*command, "--port", str(port)], in_snapshot)

    def _node(self, name: str, peers: Peers) -> ServerPlan:
        documents = POSTGRAPHILE_DOCUMENTS if name == POSTGRAPHILE else MERCURIUS_DOCUMENTS
        script = NODE_SOURCES / f"{name}.mjs"
        return self._peer(name, PeerDialect(self.scale, documents), lambda _: peers.command(script))

    def _peer(
        self,
        name: str,
        dialect: Dialect,
        command: Callable[[int], Sequence[str]],
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> ServerPlan:
        node = {"NODE_ENV": "production", "GRAPHILE_ENV": "production"}
        tables = self.database.environment(OWNERS.get(name, name))
        return ServerPlan(name, TITLES[name], dialect, command, {**tables, **node, **environment}, {})
