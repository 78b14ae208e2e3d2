"""Ids: one for everything, good everywhere, and no way to learn of what one does not see."""

from collections.abc import AsyncIterator, Callable, Iterator
from random import Random
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from graphql import GraphQLInterfaceType
from sqlmodel import SQLModel

from auth.issuer import Issuer
from auth.tables import Cloud
from gateway.app import create_app
from gateway.keys import signing_key
from gateway.postgres import DatabaseUrls
from gateway.settings import Settings
from resolvers.tables import Resource, Service
from schema.build import build_schema
from schema.ids import PREFIXES, RESOURCE_TYPES, global_id
from tests.schema.graph import Graph
from tests.schema.tenants import HIDDEN, IN_CLOUDS, ids_of
from tests.schema.world import ALPHA, API, World, load_world

NOWHERE = UUID("00000000-0000-4000-8000-000000000000")
RESPONSE_JSON = {"Accept": "application/graphql-response+json"}

# Everywhere that an id is accepted.
FIELDS = {
    "node": "query($id: ID!) { node(id: $id) { __typename id } }",
    "nodes": "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }",
    "organization": "query($id: ID!) { organization(id: $id) { name clouds { totalCount } } }",
    "cloud": "query($id: ID!) { cloud(id: $id) { name services { totalCount } } }",
    "service": "query($id: ID!) { service(id: $id) { name resources { totalCount } } }",
    "resource": "query($id: ID!) { resource(id: $id) { name operations { totalCount } } }",
}
FILTERS = [
    ("resources", "organization"),
    ("resources", "cloud"),
    ("resources", "service"),
    ("services", "organization"),
    ("services", "cloud"),
    ("operations", "cloud"),
    ("operations", "resource"),
]


def filtered(field: str, by: str) -> str:
    """Ask for all that there is to a list, filtered by ids."""
    facets = 'facets(by: [{field: CLOUD}, {tag: "team"}]) { values { value count } }' if field == "resources" else ""
    page = "totalCount nodes { id } edges { cursor } pageInfo { hasNextPage endCursor }"
    return f"query($ids: [ID!]) {{ {field}(filter: {{{by}: $ids}}) {{ {page} {facets} }} }}"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("gateway"))


@pytest.fixture(scope="module")
async def client(
    settings: Settings, world: World, make_database: Callable[[], DatabaseUrls]
) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the whole application, as the one who sees the Cloud alpha."""
    database = make_database()
    await load_world(database, world)
    app = create_app(settings, database)
    token = Issuer(signing_key(settings), settings.issuer, settings.audience).issue(world.account(ALPHA).id)
    headers = RESPONSE_JSON | {"Authorization": f"Bearer {token}"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway", headers=headers) as client,
    ):
        yield client


async def answer(client: httpx.AsyncClient, document: str, id_: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Give a whole answer, but for the id that tells requests apart."""
    variables = {"ids": [id_]} if "$ids" in document else {"id": id_}
    response = await client.post("/graphql", json={"query": document, "variables": variables})
    headers = [(name, value) for name, value in response.headers.items() if name != "x-correlation-id"]
    return response.status_code, headers, response.content


def not_for_the_caller(world: World) -> dict[str, list[str]]:
    """Give ids that lead to nothing, by why: of each type, unknown or foreign, and some that mix things up."""
    foreign = ids_of(world, HIDDEN)
    beta = world.cloud("beta")
    of_beta = [row for row in world.all(Resource) if row.cloud_id == beta.id]
    own = next(row for row in world.all(Resource) if row.cloud_id == world.cloud("alpha").id)
    other_type = next(type_ for type_ in RESOURCE_TYPES.values() if type_ != RESOURCE_TYPES[own.type])
    return {
        "unknown": [global_id(type_, NOWHERE) for type_ in PREFIXES],
        "of another organization": Random(1).sample(foreign, 20) + foreign[:3],  # noqa: S311
        "of another Cloud": [global_id(RESOURCE_TYPES[row.type], row.id) for row in of_beta[:8]],
        "of a key that another type has": [
            global_id(other_type, own.id),
            global_id("Service", own.id),
            global_id("Cloud", world.organization("acme").id),
            global_id("Organization", world.cloud("alpha").id),
            global_id("Region", world.cloud("alpha").id),
            global_id("Membership", world.cloud("alpha").id),
            global_id("Product", own.id),
        ],
    }


