"""A gateway over a small database that may be changed, with people of every profile, some with a second factor."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlmodel import SQLModel

from auth.issuer import Issuer
from auth.mfa.tables import Approval
from auth.tables import Account, AccountKind, Factor, Membership, OrganizationMember, Profile, table
from gateway.keys import operation_seal, signing_key
from gateway.postgres import DatabaseUrls
from gateway.settings import Settings
from resolvers.database import Database
from resolvers.operations.drivers.simulated import SimulatedDriver, Simulation
from resolvers.operations.execution import Execution
from tests.gateway.running import Gateway, running
from tests.resolvers.shop import NOON, Shop, load_shop

RESPONSE_JSON: Final = {"Accept": "application/graphql-response+json"}
START: Final = (
    "mutation ($input: StartInstanceInput!) { startInstance(input: $input) { %s userErrors { code field } } }"
)
STARTED: Final = "instance { status revision } operation { id action status message submittedBy { name } }"
DELETE: Final = (
    "mutation ($input: DeleteInstanceInput!) { deleteInstance(input: $input)"
    " { instance { id } operation { id resourceName resource { id } } userErrors { message code field } } }"
)
OPEN: Final = (
    "mutation ($input: CreateMaintenanceInput!) { createMaintenance(input: $input) { maintenance { reason startsAt"
    " createdBy services { nodes { name } } resources { nodes { name } } } operation { id action }"
    " userErrors { message code field } } }"
)


@dataclass(frozen=True)
class Reply:
    """What a client was answered."""

    answer: httpx.Response

    @property
    def body(self) -> Any:
        return self.answer.json()

    @property
    def code(self) -> str:
        """The code of the one error."""
        (error,) = self.body["errors"]
        code: str = error["extensions"]["code"]
        return code

    @property
    def payload(self) -> Any:
        """The payload of a mutation that was answered without an error."""
        assert "errors" not in self.body, self.body
        (payload,) = self.body["data"].values()
        return payload

    @property
    def user_errors(self) -> list[str]:
        return [error["code"] for error in self.payload["userErrors"]]


class Privileged:
    """Asks a gateway as people of the Cloud alpha, whose second factor succeeded so many seconds ago."""

    def __init__(self, gateway: Gateway, database: DatabaseUrls, shop: Shop, people: Mapping[str, UUID]) -> None:
        self.gateway, self.database, self.shop, self.people = gateway, database, shop, people
        self.worker_database = Database(database.app, pool_size=2, statement_seconds=10)
        # Its connections are kept, but where a test has broken them.
        self.owner = create_async_engine(database.owner, pool_pre_ping=True)

    async def close(self) -> None:
        """Close the connections to the database, but the gateway's own."""
        await self.worker_database.close()
        await self.owner.dispose()

    async def ask(self, who: str, document: str, values: Mapping[str, Any], *, mfa_age: int | None = 10) -> Reply:
        """Send a mutation with this input."""
        variables = {"input": values}
        headers = {**RESPONSE_JSON, "Authorization": f"Bearer {self.token(who, mfa_age)}"}
        return Reply(
            await self.gateway.client.post(
                "/graphql", json={"query": document, "variables": variables}, headers=headers
            )
        )

    def token(self, who: str, mfa_age: int | None = 10) -> str:
        settings = self.gateway.settings
        issuer = Issuer(signing_key(settings), settings.issuer, settings.audience)
        time = None if mfa_age is None else datetime.now(UTC) - timedelta(seconds=mfa_age)
        return issuer.issue(self.people[who], mfa_time=time)

    async def settle(self, simulation: Simulation | None = None) -> None:
        """Execute all operations that are queued, by a driver that takes no time unless it is told to fail."""
        driver = SimulatedDriver(simulation or Simulation(0))
        execution = Execution(self.worker_database, driver, operation_seal(self.gateway.settings))
        for job, payload in await self.sql("SELECT id, payload FROM pgqueuer WHERE status = 'queued' ORDER BY id"):
            await execution.run(UUID(bytes=payload))
            await self.sql("DELETE FROM pgqueuer WHERE id = :id", id=job)

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        """Run a statement as the owner."""
        async with self.owner.begin() as connection:
            result = await connection.execute(text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    async def write(self, *rows: SQLModel) -> None:
        """Write rows as the owner."""
        async with self.owner.begin() as connection:
            for row in rows:
                await connection.execute(insert(table(type(row))).values(row.model_dump()))

    async def approve(self, who: str, digest: bytes) -> None:
        """Approve an operation as answering its challenge does."""
        row = {"account_id": self.people[who], "digest": digest, "approved_at": datetime.now(UTC)}
        async with self.owner.begin() as connection:
            await connection.execute(insert(table(Approval)).values(row))

    async def open_digest(self, who: str) -> bytes:
        """The digest of the operation that a person was asked to approve."""
        statement = "SELECT digest FROM mfa_challenge WHERE account_id = :id AND kind = 'OPERATION'"
        ((digest,),) = await self.sql(statement, id=self.people[who])
        return bytes(digest)

    async def state(self) -> Mapping[str, list[Any]]:
        """All that mutations could have changed: every row of every table but challenges."""
        tables = await self.sql(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
            " AND table_type = 'BASE TABLE' AND table_name NOT IN ('mfa_challenge', 'audit_record', 'audit_chain')"
            " ORDER BY table_name"
        )
        rows = "SELECT '{0}', ARRAY(SELECT to_jsonb(t)::text FROM {0} t ORDER BY to_jsonb(t)::text)"
        found = await self.sql(" UNION ALL ".join(rows.format(name) for (name,) in tables))
        return {name: [(row,) for row in held] for name, held in found}


PEOPLE: Final = {
    "std": (Profile.STD, "alpha"),
    "dtm": (Profile.DTM, "alpha"),
    "ope": (Profile.OPE, "alpha"),
    "pow": (Profile.POW, "alpha"),
    "elsewhere": (Profile.POW, "beta"),
    "abroad": (Profile.POW, "omega"),
    "factorless": (Profile.POW, "alpha"),
}


async def populate(connection: AsyncConnection, shop: Shop, people: Mapping[str, UUID]) -> None:
    """Fill an empty database with a shop and its people; the instance `spare` is inactive, `web` active."""
    await load_shop(connection, shop)
    clouds = {"alpha": (shop.acme, shop.alpha), "beta": (shop.acme, shop.beta), "omega": (shop.globex, shop.omega)}
    for name, account in people.items():
        row = Account(
            id=account,
            email=f"{name}@people.example",
            kind=AccountKind.API_ACCOUNT if name == "program" else AccountKind.PERSON,
            organization_id=shop.acme if name == "program" else None,
            is_platform=name == "platform",
        )
        await connection.execute(insert(table(Account)).values(row.model_dump()))
        if name not in ("factorless", "program"):
            factor = Factor(account_id=account, kind="TOTP", label="phone", secret=b"sealed", confirmed_at=NOON)
            await connection.execute(insert(table(Factor)).values(factor.model_dump()))
    for name, (profile, cloud) in PEOPLE.items():
        organization_id, cloud_id = clouds[cloud]
        held = Membership(organization_id=organization_id, cloud_id=cloud_id, account_id=people[name], profile=profile)
        await connection.execute(insert(table(Membership)).values(held.model_dump()))
    place = OrganizationMember(
        organization_id=shop.acme, account_id=people["representative"], is_security_representative=True
    )
    await connection.execute(insert(table(OrganizationMember)).values(place.model_dump()))
    await connection.execute(text("UPDATE resource SET status = 'INACTIVE' WHERE id = :id"), {"id": shop.spare})
    await connection.execute(text("DELETE FROM load_balancer_member WHERE instance_id = :id"), {"id": shop.spare})


def new_people() -> dict[str, UUID]:
    """An id for everybody."""
    return {name: uuid4() for name in (*PEOPLE, "program", "representative", "platform", "nobody")}


@asynccontextmanager
async def privileged(settings: Settings, database: DatabaseUrls) -> AsyncIterator[Privileged]:
    """Fill an empty database, and serve the gateway over it."""
    shop, people = Shop(), new_people()
    async with running(settings, database, shop) as gateway:
        found = Privileged(gateway, database, shop, people)
        try:
            async with found.owner.begin() as connection:
                await populate(connection, shop, people)
            yield found
        finally:
            await found.close()
