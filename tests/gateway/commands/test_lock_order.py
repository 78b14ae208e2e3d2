"""Commands that lock several rows lock them in one order, whatever order they are asked in: none waits in a circle."""

import asyncio
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from auth.statements import Statement
from gateway.keys import operation_seal
from resolvers import commands
from resolvers.operations.drivers.simulated import SimulatedDriver, Simulation
from resolvers.operations.execution import Execution
from schema.ids import global_id
from tests.gateway.commands import test_load_balancers, test_maintenances
from tests.gateway.commands.asking import (
    ask,
    balancer,
    document,
    done,
    instance,
    instance_id,
    lb_id,
    member,
    member_id,
)
from tests.gateway.privileged import Privileged

Row = tuple[str, UUID]
"""A row by its table and its id."""


class Case(NamedTuple):
    """A mutation, and the rows that it locks, in the order in which it should."""

    mutation: str
    values: Mapping[str, Any]
    rows: Sequence[Row]


def new_ids(number: int) -> list[UUID]:
    """So many ids, in their order."""
    return sorted(uuid4() for _ in range(number))


def resources(*ids: UUID) -> list[Row]:
    return [("resource", id_) for id_ in sorted(ids)]


async def instances(people: Privileged, number: int) -> list[UUID]:
    """Write instances, the last of them first: where they lie in the table is no help."""
    ids = new_ids(number)
    for id_ in reversed(ids):
        await instance(people, f"i-{id_.hex}", id=id_)
    return ids


async def pair(people: Privileged, *, balancer_first: bool) -> tuple[UUID, UUID]:
    """Write a load balancer and an instance, the one or the other before the other by its id."""
    ids = new_ids(2)
    of_balancer, of_instance = ids if balancer_first else reversed(ids)
    await balancer(people, f"lb-{of_balancer.hex}", id=of_balancer)
    await instance(people, f"i-{of_instance.hex}", id=of_instance)
    return of_balancer, of_instance


def adding(of_balancer: UUID, of_instance: UUID) -> Case:
    values = {"loadBalancerId": lb_id(of_balancer), "instanceId": instance_id(of_instance), "port": 8080}
    return Case("addMemberLb", values, resources(of_balancer, of_instance))


def creating(people: Privileged, ids: Sequence[UUID]) -> Case:
    behind = [{"instanceId": instance_id(id_), "port": 8080} for id_ in ids]
    values = test_load_balancers.asked(people, name=f"lb-{uuid4().hex}", members=behind)
    return Case("createLb", values, resources(*ids))


def opening(people: Privileged, ids: Sequence[UUID], services: Sequence[UUID] = (), days: float = 30) -> Case:
    """Open a window on resources, and on Services, which are locked before them."""
    subjects = [*(instance_id(id_) for id_ in ids), *(global_id("Service", id_) for id_ in services)]
    values = test_maintenances.asked(people, days, subjects=subjects)
    return Case("createMaintenance", values, [*(("service", id_) for id_ in sorted(services)), *resources(*ids)])


async def adding_with_the_balancer_first(people: Privileged) -> Case:
    return adding(*await pair(people, balancer_first=True))


async def adding_with_the_instance_first(people: Privileged) -> Case:
    return adding(*await pair(people, balancer_first=False))


async def creating_from_the_last(people: Privileged) -> Case:
    return creating(people, (await instances(people, 3))[::-1])


async def creating_from_the_middle(people: Privileged) -> Case:
    first, second, third = await instances(people, 3)
    return creating(people, [second, third, first])


async def opening_from_the_last(people: Privileged) -> Case:
    services = sorted((people.shop.shop, people.shop.depot), reverse=True)
    return opening(people, (await instances(people, 3))[::-1], services)


CASES: Final[Sequence[Callable[[Privileged], Awaitable[Case]]]] = [
    adding_with_the_balancer_first,
    adding_with_the_instance_first,
    creating_from_the_last,
    creating_from_the_middle,
    opening_from_the_last,
]


