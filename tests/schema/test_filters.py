"""A filter selects what `evaluation` says, wherever it is asked, and one that cannot be evaluated is refused."""

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLInputObjectType
from hypothesis import given
from hypothesis import strategies as st

from resolvers.reference import AVAILABILITY_ZONES, DATA_CENTERS
from resolvers.tables import Operation, Resource, Service
from schema.build import build_schema
from schema.ids import global_id
from tests.schema.asking import (
    DETAILS,
    one_field,
    operation_filters,
    resource_fields,
    resource_filters,
    service_filters,
)
from tests.schema.edges import EDGES, ResourcesBelow
from tests.schema.evaluation import (
    RESOURCE,
    STRING,
    Json,
    ordered,
    resource_id,
    select,
    select_operations,
    select_services,
)
from tests.schema.graph import Graph
from tests.schema.tiers import examples, in_every_world
from tests.schema.vocabulary import SERIAL, TEXTS
from tests.schema.world import WIDE

EVERY_RESOURCE = """
query($filter: ResourceFilter) {
  start: resources(filter: $filter, first: 100) { nodes { id } }
  end: resources(filter: $filter, last: 100) { nodes { id } }
}
"""
"""The world has more resources than a page, and less than two."""


def ids(*pages: Any) -> set[str]:
    """The ids on some pages."""
    return {node["id"] for page in pages for node in page["nodes"]}


def resource_ids(resources: Sequence[Resource]) -> set[str]:
    """The ids of some rows."""
    return {resource_id(resource) for resource in resources}


@in_every_world
@examples(250)
@given(data=st.data())
async def test_a_filter_selects_what_it_says(graph: Graph, data: st.DataObject) -> None:
    asked = data.draw(resource_filters(graph.world))
    found = (await graph.ask(WIDE, EVERY_RESOURCE, {"filter": asked})).whole
    expected = select(graph.world, graph.world.seen(Resource, WIDE), asked)
    assert ids(found["start"], found["end"]) == resource_ids(expected)


@in_every_world
@pytest.mark.parametrize(
    "field",
    ["name", "tags", "tagQuery", "createdAt", "instance", "loadBalancer", "objectStore", "kubernetesCluster"],
)
@examples(30)
@given(data=st.data())
async def test_a_part_of_a_filter_selects_what_it_says(graph: Graph, field: str, data: st.DataObject) -> None:
    asked = {field: data.draw(resource_fields(graph.world)[field])}
    found = (await graph.ask(WIDE, EVERY_RESOURCE, {"filter": asked})).whole
    expected = select(graph.world, graph.world.seen(Resource, WIDE), asked)
    assert ids(found["start"], found["end"]) == resource_ids(expected)


FIELDS = [
    *(name for name in RESOURCE if name not in {"and", "or", "not"}),
    *(f"{type_}.{field}" for type_, fields in DETAILS.items() for field in fields),
]


def test_every_field_of_a_filter_is_tried() -> None:
    assert {*RESOURCE} == fields_of("ResourceFilter")
    for type_, fields in DETAILS.items():
        assert {*fields} == fields_of(f"{type_[0].upper()}{type_[1:]}Filter")


def fields_of(name: str) -> set[str]:
    """The fields of an input."""
    served = build_schema()._schema.type_map[name]
    assert isinstance(served, GraphQLInputObjectType)
    return {*served.fields}


@in_every_world
@pytest.mark.parametrize("path", FIELDS)
@examples(4)
@given(data=st.data())
async def test_a_field_alone_and_what_it_does_not_hold_for_are_what_it_says(
    graph: Graph, path: str, data: st.DataObject
) -> None:
    asked = data.draw(st.lists(one_field(graph.world, path), min_size=6, max_size=6))
    await assert_each_selects_what_it_says(graph, [*asked, *({"not": part} for part in asked)])


async def selected_by_each(graph: Graph, filters: Sequence[Json]) -> list[set[str]]:
    """What each of some filters selects, up to a page, asked side by side."""
    found = []
    for some in (filters[start : start + 50] for start in range(0, len(filters), 50)):
        declared = ", ".join(f"$f{number}: ResourceFilter" for number in range(len(some)))
        lists = " ".join(
            f"l{number}: resources(filter: $f{number}, first: 100) {{ nodes {{ id }} }}" for number in range(len(some))
        )
        variables = {f"f{number}": asked for number, asked in enumerate(some)}
        answer = await graph.ask(WIDE, f"query({declared}) {{ {lists} }}", variables)
        found += [ids(page) for page in answer.whole.values()]
    return found


