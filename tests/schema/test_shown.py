"""A page reads of a resource what is shown of it; that is never less than what is shown."""

from collections.abc import Iterator

import pytest
from graphql import GraphQLField, GraphQLObjectType, get_named_type, is_leaf_type, is_object_type, is_required_argument

from schema.build import build_schema
from schema.ids import RESOURCE_TYPES
from tests.schema.graph import Graph
from tests.schema.world import WIDE

SCHEMA = build_schema()._schema


def selection(name: str, field: GraphQLField, levels: int = 2) -> str:
    """Select a field with everything plain that it has, and one level of what these things have around them."""
    required = ", ".join(f'{key}: "team"' for key, argument in field.args.items() if is_required_argument(argument))
    of = get_named_type(field.type)
    text = f"{name}({required})" if required else name
    if is_leaf_type(of):
        return text
    if not is_object_type(of):
        return f"{text} {{ __typename }}"
    if of.name.endswith("Connection"):
        return f"{text} {{ totalCount }}"
    parts = [selection(key, inner, levels - 1) for key, inner in of.fields.items() if levels or is_leaf(inner)]
    return f"{text} {{ {' '.join(parts)} }}"


def is_leaf(field: GraphQLField) -> bool:
    return is_leaf_type(get_named_type(field.type))


def fields() -> Iterator[tuple[str, str]]:
    for type_ in RESOURCE_TYPES.values():
        of = SCHEMA.type_map[type_]
        assert isinstance(of, GraphQLObjectType)
        for name, field in of.fields.items():
            if not is_leaf(field) or type_ in ("Instance", "LoadBalancer", "ObjectStore", "KubernetesCluster"):
                yield type_, selection(name, field, 1)


@pytest.mark.parametrize(("type_", "shown"), list(fields()), ids=lambda text: text.partition(" ")[0])
async def test_a_field_alone_on_a_page_is_what_it_is_on_the_resource_by_itself(
    graph: Graph, type_: str, shown: str
) -> None:
    inside = f"__typename id ... on {type_} {{ {shown} }}"
    page = f"{{ resources(first: 30) {{ nodes {{ {inside} }} }} }}"
    edges = f"{{ resources(first: 30) {{ edges {{ node {{ {inside} }} }} }} }}"
    nodes = (await graph.ask(WIDE, page)).whole["resources"]["nodes"]
    by_id = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ {inside} }} }}"
    alone = (await graph.ask(WIDE, by_id, {"ids": [node["id"] for node in nodes]})).whole["nodes"]
    assert nodes == alone
    assert [edge["node"] for edge in (await graph.ask(WIDE, edges)).whole["resources"]["edges"]] == nodes


@pytest.mark.parametrize("inside", ["name", "description", "id", "cloud { name }", "indicators { totalCount }"])
async def test_a_field_alone_of_a_service_is_what_it_is_on_the_service_by_itself(graph: Graph, inside: str) -> None:
    page = f"{{ resources(first: 30) {{ nodes {{ id service {{ {inside} }} }} }} }}"
    nodes = (await graph.ask(WIDE, page)).whole["resources"]["nodes"]
    by_id = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ id ... on Resource {{ service {{ {inside} }} }} }} }}"
    alone = (await graph.ask(WIDE, by_id, {"ids": [node["id"] for node in nodes]})).whole["nodes"]
    assert nodes == alone
