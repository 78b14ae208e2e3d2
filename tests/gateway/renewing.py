"""One database and one gateway for many tests: before each, every row is put back as it was, under new ids.

Whoever and whatever a test finds has ids that no test before it had. So nothing that the gateway remembers of accounts,
organizations or resources, such as how often somebody rehearsed, reaches from one test into the next.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.audit.denials import DenialLog
from auth.keys import SigningKey
from auth.statements import connect_arguments
from auth.tables import uuid7
from gateway import app
from gateway.auditing import Audit
from gateway.postgres import DatabaseUrls
from gateway.settings import Settings
from resolvers.database import Database
from resolvers.transaction import open_transaction
from tests.databases import Databases
from tests.gateway.privileged import Privileged
from tests.gateway.running import Gateway, running
from tests.resolvers.shop import Shop

NewPeople = Callable[[], Mapping[str, UUID]]
Populate = Callable[[AsyncConnection, Shop, Mapping[str, UUID]], Awaitable[None]]

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME: Final = re.compile(r'"(\d{4}-\d\d-\d\dT[^"]+)"')
_DERIVED: Final = 5
"""The version of the ids of reference data, which are the same everywhere."""
_ORDERED: Final = 7
"""The version of ids that are in the order in which they were made."""
_TABLES: Final = """
SELECT c.table_name, string_agg(quote_ident(c.column_name), ', ' ORDER BY c.ordinal_position)
FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER'
GROUP BY c.table_name ORDER BY c.table_name
"""
STRUCTURE: Final = " || ' ' || ".join(
    f"(SELECT concat(count(*), ':', sum(xmin::text::bigint)) FROM {catalog} WHERE {oid} >= 16384)"  # noqa: S608 - our own text
    for catalog, oid in {
        "pg_class": "oid",
        "pg_attribute": "attrelid",
        "pg_attrdef": "oid",
        "pg_constraint": "oid",
        "pg_trigger": "oid",
        "pg_policy": "oid",
        "pg_proc": "oid",
    }.items()
)
"""How many definitions there are, and the sum of the transactions that wrote them: another text after any change."""


class Denials(DenialLog):
    """What writes denials, and can be asked to have written them."""

    async def written(self) -> None:
        while self._queues:
            self._full.set()
            await asyncio.sleep(0.001)


class Recorder(Audit):
    """What records beside commands, but no checkpoints, which would be made while a test looks at what there is."""

    def __init__(self, database: Database, signing: Callable[[], SigningKey]) -> None:
        super().__init__(database, signing)
        self._denials = self.log = Denials(lambda: open_transaction(database))

    async def _sign(self) -> None:
        await asyncio.Event().wait()


class Renewed:
    """A filled database and a gateway over it, which tests change one after the other."""

    def __init__(
        self, gateway: Gateway, database: DatabaseUrls, owner: asyncpg.Connection, log: Denials, new_people: NewPeople
    ) -> None:
        self._owner, self._log, self._new_people = owner, log, new_people
        self._shop, self._known = Shop(), new_people()
        self.people = Privileged(gateway, database, self._shop, self._known)
        self._begun_at = self._filled_at = datetime.now(UTC)
        self._rows: dict[str, str] = {}
        self._columns: dict[str, str] = {}
        self._ordered: list[str] = []
        self._sequences: list[str] = []
        self._structure = ""

    async def fill(self, populate: Populate) -> None:
        """Fill the empty database, and remember what is in it then."""
        async with self.people.owner.begin() as connection:
            await populate(connection, self._shop, self._known)
        self._filled_at = datetime.now(UTC)
        self._columns = dict(await self._owner.fetch(_TABLES))
        for name, columns in self._columns.items():
            rows = f"SELECT json_agg(r) FROM (SELECT {columns} FROM {name}) r"  # noqa: S608
            self._rows[name] = await self._owner.fetchval(rows) or "[]"
        ids = {UUID(id_) for rows in self._rows.values() for id_ in _UUID.findall(rows)}
        self._ordered = [str(id_) for id_ in sorted(ids) if id_.version == _ORDERED]
        found = await self._owner.fetch("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'")
        self._sequences = [name for (name,) in found]
        self._structure = await self._owner.fetchval(f"SELECT {STRUCTURE}")

    async def is_whole(self) -> bool:
        """Whether the tables, columns, constraints, triggers, policies and functions are those of the beginning."""
        return bool(await self._owner.fetchval(f"SELECT {STRUCTURE}") == self._structure)

    async def renew(self) -> Privileged:
        """Put back every row, under new ids and as if it were written now; gives the new people."""
        await self._log.written()
        shop, known = Shop(), self._new_people()
        renamed = {str(getattr(self._shop, field.name)): str(getattr(shop, field.name)) for field in fields(Shop)}
        renamed |= {str(self._known[name]): str(known[name]) for name in known}
        renamed |= {old: str(uuid7()) for old in self._ordered if old not in renamed}
        age = datetime.now(UTC) - self._filled_at

        def rename(found: re.Match[str]) -> str:
            if UUID(found[0]).version == _DERIVED:
                return found[0]
            return renamed.setdefault(found[0], str(uuid4()))

        def shift(found: re.Match[str]) -> str:
            time = datetime.fromisoformat(found[1])
            return f'"{(time + age).isoformat()}"' if time >= self._begun_at else found[0]

        rows = {name: _TIME.sub(shift, _UUID.sub(rename, rows)) for name, rows in self._rows.items()}
        statements = (
            "BEGIN",
            "SET LOCAL session_replication_role = replica",
            # Whoever still writes is waited for.
            "SET LOCAL lock_timeout = '15s'",
            f"LOCK TABLE {', '.join(rows)} IN EXCLUSIVE MODE",
            *(f"DELETE FROM {name}" for name in rows),  # noqa: S608
            *(self._written(name, rows[name]) for name in rows if rows[name] != "[]"),
            *(f"SELECT setval('{name}', 1, false)" for name in self._sequences),
            "COMMIT",
        )
        await self._owner.execute("; ".join(statements))
        people = self.people
        people.shop, people.people = shop, known
        people.gateway.client.headers["Authorization"] = f"Bearer {people.gateway.token(shop.account)}"
        return people

    def _written(self, name: str, rows: str) -> str:
        columns = self._columns[name]
        return (
            f"INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE"  # noqa: S608
            f" SELECT {columns} FROM json_populate_recordset(NULL::{name}, $rows${rows}$rows$)"
        )


@asynccontextmanager
async def renewing(
    settings: Settings, databases: Databases, new_people: NewPeople, populate: Populate
) -> AsyncIterator[Renewed]:
    """Serve the gateway over a database of its own."""
    urls, made = databases.make(), list[Recorder]()

    def recorder(database: Database, signing: Callable[[], SigningKey]) -> Recorder:
        made.append(Recorder(database, signing))
        return made[-1]

    async with AsyncExitStack() as stack:
        stack.callback(databases.drop, urls)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(app, "Audit", recorder)
            gateway = await stack.enter_async_context(running(settings, urls, Shop()))
        owner = await asyncpg.connect(**connect_arguments(urls.owner))
        stack.push_async_callback(owner.close)
        renewed = Renewed(gateway, urls, owner, made[0].log, new_people)
        stack.push_async_callback(renewed.people.close)
        await renewed.fill(populate)
        yield renewed


class Stages:
    """What tests share, each kind made when it is first needed, and anew when a test has changed its structure."""

    def __init__(self, databases: Databases, folder: Callable[[], Path]) -> None:
        self._databases, self._folder = databases, folder
        self._kept: dict[Populate, tuple[AsyncExitStack, Renewed]] = {}

    async def give(self, new_people: NewPeople, populate: Populate) -> Privileged:
        """Give people of a gateway over a database that is as if it were just filled by `populate`."""
        if populate in self._kept:
            stack, renewed = self._kept[populate]
            if await renewed.is_whole():
                return await renewed.renew()
            del self._kept[populate]
            await stack.aclose()
        stack, settings = AsyncExitStack(), Settings(data_dir=self._folder(), pool_size=6)
        renewed = await stack.enter_async_context(renewing(settings, self._databases, new_people, populate))
        self._kept[populate] = stack, renewed
        return await renewed.renew()

    async def close(self) -> None:
        """Stop and drop all."""
        while self._kept:
            _, (stack, _) = self._kept.popitem()
            await stack.aclose()
