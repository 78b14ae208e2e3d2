"""The data sets, and two servers on them that have to agree: the gateway, and one SQL statement."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import parse, validate
from sqlalchemy import text

from benchmarks.agreement import check, difference
from benchmarks.data import content
from benchmarks.data.gateway_tables import Kind, key, number_of
from benchmarks.data.store import Database, Store
from benchmarks.dialects import GATEWAY_DOCUMENTS
from benchmarks.draining import drain, learn_cursors
from benchmarks.measuring import measure
from benchmarks.processes import Cores
from benchmarks.queries import Query, Scale
from benchmarks.scopes import as_member_of_one_cloud
from benchmarks.servers.plans import GATEWAY, LIMIT, Site
from benchmarks.servers.process import Server, running
from benchmarks.statements import count_statements
from gateway.postgres.connecting import transaction
from schema.build import build_schema

RESOURCES = 3000
SCALE = Scale(RESOURCES, 100)


def silent(_step: str, _done: int, _total: int) -> None:
    """Show nothing."""


@pytest.fixture(scope="module")
def data_dir(server_folder: Path) -> Path:
    return server_folder / "bench"


@pytest.fixture(scope="module")
def store(data_dir: Path) -> Iterator[Store]:
    with Store(data_dir) as store:
        yield store


@pytest.fixture(scope="module")
def database(store: Store) -> Database:
    return store.database(RESOURCES, [LIMIT], silent)


@pytest.fixture(scope="module")
def servers(database: Database, data_dir: Path) -> Iterator[list[Server]]:
    site = Site(database, SCALE, data_dir)
    cores = Cores.divide()
    with (
        running(site.plan(GATEWAY), cores, data_dir / "logs") as gateway,
        running(site.plan(LIMIT), cores, data_dir / "logs") as limit,
    ):
        learn_cursors(gateway)
        yield [gateway, limit]


def count(database: Database, table: str) -> int:
    async def read() -> int:
        async with transaction(database.urls.owner) as connection:
            return int(await connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)  # noqa: S608

    return asyncio.run(read())


def test_the_same_number_gives_the_same_resources() -> None:
    made = list(content.resources(500))
    assert made == list(content.resources(1000))[:500]
    assert {len(resource.tags) for resource in made} == {content.TAGS_PER_RESOURCE}
    assert [resource.name for resource in made] == sorted(resource.name for resource in made)
    assert {len(set(column)) for column in zip(*[resource[3:7] for resource in made], strict=True)} == {3, 4, 10}


def test_tags_are_spread_over_all_values() -> None:
    found: dict[tuple[str, str], int] = {}
    for resource in content.resources(10_000):
        for tag in resource.tags.items():
            found[tag] = found.get(tag, 0) + 1
    assert len(found) == len(content.TAG_KEYS) * content.VALUES_PER_KEY
    assert max(found.values()) < 1.5 * min(found.values())


def test_a_number_is_found_again_in_its_id() -> None:
    assert number_of(key(Kind.RESOURCE, 1_234_567)) == 1_234_567


def test_everything_is_there_in_both_kinds_of_table(database: Database) -> None:
    for schema in ("public", LIMIT):
        assert count(database, f"{schema}.resource") == RESOURCES
        assert count(database, f"{schema}.resource_tag") == RESOURCES * content.TAGS_PER_RESOURCE
        assert count(database, f"{schema}.service") == content.SERVICES


def test_what_is_there_is_not_made_again(store: Store, database: Database) -> None:
    steps: list[str] = []
    assert store.database(RESOURCES, [LIMIT], lambda step, _done, _total: steps.append(step)) == database
    assert steps == []


@pytest.mark.parametrize("query", Query, ids=str)
def test_the_gateways_documents_are_valid(query: Query) -> None:
    assert validate(build_schema()._schema, parse(GATEWAY_DOCUMENTS[query])) == []


def test_the_gateway_and_the_sql_statement_agree(servers: list[Server]) -> None:
    assert check(servers, list(Query)) > 500


def test_a_difference_is_found_and_named() -> None:
    assert difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == "data.a[1].b is 2 and 3"
    assert difference({"a": 1}, {"b": 1}) == "data has the fields ['a'] and ['b']"
    assert difference([1], [1, 2]) == "data has 1 and 2 items"
    assert difference([{"a": None}], [{"a": None}]) is None


def test_a_measurement_tells_what_a_request_costs(servers: list[Server], store: Store) -> None:
    found = measure(servers[0], store, Query.TAG, connections=2, count=6)
    assert (found.server, found.query, found.requests, found.errors) == (GATEWAY, "tag", 6, 0)
    assert found.cpu_ms > 0
    assert found.database_ms > 0
    assert 0 < found.p50_ms <= found.p95_ms
    assert found.peak_mb > 50


def test_pages_one_after_another_give_every_resource_once(servers: list[Server], store: Store) -> None:
    read = [drain(server, store) for server in servers]
    assert {(drained.pages, drained.resources) for drained in read} == {(20, 2000)}


def test_statements_are_counted(servers: list[Server]) -> None:
    assert {query: count_statements(servers[0], query) > 1 for query in Query} == dict.fromkeys(Query, True)


def test_a_member_of_one_cloud_sees_what_is_in_it(servers: list[Server], database: Database, data_dir: Path) -> None:
    narrow = as_member_of_one_cloud(servers[0], Site(database, SCALE, data_dir))
    for variant in range(narrow.dialect.variants(Query.POINT)):
        found = narrow.dialect.answer(narrow.ask(Query.POINT, variant))
        assert found["resource"]["service"]["cloud"]["name"] == content.cloud_name(1)
    assert len(narrow.dialect.answer(narrow.ask(Query.PAGE, 0))["resources"]) == RESOURCES // content.CLOUDS + 10