@asynccontextmanager
async def held(people: Privileged, row: Row) -> AsyncIterator[None]:
    """Lock a row for as long as the block takes."""
    engine = create_async_engine(people.database.owner, poolclass=NullPool)
    async with engine.begin() as connection:
        name, id_ = row
        await connection.execute(text(f"SELECT id FROM {name} WHERE id = :id FOR UPDATE"), {"id": id_})  # noqa: S608
        yield


async def wait_for(people: Privileged, *asking: asyncio.Task[Any]) -> None:
    """Return when so many wait for a row."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(20):
        while await people.sql(waiting) != [(len(asking),)]:
            assert not any(task.done() for task in asking)


async def locked(people: Privileged, rows: Sequence[Row]) -> list[Row]:
    """Tell which of some rows are locked."""
    free = []
    for name, id_ in rows:
        statement = f"SELECT id FROM {name} WHERE id = :id FOR UPDATE SKIP LOCKED"  # noqa: S608
        free += [(name, found) for (found,) in await people.sql(statement, id=id_)]
    return [row for row in rows if row not in free]


async def hold_the_order(people: Privileged, rows: Sequence[Row], begin: Callable[[], asyncio.Task[Any]]) -> list[Any]:
    """Hold each row in turn: whoever comes to it has locked those before it, and none of those after it."""
    ended = []
    for number, row in enumerate(rows, start=1):
        async with held(people, row):
            asking = begin()
            await wait_for(people, asking)
            assert await locked(people, rows) == list(rows[:number])
        ended.append(await asking)
    return ended


@pytest.mark.parametrize("make", CASES)
async def test_rows_are_locked_in_the_order_of_their_ids(
    people: Privileged, make: Callable[[Privileged], Awaitable[Case]]
) -> None:
    case = await make(people)
    # A dry run locks what it rehearses, and can be asked for again.
    values = {**case.values, "dryRun": True}

    def begin() -> asyncio.Task[Any]:
        return asyncio.create_task(people.ask("pow", document(case.mutation), values))

    replies = await hold_the_order(people, case.rows, begin)
    assert [reply.user_errors for reply in replies] == [[]] * len(case.rows)


@pytest.mark.parametrize("balancer_first", [True, False])
async def test_what_is_observed_of_a_member_is_found_out_under_locks_in_the_order_of_ids(
    people: Privileged, balancer_first: bool
) -> None:
    of_balancer, of_instance = await pair(people, balancer_first=balancer_first)
    values = {"loadBalancerMemberId": member_id(await member(people, of_balancer, of_instance)), "state": "DISABLED"}
    for row in resources(of_balancer, of_instance):
        await done(people, "ope", "updateMemberState", values)
        async with held(people, row):
            settling = asyncio.create_task(people.settle())
            await wait_for(people, settling)
            rows = resources(of_balancer, of_instance)
            assert await locked(people, rows) == rows[: rows.index(row) + 1]
        await settling
    statuses = await people.sql("SELECT status FROM operation WHERE action = 'UPDATE_MEMBER_STATE'")
    assert statuses == [("SUCCESS",)] * 2


async def creations(people: Privileged) -> tuple[Case, Case]:
    ids = await instances(people, 2)
    return creating(people, ids), creating(people, ids[::-1])


async def windows(people: Privileged) -> tuple[Case, Case]:
    ids, services = await instances(people, 2), sorted((people.shop.shop, people.shop.depot))
    return opening(people, ids, services), opening(people, ids[::-1], services[::-1], days=60)


async def a_creation_and_a_window(people: Privileged) -> tuple[Case, Case]:
    ids = await instances(people, 2)
    return creating(people, ids), opening(people, ids[::-1])


async def a_window_and_a_member_with_the_instance_first(people: Privileged) -> tuple[Case, Case]:
    of_balancer, of_instance = await pair(people, balancer_first=False)
    return opening(people, [of_instance, of_balancer]), adding(of_balancer, of_instance)


async def a_window_and_a_member_with_the_balancer_first(people: Privileged) -> tuple[Case, Case]:
    of_balancer, of_instance = await pair(people, balancer_first=True)
    return opening(people, [of_instance, of_balancer]), adding(of_balancer, of_instance)


@pytest.mark.parametrize("turned", [False, True], ids=["", "the other first"])
@pytest.mark.parametrize(
    "make",
    [
        creations,
        windows,
        a_creation_and_a_window,
        a_window_and_a_member_with_the_instance_first,
        a_window_and_a_member_with_the_balancer_first,
    ],
)
async def test_two_who_ask_for_the_same_rows_in_opposite_orders_are_both_served(
    people: Privileged, make: Callable[[Privileged], Awaitable[tuple[Case, Case]]], turned: bool
) -> None:
    cases = await make(people)
    asking: list[asyncio.Task[Any]] = []
    async with held(people, cases[0].rows[0]):
        for case in reversed(cases) if turned else cases:
            asking.append(asyncio.create_task(ask(people, "pow", case.mutation, case.values)))
            await wait_for(people, *asking)
    replies = await asyncio.gather(*asking)
    assert [reply.user_errors for reply in replies] == [[], []]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("held_port", [80, 81])
async def test_a_load_balancer_goes_while_an_instance_that_is_behind_it_twice_is_started(
    people: Privileged, held_port: int, first: int
) -> None:
    of_balancer, spare = await balancer(people, status="INACTIVE"), people.shop.spare
    # The one that was written first is the last by its id and by its port.
    members = {
        port: await member(people, of_balancer, spare, id=id_, port=port, status="DOWN")
        for port, id_ in zip((81, 80), reversed(new_ids(2)), strict=True)
    }
    # Enough others for indexes to be worth it.
    await people.sql(
        "INSERT INTO load_balancer_member"
        " (organization_id, cloud_id, id, resource_id, instance_id, port, state, status)"
        " SELECT organization_id, cloud_id, gen_random_uuid(), :other, :web, number, state, status"
        " FROM load_balancer_member, generate_series(1, 5000) number WHERE id = :id",
        other=await balancer(people, "other"),
        web=people.shop.web,
        id=members[80],
    )
    await people.sql("ANALYZE load_balancer_member")
    await done(people, "pow", "deleteLb", {"loadBalancerId": lb_id(of_balancer)})
    await done(people, "ope", "startInstance", {"instanceId": instance_id(spare)})
    settings = people.gateway.settings
    execution = Execution(people.worker_database, SimulatedDriver(Simulation(0)), operation_seal(settings))
    asked = "FROM operation WHERE action IN ('DELETE_LB', 'START_INSTANCE')"
    operations = [id_ for (id_,) in await people.sql(f"SELECT id {asked} ORDER BY action")]
    ending: list[asyncio.Task[Any]] = []
    async with held(people, ("load_balancer_member", members[held_port])):
        for number in (first, 1 - first):
            ending.append(asyncio.create_task(execution.run(operations[number])))
            await wait_for(people, *ending)
    await asyncio.gather(*ending)
    assert await people.sql(f"SELECT DISTINCT status {asked}") == [("SUCCESS",)]


def test_whatever_locks_several_rows_says_in_which_order() -> None:
    modules = [import_module(f"{commands.__name__}.{found.name}") for found in pkgutil.iter_modules(commands.__path__)]
    kept = [value for module in modules for value in vars(module).values()]
    texts = {
        statement.text
        for value in kept
        for statement in (value if isinstance(value, tuple) else (value,))
        if isinstance(statement, Statement)
    }
    several = [found for found in texts if " FOR " in found and "ANY (" in found]
    assert len(several) == 3
    assert [
        found for found in several if not found.partition("ORDER BY ")[2].startswith(("resource.id", "service.id"))
    ] == []
