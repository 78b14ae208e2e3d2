"""What each kind of caller sees, and that no list, id, filter or count shows them anything else."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import NullPool, delete, update
from sqlalchemy.ext.asyncio import create_async_engine

from auth.errors import Unauthenticated
from auth.permissions import PRIVILEGES
from auth.principal import Principals
from auth.tables import Account, AccountKind, Cloud, Membership, Organization, OrganizationMember, Profile, table
from gateway.postgres import DatabaseUrls
from resolvers.loaders import Loaders
from resolvers.reads import sources
from resolvers.reads.counts import FIELDS, Dimension
from resolvers.reads.lookups import rows_by_key
from resolvers.reads.pages import Page, PageQuery
from resolvers.reads.predicates import All
from resolvers.reads.sources import ListOf, Source
from resolvers.reads.topology import Topologies, load_caller
from resolvers.reference import AVAILABILITY_ZONES, DATA_CENTERS, REGIONS
from resolvers.snapshot import open_snapshot
from resolvers.tables import Operation, Resource, Service
from resolvers.trace import Trace
from schema.build import build_schema
from schema.ids import RESOURCE_TYPES, global_id
from tests.databases import Databases
from tests.schema.graph import Graph
from tests.schema.lines import LINES, only
from tests.schema.making import make_world
from tests.schema.tenants import (
    HIDDEN,
    IN_CLOUDS,
    graph_over,
    holder_of,
    ids_of,
    organizations,
    paths_of,
    with_profiles,
)
from tests.schema.world import ALPHA, API, DISABLED, NOBODY, PLATFORM, REPRESENTATIVE, VAULT, WIDE, World

PEOPLE = (*map(holder_of, Profile), WIDE, ALPHA, VAULT)
READERS = (*PEOPLE, API)
NOT_READERS = (REPRESENTATIVE, PLATFORM, NOBODY)


@pytest.fixture(scope="module")
def tenants() -> World:
    return with_profiles(make_world())


@pytest.fixture(scope="module", params=LINES)
async def graph(request: pytest.FixtureRequest, tenants: World, databases: Databases) -> AsyncIterator[Graph]:
    """The graph, and again with each of the two lines of defence alone: either must show the same."""
    urls = databases.make()
    with only(request.param, databases, urls):
        async with graph_over(urls, tenants) as graph:
            yield graph


async def listed(graph: Graph, email: str, field: str, selection: str = "id") -> list[Any]:
    """Read a whole list of `Query`, page by page."""
    found: list[Any] = []
    after = None
    while True:
        document = f"query($after: String) {{ list: {field}(first: 100, after: $after) {{"
        document += f" nodes {{ {selection} }} pageInfo {{ hasNextPage endCursor }} totalCount }} }}"
        page = (await graph.ask(email, document, {"after": after})).whole["list"]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == len(found)
            return found


async def visible(graph: Graph, email: str, ids: list[str]) -> set[str]:
    """Tell which of some ids lead to something."""
    found: set[str] = set()
    for start in range(0, len(ids), 100):
        document = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
        answer = await graph.ask(email, document, {"ids": ids[start : start + 100]})
        found |= {node["id"] for node in answer.whole["nodes"] if node is not None}
    return found


def ids(type_: str, rows: Any) -> list[str]:
    return [global_id(type_, row.id) for row in rows]


def resource_ids(rows: list[Resource]) -> list[str]:
    return [global_id(RESOURCE_TYPES[row.type], row.id) for row in rows]


# Who sees what


@pytest.mark.parametrize("email", READERS)
async def test_a_caller_sees_the_clouds_of_their_memberships(graph: Graph, tenants: World, email: str) -> None:
    clouds = [cloud for cloud in tenants.all(Cloud) if cloud.id in tenants.open_clouds(email)]
    organizations = {cloud.organization_id for cloud in clouds}
    seen = await listed(graph, email, "organizations", "id clouds(first: 100) { nodes { id } totalCount }")
    assert {one["id"] for one in seen} == {global_id("Organization", key) for key in organizations}
    assert {cloud["id"] for one in seen for cloud in one["clouds"]["nodes"]} == set(ids("Cloud", clouds))
    assert sum(one["clouds"]["totalCount"] for one in seen) == len(clouds)


@pytest.mark.parametrize("email", READERS)
async def test_a_caller_sees_the_services_resources_and_operations_of_these_clouds(
    graph: Graph, tenants: World, email: str
) -> None:
    services, resources = await listed(graph, email, "services"), await listed(graph, email, "resources")
    operations = await listed(graph, email, "operations")
    assert {one["id"] for one in services} == set(ids("Service", tenants.seen(Service, email)))
    assert {one["id"] for one in resources} == set(resource_ids(tenants.seen(Resource, email)))
    assert {one["id"] for one in operations} == set(ids("Operation", tenants.seen(Operation, email)))
    assert resources


@pytest.mark.parametrize("email", READERS)
async def test_a_caller_sees_the_tag_keys_of_these_clouds_with_their_numbers(
    graph: Graph, tenants: World, email: str
) -> None:
    numbers: dict[str, int] = {}
    for resource in tenants.seen(Resource, email):
        for key in resource.tags:
            numbers[key] = numbers.get(key, 0) + 1
    found = await listed(graph, email, "tagKeys", "key count")
    assert {one["key"]: one["count"] for one in found} == numbers


@pytest.mark.parametrize("email", [*READERS, *NOT_READERS])
async def test_by_its_id_a_caller_gets_what_is_in_these_clouds_and_nothing_else(
    graph: Graph, tenants: World, email: str
) -> None:
    everything = [id_ for model, type_ in IN_CLOUDS.items() for id_ in ids(type_, tenants.all(model))]
    everything += resource_ids(tenants.all(Resource))
    expected = {id_ for model, type_ in IN_CLOUDS.items() for id_ in ids(type_, tenants.seen(model, email))}
    expected |= set(resource_ids(tenants.seen(Resource, email)))
    assert await visible(graph, email, everything) == expected


@pytest.mark.parametrize("email", [*READERS, *NOT_READERS])
async def test_by_its_path_a_caller_gets_resources_of_these_clouds_and_no_others(
    graph: Graph, tenants: World, email: str
) -> None:
    paths = [path for code in organizations(tenants) for path in paths_of(tenants, code)]
    asked = " ".join(
        f"r{n}: resourceByPath(path: {json.dumps(path, ensure_ascii=False)}) {{ id }}" for n, path in enumerate(paths)
    )
    answer = (await graph.ask(email, f"{{ {asked} }}")).whole
    found = {resource["id"] for resource in answer.values() if resource is not None}
    assert found == set(resource_ids(tenants.seen(Resource, email)))


async def test_the_representative_sees_the_clouds_of_the_organization_by_name_and_nothing_in_them(
    graph: Graph, tenants: World
) -> None:
    selection = """code name isGroup resources { totalCount facets(by: [{field: TYPE}]) { values { count } } }
        clouds { nodes { code name isDefault viewerProfiles
            services { totalCount nodes { id } } resources { totalCount } maintenances { totalCount } } }"""
    acme = tenants.organization("acme")
    clouds = sorted((row for row in tenants.all(Cloud) if row.organization_id == acme.id), key=lambda row: row.name)
    nothing = {"totalCount": 0}
    assert await listed(graph, REPRESENTATIVE, "organizations", selection) == [
        {
            "code": "acme",
            "name": acme.name,
            "isGroup": acme.is_group,
            "resources": {"totalCount": 0, "facets": [{"values": []}]},
            "clouds": {
                "nodes": [
                    {
                        "code": cloud.code,
                        "name": cloud.name,
                        "isDefault": cloud.is_default,
                        "viewerProfiles": [],
                        "services": {"totalCount": 0, "nodes": []},
                        "resources": nothing,
                        "maintenances": nothing,
                    }
                    for cloud in clouds
                ]
            },
        }
    ]


async def test_the_platform_sees_every_organization_and_cloud_by_name_and_nothing_in_them(
    graph: Graph, tenants: World
) -> None:
    selection = "id name clouds { nodes { id name resources { totalCount } services { totalCount } } }"
    found = await listed(graph, PLATFORM, "organizations", selection)
    assert {one["id"]: one["name"] for one in found} == {
        global_id("Organization", row.id): row.name for row in tenants.all(Organization)
    }
    clouds = [cloud for one in found for cloud in one["clouds"]["nodes"]]
    assert {cloud["id"]: cloud["name"] for cloud in clouds} == {
        global_id("Cloud", row.id): row.name for row in tenants.all(Cloud)
    }
    assert {(cloud["resources"]["totalCount"], cloud["services"]["totalCount"]) for cloud in clouds} == {(0, 0)}


@pytest.mark.parametrize("email", NOT_READERS)
async def test_who_sees_no_cloud_s_content_finds_every_such_list_empty(graph: Graph, email: str) -> None:
    for field in ("services", "resources", "instances", "loadBalancers", "objectStores", "kubernetesClusters"):
        assert await listed(graph, email, field) == []
    assert await listed(graph, email, "operations") == []
    assert await listed(graph, email, "tagKeys", "key") == []
    by = [{"field": name} for name in FIELDS] + [{"tag": "team"}]
    document = "query($by: [Dimension!]!) { resources { facets(by: $by) { values { value count } hasMore } } }"
    facets = (await graph.ask(email, document, {"by": by})).whole["resources"]["facets"]
    assert facets == [{"values": [], "hasMore": False}] * len(by)


async def test_who_holds_nothing_sees_the_topology_and_the_matrix(graph: Graph) -> None:
    document = """{
        viewer { email kind memberships { totalCount nodes { id } } }
        organizations { totalCount nodes { id } }
        regions { code dataCenters { code availabilityZones { code } } }
        availabilityZones { code resources { totalCount nodes { id } } }
        privileges { label }
    }"""
    answer = (await graph.ask(NOBODY, document)).whole
    assert answer["viewer"] == {"email": NOBODY, "kind": "PERSON", "memberships": {"totalCount": 0, "nodes": []}}
    assert answer["organizations"] == {"totalCount": 0, "nodes": []}
    assert {region["code"] for region in answer["regions"]} == set(REGIONS)
    centers = [center for region in answer["regions"] for center in region["dataCenters"]]
    assert {center["code"] for center in centers} == set(DATA_CENTERS)
    zones = {zone["code"] for center in centers for zone in center["availabilityZones"]}
    assert zones == {zone["code"] for zone in answer["availabilityZones"]} == set(AVAILABILITY_ZONES)
    assert all(zone["resources"] == {"totalCount": 0, "nodes": []} for zone in answer["availabilityZones"])
    assert len(answer["privileges"]) == len(PRIVILEGES)


@pytest.mark.parametrize("email", [*READERS, *NOT_READERS])
async def test_a_caller_sees_their_own_account_and_no_other(graph: Graph, tenants: World, email: str) -> None:
    own = tenants.account(email)
    answer = await graph.ask(email, "{ viewer { id email kind memberships { nodes { cloud { code } profiles } } } }")
    viewer = answer.whole["viewer"]
    assert (viewer["id"], viewer["email"]) == (global_id("Viewer", own.id), email)
    assert viewer["kind"] == (AccountKind.API_ACCOUNT if email == API else AccountKind.PERSON)
    held: dict[str, list[str]] = {}
    for row in tenants.all(Membership):
        if row.account_id == own.id:
            held.setdefault(tenants.clouds[row.cloud_id].code, []).append(row.profile)
    found = {one["cloud"]["code"]: one["profiles"] for one in viewer["memberships"]["nodes"]}
    assert found == {code: [name for name in Profile if name in profiles] for code, profiles in held.items()}
    accounts = ids("Viewer", tenants.all(Account))
    assert await visible(graph, email, accounts) == {viewer["id"]}


async def test_the_profiles_that_a_cloud_shows_are_the_caller_s_own(graph: Graph) -> None:
    found = await listed(graph, WIDE, "organizations", "clouds { nodes { code viewerProfiles } }")
    assert {cloud["code"]: cloud["viewerProfiles"] for one in found for cloud in one["clouds"]["nodes"]} == {
        "alpha": ["STD", "DTM"],
        "beta": ["POW"],
        "omega": ["STD"],
    }


async def test_a_disabled_or_deleted_account_is_no_caller(
    tenants: World, make_database: Callable[[], DatabaseUrls]
) -> None:
    database, account = make_database(), table(Account)
    owner = create_async_engine(database.owner, poolclass=NullPool)
    async with graph_over(database, tenants) as graph:
        with pytest.raises(Unauthenticated) as disabled:
            await graph.ask(DISABLED, "{ viewer { email } }")
        async with owner.begin() as connection:
            await connection.execute(delete(account).where(account.c.email == ALPHA))
        with pytest.raises(Unauthenticated) as deleted:
            await graph.ask(ALPHA, "{ viewer { email } }")
        assert disabled.value.message == deleted.value.message


async def test_what_is_granted_or_revoked_holds_from_the_next_operation_on(
    tenants: World, make_database: Callable[[], DatabaseUrls]
) -> None:
    database, account, membership = make_database(), table(Account), table(Membership)
    owner = create_async_engine(database.owner, poolclass=NullPool)
    alpha, beta = tenants.cloud("alpha"), tenants.cloud("beta")
    document = "{ organizations { nodes { clouds { nodes { code } } } } resources { totalCount } }"

    async def seen(graph: Graph) -> tuple[list[str], int]:
        answer = (await graph.ask(ALPHA, document)).whole
        clouds = [cloud["code"] for one in answer["organizations"]["nodes"] for cloud in one["clouds"]["nodes"]]
        return clouds, answer["resources"]["totalCount"]

    async with graph_over(database, tenants) as graph:
        before = await seen(graph)
        async with owner.begin() as connection:
            await connection.execute(
                update(membership)
                .where(membership.c.account_id == tenants.account(ALPHA).id, membership.c.cloud_id == alpha.id)
                .values(cloud_id=beta.id)
            )
        after = await seen(graph)
        async with owner.begin() as connection:
            await connection.execute(delete(membership).where(membership.c.account_id == tenants.account(ALPHA).id))
        at_last = await seen(graph)
        async with owner.begin() as connection:
            await connection.execute(
                update(account).where(account.c.email == ALPHA).values(disabled_at=alpha.created_at)
            )
        with pytest.raises(Unauthenticated):
            await seen(graph)
    numbers = {
        code: sum(row.cloud_id == tenants.cloud(code).id for row in tenants.all(Resource)) for code in ("alpha", "beta")
    }
    assert (before, after, at_last) == ((["alpha"], numbers["alpha"]), (["beta"], numbers["beta"]), ([], 0))


# The anonymous


def root_fields() -> list[tuple[str, str]]:
    """Give a query for each root field."""
    query = build_schema()._schema.query_type
    assert query is not None
    needed = {"id": '"x"', "ids": "[]", "path": '"a/b/c/d"'}
    documents = []
    for name, field in query.fields.items():
        arguments = ", ".join(f"{key}: {value}" for key, value in needed.items() if key in field.args)
        documents.append((name, f"{{ {name}{f'({arguments})' if arguments else ''} {{ __typename }} }}"))
    return documents


@pytest.mark.parametrize(("field", "document"), root_fields())
async def test_the_anonymous_are_asked_to_sign_in(graph: Graph, field: str, document: str) -> None:
    answer = await graph.ask(None, document)
    if field == "viewer":
        assert answer.whole == {"viewer": None}
    else:
        assert answer.refusal == {"code": "UNAUTHENTICATED"}


async def test_the_anonymous_may_ask_what_they_are_talking_to(graph: Graph) -> None:
    answer = await graph.ask(None, "{ __typename viewer { email } }")
    assert answer.whole == {"__typename": "Query", "viewer": None}


# Below foreign parents, by foreign keys

BELOW = [
    value
    for value in vars(sources).values()
    if isinstance(value, ListOf) and value.belongs is not None and value is not sources.MEMBERSHIPS_OF_ACCOUNT
]
"""Every list that has a parent, but for the caller's own memberships."""
BY_KEY = [value for value in vars(sources).values() if isinstance(value, Source) and not value.grouped]
DIMENSIONS = (*(Dimension(field=name) for name in FIELDS), Dimension(tag="team"))
MOST_KEYS = 15