async def assert_each_selects_what_it_says(graph: Graph, filters: Sequence[Json]) -> None:
    """Compare, and show the filters that select something else."""
    resources = graph.world.seen(Resource, WIDE)
    found = await selected_by_each(graph, filters)
    expected = [resource_ids(ordered(select(graph.world, resources, asked), None)[:100]) for asked in filters]
    assert [asked for asked, a, b in zip(filters, found, expected, strict=True) if a != b] == []


@in_every_world
@pytest.mark.parametrize("operator", STRING)
async def test_every_text_is_compared_as_the_operator_says(graph: Graph, operator: str) -> None:
    operands = {*TEXTS, *(text.swapcase() for text in TEXTS)}
    if operator in {"startsWith", "contains", "containsText"}:
        operands |= {text[start:end] for text in TEXTS for end in range(len(text) + 1) for start in range(end + 1)}
    await assert_each_selects_what_it_says(
        graph, [{"name": {operator: [operand] if operator == "in" else operand}} for operand in sorted(operands)]
    )


@in_every_world
async def test_every_tag_is_found_by_its_key_and_value(graph: Graph) -> None:
    tags = sorted({tag for row in graph.world.seen(Resource, WIDE) for tag in row.tags.items() if tag[0] != SERIAL})
    assert any(":" in value for _, value in tags)
    await assert_each_selects_what_it_says(graph, [{"tagQuery": [f"{key}:{value}"]} for key, value in tags])
    await assert_each_selects_what_it_says(graph, [{"tagQuery": [f"!{key}:{value}"]} for key, value in tags[::10]])
    for key, value in tags[::5]:
        matches: list[Json] = [{"values": [value, "of none"]}, {"values": []}, {"values": ["of none"], "value": value}]
        matches += [{"valueStartsWith": value[:end]} for end in range(len(value) + 1)]
        await assert_each_selects_what_it_says(graph, [{"tags": {"any": [{"key": key, **match}]}} for match in matches])


@in_every_world
async def test_tags_that_a_resource_has_and_tags_that_it_lacks_combine_as_the_operator_says(graph: Graph) -> None:
    filters: list[Json] = []
    tagged = [list(row.tags.items()) for row in graph.world.seen(Resource, WIDE) if len(row.tags) > 1]
    for (first, second, *_), (foreign, *_) in pairwise(tagged[:12]):
        for pair in ((first, second), (first, foreign)):
            matches = [{"key": key, "value": value} for key, value in pair]
            filters += [{"tags": {operator: matches}} for operator in ("all", "any", "none")]
            filters += [{"tags": {operator: [key for key, _ in pair]}} for operator in ("hasKeys", "missingKeys")]
    await assert_each_selects_what_it_says(graph, filters)


@in_every_world
@examples(50)
@given(data=st.data())
async def test_a_filter_means_the_same_written_in_the_document(graph: Graph, data: st.DataObject) -> None:
    asked = data.draw(resource_filters(graph.world))
    found = (await graph.ask(WIDE, f"{{ resources(filter: {literal(asked)}) {{ nodes {{ id }} }} }}")).whole
    in_variable = await graph.ask(
        WIDE, "query($filter: ResourceFilter) { resources(filter: $filter) { nodes { id } } }", {"filter": asked}
    )
    assert found == in_variable.whole


ENUMS = ("type", "status", "supportPhase", "osType")


def literal(value: Any, *, is_enum: bool = False) -> str:
    """Write a filter, or a part of it, as GraphQL."""
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {literal(part, is_enum=key in ENUMS)}" for key, part in value.items()) + "}"
        case list():
            return "[" + ", ".join(literal(part, is_enum=is_enum) for part in value) + "]"
        case _:
            return str(value) if is_enum and value is not None else json.dumps(value, ensure_ascii=False)


@in_every_world
@pytest.mark.parametrize("edge", EDGES, ids=str)
@examples(25)
@given(data=st.data())
async def test_a_filter_means_the_same_on_every_edge(graph: Graph, edge: ResourcesBelow, data: st.DataObject) -> None:
    asked = data.draw(resource_filters(graph.world))
    page = edge.document("resources(filter: $filter, first: 100) { nodes { id } }")
    answer = await graph.ask(WIDE, f"query($filter: ResourceFilter) {{ {page} }}", {"filter": asked})
    selected = select(graph.world, graph.world.seen(Resource, WIDE), asked)
    parents = edge.parents(answer.whole)
    assert len(parents) > 1
    for parent in parents:
        assert ids(parent["resources"]) == resource_ids(edge.below(graph.world, parent["id"], selected))


