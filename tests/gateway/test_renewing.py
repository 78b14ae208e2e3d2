"""What tests share is, for each of them, as if it were its own: held here once for all."""

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from schema.ids import global_id
from tests.databases import Databases
from tests.gateway import administered, privileged
from tests.gateway.privileged import DELETE, OPEN, START, STARTED, Privileged
from tests.gateway.renewing import NewPeople, Populate, Stages
from tests.resolvers.shop import Shop

KINDS = [
    pytest.param(privileged.new_people, privileged.populate, id="people"),
    pytest.param(administered.new_people, administered.populate, id="administered"),
]
TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
SEQUENCES = "SELECT sequencename, last_value::text FROM pg_sequences ORDER BY sequencename"


async def picture(url: str, shop: Shop, people: Mapping[str, UUID]) -> dict[str, list[str]]:
    """Every row of every table and every sequence, without what is another one each time: ids, random names, times."""
    names = {str(id_): name for name, id_ in people.items()}
    names |= {str(getattr(shop, field.name)): field.name for field in fields(Shop)}
    young = datetime.now(UTC) - timedelta(minutes=2)

    def named(found: re.Match[str]) -> str:
        return names.get(found[0], "another" if UUID(found[0]).version in (4, 7) else found[0])

    def timed(found: re.Match[str]) -> str:
        return "now" if datetime.fromisoformat(found[0]) > young else found[0]

    def plain(row: str) -> str:
        row = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", named, row)
        row = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", timed, row)
        return re.sub(r"\bn[0-9a-f]{12}\b", "random", row)

    found: dict[str, list[str]] = {}
    async with create_async_engine(url, poolclass=NullPool).connect() as connection:
        for (table,) in (await connection.execute(text(TABLES))).all():
            rows = await connection.execute(text(f"SELECT to_jsonb(t)::text FROM {table} t"))  # noqa: S608
            found[table] = sorted(plain(row) for (row,) in rows)
        found["sequences"] = [str(tuple(row)) for row in await connection.execute(text(SEQUENCES))]
    return found


async def change(people: Privileged) -> None:
    """Change what can be changed, and leave a denial that nobody has written yet."""
    spare = {"instanceId": global_id("Instance", people.shop.spare)}
    assert (await people.ask("ope", START % STARTED, spare)).user_errors == []
    await people.settle()
    opened: dict[str, Any] = {
        "cloudId": global_id("Cloud", people.shop.alpha),
        "subjects": [global_id("Service", people.shop.depot)],
        "startsAt": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
        "endsAt": (datetime.now(UTC) + timedelta(days=2)).isoformat(),
        "reason": "disks",
    }
    assert (await people.ask("dtm", OPEN, opened)).user_errors == []
    assert (await people.ask("pow", DELETE, spare)).code == "INSUFFICIENT_USER_AUTHENTICATION"
    await people.sql("UPDATE product SET name = 'other'")
    await people.sql("UPDATE resource SET tags = '{}'")
    await people.sql("DELETE FROM membership")
    assert (await people.ask("std", DELETE, spare)).code == "NOT_FOUND"


@pytest.mark.parametrize(("new_people", "populate"), KINDS)
async def test_what_is_put_back_is_as_a_database_that_was_just_filled(
    stages: Stages, databases: Databases, new_people: NewPeople, populate: Populate
) -> None:
    shop, known, urls = Shop(), new_people(), databases.make()
    async with create_async_engine(urls.owner, poolclass=NullPool).begin() as connection:
        await populate(connection, shop, known)
    new = await picture(urls.owner, shop, known)
    databases.drop(urls)
    assert len(new) > 50
    assert len(new["product"]) > 50
    for _ in range(2):
        people = await stages.give(new_people, populate)
        assert await picture(people.database.owner, people.shop, people.people) == new
        await change(people)
        changed = await picture(people.database.owner, people.shop, people.people)
        assert {"event", "operation", "pgqueuer_log", "sequences", "audit_record", "mfa_challenge", "product"} <= {
            name for name in new if changed[name] != new[name]
        }
    people = await stages.give(new_people, populate)
    assert await picture(people.database.owner, people.shop, people.people) == new


async def test_nobody_and_nothing_has_an_id_or_a_time_that_another_had_before(stages: Stages) -> None:
    ids, times = [], []
    for _ in range(2):
        people = await stages.give(privileged.new_people, privileged.populate)
        rows = [row for table in (await people.state()).values() for (row,) in table]
        ids.append(
            {UUID(id_) for row in rows for id_ in re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", row)}
        )
        times.append(await people.sql("SELECT min(created_at), max(created_at) FROM account"))
    assert {id_.version for id_ in ids[0] & ids[1]} == {5}
    assert times[0] < times[1] < [(datetime.now(UTC),) * 2]


async def test_what_a_gateway_refused_in_one_test_is_not_recorded_in_the_next(stages: Stages) -> None:
    people = await stages.give(privileged.new_people, privileged.populate)
    assert (await people.ask("std", DELETE, {"instanceId": global_id("Instance", people.shop.spare)})).code
    people = await stages.give(privileged.new_people, privileged.populate)
    assert (await people.ask("ope", DELETE, {"instanceId": global_id("Instance", people.shop.spare)})).code
    while not (recorded := await people.sql("SELECT account_id FROM audit_record")):
        pass
    assert recorded == [(people.people["ope"],)]


async def test_a_database_whose_structure_was_changed_is_not_used_again(stages: Stages) -> None:
    people = await stages.give(privileged.new_people, privileged.populate)
    assert (await stages.give(privileged.new_people, privileged.populate)).database == people.database
    await people.sql("ALTER TABLE audit_record ADD CONSTRAINT nothing CHECK (decision <> 'ALLOWED')")
    changed = people.database
    people = await stages.give(privileged.new_people, privileged.populate)
    assert people.database != changed
    assert await people.sql("SELECT count(*) FROM pg_constraint WHERE conname = 'nothing'") == [(0,)]
