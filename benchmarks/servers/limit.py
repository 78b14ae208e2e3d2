"""The limit: one hand-written SQL statement gives the answer as text, which is passed on as it comes.

`uvicorn benchmarks.servers.limit:app`, with the database's socket folder, its name and the schema in the environment.
"""

import os
from collections.abc import AsyncIterator
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
    text = await request.app.state.pool.fetchval(STATEMENTS[asked["query"]], *asked["values"])
    return Response(text, media_type="application/json")


app = Starlette(routes=[Route("/graphql", _answer, methods=["POST"])], lifespan=_with_pool)
