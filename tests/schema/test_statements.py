"""How many statements a query costs, on little data and on much, and that the caller's scope is in each of them."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import and_, func, or_, select, true

from auth.statements import Parameters
from auth.tables import Account, table
from gateway.postgres import DatabaseUrls
from resolvers.database import Database
from resolvers.demo import ACCOUNTS, account_id, load_demo
from resolvers.reads.predicates import All, Fields
from resolvers.reads.relations import RESOURCE, SERVICE, TAG
from resolvers.reads.topology import CALLER_AND_VERSION
from tests.schema.graph import Graph
from tests.schema.statements import executed, unscoped
from tests.schema.test_ids import EVERYWHERE
from tests.schema.world import World

EXAMPLES = sorted((Path(__file__).parents[2] / "gateway/web/examples").glob("*.graphql"))
POW, API, PLATFORM = "pow@demo.example", "bi@demo.example", "platform@demo.example"
FEW, MANY = 10, 10_000


@pytest.fixture(scope="module")
async def few(make_database: Callable[[], DatabaseUrls]) -> AsyncIterator[Graph]:
    async for graph in demo(make_database(), FEW):
        yield graph


@pytest.fixture(scope="module")
async def many(make_database: Callable[[], DatabaseUrls]) -> AsyncIterator[Graph]:
    async for graph in demo(make_database(), MANY):
        yield graph


async def demo(database: DatabaseUrls, resources: int) -> AsyncIterator[Graph]:
    """Load a demo, and give the graph over it, with a connection that is open already and the topology kept."""
    await load_demo(database.owner, resources=resources)
    accounts = World()
    for account in ACCOUNTS:
        accounts.add(Account(id=account_id(account.email), email=account.email))
    reader = Database(database.app, pool_size=1, statement_seconds=20)
    graph = Graph(reader, accounts)
    await graph.keep_topology(POW)
    yield graph
    await reader.close()


async def cost(graph: Graph, email: str, document: str, variables: dict[str, Any] | None = None) -> tuple[Any, int]:
    """Ask, and tell the data and the number of statements, which the trace has to tell as well."""
    with executed(graph.database) as statements:
        answer = await graph.ask(email, document, variables)
    assert answer.trace.sql_statements == len(statements)
    return answer.whole, len(statements)


AROUND = """
    id type name status environment revision monitoringEnabled onCall createdAt updatedAt
    comment createdBy externalId supportLevel supportPhase ipAddresses
    product { name version } network { vlan cidr scope area }
    tags { key value } team: tag(key: "team")
    service { name description } cloud { code name isDefault viewerProfiles } organization { code name }
    availabilityZones { code dataCenter { code region { code name } } } dataCenters { code region { code } }
    operations { nodes { action status submittedBy { name } steps { name status completedAt } } }
