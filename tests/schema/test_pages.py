"""Pages of every list visit every row once, in order, forwards and backwards, below one parent and below many."""

from collections.abc import Sequence
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType
from hypothesis import given
from hypothesis import strategies as st

from resolvers.tables import Resource
from schema.build import build_schema
from tests.schema.asking import booleans, orders, resource_filters, service_filters, service_orders
from tests.schema.evaluation import Json, ordered, resource_id, select, select_services
from tests.schema.graph import Graph
from tests.schema.lists import LISTS, GraphList
from tests.schema.tiers import examples, in_every_world
from tests.schema.world import WIDE, World

SCHEMA = build_schema()._schema
of_every_list = pytest.mark.parametrize("of", LISTS, ids=str)
of_every_edge = pytest.mark.parametrize("of", [of for of in LISTS if of.parent != "Query"], ids=str)


def test_every_list_of_the_graph_is_paged_here() -> None:
    paged = {str(of) for of in LISTS}
    missing = []
    for type_ in [type_ for type_ in SCHEMA.type_map.values() if isinstance(type_, GraphQLObjectType)]:
        for name, field in type_.fields.items():
            # A field that types have in common is one list: it is paged below one of them.
            common = [one.name for face in type_.interfaces if name in face.fields for one in implementing(face)]
            if str(field.type).endswith("Connection!") and paged.isdisjoint(
                f"{one}.{name}" for one in (type_.name, *common)
            ):
                missing.append(f"{type_.name}.{name}")
    of_one_type = ["instances", "kubernetesClusters", "loadBalancers", "objectStores"]
    # Paged in `tests/gateway/test_administration.py`: in this world, nobody has asked for anything.
    by_name = ["Cloud.profileProposals", "Organization.cloudRequests"]
    # Paged in `tests/schema/test_accounts.py`, by those who manage accounts.
    managed = ["Account.credentials", "Account.memberships", "Organization.accountRequests", "Organization.accounts"]
    expected = [*by_name, *managed, "Query.accountRequests", *(f"Query.{name}" for name in of_one_type)]
    assert sorted(missing) == sorted(expected)


def implementing(interface: GraphQLInterfaceType) -> Sequence[GraphQLObjectType]:
    return SCHEMA.get_implementations(interface).objects


@in_every_world
@examples(80)
@given(data=st.data())
async def test_resources_come_in_the_order_that_is_asked_for_from_any_place_on(
    graph: Graph, data: st.DataObject
) -> None:
    asked, order = data.draw(resource_filters(graph.world)), data.draw(orders)
    selected = select(graph.world, graph.world.seen(Resource, WIDE), asked)
    expected = [resource_id(resource) for resource in ordered(selected, order)]
    start, end = await one_pair(graph, {"filter": asked, "order": order})
    assert [edge["node"]["id"] for edge in start] == expected[:100]
    assert [edge["node"]["id"] for edge in end] == expected[-100:]
    if start:
        place = data.draw(st.integers(0, len(start) - 1))
        cursor = start[place]["cursor"]
        after, before = await one_pair(graph, {"filter": asked, "order": order, "after": cursor, "before": cursor})
        assert [edge["node"]["id"] for edge in after] == expected[place + 1 :][:100]
        assert [edge["node"]["id"] for edge in before] == expected[:place]


async def one_pair(graph: Graph, variables: Json) -> tuple[list[Any], list[Any]]:
    """Ask for the largest page of resources forwards and the largest backwards."""
    answer = await graph.ask(
        WIDE,
        """
        query($filter: ResourceFilter, $order: [ResourceOrder!], $after: String, $before: String) {
          start: resources(filter: $filter, orderBy: $order, first: 100, after: $after) { ...Edges }
          end: resources(filter: $filter, orderBy: $order, last: 100, before: $before) { ...Edges }
        }
        fragment Edges on ResourceConnection { edges { cursor node { id } } }
        """,
        variables,
    )
    return answer.whole["start"]["edges"], answer.whole["end"]["edges"]


# -- one list, page by page ------------------------------------------------------------------------------------------


def questions(world: World, of: GraphList) -> st.SearchStrategy[Json]:
    """Generate filters and orders of a list, if it takes any."""
    match of.takes:
        case "Resource":
            return st.fixed_dictionaries({}, optional={"filter": resource_filters(world), "orderBy": orders})
        case "Service":
            return st.fixed_dictionaries({}, optional={"filter": service_filters(world), "orderBy": service_orders})
        case _:
            return st.just({})


