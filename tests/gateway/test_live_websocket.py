"""graphql-transport-ws: what the protocol says, and why a socket is closed."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from auth.tables import uuid7
from gateway.postgres import DatabaseUrls
from gateway.settings import Settings
from tests.gateway.live import EVENTS, PROTOCOL, LiveShop, live_shop, quick, subjects
from tests.gateway.test_live import cursor_of_now

CONSOLE = "https://console.acme.example"
SUBSCRIBE: dict[str, Any] = {"type": "subscribe", "id": "1", "payload": {"query": EVENTS}}
INIT: dict[str, Any] = {"type": "connection_init"}


@pytest.fixture(scope="module")
async def live(
    tmp_path_factory: pytest.TempPathFactory, make_database: Callable[[], DatabaseUrls]
) -> AsyncIterator[LiveShop]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("live"), cors_origins=[CONSOLE], live=quick(subscriptions=3, init_seconds=5)
    )
    async with live_shop(settings, make_database()) as live:
        yield live


@pytest.mark.parametrize("name", ["Authorization", "authorization"])
async def test_the_token_comes_with_connection_init(live: LiveShop, name: str) -> None:
    async with live.socket(init=False) as socket:
        await socket.init(live.token(), name)


async def test_a_ping_is_answered_before_and_after_connection_init(live: LiveShop) -> None:
    async with live.socket(init=False) as socket:
        await socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}
        await socket.init(live.token())
        await socket.send(type="pong", payload={"any": "thing"})
        await socket.send(type="ping", payload=None)
        assert await socket.receive() == {"type": "pong"}


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["no JSON"], 4400),
        (['{"type": "ping", "type": "pong"}'], 4400),
        (["[" * 20_000], 4400),
        (["[]"], 4400),
        ([b"{}"], 4400),
        ([{}], 4400),
        ([{"type": "start"}], 4400),
        ([{**INIT, "payload": "token"}], 4400),
        ([SUBSCRIBE], 4401),
        ([INIT], 4403),
        ([{**INIT, "payload": {"Authorization": "Bearer no.token.here"}}], 4403),
        ([{**INIT, "payload": {"Authorization": ["Bearer"]}}], 4403),
        (["token", {**SUBSCRIBE, "id": ""}], 4400),
        (["token", {**SUBSCRIBE, "id": 1}], 4400),
        (["token", {**SUBSCRIBE, "payload": None}], 4400),
        (["token", {"type": "complete"}], 4400),
        (["token", "token"], 4429),
        (["token", SUBSCRIBE, SUBSCRIBE], 4409),
        (["x" * 200_000], 1009),
    ],
)
async def test_what_is_not_of_the_protocol_closes_the_socket(live: LiveShop, messages: list[Any], code: int) -> None:
    token = {**INIT, "payload": {"Authorization": f"Bearer {live.token()}"}}
    async with live.socket(init=False) as socket:
        for message in messages:
            sent = token if message == "token" else message
            await socket.connection.send(json.dumps(sent) if isinstance(sent, dict) else sent)
        assert await socket.closed() == code
        assert len(socket.connection.close_reason or "") > 10


async def test_a_client_that_does_not_say_who_it_is_is_not_waited_for(
    tmp_path: Path, make_database: Callable[[], DatabaseUrls]
) -> None:
    settings = Settings(data_dir=tmp_path, live=quick(init_seconds=0.05))
    async with live_shop(settings, make_database()) as live:
        async with live.socket(init=False) as socket:
            assert await socket.closed() == 4408
        async with live.socket() as socket:
            await socket.subscribe("subscription { nothing }")
            assert await socket.errors()  # it was in time, and stays


@pytest.mark.parametrize("protocols", [None, [Subprotocol("graphql-ws")]])
async def test_who_speaks_another_protocol_is_told_so(live: LiveShop, protocols: Any) -> None:
    async with connect(live.url, subprotocols=protocols) as connection:
        await asyncio.wait_for(connection.wait_closed(), 10)
        assert connection.close_code == 4406


async def test_pages_of_the_own_origin_and_of_those_allowed_may_connect(live: LiveShop) -> None:
    for origin in (CONSOLE, f"http://{urlsplit(live.url).netloc}"):
        async with live.socket(origin=Origin(origin)) as socket:
            await socket.send(type="ping")
            assert await socket.receive() == {"type": "pong"}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{CONSOLE}.evil.example", ""])
async def test_a_page_of_another_origin_may_not_connect(live: LiveShop, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(live.url, subprotocols=[PROTOCOL], origin=Origin(origin), additional_headers=None):
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{ viewer { email } }", "BAD_USER_INPUT"),
        ("mutation { startInstance(input: {instanceId: \"x\"}) { userErrors { code } } }", "BAD_USER_INPUT"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { events { cursor } resourceChanged { cursor } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { operationUpdated(id: \"nothing\") { id } }", "BAD_USER_INPUT"),
        ("subscription A { events { cursor } } subscription B { events { cursor } }", "OPERATION_RESOLUTION_FAILURE"),
        (("subscription { events { organization { resources(first: 100) { nodes {"
         " operations(first: 100) { nodes { steps { name } } } } } } } }"), "LIMIT_EXCEEDED"),
        ("subscription { events { " + "a: cursor " * 51 + "} }", "LIMIT_EXCEEDED"),
    ],
)  # fmt: skip
async def test_what_cannot_be_subscribed_to_is_refused_and_the_socket_stays(
    live: LiveShop, document: str, code: str
) -> None:
    async with live.socket() as socket:
        await socket.subscribe(document)
        assert {error["extensions"]["code"] for error in await socket.errors()} == {code}
        # The id is free again.
        await socket.subscribe(document)
        await socket.errors()


async def test_a_socket_has_so_many_subscriptions_and_no_more(live: LiveShop) -> None:
    async with live.socket() as socket:
        for number in range(4):
            await socket.subscribe(EVENTS, id_=str(number))
        (error,) = await socket.errors()
        assert error["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": "subscriptions", "value": 4, "maximum": 3}
        await socket.send(type="complete", id="0")
        cursor, subject = await cursor_of_now(live), uuid7()
        await socket.subscribe(EVENTS, {"after": cursor}, id_="0")
        await live.log(live.event(subject))
        told = {}
        for _ in range(3):
            message = await socket.receive()
            told[message["id"]] = subjects([message["payload"]["data"]["events"]])
        assert told["0"] == [subject]


async def test_a_subscription_that_was_completed_is_told_nothing_more(live: LiveShop) -> None:
    async with live.socket() as socket:
        cursor, first, second = await cursor_of_now(live), uuid7(), uuid7()
        await socket.subscribe(EVENTS, {"after": cursor}, id_="ended")
        await live.log(live.event(first))
        event = await socket.next()
        await socket.send(type="complete", id="ended")
        await socket.subscribe(EVENTS, {"after": event["cursor"]}, id_="other")
        await live.log(live.event(second))
        message = await socket.receive()
        assert (message["id"], subjects([message["payload"]["data"]["events"]])) == ("other", [second])


async def test_a_socket_is_closed_when_its_token_expires(live: LiveShop) -> None:
    # Within the leeway of clocks, the token is good: so the socket is closed at its time of expiry.
    async with live.socket(live.token(expires_in=timedelta(seconds=2))) as socket:
        await socket.subscribe(EVENTS)
        assert await socket.closed() == 4403
        assert "expired" in (socket.connection.close_reason or "")
