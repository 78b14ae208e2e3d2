"""Clients that take nothing: they are given up, and go on where they were."""

import asyncio
import contextlib
import json
import logging
import re
import socket as sockets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from auth.tables import uuid7
from gateway.postgres import DatabaseUrls
from gateway.settings import Settings
from tests.gateway.live import EVENTS, PROTOCOL, LiveShop, Socket, live_shop, quick, subjects
from tests.gateway.test_live import cursor_of_now

LARGE: Final = "subscription ($after: String) {{ events(after: $after) {{ cursor subjectId {} }} }}".format(
    " ".join(f"a{n}: cursor" for n in range(45))
)


@pytest.fixture
def too_slow() -> Iterator[asyncio.Event]:
    """Is set when the gateway says that a client was too slow."""
    dropped = asyncio.Event()

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            dropped.set()

    log, heard = logging.getLogger("gateway.live"), Heard()
    log.addHandler(heard)
    log.setLevel(logging.INFO)
    yield dropped
    log.setLevel(logging.NOTSET)
    log.removeHandler(heard)


@contextlib.contextmanager
def unread_socket(live: LiveShop) -> Iterator[sockets.socket]:
    """A connection that takes little before it is read from."""
    address = urlsplit(live.url)
    with sockets.socket() as unread:
        unread.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        unread.connect((address.hostname, address.port))
        unread.setblocking(False)
        yield unread


async def test_a_socket_that_reads_nothing_is_dropped_and_goes_on_where_it_was(
    tmp_path: Path, make_database: Callable[[], DatabaseUrls], too_slow: asyncio.Event
) -> None:
    settings = Settings(data_dir=tmp_path, live=quick(send_seconds=0.3))
    async with live_shop(settings, make_database()) as live:
        cursor, written = await cursor_of_now(live), [uuid7() for _ in range(2_000)]
        await live.log(*[live.event(subject) for subject in written])
        told: list[Any] = []
        with unread_socket(live) as unread:
            async with connect(
                live.url, sock=unread, subprotocols=[PROTOCOL], max_queue=1, compression=None
            ) as connection:
                slow = Socket(connection)
                await slow.init(live.token())
                await slow.subscribe(LARGE, {"after": cursor})
                await asyncio.wait_for(too_slow.wait(), 20)
                # What was on the way is still there.
                with contextlib.suppress(ConnectionClosed):
                    while len(told) < len(written):
                        told.append(await slow.next())
        assert 0 < len(told) < len(written)
        assert subjects(told) == written[: len(told)]
        async with live.socket() as socket:
            await socket.subscribe(EVENTS, {"after": told[-1]["cursor"]})
            assert subjects([await socket.next() for _ in range(20)]) == written[len(told) : len(told) + 20]


async def test_a_stream_that_reads_nothing_is_ended_and_goes_on_where_it_was(
    tmp_path: Path, make_database: Callable[[], DatabaseUrls], too_slow: asyncio.Event
) -> None:
    settings = Settings(data_dir=tmp_path, live=quick(send_seconds=0.3))
    async with live_shop(settings, make_database()) as live:
        cursor, written = await cursor_of_now(live), [uuid7() for _ in range(2_000)]
        await live.log(*[live.event(subject) for subject in written])
        body = json.dumps({"query": LARGE, "variables": {"after": cursor}})
        head = (
            "POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
            f"Authorization: Bearer {live.token()}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        )
        with unread_socket(live) as unread:
            reader, writer = await asyncio.open_connection(sock=unread, limit=4096)
            writer.write(f"{head}\r\n\r\n{body}".encode())
            await asyncio.wait_for(too_slow.wait(), 20)
            # What was on the way is still there, and then nothing more.
            answer = await asyncio.wait_for(reader.read(-1), 20)
            writer.close()
        told = [json.loads(data) for data in re.findall(rb"event: next\ndata: (.*)\n", answer)]
        events = [body["data"]["events"] for body in told if "data" in body]
        assert 0 < len(events) < len(written)
        assert subjects(events) == written[: len(events)]
        async with live.stream(EVENTS, {"after": events[-1]["cursor"]}) as stream:
            assert subjects([await stream.next() for _ in range(20)]) == written[len(events) : len(events) + 20]