def whole_list(world: World, of: GraphList, parent: Sequence[str], asked: Json) -> list[str]:
    """What a list has below one parent, or below none, in its order."""
    rows = of.rows(world, parent)
    match of.takes:
        case "Resource":
            rows = ordered(select(world, rows, asked.get("filter")), asked.get("orderBy"))
        case "Service":
            rows = ordered(select_services(rows, asked.get("filter")), asked.get("orderBy"))
    return [of.identify(row) for row in rows]


TYPES = {"first": "Int", "after": "String", "last": "Int", "before": "String"}


async def pages(
    graph: Graph, of: GraphList, parents: Sequence[str], asked: Sequence[Json]
) -> tuple[list[list[Any]], int]:
    """Ask for pages of one list side by side, of all parents at once; give them by parent, and the SQL statements.

    Every page is checked to agree with itself.
    """
    connection = SCHEMA.type_map[of.parent].fields[of.field].type.of_type  # type: ignore[attr-defined]
    types = TYPES | {"filter": f"{of.takes}Filter", "orderBy": f"[{of.takes}Order!]"}
    declared, fields, variables = ["$ids: [ID!]!"] if parents else [], [], {"ids": parents} if parents else {}
    for number, arguments in enumerate(asked):
        declared += [f"${name}{number}: {types[name]}" for name in arguments]
        given_ = ", ".join(f"{name}: ${name}{number}" for name in arguments)
        fields.append(f"page{number}: {of.field}{f'({given_})' if given_ else ''} {{ ...Page }}")
        variables |= {f"{name}{number}": value for name, value in arguments.items()}
    lists = " ".join(fields)
    document = f"""
        query{f"({', '.join(declared)})" if declared else ""} {{
          {f"nodes(ids: $ids) {{ ... on {of.parent} {{ {lists} }} }}" if parents else lists}
        }}
        fragment Page on {connection} {{
          edges {{ cursor node {{ {of.selection} }} }} nodes {{ {of.selection} }}
          pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
        }}
    """
    answer = await graph.ask(WIDE, document, variables)
    by_parent = [list(parent.values()) for parent in (answer.whole["nodes"] if parents else [answer.whole])]
    for page in (page for several in by_parent for page in several):
        edges = page["edges"]
        assert [edge["node"] for edge in edges] == page["nodes"]
        assert page["pageInfo"]["startCursor"] == (edges[0]["cursor"] if edges else None)
        assert page["pageInfo"]["endCursor"] == (edges[-1]["cursor"] if edges else None)
    return by_parent, answer.trace.sql_statements


async def one_page(graph: Graph, of: GraphList, parent: Sequence[str], asked: Json) -> Any:
    """Ask for one page of one list, below one parent or below none."""
    ((page,),), _ = await pages(graph, of, parent, [asked])
    return page


