import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from time import process_time
from uuid import uuid4

import httpx
import pytest

from gateway.app import create_app
from gateway.postgres import DatabaseUrls
from gateway.settings import Limits, Settings
from tests.databases import Databases
from tests.gateway.running import Gateway, fill, running
from tests.resolvers.holding import holding, nothing_runs
from tests.resolvers.shop import Shop

CONSOLE = "https://console.acme.example"
RESPONSE_JSON = {"Accept": "application/graphql-response+json"}
RESOURCES = "{ resources(orderBy: [{field: NAME}]) { totalCount nodes { name } } }"


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="module")
async def filled(database: DatabaseUrls, shop: Shop) -> DatabaseUrls:
    await fill(database, shop)
    return database


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("gateway"), cors_origins=[CONSOLE])


@pytest.fixture(scope="module")
async def gateway(settings: Settings, filled: DatabaseUrls, shop: Shop) -> AsyncIterator[Gateway]:
    async with running(settings, filled, shop) as gateway:
        yield gateway


async def test_a_token_a_query_an_answer(gateway: Gateway) -> None:
    answer = await gateway.ask("{ viewer { email memberships { nodes { cloud { code } profiles } } } }")
    assert answer.status_code == 200
    assert answer.json() == {
        "data": {
            "viewer": {
                "email": "ann@acme.example",
                "memberships": {"nodes": [{"cloud": {"code": "alpha"}, "profiles": ["POW"]}]},
            }
        }
    }
    assert await gateway.data(RESOURCES) == {
        "resources": {"totalCount": 2, "nodes": [{"name": "spare"}, {"name": "web-01"}]}
    }


async def test_variables_reach_the_database(gateway: Gateway) -> None:
    document = "query($name: String!) { resources(filter: {name: {eq: $name}}) { nodes { name } } }"
    answer = await gateway.ask(document, {"name": "web-01"})
    assert answer.json() == {"data": {"resources": {"nodes": [{"name": "web-01"}]}}}


CYCLE = "service { resources(first: 1) { nodes { "
HOSTILE = {
    "20 levels in a cycle": ("{ resources(first: 1) { nodes { " + CYCLE * 10 + "id" + " }" * 33, "depth", 21),
    "2^25 fragment spreads": (
        "{ resources(first: 1) { nodes { ...f0 } } }"
        + "".join(f" fragment f{n} on Resource {{ ...f{n + 1} ...f{n + 1} }}" for n in range(25))
        + " fragment f25 on Resource { id }",
        "fragmentSpreads",
        2**26 - 1,
    ),
    "5,000 aliases": ("{" + "".join(f" a{n}: __typename" for n in range(5000)) + " }", "tokens", 15_002),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_document_is_refused_within_100_ms_by_a_limit_and_its_value(
    gateway: Gateway, name: str
) -> None:
    document, limit, value = HOSTILE[name]
    seconds: list[float] = []
    for _ in range(3):
        started = process_time()
        answer = await gateway.client.post("/graphql", json={"query": document}, headers=RESPONSE_JSON)
        seconds.append(process_time() - started)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["extensions"]["limit"], error["extensions"]["value"]) == (limit, value)
    assert f"{error['extensions']['maximum']:,}" in error["message"]
    # The client and the server are both of this process.
    assert min(seconds) < 0.1


async def test_a_cursor_is_good_for_the_next_request(gateway: Gateway) -> None:
    first = await gateway.data("{ resources(first: 1) { nodes { name } pageInfo { endCursor hasNextPage } } }")
    page = first["resources"]["pageInfo"]
    assert page["hasNextPage"]
    second = await gateway.ask(
        "query($after: String) { resources(first: 1, after: $after) { nodes { name } pageInfo { hasNextPage } } }",
        {"after": page["endCursor"]},
    )
    assert second.json()["data"]["resources"] == {"nodes": [{"name": "web-01"}], "pageInfo": {"hasNextPage": False}}


