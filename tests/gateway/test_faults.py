"""What clients see, and what is left behind, when the database or an operation fails in the middle."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.applications import Starlette
from starlette.routing import Route

from auth.issuer import Issuer
from auth.mfa.sealing import OPERATIONS, SecretSeal
from auth.tokens import JwtVerifier
from gateway.app import page_size
from gateway.context import context_opener
from gateway.execution import Engine
from gateway.http import ErrorFormatter, GraphQLEndpoint
from gateway.keys import signing_key
from gateway.postgres import DatabaseUrls, EmbeddedPostgres
from gateway.settings import Limits, Settings
from resolvers.database import Database, unavailable
from resolvers.reads.cursors import CursorSeal
from schema.build import build_schema
from schema.guard import Guard
from schema.ids import global_id
from tests.databases import Databases, migrated_server
from tests.gateway.running import Gateway, fill, running
from tests.resolvers.holding import holding, nothing_runs
from tests.resolvers.shop import Shop

SERVICES = "{ services { nodes { name } } }"
RESOURCES = "{ resources { nodes { name } } }"
RESPONSE_JSON = {"Accept": "application/graphql-response+json"}


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="module")
async def filled(database: DatabaseUrls, shop: Shop) -> DatabaseUrls:
    await fill(database, shop)
    return database


@pytest.fixture
async def gateway(tmp_path: Path, filled: DatabaseUrls, shop: Shop) -> AsyncIterator[Gateway]:
    """A gateway with one connection, so that what one operation leaves behind is the next one's."""
    async with running(Settings(data_dir=tmp_path, pool_size=1), filled, shop) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
async def everything_is_heard() -> AsyncIterator[None]:
    """No exception ends in a task or a future that nobody asks."""
    unheard: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: unheard.append(context))
    yield
    gc.collect()
    await asyncio.sleep(0)
    loop.set_exception_handler(None)
    assert unheard == []


def codes(answer: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in answer.json()["errors"]]


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The faults of ours that were logged."""
    return [record.getMessage() for record in caplog.records if record.name == "gateway.faults"]


async def connections(database: DatabaseUrls) -> set[int]:
    """The server processes behind the gateway's connections."""
    engine = create_async_engine(database.owner, poolclass=NullPool)
    async with engine.connect() as connection:
        found = await connection.scalars(
            text(
                "SELECT pid FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'itcare-gateway'"
            )
        )
        return set(found)


async def terminate(database: DatabaseUrls, pids: set[int]) -> None:
    engine = create_async_engine(database.owner, poolclass=NullPool)
    async with engine.connect() as connection:
        for pid in pids:
            # Waits until it has ended.
            await connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