def foreign_keys(world: World, email: str) -> list[UUID]:
    """Give keys of rows of every table that a caller does not see, not even by name."""
    named = {row.organization_id for row in world.all(OrganizationMember) if row.account_id == world.account(email).id}
    seen = world.open_clouds(email) | named
    seen |= {cloud.id for cloud in world.all(Cloud) if cloud.organization_id in named and email == REPRESENTATIVE}
    seen |= {world.clouds[key].organization_id for key in world.open_clouds(email)}
    keys: list[UUID] = []
    for model, rows in world.in_order():
        if "id" in table(model).c:
            foreign: list[Any] = [row for row in rows if not {row.id, getattr(row, "cloud_id", None)} & seen]  # type: ignore[attr-defined]
            keys += [row.id for row in foreign[:: max(1, len(foreign) // MOST_KEYS)]]
    return keys


@pytest.mark.parametrize("email", [ALPHA, API, REPRESENTATIVE, NOBODY])
@pytest.mark.parametrize("of", [of for of in BELOW if of is not sources.RESOURCES_OF_ZONE], ids=lambda of: of.name)
async def test_below_what_a_caller_does_not_see_every_list_is_empty(
    graph: Graph, tenants: World, of: ListOf[Any], email: str
) -> None:
    async with open_snapshot(graph.database, Trace()) as snapshot:
        caller = await load_caller(snapshot, Principals(), tenants.account(email).id)
        pages, counts, facets = await below(Loaders(snapshot, caller, Topologies()), of, foreign_keys(tenants, email))
    assert pages
    assert [page.rows for page in pages if page.rows] == []
    assert set(counts) == {0}
    assert [one for found in facets for one in found if one.values] == []


@pytest.mark.parametrize("email", [ALPHA, API, REPRESENTATIVE, NOBODY])
async def test_in_a_zone_a_caller_finds_the_resources_of_their_own_clouds(
    graph: Graph, tenants: World, email: str
) -> None:
    zones = list(AVAILABILITY_ZONES)
    async with open_snapshot(graph.database, Trace()) as snapshot:
        caller = await load_caller(snapshot, Principals(), tenants.account(email).id)
        pages, counts, _ = await below(Loaders(snapshot, caller, Topologies()), sources.RESOURCES_OF_ZONE, zones)
    seen = tenants.seen(Resource, email)
    expected = [{row.id for row in seen if zone in row.availability_zones} for zone in zones]
    assert [{row.id for row in page.rows} for page in pages] == expected
    assert counts == [len(rows) for rows in expected]


async def below(loaders: Loaders, of: ListOf[Any], keys: Sequence[Any]) -> tuple[list[Page], list[int], list[Any]]:
    """Load the page, the count and, of resources, the facets of a list below many parents."""
    everything = PageQuery(All(()), of.source.order, 100)
    pages = await asyncio.gather(*[loaders.page_by_list(of).load((key, everything)) for key in keys])
    counts = await asyncio.gather(*[loaders.count_by_list(of).load((key, All(()))) for key in keys])
    if of.source is not sources.RESOURCES:
        return pages, counts, []
    loader = loaders.facets_by_list(of)
    return pages, counts, await asyncio.gather(*[loader.load((key, (All(()), DIMENSIONS))) for key in keys])


@pytest.mark.parametrize("email", [ALPHA, API, NOBODY])
@pytest.mark.parametrize("of", BY_KEY, ids=lambda of: of.name)
async def test_by_the_key_of_what_a_caller_does_not_see_nothing_is_read(
    graph: Graph, tenants: World, of: Source[Any], email: str
) -> None:
    async with open_snapshot(graph.database, Trace()) as snapshot:
        caller = await load_caller(snapshot, Principals(), tenants.account(email).id)
        found = await rows_by_key(snapshot, caller.principal.scope, of, of.id, foreign_keys(tenants, email))
    assert found
    assert [row for row in found if row is not None] == []


@pytest.mark.parametrize("email", [ALPHA, API, REPRESENTATIVE, NOBODY])
async def test_of_a_resource_that_a_caller_does_not_see_no_detail_is_read(
    graph: Graph, tenants: World, email: str
) -> None:
    seen = {row.id for row in tenants.seen(Resource, email)}
    keys = [(row.id, row.type) for row in tenants.all(Resource)]
    async with open_snapshot(graph.database, Trace()) as snapshot:
        caller = await load_caller(snapshot, Principals(), tenants.account(email).id)
        loader = Loaders(snapshot, caller, Topologies()).detail_by_resource
        details = await asyncio.gather(*[loader.load(key) for key in keys])
    found = {key for (key, _), detail in zip(keys, details, strict=True) if detail is not None}
    assert found == seen


# Filters that name what is foreign


@pytest.mark.parametrize("email", [WIDE, ALPHA, API])
async def test_a_filter_that_names_foreign_ids_matches_nothing_and_its_negation_everything(
    graph: Graph, tenants: World, email: str
) -> None:
    foreign = ids_of(tenants, HIDDEN)
    by_type = {
        "organization": [one for one in foreign if one.startswith("org")],
        "cloud": [one for one in foreign if one.startswith("cld")],
        "service": [one for one in foreign if one.startswith("srv")],
    }
    everything = len(tenants.seen(Resource, email))
    document = """query($where: ResourceFilter, $not: ResourceFilter) {
        none: resources(filter: $where) { totalCount nodes { id } facets(by: [{field: CLOUD}]) { values { count } } }
        all: resources(filter: $not) { totalCount }
    }"""
    for field, keys in by_type.items():
        assert keys
        answer = await graph.ask(email, document, {"where": {field: keys}, "not": {"not": {field: keys}}})
        assert answer.whole == {
            "none": {"totalCount": 0, "nodes": [], "facets": [{"values": []}]},
            "all": {"totalCount": everything},
        }
    resources = [one for one in foreign if one[:3] in ("ins", "lbr", "obs", "kub", "mdb", "mbr", "aps", "fst")]
    document = """query($operations: OperationFilter, $services: ServiceFilter) {
        operations(filter: $operations) { totalCount nodes { id } }
        services(filter: $services) { totalCount nodes { id } }
    }"""
    empty = {"totalCount": 0, "nodes": []}
    for operations, services in (
        ({"resource": resources}, {"cloud": by_type["cloud"]}),
        ({"cloud": by_type["cloud"]}, {"organization": by_type["organization"]}),
    ):
        answer = await graph.ask(email, document, {"operations": operations, "services": services})
        assert answer.whole == {"operations": empty, "services": empty}


@pytest.mark.parametrize("email", [WIDE, API])
async def test_facets_count_what_the_caller_sees(graph: Graph, tenants: World, email: str) -> None:
    seen = tenants.seen(Resource, email)
    document = "{ resources { facets(by: [{field: CLOUD}, {field: SERVICE}]) { values { value label count } } } }"
    clouds, services = (await graph.ask(email, document)).whole["resources"]["facets"]
    for facet, type_, key in ((clouds, "Cloud", "cloud_id"), (services, "Service", "service_id")):
        expected: dict[str, int] = {}
        for row in seen:
            id_ = global_id(type_, getattr(row, key))
            expected[id_] = expected.get(id_, 0) + 1
        assert {value["value"]: value["count"] for value in facet["values"]} == expected
