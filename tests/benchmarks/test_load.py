"""The load generator, against a small server of the test's own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.load import LoadFailed, Stream, ask, http_request, run_load


@contextmanager
def answering(*answers: bytes) -> Iterator[int]:
    """A server that gives each connection these answers in turn, whatever it is asked, and then closes it; its port."""
    ready, ended = threading.Event(), threading.Event()
    port = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for each in answers:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            writer.write(each)
        writer.close()

    async def serve() -> None:
        nonlocal port
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            ready.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait()
    try:
        yield port
    finally:
        ended.set()
        thread.join()


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"dat\r\n8\r\na":[1,1]\r\n1\r\n}\r\n0\r\n\r\n'


def test_a_stream_is_answered_as_often_as_it_is_asked() -> None:
    with answering(*[ok(b'{"data":[1,1]}')] * 10) as port:
        request = http_request(port, b"{}", {})
        (sample,) = run_load(port, [Stream([request], connections=3, count=10, counted=b"1")])
    assert (sample.requests, sample.errors, sample.body_bytes, sample.counted) == (10, 0, 140, 20)
    assert 0 < max(sample.latencies) <= sample.seconds


def test_streams_run_side_by_side_until_their_time_is_up() -> None:
    with answering(*[ok(b"{}")] * 100_000) as port:
        request = http_request(port, b"{}", {})
        streams = [Stream([request], 1, seconds=1), Stream([request], 2, count=3)]
        long, short = run_load(port, streams)
    assert long.requests > short.requests == 3
    assert 0.9 < long.seconds < 10


def test_answers_in_chunks_are_read_as_one() -> None:
    with answering(CHUNKED) as port:
        assert ask(port, http_request(port, b"{}", {})) == b'{"data":[1,1]}'


def test_errors_are_counted_and_the_first_is_kept() -> None:
    refused = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}"
    with answering(ok(b'{"data":null,"errors":[{"message":"no"}]}'), refused, ok(b'{"data":"\\"errors\\""}')) as port:
        (sample,) = run_load(port, [Stream([http_request(port, b"{}", {})], 1, count=3)])
    assert (sample.requests, sample.errors) == (3, 2)
    assert sample.first_error.startswith('status 200: {"data":null')


def test_a_server_that_closes_is_no_measurement() -> None:
    with answering(ok(b"{}")) as port, pytest.raises(LoadFailed, match="closed the connection"):
        run_load(port, [Stream([http_request(port, b"{}", {})], 1, count=2)])