async def test_connections_that_died_while_nobody_used_them_are_replaced_unseen(
    tmp_path: Path, filled: DatabaseUrls, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(Settings(data_dir=tmp_path, pool_size=3), filled, shop) as gateway:
        async with holding(filled, "service") as hold:
            asking = [asyncio.create_task(gateway.data(SERVICES)) for _ in range(3)]
            await hold.has_waiting(3)
            await hold.end()
        expected = (await asyncio.gather(*asking))[0]
        dead = await connections(filled)
        assert len(dead) == 3
        await terminate(filled, dead)
        for _ in range(4):
            assert await gateway.data(SERVICES) == expected
        assert not await connections(filled) & dead
    assert logged(caplog) == []


async def test_a_connection_that_dies_in_the_middle_is_a_503_and_the_next_request_is_answered(
    gateway: Gateway, filled: DatabaseUrls, caplog: pytest.LogCaptureFixture
) -> None:
    expected = await gateway.data(SERVICES)
    async with holding(filled, "service") as hold:
        asking = asyncio.create_task(gateway.ask("{ services { nodes { name } } tagKeys { nodes { key } } }"))
        await hold.has_waiting()
        await terminate(filled, await connections(filled))
        answer = await asking
    assert answer.status_code == 503
    assert codes(answer) == ["SERVICE_UNAVAILABLE"]
    assert "data" not in answer.json()
    assert await gateway.data(SERVICES) == expected
    assert len(logged(caplog)) == 1


async def test_what_a_dead_connection_leaves_unread_is_unavailable_and_the_rest_stands(
    gateway: Gateway, filled: DatabaseUrls, shop: Shop
) -> None:
    document = f'''{{
        viewer {{ email }}
        service(id: "{global_id("Service", shop.shop)}") {{ name }}
        services {{ totalCount }}
        few: services(filter: {{ name: {{ contains: "o" }} }}) {{ totalCount }}
        cloud(id: "{global_id("Cloud", shop.alpha)}") {{ name resources {{ nodes {{ name }} }} }}
    }}'''
    async with holding(filled, "service") as hold:
        asking = asyncio.create_task(gateway.ask(document))
        await hold.has_waiting()
        await terminate(filled, await connections(filled))
        answer = await asking
    assert answer.json()["data"] == {
        "viewer": {"email": "ann@acme.example"},
        "service": None,
        "services": {"totalCount": None},
        "few": {"totalCount": None},
        "cloud": None,
    }
    assert codes(answer) == ["SERVICE_UNAVAILABLE"] * 4
    assert await gateway.data(SERVICES)


@pytest.fixture
def own_server(server_folder: Path) -> Iterator[EmbeddedPostgres]:
    with migrated_server(server_folder / "faults") as server:
        yield server


async def test_without_postgresql_requests_are_refused_and_with_it_answered_again(
    tmp_path: Path, own_server: EmbeddedPostgres, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(own_server.urls, shop)
    async with running(Settings(data_dir=tmp_path), own_server.urls, shop) as gateway:
        expected = await gateway.data(SERVICES)
        own_server.stop()
        for document in (SERVICES, "{ viewer { email } }"):
            answer = await gateway.client.post("/graphql", json={"query": document}, headers=RESPONSE_JSON)
            assert answer.status_code == 503
            assert codes(answer) == ["SERVICE_UNAVAILABLE"]
            assert "data" not in answer.json()
        assert (await gateway.client.get("/readyz")).status_code == 503
        assert (await gateway.client.get("/healthz")).status_code == 200
        own_server.start()
        assert await gateway.data(SERVICES) == expected
        assert (await gateway.client.get("/readyz")).status_code == 200
    # Two requests and the question whether it is ready.
    assert len(logged(caplog)) == 3


async def test_what_is_committed_between_two_loaders_is_not_seen(gateway: Gateway, filled: DatabaseUrls) -> None:
    document = "{ services { nodes { name resources { totalCount nodes { name } } } } }"
    before = await gateway.data(document)
    async with holding(filled, "resource") as hold:
        asking = asyncio.create_task(gateway.data(document))
        await hold.has_waiting()
        await hold.connection.execute(text("UPDATE resource SET name = 'new-' || name"))
        await hold.end()
        assert await asking == before
    assert (await gateway.data(RESOURCES))["resources"]["nodes"] == [{"name": "new-spare"}, {"name": "new-web-01"}]
    async with create_async_engine(filled.owner, poolclass=NullPool).begin() as connection:
        await connection.execute(text("UPDATE resource SET name = substr(name, 5)"))


async def test_more_requests_than_connections_wait_for_their_turn(
    gateway: Gateway, filled: DatabaseUrls, caplog: pytest.LogCaptureFixture
) -> None:
    expected = await gateway.data(SERVICES)
    answers = await asyncio.gather(*[gateway.data(SERVICES) for _ in range(20)])
    assert answers == [expected] * 20
    assert len(await connections(filled)) == 1
    assert logged(caplog) == []


async def test_a_wait_for_a_connection_ends_with_the_operation_s_time(
    tmp_path: Path, filled: DatabaseUrls, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(data_dir=tmp_path, pool_size=1, limits=Limits(seconds=0.5))
    async with running(settings, filled, shop) as gateway:
        async with holding(filled, "service") as hold:
            first = asyncio.create_task(gateway.ask(SERVICES))
            await hold.has_waiting()
            second = await gateway.ask(SERVICES)
            assert second.status_code == 503
            assert codes(second)[0] in {"OPERATION_TIMEOUT", "SERVICE_UNAVAILABLE"}
            assert (await first).status_code == 503
        assert await gateway.data(RESOURCES)
    assert logged(caplog) == []


async def test_one_field_s_error_leaves_the_connection_to_the_next_operation(
    gateway: Gateway, filled: DatabaseUrls, caplog: pytest.LogCaptureFixture
) -> None:
    expected = await gateway.data(SERVICES)
    before = await connections(filled)
    wrong = '{ services { nodes { name bad: resources(filter: {cloud: ["x"]}) { totalCount } } }'
    rest = "tagKeys { nodes { key } } operations { nodes { steps { name } } } resources { totalCount nodes { name } } }"
    async with holding(filled, "resource_tag") as hold:
        asking = asyncio.create_task(gateway.ask(f"{wrong} {rest}"))
        await hold.has_waiting()
        await hold.end()
        answer = await asking
    assert codes(answer) == ["BAD_USER_INPUT"]
    assert await gateway.data(SERVICES) == expected
    assert await connections(filled) == before
    assert logged(caplog) == []


@pytest.mark.parametrize("order", ["{a} {b}", "{b} {a}"])
async def test_a_part_that_fails_takes_nothing_from_another_that_reads_the_same(
    gateway: Gateway, shop: Shop, order: str
) -> None:
    cloud = f'cloud(id: "{global_id("Cloud", shop.alpha)}")'
    read = "services { nodes { name resources { nodes { name comment } } } }"
    too_many = " ".join(["{field: TYPE}"] * 11)
    fails = f"a: {cloud} {{ {read} resources {{ nodes {{ comment }} facets(by: [{too_many}]) {{ dimension }} }} }}"
    answer = await gateway.ask("{" + order.format(a=fails, b=f"b: {cloud} {{ {read} }}") + "}")
    assert codes(answer) == ["BAD_USER_INPUT"]
    assert answer.json()["data"] == {"a": None} | await gateway.data(f"{{ b: {cloud} {{ {read} }} }}")


async def test_a_fault_of_one_loader_is_masked_and_the_next_operation_is_answered(
    tmp_path: Path, databases: Databases, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    database = databases.make()
    await fill(database, shop)
    databases.run("DROP TABLE operation_step", database)
    async with running(Settings(data_dir=tmp_path, pool_size=1), database, shop) as gateway:
        before = await gateway.data(SERVICES)
        document = "{ services { nodes { name } } operations { nodes { action } } tagKeys { nodes { key } } }"
        answer = await gateway.client.post("/graphql", json={"query": document}, headers=RESPONSE_JSON)
        assert set(codes(answer)) == {"INTERNAL_SERVER_ERROR"}
        assert "operation_step" not in answer.text
        pids = await connections(database)
        assert await gateway.data(SERVICES) == before
        assert await connections(database) == pids
    assert logged(caplog) == ["Fault"]


async def test_a_count_over_its_time_is_null_and_the_rest_of_the_answer_stands(
    tmp_path: Path, filled: DatabaseUrls, shop: Shop
) -> None:
    document = "{ resources { totalCount } services { totalCount nodes { name } } }"
    reader = Database(filled.app, pool_size=1, statement_seconds=20)
    async with counting_client(Settings(data_dir=tmp_path), reader, shop.account) as client:
        async with holding(filled, "resource"):
            answer = await client.post("/graphql", json={"query": document})
        assert answer.status_code == 200
        assert answer.json()["data"] == {
            "resources": {"totalCount": None},
            "services": {"totalCount": 2, "nodes": [{"name": "depot"}, {"name": "shop"}]},
        }
        (error,) = answer.json()["errors"]
        assert error["path"] == ["resources", "totalCount"]
        assert error["extensions"] == {"code": "COUNT_TIMEOUT", "seconds": 0.1}
        await nothing_runs(filled)
        again = await client.post("/graphql", json={"query": document})
        assert again.json()["data"]["resources"] == {"totalCount": 2}
    await reader.close()


def counting_client(settings: Settings, reader: Database, account: UUID) -> httpx.AsyncClient:
    """A client of a gateway whose counts may take a tenth of a second."""
    key = signing_key(settings)
    schema = build_schema()
    endpoint = GraphQLEndpoint(
        Engine(schema, Limits(), page_size),
        JwtVerifier([key], settings.issuer, settings.audience),
        context_opener(reader, CursorSeal(b"k" * 32), SecretSeal([b"s" * 32], OPERATIONS), count_seconds=0.1),
        Limits(),
        ErrorFormatter(unavailable),
        Guard(schema),
    )
    token = Issuer(key, settings.issuer, settings.audience).issue(account)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(Starlette(routes=[Route("/graphql", endpoint)])),
        base_url="http://gateway",
        headers={"Authorization": f"Bearer {token}"},
    )
