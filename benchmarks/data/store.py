"""The PostgreSQL of the benchmarks, with every data set that was made: a database for each number of resources.

    database bench_100000
        schema public         the gateway's own tables, by its migrations
        schema postgraphile   and one for each other peer: plain tables that are its own

A data set is made once. A digest of what made it is kept as the schema's comment, written last; another digest, or
none, and it is made anew.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import asyncpg
from sqlalchemy import make_url

from benchmarks.data import content, gateway_tables, peer_tables
from benchmarks.processes import memory_bytes, with_children
from gateway.migrate import MIGRATIONS, upgrade
from gateway.postgres import DatabaseUrls, EmbeddedPostgres
from gateway.postgres.connecting import transaction
from gateway.postgres.urls import OWNER_ROLE, PORT
from resolvers import reference

PARAMETERS: Final = {
    "shared_buffers": f"{min(2048, memory_bytes() // 2**22)}MB",  # a quarter of the memory, up to 2 GB
    "effective_cache_size": f"{min(4096, memory_bytes() // 2**21)}MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "100",
    "max_wal_size": "8GB",
    "synchronous_commit": "off",
    "max_parallel_workers_per_gather": "0",  # a statement's work is one process's, as on a busy server
    "autovacuum": "off",  # tables are vacuumed when they are filled, and nothing writes afterwards
}
"""The server's configuration, the same for all: what is measured is in memory."""

GATEWAY_SCHEMA: Final = "public"


Progress = Callable[[str, int, int], None]
"""Told of a step how much is done, and of how much."""


@dataclass(frozen=True)
class Database:
    """One database of the store."""

    name: str
    resources: int
    urls: DatabaseUrls

    @property
    def socket_folder(self) -> str:
        """Where the server listens."""
        return str(make_url(self.urls.owner).query["host"])

    def environment(self, schema: str) -> dict[str, str]:
        """How a peer finds the database, and its schema in it."""
        return {
            "PGHOST": self.socket_folder,
            "PGPORT": str(PORT),
            "PGUSER": OWNER_ROLE,
            "PGDATABASE": self.name,
            "BENCH_SCHEMA": schema,
        }


class Store:
    """The server over a data folder, for use as a context manager."""

    def __init__(self, data_dir: Path) -> None:
        self._server = EmbeddedPostgres(data_dir, parameters=PARAMETERS)

    def __enter__(self) -> Self:
        self._server.start(borrow=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    @property
    def pids(self) -> list[int]:
        """The server's processes, as they are now."""
        if self._server.pid is None:
            raise RuntimeError("The server is not started.")
        return with_children(self._server.pid)

    def version(self) -> str:
        """Which PostgreSQL it is."""
        return str(asyncio.run(_one(self._server.urls, "SHOW server_version")))

    def database(self, resources: int, peers: Sequence[str], progress: Progress) -> Database:
        """Give the database with that many resources, filled for the gateway and for `peers` where it is not yet."""
        name = f"bench_{resources}"
        database = Database(name, resources, _of(self._server.urls, name))
        if asyncio.run(_comment(self._server.urls, name)) != _gateway_digest():
            self._fill_gateway(database, progress)
        for peer in peers:
            asyncio.run(_fill_peer(database, peer, progress))
        return database

    def _fill_gateway(self, database: Database, progress: Progress) -> None:
        asyncio.run(_recreate(self._server.urls, database.name))
        upgrade(database.urls)
        asyncio.run(_fill_gateway(database, progress))
        asyncio.run(_run(self._server.urls, f"COMMENT ON DATABASE {database.name} IS '{_gateway_digest()}'"))


async def _fill_gateway(database: Database, progress: Progress) -> None:
    step = f"Filling the gateway's tables, {database.resources:,} resources"
    async with transaction(database.urls.owner) as connection:
        await gateway_tables.fill(connection, database.resources, lambda done: progress(step, done, database.resources))
    await _run(database.urls, "VACUUM (FREEZE, ANALYZE)")


async def _fill_peer(database: Database, schema: str, progress: Progress) -> None:
    digest = _peer_digest()
    step = f"Filling the tables of {schema}"
    connection = await _connect(database.urls)
    try:
        found = "SELECT obj_description(oid) FROM pg_namespace WHERE nspname = $1"
        if await connection.fetchval(found, schema) == digest:
            return
        async with connection.transaction():
            await peer_tables.fill(
                connection, schema, database.resources, lambda done: progress(step, done, database.resources)
            )
        await connection.execute("VACUUM (FREEZE, ANALYZE)")
        await connection.execute(f"COMMENT ON SCHEMA {schema} IS '{digest}'")
    finally:
        await connection.close()


def _gateway_digest() -> str:
    """What the gateway's rows follow from: the data set, how it is written, and every migration."""
    return _digest(content, gateway_tables, reference, *sorted((MIGRATIONS / "versions").glob("*.py")))


def _peer_digest() -> str:
    return _digest(content, peer_tables, reference)


def _digest(*sources: Any) -> str:
    files = [source if isinstance(source, Path) else Path(source.__file__) for source in sources]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _of(urls: DatabaseUrls, name: str) -> DatabaseUrls:
    def url(text: str) -> str:
        return make_url(text).set(database=name).render_as_string(hide_password=False)

    return DatabaseUrls(app=url(urls.app), owner=url(urls.owner))


async def _connect(urls: DatabaseUrls) -> Any:
    url = make_url(urls.owner)
    return await asyncpg.connect(host=url.query["host"], port=PORT, user=url.username, database=url.database)


async def _run(urls: DatabaseUrls, *statements: str) -> None:
    connection = await _connect(urls)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _one(urls: DatabaseUrls, query: str, *values: object) -> object:
    connection = await _connect(urls)
    try:
        value: object = await connection.fetchval(query, *values)
        return value
    finally:
        await connection.close()


async def _comment(urls: DatabaseUrls, name: str) -> object:
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1"
    return await _one(urls, query, name)


async def _recreate(urls: DatabaseUrls, name: str) -> None:
    await _run(urls, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE template0")