@in_every_world
@examples(40)
@given(data=st.data())
async def test_a_filter_means_the_same_in_the_lists_of_one_type(graph: Graph, data: st.DataObject) -> None:
    asked = data.draw(resource_filters(graph.world))
    answer = await graph.ask(
        WIDE,
        """
        query($filter: ResourceFilter) {
          INSTANCE: instances(filter: $filter, first: 100) { nodes { id } }
          LOAD_BALANCER: loadBalancers(filter: $filter, first: 100) { nodes { id } }
          OBJECT_STORE: objectStores(filter: $filter, first: 100) { nodes { id } }
          KUBERNETES_CLUSTER: kubernetesClusters(filter: $filter, first: 100) { nodes { id } }
        }
        """,
        {"filter": asked},
    )
    selected = select(graph.world, graph.world.seen(Resource, WIDE), asked)
    for type_, page in answer.whole.items():
        assert ids(page) == resource_ids([row for row in selected if row.type == type_])


@in_every_world
@examples(80)
@given(data=st.data())
async def test_a_filter_of_services_selects_what_it_says(graph: Graph, data: st.DataObject) -> None:
    asked = data.draw(service_filters(graph.world))
    answer = await graph.ask(
        WIDE,
        """
        query($filter: ServiceFilter) {
          services(filter: $filter) { totalCount nodes { id } }
          organizations { nodes { clouds { nodes { services(filter: $filter) { totalCount nodes { id } } } } } }
        }
        """,
        {"filter": asked},
    )
    selected = select_services(graph.world.seen(Service, WIDE), asked)
    expected = {global_id("Service", service.id) for service in selected}
    listed = answer.whole["services"]
    below = [
        cloud["services"]
        for organization in answer.whole["organizations"]["nodes"]
        for cloud in organization["clouds"]["nodes"]
    ]
    assert ids(listed) == ids(*below) == expected
    assert listed["totalCount"] == sum(page["totalCount"] for page in below) == len(expected)


@in_every_world
@examples(80)
@given(data=st.data())
async def test_a_filter_of_operations_selects_what_it_says(graph: Graph, data: st.DataObject) -> None:
    asked = data.draw(operation_filters(graph.world))
    answer = await graph.ask(
        WIDE,
        "query($filter: OperationFilter) { operations(filter: $filter, first: 100) { totalCount nodes { id } } }",
        {"filter": asked},
    )
    selected = select_operations(graph.world.seen(Operation, WIDE), asked)
    assert ids(answer.whole["operations"]) == {global_id("Operation", row.id) for row in selected}
    assert answer.whole["operations"]["totalCount"] == len(selected)


@pytest.mark.parametrize("region", [None, "EB", "ET", "eb", "EB4", ""])
async def test_availability_zones_are_those_of_a_region_or_of_all(graph: Graph, region: str | None) -> None:
    answer = await graph.ask(
        WIDE, "query($region: String) { availabilityZones(region: $region) { code } }", {"region": region}
    )
    expected = [
        code
        for code, (data_center, _) in sorted(AVAILABILITY_ZONES.items(), key=lambda zone: (zone[1][0], zone[0]))
        if region is None or DATA_CENTERS[data_center][0] == region
    ]
    assert [zone["code"] for zone in answer.whole["availabilityZones"]] == expected


# -- what cannot be evaluated ----------------------------------------------------------------------------------------


def nested(levels: int, field: str) -> Json:
    """A filter of so many levels."""
    asked: Json = {}
    for _ in range(levels - 1):
        asked = {field: asked if field == "not" else [asked]}
    return asked


@pytest.mark.parametrize("field", ["and", "or", "not"])
async def test_a_filter_has_at_most_ten_levels(graph: Graph, field: str) -> None:
    assert (await graph.ask(WIDE, EVERY_RESOURCE, {"filter": nested(10, field)})).errors == []
    for levels in (11, 100):
        answer = await graph.ask(WIDE, ONE_PAGE, {"filter": nested(levels, field)})
        assert answer.data is None
        assert answer.refusal == {"code": "LIMIT_EXCEEDED", "limit": "filterDepth", "value": 11, "maximum": 10}


ONE_PAGE = "query($filter: ResourceFilter) { resources(filter: $filter) { nodes { id } } }"


@pytest.mark.parametrize(
    ("ask", "conditions_each"),
    [
        (lambda number: {"and": [{"onCall": True}] * number}, 1),
        (lambda number: {"or": [{"not": {"type": ["INSTANCE"]}}] * number}, 1),
        (lambda number: {"tags": {"hasKeys": ["team"] * number}}, 1),
        (lambda number: {"tags": {"none": [{"key": "team", "value": "web"}] * number}}, 2),
        (lambda number: {"tagQuery": ["team:web"] * number}, 2),
    ],
)
async def test_a_filter_has_at_most_200_conditions(
    graph: Graph, ask: Callable[[int], Json], conditions_each: int
) -> None:
    most = 200 // conditions_each
    assert (await graph.ask(WIDE, ONE_PAGE, {"filter": ask(most)})).errors == []
    answer = await graph.ask(WIDE, ONE_PAGE, {"filter": ask(most + 1)})
    assert answer.data is None
    assert answer.refusal == {
        "code": "LIMIT_EXCEEDED",
        "limit": "filterConditions",
        "value": 200 + conditions_each,
        "maximum": 200,
    }


