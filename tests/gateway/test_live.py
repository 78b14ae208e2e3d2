"""Subscriptions: what is told, to whom, in which order, and how somebody goes on where they were."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from auth.tables import uuid7
from gateway.keys import cursor_key
from gateway.postgres import DatabaseUrls
from gateway.settings import Settings
from resolvers.events import Event, EventKind, Resume, ResumeSeal
from schema.ids import global_id
from tests.gateway.live import CHANGES, EVENTS, OPERATION, LiveShop, live_shop, quick, subjects

WRITERS, TRANSACTIONS = 8, 20
NAMED = {"filter": {"name": {"startsWith": "web"}}}


@pytest.fixture
async def live(tmp_path: Path, make_database: Callable[[], DatabaseUrls]) -> AsyncIterator[LiveShop]:
    async with live_shop(Settings(data_dir=tmp_path, live=quick()), make_database()) as live:
        yield live


async def started(live: LiveShop, follow: Any) -> None:
    """Return when a subscription that was just begun is told of events: tells it of one."""
    first = uuid7()
    async with asyncio.timeout(10):
        while True:
            await live.log(live.event(first))
            try:
                async with asyncio.timeout(0.2):
                    told = await follow.next()
            except TimeoutError:
                continue
            assert subjects([told]) == [first]
            return


async def cursor_of_now(live: LiveShop, account: UUID | None = None) -> str:
    """A cursor of this moment, as an account has it from an event before."""
    seal = ResumeSeal(cursor_key(live.gateway.settings))
    (row,) = await live.rows("SELECT coalesce((SELECT seq FROM event_counter WHERE organization_id = :id), 0)")
    positions = {live.shop.acme: row[0], live.shop.globex: 0}
    return seal.seal(account or live.shop.account, Resume(datetime.now(UTC), positions))


# Everything once and in order


async def test_with_many_writers_a_client_that_reconnects_at_random_is_told_everything_once_and_in_order(
    live: LiveShop,
) -> None:
    random = Random(1)  # noqa: S311 - it is to be repeated
    written: set[UUID] = set()
    cursor = await cursor_of_now(live)

    async def write() -> None:
        for _ in range(TRANSACTIONS):
            own = [uuid7() for _ in range(random.randint(1, 3))]
            written.update(own)
            await live.log(*(live.event(subject) for subject in own), foreign_event(live))

    writing = asyncio.gather(*(write() for _ in range(WRITERS)))
    told: list[UUID] = []
    while not (writing.done() and len(told) >= len(written)):
        async with live.socket() as socket:
            await socket.subscribe(EVENTS, {"after": cursor})
            for _ in range(random.randint(1, 40)):
                if writing.done() and len(told) >= len(written):
                    break
                event = await socket.next()
                cursor = event["cursor"]
                told += subjects([event])
    await writing
    assert len(told) == len(written)
    assert set(told) == written
    assert told == await live.logged(live.shop.alpha)


def foreign_event(live: LiveShop) -> Event:
    """An event of a Cloud of the same organization that ann does not see into."""
    return Event(live.shop.acme, live.shop.beta, EventKind.UPDATED, "Snapshot", uuid4())


async def test_a_stream_is_told_what_a_socket_is_told(live: LiveShop) -> None:
    after, subject = {"after": await cursor_of_now(live)}, uuid7()
    async with live.socket() as socket, live.stream(EVENTS, after) as stream:
        await socket.subscribe(EVENTS, after)
        await live.log(live.event(subject, EventKind.CREATED))
        for follow in (socket, stream):
            told = await follow.next()
            assert (subjects([told]), told["kind"], told["subjectType"]) == ([subject], "CREATED", "Snapshot")


# To whom


async def test_the_first_event_wakes_a_subscriber_that_has_seen_none(
    tmp_path: Path, make_database: Callable[[], DatabaseUrls]
) -> None:
    # Nothing else would: the caller is read again after ten minutes.
    settings = Settings(data_dir=tmp_path, live=quick(recheck_seconds=600))
    async with live_shop(settings, make_database()) as live, live.socket() as socket:
        await socket.subscribe(EVENTS)
        await started(live, socket)


async def test_nothing_of_another_cloud_or_organization_is_told(live: LiveShop) -> None:
    cursor, mine = await cursor_of_now(live), [uuid7() for _ in range(3)]
    for subject in mine:
        await live.log(
            foreign_event(live),
            Event(live.shop.globex, live.shop.omega, EventKind.UPDATED, "Snapshot", uuid4()),
            live.event(subject),
        )
    async with live.socket() as socket:
        await socket.subscribe(EVENTS, {"after": cursor})
        told = [await socket.next() for _ in mine]
    assert subjects(told) == mine
    # A cursor has no number that could be counted: of the same place, no two are alike or differ in length.
    assert len({event["cursor"] for event in told}) == 3
    assert len({len(event["cursor"]) for event in told}) == 1


async def test_whose_profile_is_withdrawn_is_told_nothing_more(live: LiveShop) -> None:
    async with live.socket() as socket:
        await socket.subscribe(EVENTS)
        await started(live, socket)
        await live.sql("DELETE FROM membership WHERE account_id = :id", id=live.shop.account)
        await live.log(live.event(uuid7()), live.event(uuid7()))
        await live.sql(
            "INSERT INTO membership (organization_id, cloud_id, account_id, profile, created_at)"
            " VALUES (:acme, :beta, :id, 'STD', now())",
            acme=live.shop.acme, beta=live.shop.beta, id=live.shop.account,
        )  # fmt: skip
        # Now of beta alone: it is noticed without being told, and what comes first is of beta.
        told = None
        async with asyncio.timeout(10):
            while told is None:
                await live.log(live.event(uuid7()), foreign_event(live))
                try:
                    async with asyncio.timeout(0.2):
                        told = await socket.next()
                except TimeoutError:
                    continue
        assert subjects([told])[0] in await live.logged(live.shop.beta)


async def test_an_account_that_is_disabled_is_told_so(live: LiveShop) -> None:
    async with live.socket() as socket:
        await socket.subscribe(EVENTS)
        await started(live, socket)
        await live.sql("UPDATE account SET disabled_at = now() WHERE id = :id", id=live.shop.account)
        (error,) = await socket.errors()
        assert error["extensions"]["code"] == "UNAUTHENTICATED"


# Going on


async def changed(cursor: str, live: LiveShop) -> str:
    return cursor[:-1] + ("A" if cursor[-1] != "A" else "B")


async def of_another_account(cursor: str, live: LiveShop) -> str:
    return await cursor_of_now(live, uuid4())


async def of_a_list(cursor: str, live: LiveShop) -> str:
    page = await live.gateway.data("{ resources(first: 1) { pageInfo { endCursor } } }")
    end: str = page["resources"]["pageInfo"]["endCursor"]
    return end


async def of_nothing(cursor: str, live: LiveShop) -> str:
    return ""


@pytest.mark.parametrize("wrong", [changed, of_another_account, of_a_list, of_nothing])
async def test_a_cursor_that_is_not_the_callers_is_refused(live: LiveShop, wrong: Any) -> None:
    cursor = await wrong(await cursor_of_now(live), live)
    async with live.socket() as socket:
        await socket.subscribe(EVENTS, {"after": cursor})
        (error,) = await socket.errors()
    assert (error["extensions"]["code"], error["extensions"]["argument"]) == ("BAD_USER_INPUT", "after")
    async with live.stream(EVENTS, {"after": cursor}) as stream:
        assert (await stream.last_error())["code"] == "BAD_USER_INPUT"


async def old(live: LiveShop) -> str:
    made_at = datetime.now(UTC) - timedelta(days=8)
    return ResumeSeal(cursor_key(live.gateway.settings)).seal(live.shop.account, Resume(made_at, {live.shop.acme: 0}))


async def pruned(live: LiveShop) -> str:
    cursor = await cursor_of_now(live)
    await live.log(live.event(uuid7()), live.event(uuid7()), at=datetime.now(UTC) - timedelta(days=2))
    await live.log(live.event(uuid7()))
    await live.sql("SELECT prune_events(now() - interval '1 day', 100)")
    return cursor


async def ahead(live: LiveShop) -> str:
    await live.log(live.event(uuid7()))
    cursor = await cursor_of_now(live)
    await live.sql("DELETE FROM event", "DELETE FROM event_counter")
    return cursor


@pytest.mark.parametrize("gone", [old, pruned, ahead])
async def test_where_events_after_a_cursor_are_gone_the_client_must_begin_anew(live: LiveShop, gone: Any) -> None:
    async with live.stream(EVENTS, {"after": await gone(live)}) as stream:
        assert (await stream.last_error())["code"] == "RESYNC"


# Operations


async def test_an_operation_is_told_as_it_stands_and_as_it_goes_on_until_it_ends(live: LiveShop) -> None:
    id_ = global_id("Operation", live.shop.operation)
    await live.sql("UPDATE operation SET status = 'IN_PROGRESS', progress = 0, completed_at = NULL")
    update = live.event(live.shop.operation, EventKind.OPERATION_UPDATED, "Operation")
    async with live.socket() as socket:
        await socket.subscribe(OPERATION, {"id": id_})
        assert await socket.next() == {"id": id_, "status": "IN_PROGRESS", "progress": 0}
        await live.log(live.event(uuid7(), EventKind.OPERATION_UPDATED, "Operation"))
        await live.sql("UPDATE operation SET progress = 50")
        await live.log(update)
        assert await socket.next() == {"id": id_, "status": "IN_PROGRESS", "progress": 50}
        await live.sql("UPDATE operation SET progress = 100, status = 'SUCCESS', completed_at = now()")
        await live.log(update)
        assert await socket.next() == {"id": id_, "status": "SUCCESS", "progress": 100}
        assert await socket.receive() == {"type": "complete", "id": "1"}


@pytest.mark.parametrize("type_", ["Operation", "Instance"])
async def test_an_operation_that_the_caller_does_not_see_is_not_found(live: LiveShop, type_: str) -> None:
    id_ = global_id(type_, uuid4())
    async with live.socket() as socket:
        await socket.subscribe(OPERATION, {"id": id_})
        (error,) = await socket.errors()
    assert error["extensions"]["code"] == "NOT_FOUND"
    async with live.stream(OPERATION, {"id": id_}) as stream:
        assert (await stream.last_error())["code"] == "NOT_FOUND"


# Resources


async def change(live: LiveShop, kind: EventKind, key: UUID, *statements: str) -> None:
    await live.sql(*(statement.replace("$key", f"'{key}'") for statement in statements))
    await live.log(live.event(key, kind, "Instance"))


async def test_a_resource_that_leaves_a_filter_is_told_of_once(live: LiveShop) -> None:
    web, spare, updated = live.shop.web, live.shop.spare, EventKind.RESOURCE_UPDATED
    async with live.socket() as socket:
        await socket.subscribe(CHANGES, {**NAMED, "after": await cursor_of_now(live)})

        async def told() -> tuple[Any, ...]:
            change = await socket.next()
            return change["kind"], change["resourceId"], (change["resource"] or {}).get("name")

        id_ = global_id("Instance", web)
        await change(live, updated, web)
        assert await told() == ("UPDATED", id_, "web-01")
        await change(live, updated, web, "UPDATE resource SET name = 'db-01' WHERE id = $key")
        assert await told() == ("LEFT_FILTER", id_, "db-01")
        await change(live, updated, web)
        await change(live, EventKind.RESOURCE_CREATED, spare)
        await change(live, updated, web, "UPDATE resource SET name = 'web-02' WHERE id = $key")
        assert await told() == ("UPDATED", id_, "web-02")
        await change(live, EventKind.RESOURCE_CREATED, spare, "UPDATE resource SET name = 'web-09' WHERE id = $key")
        assert await told() == ("CREATED", global_id("Instance", spare), "web-09")
        await change(live, EventKind.RESOURCE_DELETED, uuid4())
        assert (await told())[0::2] == ("DELETED", None)


async def test_a_filter_that_means_nothing_is_refused(live: LiveShop) -> None:
    async with live.socket() as socket:
        await socket.subscribe(CHANGES, {"filter": {"tagQuery": ["nothing"]}})
        (error,) = await socket.errors()
    assert (error["extensions"]["code"], error["extensions"]["argument"]) == ("BAD_USER_INPUT", "filter.tagQuery")


# What it costs


async def test_while_nobody_is_subscribed_or_something_is_waited_for_no_connection_is_held(
    tmp_path: Path, make_database: Callable[[], DatabaseUrls]
) -> None:
    settings = Settings(data_dir=tmp_path, pool_size=1, live=quick())
    async with live_shop(settings, make_database()) as live, live.socket() as socket:
        for number in range(10):
            await socket.subscribe(EVENTS, id_=str(number))
        assert await live.gateway.data("{ viewer { email } }") == {"viewer": {"email": "ann@acme.example"}}
        cursor = await cursor_of_now(live)
        async with live.socket() as other:
            await other.subscribe(EVENTS, {"after": cursor})
            await live.log(live.event(uuid7()))
            assert await other.next()
