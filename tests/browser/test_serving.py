import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from gateway.graphiql import graphiql_routes


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return tmp_path / "dist"


@pytest.fixture
async def client(dist: Path) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=graphiql_routes(dist)))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client


def put_build(dist: Path) -> None:
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<title>GraphiQL</title>")
    (dist / "stamp").write_text("a digest")
    (dist / "assets" / "index-C0FFEE.js").write_text("start()")
    (dist / "assets" / "index-C0FFEE.js.gz").write_bytes(gzip.compress(b"start()"))


async def test_before_a_build_the_page_is_unavailable_and_says_how_to_make_one(
    client: httpx.AsyncClient, dist: Path
) -> None:
    answer = await client.get("/graphiql")
    assert answer.status_code == 503
    assert "./dev run python -m gateway.web.build" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    put_build(dist)
    assert (await client.get("/graphiql")).status_code == 200


async def test_the_page_may_run_its_own_scripts_only_and_stands_in_no_frame(
    client: httpx.AsyncClient, dist: Path
) -> None:
    put_build(dist)
    headers = (await client.get("/graphiql")).headers
    policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["worker-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert not re.search(r"https?:|\*|unsafe-eval", headers["content-security-policy"])
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-cache"


async def test_assets_are_kept_for_good_and_sent_compressed_to_who_accepts_it(
    client: httpx.AsyncClient, dist: Path
) -> None:
    put_build(dist)
    for accepted, encoding in [("br, gzip", "gzip"), ("gzip;q=0", None), ("identity", None)]:
        answer = await client.get("/graphiql/assets/index-C0FFEE.js", headers={"accept-encoding": accepted})
        assert answer.text == "start()"
        assert answer.headers.get("content-encoding") == encoding
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "path",
    [
        "missing.js",
        "index-C0FFEE.js.gz",
        "..%2Findex.html",
        "..%2Fstamp",
        "%2e%2e/stamp",
        "a%00.js",
        ".js",
        "%5c.js",
        "",
    ],
)
async def test_nothing_but_an_asset_is_served_as_one(client: httpx.AsyncClient, dist: Path, path: str) -> None:
    put_build(dist)
    assert (await client.get(f"/graphiql/assets/{path}")).status_code == 404
