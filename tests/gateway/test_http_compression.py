import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import brotli
import httpx
import pytest
import zstandard
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from gateway.http.compression import Compression
from tests.gateway.library import RESPONSE_JSON, Application

PAGE = "{ shelves(first: 50) { nodes { id name } } }"
LARGE_PAGE = "{ shelves(first: 100) { nodes { books(first: 90) { nodes { id title } } } } }"
TEXT = b"All work and no play makes Jack a dull boy.\n" * 1000

EXPAND: Mapping[str | None, Callable[[bytes], bytes]] = {
    "zstd": lambda body: zstandard.ZstdDecompressor().decompress(body),
    "br": brotli.decompress,
    "gzip": lambda body: zlib.decompress(body, 31),
    None: bytes,
}


async def ask(
    app: Application, query: str, accept_encoding: str | None, **headers: str
) -> tuple[httpx.Response, bytes]:
    """The answer, and the bytes of its body as they were sent."""
    async with app.client() as client:
        del client.headers["accept-encoding"]
        if accept_encoding is not None:
            headers["accept-encoding"] = accept_encoding
        return await sent(client, client.build_request("POST", "/graphql", json={"query": query}, headers=headers))


async def sent(client: httpx.AsyncClient, request: httpx.Request) -> tuple[httpx.Response, bytes]:
    response = await client.send(request, stream=True)
    body = b"".join([part async for part in response.aiter_raw()])
    await response.aclose()
    return response, body


def serving(*routes: BaseRoute) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Starlette(routes=routes, middleware=[Middleware(Compression)]))
    return httpx.AsyncClient(transport=transport, base_url="http://library.example")


def answering(body: bytes, content_type: str, **headers: str) -> Route:
    def answer(_: Request) -> Response:
        return Response(body, headers={"Content-Type": content_type, **headers})

    return Route("/", answer)


@pytest.fixture
def app() -> Application:
    return Application()


@pytest.mark.parametrize("query", [PAGE, LARGE_PAGE])
@pytest.mark.parametrize("coding", ["zstd", "br", "gzip"])
async def test_an_answer_says_the_same_in_every_coding(app: Application, coding: str, query: str) -> None:
    _, plain = await ask(app, query, None)
    response, body = await ask(app, query, coding)
    assert response.headers["content-encoding"] == coding
    assert response.headers["content-length"] == str(len(body))
    assert len(body) * 3 < len(plain)
    assert EXPAND[coding](body) == plain


@pytest.mark.parametrize(
    ("accept_encoding", "coding"),
    [
        (None, None),
        ("", None),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate", "gzip"),
        ("GZIP", "gzip"),
        ("deflate, compress", None),
        ("zstd;q=0.5, br;q=0.7, gzip;q=0.6", "br"),
        ("zstd;q=0, gzip;q=0.001", "gzip"),
        ("zstd ; q=0.000, br; q=0.0", None),
        ("gzip;q=0.5, identity", None),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("gzip;q=nonsense", None),
        ("*", "gzip"),
        ("*;q=0.5, br", "br"),
        ("gzip;q=0, *", None),
        ("*;q=0", None),
        ("gzip;q=0, identity;q=0", None),
        ("identity;q=0, br", "br"),
        ("*;q=0, zstd", "zstd"),
        ("\x7f, gzip", "gzip"),
    ],
)
async def test_the_caller_chooses_the_coding(app: Application, accept_encoding: str | None, coding: str | None) -> None:
    response, body = await ask(app, PAGE, accept_encoding)
    assert response.status_code == 200
    assert response.headers.get("content-encoding") == coding
    assert response.headers["content-length"] == str(len(body))
    assert response.headers["vary"] == "Accept-Encoding, Origin"
    assert EXPAND[coding](body).startswith(b'{"data":')


async def test_several_lines_of_accept_encoding_are_one_list(app: Application) -> None:
    async with app.client() as client:
        headers = [("accept-encoding", "gzip;q=0.5"), ("accept-encoding", "br")]
        response = await client.post("/graphql", json={"query": PAGE}, headers=headers)
    assert response.headers["content-encoding"] == "br"