@pytest.mark.parametrize("field", FIELDS)
async def test_an_id_that_is_unknown_of_another_type_or_out_of_scope_is_null_and_the_same_answer(
    client: httpx.AsyncClient, world: World, field: str
) -> None:
    document = FIELDS[field]
    unknown = await answer(client, document, global_id("Instance", NOWHERE))
    assert unknown[0] == 200
    assert orjson.loads(unknown[2]) == {"data": {field: [None] if field == "nodes" else None}}
    for why, ids in not_for_the_caller(world).items():
        for id_ in ids:
            assert await answer(client, document, id_) == unknown, (why, id_)
    of_another_type = {
        "organization": global_id("Cloud", world.cloud("alpha").id),
        "cloud": global_id("Organization", world.organization("acme").id),
        "service": global_id("Cloud", world.cloud("alpha").id),
        "resource": global_id("Service", next(row.id for row in world.seen(Service, ALPHA))),
    }
    if field in of_another_type:
        assert await answer(client, document, of_another_type[field]) == unknown


@pytest.mark.parametrize(("field", "by"), FILTERS)
async def test_a_filter_by_an_id_that_leads_to_nothing_is_empty_and_the_same_answer(
    client: httpx.AsyncClient, world: World, field: str, by: str
) -> None:
    document = filtered(field, by)
    unknown = await answer(client, document, global_id("Instance" if by == "resource" else by.capitalize(), NOWHERE))
    assert unknown[0] == 200
    found = orjson.loads(unknown[2])["data"][field]
    assert (found["totalCount"], found["nodes"], found["edges"]) == (0, [], [])
    for why, ids in not_for_the_caller(world).items():
        for id_ in ids:
            assert await answer(client, document, id_) == unknown, (why, id_)


async def test_a_path_that_is_unknown_or_out_of_scope_is_null_and_the_same_answer(
    client: httpx.AsyncClient, world: World
) -> None:
    async def by_path(path: str) -> tuple[int, bytes]:
        document = "query($path: String!) { resourceByPath(path: $path) { id } }"
        response = await client.post("/graphql", json={"query": document, "variables": {"path": path}})
        return response.status_code, response.content

    unknown = await by_path("acme/alpha/nothing/here")
    assert unknown == (200, b'{"data":{"resourceByPath":null}}')
    hidden = next(row for row in world.all(Resource) if row.organization_id == world.organization(HIDDEN).id)
    cloud, service = world.clouds[hidden.cloud_id], world.services[hidden.service_id]
    for path in (
        f"{HIDDEN}/{cloud.code}/{service.name}/{hidden.name}",
        f"acme/alpha/{service.name}/{hidden.name}",
        f"{HIDDEN}/nothing/nothing/nothing",
        "///",
    ):
        assert await by_path(path) == unknown


MALFORMED = {
    "empty": "",
    "a number": "5",
    "a UUID alone": str(NOWHERE),
    "no key": "ins_",
    "a key too short": f"ins_{NOWHERE.hex[1:]}",
    "a key too long": f"ins_{NOWHERE.hex}0",
    "a key with dashes": f"ins_{NOWHERE}",
    "capitals": f"INS_{NOWHERE.hex}",
    "capitals in the key": f"ins_{UUID(int=2**128 - 1).hex.upper()}",
    "an unknown prefix": f"xyz_{NOWHERE.hex}",
    "a space before": f" ins_{NOWHERE.hex}",
    "a line after": f"ins_{NOWHERE.hex}\n",
    "other digits": f"ins_{NOWHERE.hex[:-1]}\u0660",
    "base64": "SW5zdGFuY2U6MQ==",
    "a quotation mark": "ins_'; --",
    "a thousand letters": "ins_" + "a" * 1000,
}