async def test_the_anonymous_and_the_forgotten_are_refused(gateway: Gateway) -> None:
    accept = {"Accept": "application/graphql-response+json"}
    bearer = {"Authorization": f"Bearer {gateway.token(uuid4())}"}
    for headers in ({"Authorization": ""}, bearer):
        answer = await gateway.client.post("/graphql", json={"query": RESOURCES}, headers=accept | headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["UNAUTHENTICATED"]


async def test_keys_are_made_once_and_tokens_outlive_a_restart(
    settings: Settings, filled: DatabaseUrls, shop: Shop
) -> None:
    async with running(settings, filled, shop) as first:
        token = first.client.headers["authorization"]
    async with running(settings, filled, shop) as second:
        second.client.headers["authorization"] = token
        assert await second.data("{ viewer { email } }") == {"viewer": {"email": "ann@acme.example"}}


async def test_the_first_page_is_graphiql(gateway: Gateway) -> None:
    answer = await gateway.client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/graphiql")


async def test_it_lives_and_is_ready(gateway: Gateway) -> None:
    for path, status in (("/healthz", "alive"), ("/readyz", "ready")):
        answer = await gateway.client.get(path, headers={"Authorization": ""})
        assert (answer.status_code, answer.json()) == (200, {"status": status})


async def test_without_its_database_it_lives_but_is_not_ready(
    settings: Settings, databases: Databases, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    database = databases.make()
    async with running(settings, database, shop) as gateway:
        assert (await gateway.client.get("/readyz")).status_code == 200
        databases.drop(database)
        answer = await gateway.client.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})
        assert (await gateway.client.get("/healthz")).status_code == 200
    faults = [record for record in caplog.records if record.name == "gateway.faults"]
    assert len(faults) == 1


def preflight(origin: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }


async def test_pages_of_listed_origins_may_call(gateway: Gateway) -> None:
    asked = await gateway.client.options("/graphql", headers=preflight(CONSOLE))
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == CONSOLE
    answer = await gateway.client.post("/graphql", json={"query": RESOURCES}, headers={"Origin": CONSOLE})
    assert answer.headers["access-control-allow-origin"] == CONSOLE
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "http://console.acme.example", f"{CONSOLE}.evil", "null"])
async def test_pages_of_other_origins_may_not(gateway: Gateway, origin: str) -> None:
    asked = await gateway.client.options("/graphql", headers=preflight(origin))
    assert asked.status_code == 400
    answer = await gateway.client.post("/graphql", json={"query": RESOURCES}, headers={"Origin": origin})
    for response in (asked, answer):
        assert "access-control-allow-origin" not in response.headers


def test_no_page_may_call_unless_listed(tmp_path: Path, database: DatabaseUrls) -> None:
    with pytest.raises(ValueError, match="List the origins"):
        create_app(Settings(data_dir=tmp_path, cors_origins=["*"]), database)


@pytest.mark.parametrize(("demo", "debug"), [(False, False), (True, False), (False, True)])
async def test_what_a_query_cost_is_told_where_that_is_switched_on(
    tmp_path: Path, filled: DatabaseUrls, shop: Shop, demo: bool, debug: bool
) -> None:
    async with running(Settings(data_dir=tmp_path, demo=demo, debug=debug), filled, shop) as gateway:
        answer = await gateway.client.post("/graphql", json={"query": RESOURCES}, headers={"X-Trace": "1"})
        extensions = answer.json()["extensions"]
        assert ("trace" in extensions) is (demo or debug)
        if demo or debug:
            assert extensions["trace"]["sqlStatements"] == 3
            assert 0 < extensions["trace"]["dbMs"] <= extensions["trace"]["totalMs"]
        assert "extensions" not in (await gateway.ask(RESOURCES)).json()


async def test_an_operation_over_its_time_is_stopped_with_its_sql(
    tmp_path: Path, filled: DatabaseUrls, shop: Shop
) -> None:
    settings = Settings(data_dir=tmp_path, limits=Limits(seconds=0.5), pool_size=1)
    async with running(settings, filled, shop) as gateway:
        async with holding(filled, "resource") as hold:
            answer = await gateway.ask(RESOURCES)
            assert answer.status_code == 503
            (error,) = answer.json()["errors"]
            assert error["extensions"] == {"code": "OPERATION_TIMEOUT", "seconds": 0.5}
            assert "data" not in answer.json()
            await nothing_runs(filled)
            await hold.end()
        assert (await gateway.data(RESOURCES))["resources"]["totalCount"] == 2


async def test_requests_in_flight_are_answered_when_it_shuts_down(
    settings: Settings, filled: DatabaseUrls, shop: Shop
) -> None:
    async with running(settings, filled, shop) as gateway:
        async with holding(filled, "resource") as hold:
            asking = asyncio.create_task(gateway.ask(RESOURCES))
            await hold.has_waiting()
            gateway.server.should_exit = True
            await refused(gateway.client)
            assert not asking.done()
            await hold.end()
        assert (await asking).json()["data"]["resources"]["totalCount"] == 2


async def refused(client: httpx.AsyncClient) -> None:
    """Return when no new connection is accepted."""
    async with asyncio.timeout(10):
        while True:
            try:
                async with httpx.AsyncClient(base_url=client.base_url) as other:
                    await other.get("/healthz")
            except httpx.TransportError:
                return
