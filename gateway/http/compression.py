"""Answers made smaller for callers who can read that: zstd, Brotli or gzip, as `Accept-Encoding` prefers.

Levels are the fastest that still make an inventory page several times smaller: the next ones cost up to five times the
CPU for a few percent. An answer in one piece is compressed; one in several, a file or a stream, is sent as it comes.
"""

import asyncio
import os
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import brotli
import zstandard
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.negotiation import JSON, RESPONSE_JSON, Codings, accepted_codings

SMALLEST: Final = 1024
"""Bytes of a body that is worth it: smaller ones take one packet anyway."""

LARGE: Final = 128 * 1024
"""Bytes of a body that is compressed in a thread; a smaller one takes less than half a millisecond."""

COMPRESSIBLE: Final = frozenset(
    {JSON, RESPONSE_JSON, "text/html", "text/javascript", "text/css", "text/plain", "image/svg+xml"}
)
"""The media types of ours that become smaller."""

_COMPRESS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "zstd": lambda body: zstandard.ZstdCompressor(level=1).compress(body),
    "br": lambda body: brotli.compress(body, quality=1),
    "gzip": lambda body: zlib.compress(body, 1, wbits=31),
}


class Compression:
    """Compresses answers, and says in `Vary` which depend on `Accept-Encoding`.

    Large ones are compressed in threads, so that nobody else waits for them, and no more at once than there are
    processors besides the one that serves.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._threads = asyncio.Semaphore(max(1, (os.cpu_count() or 1) - 1))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            send = _Answer(accepted_codings(scope["headers"]), self._compress, scope["method"] == "HEAD", send)
        await self._app(scope, receive, send)

    async def _compress(self, coding: str, body: bytes) -> bytes:
        compress = _COMPRESS[coding]
        if len(body) < LARGE:
            return compress(body)
        async with self._threads:
            return await asyncio.to_thread(compress, body)


class _Answer:
    """Sends one answer; where it may be compressed, its headers wait until the size of its body is known."""

    def __init__(
        self, codings: Codings, compress: Callable[[str, bytes], Awaitable[bytes]], is_head: bool, send: Send
    ) -> None:
        self._codings = codings
        self._compress = compress
        self._is_head = is_head
        self._send = send
        self._waiting: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self._may_be_compressed(message):
                self._waiting = message
                return
        elif self._waiting is not None:
            start, self._waiting = self._waiting, None
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                message = await self._compressed(start, message)
            await self._send(start)
        await self._send(message)

    def _may_be_compressed(self, start: Message) -> bool:
        headers = MutableHeaders(scope=start)
        if headers.get("content-type", "").partition(";")[0] not in COMPRESSIBLE:
            return False
        if "accept-encoding" not in headers.get("vary", "").lower():
            headers.add_vary_header("Accept-Encoding")
        if "no-transform" in headers.get("cache-control", ""):
            return False
        # A part of a file is counted in bytes of the file.
        return self._codings.best is not None and "content-encoding" not in headers and "content-range" not in headers

    async def _compressed(self, start: Message, message: Message) -> Message:
        headers = MutableHeaders(scope=start)
        body, coding = message.get("body", b""), self._codings.best
        if self._is_head:
            # What the body would be is not known, so neither is its length.
            del headers["content-length"]
            return message
        if coding is None or len(body) < (SMALLEST if self._codings.identity else 1):
            return message
        body = await self._compress(coding, body)
        headers["Content-Encoding"] = coding
        headers["Content-Length"] = str(len(body))
        # The same content in other bytes: what was said of the bytes holds no more.
        del headers["accept-ranges"]
        if headers.get("etag", "").startswith('"'):
            headers["ETag"] = "W/" + headers["etag"]
        return {**message, "body": body}