async def test_a_small_answer_is_sent_as_it_is_unless_the_caller_cannot_take_that(app: Application) -> None:
    response, body = await ask(app, "{ __typename }", "zstd, br, gzip")
    assert "content-encoding" not in response.headers
    assert body == b'{"data":{"__typename":"Query"}}'
    response, body = await ask(app, "{ __typename }", "gzip, identity;q=0")
    assert response.headers["content-encoding"] == "gzip"
    assert EXPAND["gzip"](body) == b'{"data":{"__typename":"Query"}}'


@pytest.mark.parametrize("accept", ["application/json", RESPONSE_JSON])
async def test_both_media_types_of_graphql_are_compressed(app: Application, accept: str) -> None:
    response, _ = await ask(app, PAGE, "gzip", accept=accept)
    assert response.headers["content-type"] == f"{accept}; charset=utf-8"
    assert response.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "text/javascript", "text/css", "image/svg+xml"])
async def test_what_pages_are_made_of_is_compressed(content_type: str) -> None:
    async with serving(answering(TEXT, content_type)) as client:
        response = await client.get("/", headers={"accept-encoding": "br"})
    assert response.headers["content-encoding"] == "br"
    assert response.content == TEXT


@pytest.mark.parametrize("content_type", ["font/ttf", "image/png", "application/octet-stream"])
async def test_what_does_not_become_smaller_is_sent_as_it_is(content_type: str) -> None:
    async with serving(answering(TEXT, content_type)) as client:
        response = await client.get("/", headers={"accept-encoding": "br"})
    assert "content-encoding" not in response.headers
    assert "vary" not in response.headers


async def test_nothing_is_compressed_twice() -> None:
    body = zlib.compress(TEXT, wbits=31)
    headers = {"Content-Encoding": "gzip", "Vary": "accept-encoding"}
    async with serving(answering(body, "text/css", **headers)) as client:
        response, raw = await sent(client, client.build_request("GET", "/", headers={"accept-encoding": "zstd, gzip"}))
    assert raw == body
    assert response.headers.get_list("content-encoding") == ["gzip"]
    assert response.headers.get_list("vary") == ["accept-encoding"]


async def test_an_answer_in_pieces_is_sent_as_it_comes() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield TEXT
        yield TEXT

    def answer(_: Request) -> Response:
        return StreamingResponse(pieces(), media_type="application/json")

    async with serving(Route("/", answer)) as client:
        response = await client.get("/", headers={"accept-encoding": "zstd"})
    assert "content-encoding" not in response.headers
    assert response.content == TEXT * 2


async def test_a_compressed_file_has_no_parts_and_no_strong_tag(tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_bytes(TEXT)

    def answer(_: Request) -> Response:
        return FileResponse(file)

    async with serving(Route("/", answer)) as client:
        plain = await client.get("/", headers={"accept-encoding": "identity"})
        whole = await client.get("/", headers={"accept-encoding": "gzip"})
        part = await client.get("/", headers={"accept-encoding": "gzip", "range": "bytes=0-2047"})
        head = await client.head("/", headers={"accept-encoding": "gzip"})
    assert whole.headers["content-encoding"] == "gzip"
    assert whole.headers["etag"] == "W/" + plain.headers["etag"]
    assert (plain.headers["accept-ranges"], whole.headers.get("accept-ranges")) == ("bytes", None)
    assert (part.status_code, part.content) == (206, TEXT[:2048])
    assert "content-encoding" not in part.headers
    assert head.status_code == 200
    assert "content-length" not in head.headers, "the length of what was not made is not known"


async def test_others_are_served_while_a_large_answer_is_compressed() -> None:
    async with serving(answering(TEXT * 1000, "application/json")) as client:
        request = asyncio.create_task(client.get("/", headers={"accept-encoding": "gzip"}))
        turns = 0
        while not request.done():
            await asyncio.sleep(0)
            turns += 1
        small = asyncio.create_task(client.get("/", headers={"accept-encoding": "identity"}))
        turns_without = 0
        while not small.done():
            await asyncio.sleep(0)
            turns_without += 1
    assert (await request).headers["content-encoding"] == "gzip"
    assert turns > 10 * turns_without
