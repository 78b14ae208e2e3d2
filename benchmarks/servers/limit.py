"""The limit: one hand-written SQL statement gives the answer as text, which is passed on as it comes.

`uvicorn benchmarks.servers.limit:app`, with the database's socket folder, its name and the schema in the environment.
With BENCH_IN_SNAPSHOT it goes the gateway's way to the database, three round trips: a select in the place of the one
that reads the caller, the statement in the same snapshot, the end of that. What is left out is all else.
"""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

POOL_SIZE = 10
IN_SNAPSHOT = "BENCH_IN_SNAPSHOT" in os.environ
STATEMENTS = {file.stem: file.read_text() for file in (Path(__file__).parent / "sql").glob("*.sql")}


async def _as_bytes(connection: Any) -> None:
    """Give JSON as the bytes that the server sends, without reading it."""
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=lambda value: value, decoder=lambda value: value, format="binary"
    )


async def _keep(_connection: Any) -> None:
    """Give a connection back as it is: nothing here leaves anything behind on it."""


@asynccontextmanager
async def _with_pool(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(
        host=os.environ["PGHOST"],
        port=int(os.environ["PGPORT"]),
        user=os.environ["PGUSER"],
        database=os.environ["PGDATABASE"],
        server_settings={"search_path": os.environ["BENCH_SCHEMA"]},
        min_size=POOL_SIZE,
        max_size=POOL_SIZE,
        init=_as_bytes,
        reset=_keep,
    ) as pool:
        app.state.pool = pool
        yield


async def _answer(request: Request) -> Response:
    asked = orjson.loads(await request.body())
    read = _read_in_snapshot if IN_SNAPSHOT else _read
    text = await read(request.app.state.pool, STATEMENTS[asked["query"]], asked["values"])
    return Response(text, media_type="application/json")


async def _read(pool: Any, statement: str, values: Sequence[Any]) -> Any:
    return await pool.fetchval(statement, *values)


async def _read_in_snapshot(pool: Any, statement: str, values: Sequence[Any]) -> Any:
    async with pool.acquire() as connection:
        # In one go: the gateway's transactions are begun by what ends the ones before.
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SELECT 1 FROM organization LIMIT 1")
        text = await connection.fetchval(statement, *values)
        await connection.execute("ROLLBACK")
        return text


app = Starlette(routes=[Route("/graphql", _answer, methods=["POST"])], lifespan=_with_pool)
