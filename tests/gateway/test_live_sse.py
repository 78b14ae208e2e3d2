"""GraphQL over SSE, distinct connections: streams, and what is answered without one."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from auth.tables import uuid7
from gateway.postgres import DatabaseUrls
from gateway.settings import Settings
from resolvers.events import EventKind
from tests.gateway.live import EVENTS, OPERATION, LiveShop, live_shop, quick, subjects
from tests.gateway.test_live import cursor_of_now

STREAM = {"Accept": "text/event-stream"}
VIEWER = "{ viewer { email } }"


@pytest.fixture(scope="module")
async def live(
    tmp_path_factory: pytest.TempPathFactory, make_database: Callable[[], DatabaseUrls]
) -> AsyncIterator[LiveShop]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("live"), live=quick(keep_alive_seconds=0.05, most_behind=5))
    async with live_shop(settings, make_database()) as live:
        yield live


async def test_a_stream_is_told_of_events_and_kept_alive(live: LiveShop) -> None:
    cursor, subject = await cursor_of_now(live), uuid7()
    async with live.stream(EVENTS, {"after": cursor}) as stream:
        assert stream.answer.status_code == 200
        assert stream.answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.answer.headers["cache-control"] == "no-store, no-transform"
        assert "content-encoding" not in stream.answer.headers
        while stream.comments < 3:
            stream.comments += (await anext(stream.lines)) == ":"
        await live.log(live.event(subject))
        assert subjects([await stream.next()]) == [subject]


async def test_a_stream_can_be_asked_for_with_get(live: LiveShop) -> None:
    query = {"query": "subscription { events { nothing } }"}
    answer = await live.gateway.client.get("/graphql", params=query, headers=STREAM)
    assert answer.status_code == 200
    assert "GRAPHQL_VALIDATION_FAILED" in answer.text
    assert answer.text.endswith("\n\nevent: complete\ndata:\n\n")


async def test_a_stream_is_complete_when_the_operation_has_ended(live: LiveShop) -> None:
    await live.sql("UPDATE operation SET status = 'IN_PROGRESS', progress = 0, completed_at = NULL")
    id_ = f"opn_{live.shop.operation.hex}"
    async with live.stream(OPERATION, {"id": id_}) as stream:
        assert (await stream.next())["status"] == "IN_PROGRESS"
        await live.sql("UPDATE operation SET status = 'ERROR', completed_at = now()")
        await live.log(live.event(live.shop.operation, EventKind.OPERATION_UPDATED, "Operation"))
        assert (await stream.next())["status"] == "ERROR"
        assert await stream.event() == ("complete", None)
        with pytest.raises(EOFError):
            await stream.event()


async def test_a_query_is_answered_as_json_to_whoever_takes_json_too(live: LiveShop) -> None:
    headers = {"Accept": "text/event-stream, application/json"}
    answer = await live.gateway.client.post("/graphql", json={"query": VIEWER}, headers=headers)
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json() == {"data": {"viewer": {"email": "ann@acme.example"}}}


async def test_a_query_is_a_stream_of_one_result_to_whoever_takes_nothing_else(live: LiveShop) -> None:
    async with live.stream(VIEWER) as stream:
        assert await stream.next() == {"email": "ann@acme.example"}
        assert await stream.event() == ("complete", None)


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [("Bearer no.token.here", 401, "UNAUTHENTICATED"), ("Basic YTpi", 401, "UNAUTHENTICATED")],
)
async def test_a_token_that_is_not_valid_gets_no_stream(live: LiveShop, token: str, status: int, code: str) -> None:
    headers = {"Accept": "text/event-stream, application/graphql-response+json", "Authorization": token}
    answer = await live.gateway.client.post("/graphql", json={"query": EVENTS}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, code)


async def test_the_anonymous_cannot_subscribe(live: LiveShop) -> None:
    request = live.gateway.client.build_request("POST", "/graphql", json={"query": EVENTS}, headers=STREAM)
    del request.headers["authorization"]
    answer = await live.gateway.client.send(request)
    assert '"code":"UNAUTHENTICATED"' in answer.text
    assert '"data"' not in answer.text


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json", "*/*"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_subscription_is_not_answered_as_json(live: LiveShop, accept: str, method: str) -> None:
    sent: dict[str, Any] = {"json" if method == "POST" else "params": {"query": EVENTS}}
    answer = await live.gateway.client.request(method, "/graphql", headers={"Accept": accept}, **sent)
    assert answer.status_code == 406
    assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_ACCEPTABLE"


async def test_a_stream_ends_when_its_token_expires_and_says_where_to_go_on(live: LiveShop) -> None:
    cursor, first, second = await cursor_of_now(live), uuid7(), uuid7()
    async with live.stream(EVENTS, {"after": cursor}, live.token(expires_in=timedelta(seconds=3))) as stream:
        await live.log(live.event(first))
        assert subjects([await stream.next()]) == [first]
        ended = await stream.last_error()
    assert ended["code"] == "UNAUTHENTICATED"
    await live.log(live.event(second))
    async with live.stream(EVENTS, {"after": ended["cursor"]}) as stream:
        assert subjects([await stream.next()]) == [second]


async def test_a_client_that_falls_behind_is_told_where_to_go_on(live: LiveShop) -> None:
    cursor, written = await cursor_of_now(live), [uuid7() for _ in range(20)]
    async with live.stream(EVENTS, {"after": cursor}) as stream:
        await live.log(live.event(uuid7()))
        first = await stream.next()
        # More at once than it may fall behind.
        await live.log(*[live.event(subject) for subject in written])
        ended = await stream.last_error()
    assert ended["code"] == "FELL_BEHIND"
    async with live.stream(EVENTS, {"after": ended["cursor"]}) as stream:
        assert subjects([await stream.next() for _ in written]) == written
    assert first["cursor"] != ended["cursor"]


async def test_streams_end_when_the_server_stops(tmp_path: Path, make_database: Callable[[], DatabaseUrls]) -> None:
    settings = Settings(data_dir=tmp_path, live=quick())
    async with live_shop(settings, make_database()) as live, live.stream(EVENTS) as stream:
        await anext(stream.lines)
        live.gateway.server.config.app.state.end_streams()  # type: ignore[union-attr]
        assert await stream.event() == ("complete", None)