@pytest.mark.parametrize("malformed", MALFORMED)
async def test_what_is_no_id_is_refused_by_the_name_of_its_argument(graph: Graph, malformed: str) -> None:
    wrong = MALFORMED[malformed]
    expected = {document: "ids" if field == "nodes" else "id" for field, document in FIELDS.items()}
    expected |= {filtered(field, by): f"filter.{by}" for field, by in FILTERS}
    for document, argument in expected.items():
        found = await graph.ask(ALPHA, document, {"ids": [wrong]} if "$ids" in document else {"id": wrong})
        assert found.refusal == {"code": "BAD_USER_INPUT", "argument": argument}, document
        assert wrong == "" or wrong not in found.errors[0]["message"]


async def test_one_that_is_no_id_among_others_is_refused(graph: Graph, world: World) -> None:
    good = global_id("Cloud", world.cloud("alpha").id)
    found = await graph.ask(ALPHA, FIELDS["nodes"], {"ids": [good, "bad", good]})
    assert found.refusal == {"code": "BAD_USER_INPUT", "argument": "ids"}
    found = await graph.ask(ALPHA, filtered("resources", "cloud"), {"ids": [good, "bad"]})
    assert found.refusal == {"code": "BAD_USER_INPUT", "argument": "filter.cloud"}


async def test_a_hundred_ids_are_read_at_once_and_not_one_more(graph: Graph, world: World) -> None:
    ids = [global_id("Cloud", world.cloud("alpha").id)] * 101
    found = await graph.ask(ALPHA, FIELDS["nodes"], {"ids": ids[:100]})
    assert len(found.whole["nodes"]) == 100
    found = await graph.ask(ALPHA, FIELDS["nodes"], {"ids": ids})
    assert found.refusal == {"code": "LIMIT_EXCEEDED", "limit": "nodes", "value": 101, "maximum": 100}


async def test_nodes_come_in_the_order_of_their_ids(graph: Graph, world: World) -> None:
    ids = [global_id("Service", row.id) for row in world.seen(Service, ALPHA)]
    Random(1).shuffle(ids)  # noqa: S311
    mixed = [ids[0], global_id("Cloud", NOWHERE), *ids, ids[0]]
    found = await graph.ask(ALPHA, FIELDS["nodes"], {"ids": mixed})
    expected = [None if id_.startswith("cld") else {"__typename": "Service", "id": id_} for id_ in mixed]
    assert found.whole["nodes"] == expected


# There and back


BY_NAME = {"Account", "AccountRequest", "ClientCredential", "CloudRequest", "ProfileProposal"}
"""What representatives and the platform see; `tests/schema/test_accounts.py` and `tests/gateway/` read them by ids."""


def node_types() -> set[str]:
    schema = build_schema()._schema
    node = schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    return {type_.name for type_ in schema.get_possible_types(node)}


async def test_by_its_id_everything_is_found_again(graph: Graph, world: World) -> None:
    expected = {id_: type_ for model, type_ in IN_CLOUDS.items() for id_ in ids_seen(world, model, type_)}
    expected |= {
        global_id(RESOURCE_TYPES[row.type], row.id): RESOURCE_TYPES[row.type] for row in world.seen(Resource, API)
    }
    acme = world.organization("acme")
    own = [row for row in world.all(Cloud) if row.organization_id == acme.id]
    expected |= {global_id("Organization", acme.id): "Organization"}
    expected |= {global_id("Cloud", row.id): "Cloud" for row in own}
    expected |= {global_id("Viewer", world.account(API).id): "Viewer"}
    document = """{ regions { __typename id dataCenters { __typename id } }
        availabilityZones { __typename id dataCenter { __typename id region { __typename id } } } }"""
    expected |= dict(named(await graph.ask(API, document)))
    assert set(expected.values()) == node_types() - BY_NAME
    ids = list(expected)
    found: dict[str, str] = {}
    for start in range(0, len(ids), 100):
        answer = await graph.ask(API, FIELDS["nodes"], {"ids": ids[start : start + 100]})
        found |= {node["id"]: node["__typename"] for node in answer.whole["nodes"] if node is not None}
    assert found == expected