@pytest.mark.parametrize(
    "ask",
    [
        lambda number: {"type": ["INSTANCE"] * number},
        lambda number: {"environment": [str(n) for n in range(number)]},
        lambda number: {"name": {"in": [str(n) for n in range(number)]}},
        lambda number: {"vlan": list(range(number))},
        lambda number: {"region": ["EB"] * number},
        lambda number: {"cloud": [global_id("Cloud", UUID(int=n)) for n in range(number)]},
        lambda number: {"service": [global_id("Cloud", UUID(int=n)) for n in range(number)]},
        lambda number: {"ipAddress": ["10.0.0.1"] * number},
        lambda number: {"tags": {"any": [{"key": "team", "values": ["web"] * number}]}},
        lambda number: {"instance": {"family": ["DEBIAN"] * number}},
        lambda number: {"instance": {"ipAddress": ["10.0.0.1"] * number}},
        lambda number: {"kubernetesCluster": {"kubernetesVersion": {"in": ["1.31"] * number}}},
    ],
)
async def test_a_list_in_a_filter_has_at_most_1000_values(graph: Graph, ask: Callable[[int], Json]) -> None:
    assert (await graph.ask(WIDE, ONE_PAGE, {"filter": ask(1000)})).errors == []
    answer = await graph.ask(WIDE, ONE_PAGE, {"filter": ask(1001)})
    assert answer.data is None
    assert answer.refusal == {"code": "LIMIT_EXCEEDED", "limit": "filterValues", "value": 1001, "maximum": 1000}


KEY = "00000000000040008000000000000000"
NO_IDS = (
    "",
    "é",
    "'",
    "cld",
    "cld_",
    f"cld_{KEY[1:]}",
    f"cld_{KEY[1:]}g",
    f"CLD_{KEY}",
    f"xyz_{KEY}",
    f" cld_{KEY}",
    KEY,
)
NO_ADDRESSES = (
    "",
    "%",
    "10.0.0",
    "10.0.0.256",
    "10.0.0.0/24",
    "010.0.0.1",
    "\uff110.0.0.1",
    "fe80::1%eth0",
    "::g",
    "host",
)


@pytest.mark.parametrize(
    ("asked", "argument"),
    [
        *[({field: [id_]}, f"filter.{field}") for field in ("organization", "cloud", "service") for id_ in NO_IDS],
        *[({"ipAddress": [address]}, "filter.ipAddress") for address in NO_ADDRESSES],
        ({"instance": {"ipAddress": ["10.0.0.1", "10"]}}, "filter.instance.ipAddress"),
        *[({"tagQuery": [query]}, "filter.tagQuery") for query in ("", "!", "team", "!team", ":", ":web", "!:web")],
        ({"and": [{"not": {"cloud": ["x"]}}]}, "filter.cloud"),
    ],
)
async def test_a_value_that_is_malformed_is_refused(graph: Graph, asked: Json, argument: str) -> None:
    answer = await graph.ask(WIDE, ONE_PAGE, {"filter": asked})
    assert answer.data is None
    assert answer.refusal == {"code": "BAD_USER_INPUT", "argument": argument}


@pytest.mark.parametrize(
    "asked",
    [
        {"createdAt": {"from": "2026-01-01"}},
        {"createdAt": {"from": "2026-01-01T00:00:00"}},
        {"createdAt": {"from": "2026-02-30T00:00:00Z"}},
        {"createdAt": {"from": "0001-01-01T00:00:00+23:59"}},
        {"createdAt": {"from": "infinity"}},
        {"createdAt": {"from": 0}},
        {"vlan": [2**31]},
        {"vlan": [1.5]},
        {"vlan": [None]},
        {"instance": {"cpu": {"from": "1"}}},
        {"type": ["instance"]},
        {"name": "web"},
        {"onCall": "true"},
        {"colour": "red"},
        [],
    ],
)
async def test_a_value_of_another_type_is_refused(graph: Graph, asked: Any) -> None:
    answer = await graph.ask(WIDE, ONE_PAGE, {"filter": asked})
    assert answer.data is None
    assert answer.refusal == {"code": "BAD_USER_INPUT", "argument": "filter"}
