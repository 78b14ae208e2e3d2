"""Counts and facets are of exactly what their list selects, and cost one statement however many parents ask."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.tables import Resource
from tests.schema.asking import dimensions, resource_filters, tag_keys
from tests.schema.edges import EDGES, ResourcesBelow
from tests.schema.evaluation import Json, facet, select
from tests.schema.graph import Graph
from tests.schema.tiers import examples, in_every_world
from tests.schema.vocabulary import SERIAL
from tests.schema.world import WIDE, World

CALLER = 1
"""The statement that reads who is calling."""
COUNTED = """
fragment Counted on ResourceConnection { totalCount facets(by: $by) { dimension hasMore values { value label count } } }
"""


def counted(world: World, resources: Sequence[Resource], asked: Json | None, by: Sequence[Json]) -> dict[str, Any]:
    """What a connection says of its whole list."""
    selected = select(world, resources, asked)
    return {"totalCount": len(selected), "facets": [facet(world, selected, dimension) for dimension in by]}


def statements(by: Sequence[Json]) -> int:
    """One for counts, and one for facets; facets by nothing need none."""
    return 2 if by else 1


@in_every_world
@examples(100)
@given(data=st.data())
async def test_a_list_is_counted_by_any_dimension(graph: Graph, data: st.DataObject) -> None:
    asked, by = data.draw(resource_filters(graph.world)), data.draw(dimensions)
    answer = await graph.ask(
        WIDE,
        "query($filter: ResourceFilter, $by: [Dimension!]!) { resources(filter: $filter) { ...Counted } }" + COUNTED,
        {"filter": asked, "by": by},
    )
    assert answer.whole["resources"] == counted(graph.world, graph.world.seen(Resource, WIDE), asked, by)
    assert answer.trace.sql_statements == CALLER + statements(by)


@in_every_world
@pytest.mark.parametrize("edge", EDGES, ids=str)
@examples(25)
@given(data=st.data())
async def test_lists_below_many_parents_are_counted_at_once(
    graph: Graph, edge: ResourcesBelow, data: st.DataObject
) -> None:
    world = graph.world
    a, b = data.draw(resource_filters(world)), data.draw(resource_filters(world))
    by = data.draw(dimensions)
    lists = "a: resources(filter: $a) { ...Counted } b: resources(filter: $b) { ...Counted }"
    answer = await graph.ask(
        WIDE,
        f"query($a: ResourceFilter, $b: ResourceFilter, $by: [Dimension!]!){{ {edge.document(lists)} }} {COUNTED}",
        {"a": a, "b": b, "by": by},
    )
    parents = edge.parents(answer.whole)
    assert len(parents) > 1
    for parent in parents:
        resources = edge.below(world, parent["id"], world.seen(Resource, WIDE))
        assert parent["a"] == counted(world, resources, a, by)
        assert parent["b"] == counted(world, resources, b, by)
    assert answer.trace.sql_statements == CALLER + edge.statements + statements(by)


@in_every_world
@examples(25)
@given(data=st.data())
async def test_lists_side_by_side_are_counted_at_once(graph: Graph, data: st.DataObject) -> None:
    world = graph.world
    asked = data.draw(st.lists(resource_filters(world), min_size=2, max_size=4))
    by = data.draw(dimensions)
    variables = "".join(f", $f{number}: ResourceFilter" for number in range(len(asked)))
    lists = " ".join(f"l{number}: resources(filter: $f{number}) {{ ...Counted }}" for number in range(len(asked)))
    answer = await graph.ask(
        WIDE,
        f"query($by: [Dimension!]!{variables}) {{ {lists} }} {COUNTED}",
        {"by": by} | {f"f{number}": filter_ for number, filter_ in enumerate(asked)},
    )
    resources = world.seen(Resource, WIDE)
    assert list(answer.whole.values()) == [counted(world, resources, filter_, by) for filter_ in asked]
    assert answer.trace.sql_statements == CALLER + statements(by)


async def test_a_facet_shows_the_100_most_frequent_values_and_says_that_there_are_more(graph: Graph) -> None:
    answer = await graph.ask(
        WIDE,
        'query { resources { facets(by: [{tag: "%s"}]) { hasMore values { value count } } } }' % SERIAL,  # noqa: UP031
    )
    (found,) = answer.whole["resources"]["facets"]
    assert found["hasMore"]
    assert len(found["values"]) == 100
    untagged = [row for row in graph.world.seen(Resource, WIDE) if SERIAL not in row.tags]
    assert len(untagged) > 1
    assert found["values"][0] == {"value": None, "count": len(untagged)}


@pytest.mark.parametrize(
    "by",
    [[{}], [{"field": None}], [{"tag": None}], [{"field": "TYPE", "tag": "team"}], [{"field": "NAME"}], [None], None],
)
async def test_a_dimension_is_a_field_or_a_tag(graph: Graph, by: Any) -> None:
    answer = await graph.ask(
        WIDE, "query($by: [Dimension!]!) { resources { facets(by: $by) { dimension } } }", {"by": by}
    )
    assert answer.data is None
    assert answer.refusal["code"] == "BAD_USER_INPUT"


async def test_a_list_is_counted_by_at_most_10_dimensions(graph: Graph) -> None:
    document = "query($by: [Dimension!]!) { resources { facets(by: $by) { dimension } } }"
    assert (await graph.ask(WIDE, document, {"by": [{"tag": str(n)} for n in range(10)]})).errors == []
    answer = await graph.ask(WIDE, document, {"by": [{"tag": str(n)} for n in range(11)]})
    assert answer.data is None
    assert answer.refusal == {"code": "BAD_USER_INPUT", "argument": "by"}


@in_every_world
@examples(60)
@given(start=st.one_of(st.none(), tag_keys))
async def test_tag_keys_are_listed_by_key_with_their_number_of_resources(graph: Graph, start: str | None) -> None:
    answer = await graph.ask(
        WIDE,
        "query($start: String) { tagKeys(startsWith: $start) { totalCount nodes { key count } } }",
        {"start": start},
    )
    carried = Counter(key for resource in graph.world.seen(Resource, WIDE) for key in resource.tags)
    expected = [{"key": key, "count": carried[key]} for key in sorted(carried) if key.startswith(start or "")]
    assert answer.whole["tagKeys"] == {"totalCount": len(expected), "nodes": expected}