def ids_seen(world: World, model: type[SQLModel], type_: str) -> list[str]:
    rows: list[Any] = list(world.seen(model, API))
    return [global_id(type_, row.id) for row in rows]


def named(answer: Any) -> Iterator[tuple[str, str]]:
    """Give every id of an answer with the name of its type."""
    pending = [answer.whole]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            if "id" in part:
                yield part["id"], part["__typename"]
            pending += part.values()
        elif isinstance(part, list):
            pending += part


THING = "__typename id"
EVERYWHERE = f"""{{
  viewer {{ {THING} }}
  organizations {{ nodes {{ {THING} clouds {{ nodes {{ {THING} maintenances {{ nodes {{ {THING}
    cloud {{ {THING} }} services {{ nodes {{ {THING} }} }} resources {{ nodes {{ {THING} }} }} }} }} }} }} }} }}
  services(first: 100) {{ nodes {{ {THING} cloud {{ {THING} }} smsSubscription {{ {THING} service {{ {THING} }} }}
    indicators {{ nodes {{ {THING} service {{ {THING} }} }} }} }} }}
  operations(first: 100) {{ nodes {{ {THING} cloud {{ {THING} }} resource {{ {THING} }} }} }}
  resources(first: 100) {{ nodes {{ {THING}
    service {{ {THING} }} cloud {{ {THING} }} organization {{ {THING} }}
    availabilityZones {{ {THING} }} dataCenters {{ {THING} region {{ {THING} }} }}
    ... on Instance {{ snapshots {{ nodes {{ {THING} instance {{ {THING} }} }} }}
      aliases: dnsAliases {{ nodes {{ {THING} resource {{ {THING} }} }} }} loadBalancers {{ nodes {{ {THING} }} }} }}
    ... on LoadBalancer {{ members {{ nodes {{ {THING} instance {{ {THING} }} loadBalancer {{ {THING} }} }} }} }}
    ... on ObjectStore {{ users {{ nodes {{ {THING} objectStore {{ {THING} }} }} }} }}
    ... on KubernetesCluster {{ namespaces {{ nodes {{ {THING} cluster {{ {THING} }} }} }}
      machines: nodes {{ nodes {{ {THING} resource {{ {THING} }} availabilityZone {{ {THING} }} }} }} }}
    ... on Middleware {{ machines: nodes {{ nodes {{ {THING} resource {{ {THING} }} }} }} }}
  }} }}
}}"""


async def test_an_id_is_the_same_on_every_way_to_a_thing(graph: Graph) -> None:
    met: dict[str, set[str]] = {}
    for id_, type_ in named(await graph.ask(API, EVERYWHERE)):
        met.setdefault(id_, set()).add(type_)
    assert [id_ for id_, types in met.items() if len(types) > 1] == []
    types = {id_: next(iter(found)) for id_, found in met.items()}
    assert set(types.values()) == node_types() - BY_NAME
    ids = list(types)
    for start in range(0, len(ids), 100):
        asked = ids[start : start + 100]
        answer = await graph.ask(API, FIELDS["nodes"], {"ids": asked})
        assert answer.whole["nodes"] == [{"__typename": types[id_], "id": id_} for id_ in asked]


def test_every_type_has_a_prefix_of_its_own() -> None:
    assert set(PREFIXES) >= node_types()
    assert len(set(PREFIXES.values())) == len(PREFIXES)