@in_every_world
@of_every_list
@examples(4)
@given(data=st.data())
async def test_a_walk_visits_every_row_once_in_order_both_ways(
    graph: Graph, of: GraphList, data: st.DataObject
) -> None:
    parent = data.draw(st.sampled_from(of.one_parent(graph.world)))
    asked = data.draw(questions(graph.world, of))
    expected = whole_list(graph.world, of, parent, asked)
    # Not more than ten pages.
    size = data.draw(st.integers(max(1, len(expected) // 10), 100))

    forwards: list[Any] = []
    page = await one_page(graph, of, parent, {**asked, "first": size})
    assert not page["pageInfo"]["hasPreviousPage"]
    while page["pageInfo"]["hasNextPage"]:
        assert len(page["edges"]) == size
        forwards += page["edges"]
        assert len(forwards) < len(expected)
        page = await one_page(graph, of, parent, {**asked, "first": size, "after": page["pageInfo"]["endCursor"]})
        assert page["pageInfo"]["hasPreviousPage"]
    forwards += page["edges"]
    assert [of.identity(edge["node"]) for edge in forwards] == expected

    backwards: list[Any] = []
    page = await one_page(graph, of, parent, {**asked, "last": size})
    assert not page["pageInfo"]["hasNextPage"]
    while page["pageInfo"]["hasPreviousPage"]:
        assert len(page["edges"]) == size
        backwards[:0] = page["edges"]
        assert len(backwards) < len(expected)
        page = await one_page(graph, of, parent, {**asked, "last": size, "before": page["pageInfo"]["startCursor"]})
        assert page["pageInfo"]["hasNextPage"]
    backwards[:0] = page["edges"]
    assert backwards == forwards


@of_every_list
async def test_a_page_of_none_says_whether_there_is_anything(graph: Graph, of: GraphList) -> None:
    for parent in of.one_parent(graph.world)[:20]:
        is_empty = not whole_list(graph.world, of, parent, {})
        forwards = await one_page(graph, of, parent, {"first": 0})
        backwards = await one_page(graph, of, parent, {"last": 0})
        assert forwards["edges"] == backwards["edges"] == []
        assert (forwards["pageInfo"]["hasNextPage"], forwards["pageInfo"]["hasPreviousPage"]) == (not is_empty, False)
        assert (backwards["pageInfo"]["hasNextPage"], backwards["pageInfo"]["hasPreviousPage"]) == (False, not is_empty)


@of_every_list
async def test_a_page_has_20_rows_unless_asked_otherwise(graph: Graph, of: GraphList) -> None:
    parent = max(of.one_parent(graph.world), key=lambda parent: len(whole_list(graph.world, of, parent, {})))
    expected = whole_list(graph.world, of, parent, {})
    for asked in ({}, {"first": None}, {"first": None, "after": None, "last": None, "before": None}):
        page = await one_page(graph, of, parent, asked)
        assert [of.identity(node) for node in page["nodes"]] == expected[:20]
    last = await one_page(graph, of, parent, {"last": min(100, len(expected))})
    if last["edges"]:
        page = await one_page(graph, of, parent, {"before": last["pageInfo"]["endCursor"]})
        assert [of.identity(node) for node in page["nodes"]] == expected[:-1][-20:]


# -- many lists at once ----------------------------------------------------------------------------------------------


@in_every_world
@of_every_edge
@examples(4)
@given(data=st.data())
async def test_lists_below_many_parents_are_paged_alike_in_one_statement(
    graph: Graph, of: GraphList, data: st.DataObject
) -> None:
    parents = of.parents(graph.world)[:100]
    asked = data.draw(questions(graph.world, of))
    size = data.draw(st.integers(0, 30))
    by_parent, statements = await pages(graph, of, parents, [{**asked, "first": size}, {**asked, "last": size}])
    for parent, (first, last) in zip(parents, by_parent, strict=True):
        expected = whole_list(graph.world, of, [parent], asked)
        assert [of.identity(node) for node in first["nodes"]] == expected[:size]
        assert [of.identity(node) for node in last["nodes"]] == expected[max(0, len(expected) - size) :]
        assert first["pageInfo"]["hasNextPage"] == last["pageInfo"]["hasPreviousPage"] == (len(expected) > size)
    alone = await graph.ask(WIDE, "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": parents})
    assert statements == alone.trace.sql_statements + 1


@in_every_world
@of_every_list
@examples(3)
@given(data=st.data())
async def test_lists_side_by_side_answer_as_if_asked_one_by_one_in_one_statement(
    graph: Graph, of: GraphList, data: st.DataObject
) -> None:
    choices = of.parents(graph.world)
    parents = data.draw(st.lists(st.sampled_from(choices), min_size=1, max_size=3, unique=True)) if choices else []
    asked: list[Json] = []
    for _ in range(data.draw(st.integers(2, 4))):
        question = data.draw(questions(graph.world, of))
        size, forwards = data.draw(st.integers(0, 30)), data.draw(booleans)
        page: dict[str, Any] = {**question, ("first" if forwards else "last"): size}
        if len(parents) < 2 and data.draw(booleans):
            edges = (await one_page(graph, of, parents, {**question, "first": 100}))["edges"]
            if edges:
                page["after" if forwards else "before"] = data.draw(st.sampled_from(edges))["cursor"]
        asked.append(page)
    together, statements = await pages(graph, of, parents, asked)
    for number, alone_asked in enumerate(asked):
        alone, statements_alone = await pages(graph, of, parents, [alone_asked])
        assert [by_parent[number] for by_parent in together] == [by_parent[0] for by_parent in alone]
        assert statements == statements_alone
