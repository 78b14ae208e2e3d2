"""The load generator: HTTP/1.1 over kept connections, each sending its next request when an answer is complete.

One event loop and no task per request: on one core it asks some 20,000 times a second, far more than any server here
answers, so what is measured is the server.
"""

import asyncio
import itertools
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httptools
import uvloop

LONGEST_SECONDS = 180.0
"""For a whole run: a server that answers nothing at all is an error, not a measurement."""


class LoadFailed(Exception):
    """A server did not answer as it must; the message says which one and how."""


@dataclass(frozen=True)
class Stream:
    """Requests for some connections to send, over and over: for so many seconds, or so many of them, or up to both."""

    requests: Sequence[bytes]
    connections: int
    seconds: float = 0.0
    count: int = 0
    counted: bytes = b""
    """Something to be counted in the answers."""


@dataclass
class Sample:
    """What came of a stream: seconds of every answer, and sizes."""

    latencies: list[float] = field(default_factory=list)
    body_bytes: int = 0
    counted: int = 0
    errors: int = 0
    seconds: float = 0.0
    first_error: str = ""

    @property
    def requests(self) -> int:
        """How many were answered."""
        return len(self.latencies)


def http_request(port: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A POST to /graphql, in full."""
    lines = [
        "POST /graphql HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Content-Type: application/json",
        "Accept: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def run_load(port: int, streams: Sequence[Stream]) -> list[Sample]:
    """Send all streams side by side; give a sample of each when all answers are there.

    Raises:
        LoadFailed: the server closed a connection, or took far too long.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(asyncio.wait_for(_run(port, streams), LONGEST_SECONDS))
        except TimeoutError:
            raise LoadFailed(f"The server did not answer all within {LONGEST_SECONDS:g} s.") from None


def ask(port: int, request: bytes) -> bytes:
    """Send one request and give the body of its answer, whatever its status."""
    with asyncio.Runner() as runner:
        return runner.run(asyncio.wait_for(_ask(port, request), LONGEST_SECONDS))


async def _run(port: int, streams: Sequence[Stream]) -> list[Sample]:
    samples = [Sample() for _ in streams]
    connections: list[_Connection] = []
    for stream, sample in zip(streams, samples, strict=True):
        supply = _Supply(stream)
        connections += [await _connect(port, supply, sample) for _ in range(stream.connections)]
    try:
        for connection in connections:
            connection.begin()
        await asyncio.gather(*(connection.done for connection in connections))
    finally:
        for connection in connections:
            connection.close()
    return samples


async def _ask(port: int, request: bytes) -> bytes:
    answer = Sample()
    connection = await _connect(port, _Supply(Stream([request], 1, count=1)), answer)
    try:
        connection.begin()
        await connection.done
        return connection.last_body
    finally:
        connection.close()


async def _connect(port: int, supply: "_Supply", sample: Sample) -> "_Connection":
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: _Connection(supply, sample), "127.0.0.1", port)
    return connection


class _Supply:
    """The requests of one stream, for all its connections, until its time or its number is up."""

    def __init__(self, stream: Stream) -> None:
        self._requests: Iterator[bytes] = itertools.cycle(stream.requests)
        self._left = stream.count or None
        self._seconds = stream.seconds
        self.counted = stream.counted
        self._until: float | None = None
        self.started = 0.0

    def next(self) -> bytes | None:
        now = time.perf_counter()
        if self._until is None:
            self.started = now
            self._until = now + self._seconds if self._seconds else float("inf")
        if now >= self._until or self._left == 0:
            return None
        if self._left is not None:
            self._left -= 1
        return next(self._requests)


class _Connection(asyncio.Protocol):
    """One connection; `done` is set when its last answer is there."""

    def __init__(self, supply: _Supply, sample: Sample) -> None:
        self._supply = supply
        self._sample = sample
        self._parser = httptools.HttpResponseParser(self)
        self._transport: Any = None
        self._parts: list[bytes] = []
        self._sent_at = 0.0
        self.last_body = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begin(self) -> None:
        """Send the first request."""
        self._send()

    def close(self) -> None:
        """Close the connection."""
        if not self.done.done():
            self.done.cancel()
        self._transport.close()

    def _send(self) -> None:
        request = self._supply.next()
        if request is None:
            self.done.set_result(None)
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    # -- asyncio's events

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"The server answered with something that is not HTTP: {error}")

    def connection_lost(self, _error: Exception | None) -> None:
        """Fail, unless all was answered."""
        self._fail("The server closed the connection.")

    def _fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(LoadFailed(reason))

    # -- the parser's events

    def on_body(self, part: bytes) -> None:
        """Keep a part of the answer."""
        self._parts.append(part)

    def on_message_complete(self) -> None:
        """Take note of the answer, and send the next request."""
        now = time.perf_counter()
        sample, status = self._sample, self._parser.get_status_code()
        self.last_body = body = b"".join(self._parts)
        self._parts.clear()
        sample.latencies.append(now - self._sent_at)
        sample.seconds = now - self._supply.started
        sample.body_bytes += len(body)
        if self._supply.counted:
            sample.counted += body.count(self._supply.counted)
        # A quote inside a value would be escaped, so that these eight bytes can only be GraphQL's own key.
        if status != 200 or b'"errors"' in body:
            sample.errors += 1
            sample.first_error = sample.first_error or f"status {status}: {body[:300].decode(errors='replace')}"
        self._send()
