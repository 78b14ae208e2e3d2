"""A gateway whose operations are executed by an orchestrator over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from auth.signatures import MessageKeyFile
from gateway.keys import operation_seal
from gateway.postgres import DatabaseUrls
from gateway.settings import Settings, WorkerSettings
from resolvers.egress import Egress
from resolvers.operations.drivers.webhook import Orchestrator as Place
from resolvers.operations.drivers.webhook import WebhookDriver
from resolvers.operations.execution import Execution
from schema.ids import global_id
from tests.gateway.orchestrator import Asked, Orchestrator, new_secret, orchestrating, report, written_keys
from tests.gateway.privileged import START, STARTED, Privileged, privileged

KEY = "2026-11"
STARTING = START % STARTED
OPERATION = "SELECT status, progress, message FROM operation WHERE action = 'START_INSTANCE'"


@dataclass
class Webhook:
    """The gateway, its orchestrator, and the file of their keys."""

    people: Privileged
    orchestrator: Orchestrator
    file: Path
    seconds: float = 10.0
    silence: timedelta = timedelta(minutes=15)

    async def submit(self) -> UUID:
        """Ask for a start of the instance that is inactive; gives the operation."""
        values = {"instanceId": global_id("Instance", self.people.shop.spare)}
        started = (await self.people.ask("ope", STARTING, values)).payload
        return UUID(started["operation"]["id"].removeprefix("opn_"))

    async def give_secret(self, operation_id: UUID, secret: str) -> None:
        """Let an operation bring a secret."""
        sealed = operation_seal(self.people.gateway.settings).seal(operation_id, secret.encode())
        await self.people.sql(
            "INSERT INTO operation_secret (organization_id, cloud_id, operation_id, sealed)"
            " SELECT organization_id, cloud_id, id, :sealed FROM operation WHERE id = :id",
            id=operation_id,
            sealed=sealed,
        )

    @asynccontextmanager
    async def driver(self) -> AsyncIterator[WebhookDriver]:
        settings = self.people.gateway.settings
        place = Place(self.orchestrator.url, "https://gateway.example/operations/callback", self.seconds, self.silence)
        egress = Egress(settings.egress_hosts, plain_loopback=True)
        driver = WebhookDriver(place, egress, MessageKeyFile(self.file).keys, self.people.worker_database)
        try:
            yield driver
        finally:
            await driver.close()

    async def execute(self, operation_id: UUID) -> None:
        """Execute an operation, as a worker does."""
        async with self.driver() as driver:
            seal = operation_seal(self.people.gateway.settings)
            execution = Execution(self.people.worker_database, driver, seal, observe_seconds=0.02)
            async with asyncio.timeout(30):
                await execution.run(operation_id)

    async def report(self, asked: Asked, key: str = KEY, **members: Any) -> httpx.Response:
        return await report(self.people.gateway.client, self.orchestrator, asked, key, **members)

    async def operation(self) -> tuple[Any, ...]:
        """The status, the progress and the message of the one operation."""
        (row,) = await self.people.sql(OPERATION)
        return tuple(row)

    async def step(self) -> tuple[Any, ...]:
        """The id, the nonce of the last attempt, and the report of the one step."""
        statement = "SELECT id, nonce, report FROM operation_step WHERE name = 'Start the instance'"
        (row,) = await self.people.sql(statement)
        return tuple(row)

    async def instance(self) -> str:
        """The status of the instance."""
        ((status,),) = await self.people.sql("SELECT status FROM resource WHERE id = :id", id=self.people.shop.spare)
        return str(status)


@asynccontextmanager
async def webhooks(folder: Path, urls: DatabaseUrls) -> AsyncIterator[Webhook]:
    """Serve both over an empty database."""
    keys = {KEY: new_secret()}
    file = written_keys(folder / "webhook.json", keys)
    async with orchestrating(keys) as orchestrator:
        worker = WorkerSettings(driver="webhook", webhook_url=orchestrator.url, webhook_keys_file=file)
        settings = Settings(
            data_dir=folder,
            pool_size=4,
            egress_hosts=[httpx.URL(orchestrator.url).netloc.decode()],
            egress_plain_loopback=True,
            worker=worker,
        )
        async with privileged(settings, urls) as people:
            yield Webhook(people, orchestrator, file)
