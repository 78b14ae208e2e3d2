import asyncio
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.app import create_app
from gateway.postgres import DatabaseUrls
from gateway.settings import Limits, Settings
from gateway.telemetry.metrics import Metrics
from tests.gateway.library import RESPONSE_JSON, Application
from tests.gateway.running import fill, running
from tests.resolvers.shop import Shop


@pytest.fixture
def app() -> Application:
    return Application(observer=Metrics())


async def exposed(app: Application) -> str:
    async with app.client(anonymous=True) as client:
        response = await client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    return response.text


def values(text: str, name: str) -> dict[tuple[str, ...], float]:
    """The samples of that name that are not 0, by the values of their labels in the order of their names."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {
        tuple(value for _, value in sorted(s.labels.items())): s.value for s in samples if s.name == name and s.value
    }


async def ask(app: Application, query: str, accept: str = RESPONSE_JSON) -> httpx.Response:
    async with app.client(accept=accept) as client:
        return await client.post("/graphql", json={"query": query})


@pytest.mark.parametrize(
    ("query", "type_", "outcome"),
    [
        ("{ __typename }", "query", "ok"),
        ('mutation { rename(name: "a") }', "mutation", "ok"),
        ("{ broken echo }", "query", "errors"),
        ("{ nothing }", "query", "errors"),
        ('{ shelf(id: "no id") { id } }', "query", "refused"),
        ("{ unknown }", "query", "refused"),
        ("mutation { unknown }", "mutation", "refused"),
        ("subscription { unknown }", "subscription", "refused"),
        ("{", "unknown", "refused"),
        ("query A { __typename } query B { __typename }", "unknown", "refused"),
        ("{ lost }", "query", "failed"),
        ("{ slow }", "query", "failed"),
    ],
)
async def test_operations_are_counted_by_type_and_outcome(query: str, type_: str, outcome: str) -> None:
    app = Application(observer=Metrics(), limits=Limits(seconds=0.1))
    await ask(app, query, RESPONSE_JSON)
    await ask(app, query, "application/json")
    text = await exposed(app)
    assert values(text, "itcare_operations_total") == {(outcome, type_): 2}
    assert values(text, "itcare_operation_seconds_count") == {(type_,): 2}


async def test_a_fault_before_the_result_is_a_failed_operation(app: Application) -> None:
    app.open_error = RuntimeError()
    await ask(app, "{ __typename }")
    assert values(await exposed(app), "itcare_operations_total") == {("failed", "query"): 1}


async def test_what_is_no_graphql_request_is_refused(app: Application) -> None:
    async with app.client() as client:
        await client.post("/graphql", content=b"[", headers={"content-type": "application/json"})
        await client.get("/graphql", params={"query": 'mutation { rename(name: "a") }'})
    assert values(await exposed(app), "itcare_operations_total") == {
        ("refused", "unknown"): 1,
        ("refused", "mutation"): 1,
    }


async def test_what_an_operation_asks_for_and_what_it_costs_the_database_is_measured(app: Application) -> None:
    await ask(app, "{ counted shelves(first: 3) { nodes { books(first: 2) { nodes { id } } } } }")
    await ask(app, "{ unknown }")
    text = await exposed(app)
    assert values(text, "itcare_operation_objects_sum") == {(): 9}
    assert values(text, "itcare_operation_sql_statements_sum") == {(): 2}
    assert values(text, "itcare_operation_database_seconds_sum") == {(): 0.25}
    assert values(text, "itcare_operation_sql_statements_count") == {(): 1}, "what was refused ran no statement"


async def test_requests_are_counted_by_the_class_of_their_status(app: Application) -> None:
    async with app.client() as client:
        await client.get("/healthz")
        await client.get("/none")
        await client.put("/graphql")
        app.is_ready = False
        await client.get("/readyz")
    requests = {("2xx",): 1, ("4xx",): 2, ("5xx",): 1}
    assert values(await exposed(app), "itcare_http_requests_total") == requests


async def test_a_request_without_an_answer_is_counted_as_such(app: Application) -> None:
    request = asyncio.create_task(ask(app, "{ slow }"))
    await app.library.started.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    text = await exposed(app)
    assert values(text, "itcare_http_requests_total") == {("none",): 1}
    assert values(text, "itcare_operations_total") == {}


async def test_operations_that_are_executed_field_by_field_are_counted_by_the_reason() -> None:
    metrics = Metrics()
    metrics.fell_back("incremental delivery")
    text = await exposed(Application(observer=metrics))
    assert values(text, "itcare_executor_fallbacks_total") == {("incremental delivery",): 1}


async def test_nothing_that_a_caller_chooses_is_in_the_metrics(app: Application) -> None:
    before = await exposed(app)
    async with app.client() as client:
        body = {"query": 'query private { private: echo(text: "private") }', "operationName": "private"}
        await client.post("/graphql?private=1", json=body, headers={"user-agent": "private", "x-private": "private"})
        await client.get("/private")
        await client.request("PRIVATE", "/graphql")
    after = await exposed(app)
    assert "private" not in after.lower()
    assert series(after) == series(before)


def series(text: str) -> set[tuple[str, str]]:
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, str(sorted(sample.labels.items()))) for sample in samples}


async def test_two_applications_count_apart() -> None:
    one, other = Application(observer=Metrics()), Application(observer=Metrics())
    await ask(one, "{ __typename }")
    assert values(await exposed(other), "itcare_operations_total") == {}


async def test_the_process_tells_its_memory_and_its_time(app: Application) -> None:
    text = await exposed(app)
    assert values(text, "process_resident_memory_bytes")[()] > 1e6
    assert values(text, "process_cpu_seconds_total")[()] > 0


async def test_metrics_are_shown_only_where_they_are_switched_on(tmp_path: Path, database: DatabaseUrls) -> None:
    transport = httpx.ASGITransport(create_app(Settings(data_dir=tmp_path), database))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        assert (await client.get("/metrics")).status_code == 404


async def test_the_gateway_counts_what_it_does(tmp_path: Path, database: DatabaseUrls) -> None:
    shop = Shop()
    await fill(database, shop)
    async with running(Settings(data_dir=tmp_path, metrics=True), database, shop) as gateway:
        await gateway.data("{ viewer { email } }")
        text = (await gateway.client.get("/metrics", headers={"Authorization": ""})).text
    assert values(text, "itcare_operations_total") == {("ok", "query"): 1}
    assert values(text, "itcare_operation_sql_statements_sum")[()] > 0
    assert values(text, "itcare_operation_database_seconds_sum")[()] > 0