"""
ALIASES = "dnsAliases { nodes { fqdn } }"
INSTANCE = f"""{AROUND} ... on Instance {{ family osType cpu ramGb diskGb
    backup {{ policy lastAt sizeGb }} recovery patching {{ group nextAt excluded }}
    fileSystems {{ mountPoint sizeGb freeGb }}
    snapshots {{ nodes {{ label sizeGb createdAt }} }} {ALIASES} """
BEHIND = f"{INSTANCE} loadBalancers {{ nodes {{ name status }} }} }}"
BEHIND_WITH_OTHERS = f"{INSTANCE} loadBalancers {{ nodes {{ name members {{ nodes {{ port state }} }} }} }} }}"

# A resource with everything around it: its type, what is asked of it, how many statements that takes.
ONE: dict[str, tuple[str, str, int]] = {
    "an instance": ("INSTANCE", BEHIND, 7),
    "a load balancer": (
        "LOAD_BALANCER",
        f"""{AROUND} ... on LoadBalancer {{ url protocol port mode redirectToHttps {ALIASES}
            members {{ nodes {{ port state status instance {{ name status availabilityZones {{ code }} }} }} }} }}""",
        7,
    ),
    "a Kubernetes cluster": (
        "KUBERNETES_CLUSTER",
        f"""{AROUND} ... on KubernetesCluster {{ kubernetesVersion ingress highAvailability
            namespaces {{ nodes {{ name cpuLimit }} }}
            machines: nodes {{ nodes {{ name cpu ramGb availabilityZone {{ code }} }} }} }}""",
        6,
    ),
    "an object store": (
        "OBJECT_STORE",
        f"{AROUND} ... on ObjectStore {{ geoReplicated quotaGb usedGb users {{ nodes {{ label locked }} }} }}",
        5,
    ),
    "a managed database": (
        "MANAGED_DATABASE",
        f"{AROUND} ... on Middleware {{ family version topology nodes {{ nodes {{ name cpu status }} }} }}",
        5,
    ),
}


@pytest.mark.parametrize("thing", ONE)
async def test_one_resource_with_everything_around_it(many: Graph, thing: str) -> None:
    type_, selection, statements = ONE[thing]
    first = "query($type: [ResourceType!]) { resources(first: 1, filter: {type: $type}) { nodes { id } } }"
    (found,) = (await many.ask(API, first, {"type": [type_]})).whole["resources"]["nodes"]
    data, number = await cost(many, API, by_id(selection), {"id": found["id"]})
    assert data["resource"]["id"] == found["id"]
    assert number == statements <= 8


async def test_an_instance_behind_a_load_balancer_costs_one_more_with_the_load_balancer_s_members(
    few: Graph, many: Graph
) -> None:
    document = "{ loadBalancers(first: 1) { nodes { members(first: 1) { nodes { instance { id } } } } } }"
    for graph in (few, many):
        found = (await graph.ask(POW, document)).whole["loadBalancers"]["nodes"][0]["members"]["nodes"]
        variables = {"id": found[0]["instance"]["id"]}
        data, number = await cost(graph, POW, by_id(BEHIND), variables)
        assert data["resource"]["loadBalancers"]["nodes"]
        assert number == 7
        _, number = await cost(graph, POW, by_id(BEHIND_WITH_OTHERS), variables)
        assert number == 8


def by_id(selection: str) -> str:
    return f"query($id: ID!) {{ resource(id: $id) {{ {selection} }} }}"


# Queries of every kind: who asks, the query, the statements it may take, whatever there is.
QUERIES: dict[str, tuple[str, str, int]] = {
    "who is asking": (POW, "{ viewer { email kind memberships { nodes { cloud { code } profiles } } } }", 2),
    "organization, Clouds, Services, resources, tags": (
        POW,
        """{ organizations { nodes { name clouds { nodes { name services(first: 20) { nodes { name
            resources(first: 10) { nodes { name tags { key value } } } } } } } } } }""",
        5,
    ),
    "the same with counts at every level": (
        API,
        """{ organizations { totalCount nodes { name clouds { totalCount nodes { name services(first: 20) { totalCount
            nodes { name resources(first: 10) { totalCount nodes { name } } } } } } } } }""",
        9,
    ),
    "by a tag, with Service and Cloud": (
        POW,
        """{ resources(first: 20, filter: {tags: {all: [{key: "team"}]}}) {
            nodes { name service { name description } cloud { code organization { code } } } } }""",
        2,
    ),
    "a start page with facets": (
        API,
        """{ viewer { email } organizations { nodes { code clouds { nodes { code viewerProfiles
            resources { totalCount facets(by: [{field: STATUS}, {field: TYPE}, {tag: "team"}]) {
            dimension values { value count } } } } } } } }""",
        5,
    ),
    "a hundred resources of all types with their details": (
        API,
        f"""{{ resources(first: 100, orderBy: [{{field: TYPE}}]) {{ nodes {{
            {AROUND.partition("operations")[0]}
            ... on Instance {{ cpu ramGb fileSystems {{ mountPoint }} }} ... on LoadBalancer {{ protocol port url }}
            ... on ObjectStore {{ quotaGb usedGb }} ... on KubernetesCluster {{ kubernetesVersion ingress }}
            ... on Middleware {{ version topology diskGb }} }} }} }}""",
        3,
    ),
    "all parts of a hundred resources": (
        API,
        """{ resources(first: 100, orderBy: [{field: CREATED_AT}]) { nodes { name operations { nodes { action } }
            ... on Instance { snapshots { nodes { label } } dnsAliases { nodes { fqdn } } }
            ... on LoadBalancer { members { nodes { port instance { name } } } aliases: dnsAliases { nodes { fqdn } } }
            ... on ObjectStore { users { nodes { label } } }
            ... on KubernetesCluster { namespaces { nodes { name } } machines: nodes { nodes { name } } }
            ... on Middleware { machines: nodes { nodes { name } } } } } }""",
        10,
    ),
    "one list with three filters": (
        POW,
        """{ services(first: 20) { nodes { name
            active: resources(first: 5, filter: {status: [ACTIVE]}) { nodes { name } }
            inactive: resources(first: 5, filter: {status: [INACTIVE]}) { nodes { name } }
            last: resources(last: 5, orderBy: [{field: UPDATED_AT}]) { nodes { name } } } } }""",
        3,
    ),
    "the way up from resources": (
        API,
        """{ resources(first: 50) { nodes { service { cloud { organization { clouds { nodes { code } } } }
            indicators { nodes { name } } smsSubscription { sender } } } } }""",
        5,
    ),
    "zones and what is in them": (
        POW,
        "{ regions { code dataCenters { code availabilityZones { code resources(first: 3) { nodes { name } } } } } }",
        2,
    ),
    "the platform's view": (PLATFORM, "{ organizations { nodes { code clouds { nodes { code } } } } }", 3),
    "the matrix": (POW, "{ privileges { label } }", 1),
}


ON_FEW = {"all parts of a hundred resources": 8}
"""What costs less on ten resources, because there are no parts of some type to read."""


@pytest.mark.parametrize("query", QUERIES)
async def test_a_query_costs_the_same_for_10_resources_as_for_10_000(few: Graph, many: Graph, query: str) -> None:
    email, document, statements = QUERIES[query]
    on_few, on_many = await cost(few, email, document), await cost(many, email, document)
    assert len(str(on_many[0])) >= len(str(on_few[0]))
    assert on_few[1] == ON_FEW.get(query, statements)
    assert on_many[1] == statements


async def test_a_hundred_ids_of_many_types_are_read_type_by_type(many: Graph) -> None:
    document = """{ resources(first: 60) { nodes { id } } services(first: 30) { nodes { id } }
        operations(first: 8) { nodes { id } } regions { id } }"""
    found = (await many.ask(API, document)).whole
    ids = [node["id"] for field in ("resources", "services", "operations") for node in found[field]["nodes"]]
    ids += [region["id"] for region in found["regions"]]
    assert len(ids) == 100
    data, number = await cost(many, API, "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ids})
    assert [node["id"] for node in data["nodes"]] == ids
    assert number == 4


@pytest.mark.parametrize("example", [path.stem for path in EXAMPLES])
async def test_the_examples_run_on_the_demo_without_errors(few: Graph, many: Graph, example: str) -> None:
    document = next(path for path in EXAMPLES if path.stem == example).read_text()
    on_few, on_many = await cost(few, POW, document), await cost(many, POW, document)
    assert all(on_few[0].values())
    assert all(on_many[0].values())
    assert on_few[1] <= on_many[1] <= 9


# The caller's scope


@pytest.mark.parametrize("email", [POW, API])
async def test_the_scope_of_the_caller_is_in_every_statement(few: Graph, email: str) -> None:
    documents = [EVERYWHERE, *[document for _, document, _ in QUERIES.values()], FILTERED]
    with executed(few.database) as statements:
        for document in documents:
            await few.ask(email, document)
    selects = [statement.select for statement in statements if statement is not CALLER_AND_VERSION]
    assert len(selects) > 50
    assert [str(select) for select in selects if unscoped(select)] == []


FILTERED = """{
  resources(filter: {
    or: [{region: ["EB"]}, {tags: {any: [{key: "team"}], none: [{key: "x"}]}}, {vlan: [1]}, {area: ["x"]}]
    not: {instance: {cpu: {from: 99}}}
  }) { totalCount facets(by: [{field: REGION}, {field: CLOUD}, {field: SERVICE}, {tag: "team"}]) { hasMore } }
  byType: resources(filter: {or: [{loadBalancer: {}}, {objectStore: {}}, {kubernetesCluster: {}}]}) { nodes { id } }
  services(filter: {name: {contains: "a"}}) { nodes { id } }
  operations(filter: {status: [SUCCESS]}) { totalCount nodes { id } }
  tagKeys(startsWith: "t") { totalCount nodes { key count } }
  resourceByPath(path: "acme/alpha/shop/web-01") { id }
}"""


def test_a_statement_without_the_scope_would_be_noticed() -> None:
    held = and_(RESOURCE.c.organization_id == func.any("x"), RESOURCE.c.cloud_id == func.any("x"))
    tied = and_(TAG.c.organization_id == RESOURCE.c.organization_id, TAG.c.resource_id == RESOURCE.c.id)
    assert unscoped(select(RESOURCE.c.id).where(held)) == []
    assert unscoped(select(RESOURCE.c.id).join(TAG, tied).where(held)) == []
    assert unscoped(select(RESOURCE.c.id)) == ["resource"]
    assert unscoped(select(RESOURCE.c.id).where(true(), All(()).sql(Fields({}), Parameters("p")))) == ["resource"]
    assert unscoped(select(RESOURCE.c.id).where(RESOURCE.c.organization_id == "x")) == ["resource"]
    assert unscoped(select(RESOURCE.c.id).where(or_(held, RESOURCE.c.name == "x"))) == ["resource"]
    assert unscoped(select(RESOURCE.c.id).where(RESOURCE.c.cloud_id == SERVICE.c.cloud_id)) == ["service", "resource"]
    loose = TAG.c.resource_id == RESOURCE.c.id
    assert unscoped(select(RESOURCE.c.id).join(TAG, loose).where(held)) == ["resource_tag"]
    assert unscoped(select(select(SERVICE.c.id).subquery().c.id)) == ["service"]
    assert unscoped(select(RESOURCE.c.id).where(held, select(TAG.c.key).exists())) == ["resource_tag"]
    assert table(Account).name not in unscoped(select(table(Account).c.id))
