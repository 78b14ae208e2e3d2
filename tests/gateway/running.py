"""The composed gateway, served over real HTTP to the accounts of a small database."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import uvicorn
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import create_async_engine

from auth.issuer import Issuer
from gateway.addresses import settings_at
from gateway.app import create_app
from gateway.keys import signing_key
from gateway.postgres import DatabaseUrls
from gateway.settings import Settings
from tests.resolvers.shop import Shop, load_shop


@dataclass(frozen=True)
class Gateway:
    """A gateway that serves; `client` has the token of the shop's one person, who sees the Cloud alpha."""

    client: httpx.AsyncClient
    server: uvicorn.Server
    settings: Settings

    def token(self, account: UUID) -> str:
        return Issuer(signing_key(self.settings), self.settings.issuer, self.settings.audience).issue(account)

    async def ask(self, document: str, variables: Mapping[str, Any] | None = None) -> httpx.Response:
        return await self.client.post("/graphql", json={"query": document, "variables": variables})

    async def data(self, document: str) -> Any:
        """What a whole answer holds."""
        answer = await self.ask(document)
        assert answer.status_code == 200, answer.text
        assert "errors" not in answer.json(), answer.text
        return answer.json()["data"]


async def fill(database: DatabaseUrls, shop: Shop) -> None:
    """Write a shop into an empty database."""
    async with create_async_engine(database.owner, poolclass=NullPool).begin() as connection:
        await load_shop(connection, shop)


class Server(uvicorn.Server):
    """A server that stops when it is told to, not at its next look, and leaves signals to whoever runs the tests."""

    def __init__(self, config: uvicorn.Config) -> None:
        self._told = asyncio.Event()
        super().__init__(config)

    @property
    def should_exit(self) -> bool:
        return self._told.is_set()

    @should_exit.setter
    def should_exit(self, told: bool) -> None:
        if told:
            self._told.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._told.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def free_port() -> int:
    """A port for who must know it before they serve there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@asynccontextmanager
async def running(
    settings: Settings, database: DatabaseUrls, shop: Shop, *, port: int = 0, listener: socket.socket | None = None
) -> AsyncIterator[Gateway]:
    """Serve the gateway on a free port, one that is chosen, or one that is listened on, until the block ends."""
    with listener or socket.create_server(("127.0.0.1", port)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # Tokens are in the name that a test's own issuer has, wherever the gateway listens.
        settings = settings_at(settings, url, settings.issuer)
        config = uvicorn.Config(
            create_app(settings, database),
            log_config=None,
            access_log=False,
            proxy_headers=False,
            ws="websockets-sansio",
        )
        server = Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        try:
            # The socket listens already: a request waits until the server accepts it.
            async with httpx.AsyncClient(base_url=url, timeout=30) as client:
                gateway = Gateway(client, server, settings)
                client.headers["Authorization"] = f"Bearer {gateway.token(shop.account)}"
                yield gateway
        finally:
            server.should_exit = True
            await serving
