"""A cursor is good for the list, parent, order and filter that it was made in; any other text is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.reads.cursors import CursorSeal
from resolvers.tables import Service
from schema.ids import global_id
from tests.schema.asking import texts
from tests.schema.evaluation import Json
from tests.schema.graph import Answer, Graph
from tests.schema.tiers import examples
from tests.schema.world import ALPHA, WIDE

RESOURCES = """
query($first: Int, $after: String, $last: Int, $before: String, $filter: ResourceFilter, $order: [ResourceOrder!]) {
  resources(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $order) {
    edges { cursor } } }
"""
OTHERS = {
    "the list of one type": "query($after: String) { instances(after: $after) { nodes { id } } }",
    "a list of other things": "query($after: String) { services(after: $after) { nodes { id } } }",
    "a list in another order": "query($after: String) { operations(after: $after) { nodes { id } } }",
    "a list without an id": "query($after: String) { tagKeys(after: $after) { nodes { key } } }",
    "the list of a parent": """query($after: String) { organizations(first: 1) { nodes {
        resources(after: $after) { nodes { id } } } } }""",
}
URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def is_refused(answer: Answer, argument: str = "after") -> bool:
    """Whether a request was refused for one of its arguments, and answered nothing."""
    refused = {"code": "BAD_USER_INPUT", "argument": argument}
    return answer.data is None and answer.errors != [] and all(e["extensions"] == refused for e in answer.errors)


async def cursor_in(graph: Graph, number: int = 4, **arguments: Any) -> str:
    """The cursor of a resource of the first page, the fifth unless said otherwise."""
    cursor: str = (await graph.ask(WIDE, RESOURCES, arguments)).whole["resources"]["edges"][number]["cursor"]
    return cursor


async def test_a_cursor_is_good_for_pages_of_any_size_in_both_directions(graph: Graph) -> None:
    edges = (await graph.ask(WIDE, RESOURCES, {"first": 10})).whole["resources"]["edges"]
    cursor = await cursor_in(graph)
    forwards = await graph.ask(WIDE, RESOURCES, {"first": 3, "after": cursor})
    backwards = await graph.ask(WIDE, RESOURCES, {"last": 100, "before": cursor})
    assert forwards.whole["resources"]["edges"] == edges[5:8]
    assert backwards.whole["resources"]["edges"] == edges[:4]


async def test_a_cursor_shows_nothing_that_its_reader_may_not_see(graph: Graph) -> None:
    """Cursors are no secret: a caller who sees less goes on from the same place with what they see."""
    cursor = await cursor_in(graph)
    document = "query($after: String) { resources(after: $after, first: 100) { nodes { id cloud { code } } } }"
    answer = await graph.ask(ALPHA, document, {"after": cursor})
    assert {node["cloud"]["code"] for node in answer.whole["resources"]["nodes"]} == {"alpha"}


@pytest.mark.parametrize("document", OTHERS.values(), ids=list(OTHERS))
async def test_a_cursor_of_another_list_is_refused(graph: Graph, document: str) -> None:
    assert is_refused(await graph.ask(WIDE, document, {"after": await cursor_in(graph)}))


async def test_a_cursor_of_another_parent_is_refused(graph: Graph) -> None:
    document = """
    query($ids: [ID!]!, $after: String) {
      nodes(ids: $ids) { ... on Service { resources(first: 1, after: $after) { pageInfo { endCursor } } } } }
    """
    services = [global_id("Service", row.id) for row in graph.world.seen(Service, WIDE)]
    pages = (await graph.ask(WIDE, document, {"ids": services})).whole["nodes"]
    (a, mine), (b, _) = [
        (service, page["resources"]["pageInfo"]["endCursor"])
        for service, page in zip(services, pages, strict=True)
        if page["resources"]["pageInfo"]["endCursor"]
    ][:2]
    answer = await graph.ask(WIDE, document, {"ids": [a, b], "after": mine})
    assert answer.refusal == {"code": "BAD_USER_INPUT", "argument": "after"}
    right, wrong = answer.data["nodes"]
    assert right is not None
    assert wrong is None


@pytest.mark.parametrize(
    ("made", "used"),
    [
        ({}, {"order": [{"field": "NAME", "direction": "DESC"}]}),
        ({}, {"order": [{"field": "STATUS"}]}),
        ({}, {"order": [{"field": "NAME"}, {"field": "STATUS"}]}),
        (
            {"order": [{"field": "STATUS"}, {"field": "TYPE"}]},
            {"order": [{"field": "TYPE"}, {"field": "STATUS"}]},
        ),
        ({"order": [{"field": "CREATED_AT"}]}, {"order": [{"field": "UPDATED_AT"}]}),
        ({}, {"filter": {"onCall": True}}),
        ({"filter": {"onCall": True}}, {"filter": {"onCall": False}}),
        ({"filter": {"onCall": True}}, {}),
        ({"filter": {"type": ["INSTANCE"]}}, {"filter": {"type": ["INSTANCE", "LOAD_BALANCER"]}}),
        ({"filter": {"createdAt": {}}}, {"filter": {"updatedAt": {}}}),
        ({"filter": {"name": {"not": "a"}}}, {"filter": {"not": {"name": {"not": "a"}}}}),
    ],
)
async def test_a_cursor_of_another_order_or_filter_is_refused(graph: Graph, made: Json, used: Json) -> None:
    cursor = await cursor_in(graph, **made)
    assert (await graph.ask(WIDE, RESOURCES, {**made, "after": cursor})).errors == []
    assert is_refused(await graph.ask(WIDE, RESOURCES, {**used, "after": cursor}))
    assert is_refused(await graph.ask(WIDE, RESOURCES, {**used, "before": cursor}), "before")


@pytest.mark.parametrize(
    "same",
    [
        {"order": None},
        {"order": []},
        {"order": [{"field": "NAME"}]},
        {"order": [{"field": "NAME", "direction": "ASC"}]},
        {"filter": None},
        {"filter": {}},
        {"filter": {"status": None}},
    ],
)
async def test_a_cursor_is_good_where_the_same_is_asked_in_other_words(graph: Graph, same: Json) -> None:
    cursor = await cursor_in(graph)
    assert (await graph.ask(WIDE, RESOURCES, {**same, "after": cursor})).errors == []


async def test_a_cursor_of_another_key_is_refused(graph: Graph) -> None:
    other = Graph(graph.database, graph.world, seal=CursorSeal(b"another key, of thirty-two bytes"))
    cursor = await cursor_in(other)
    assert (await other.ask(WIDE, RESOURCES, {"after": cursor})).errors == []
    assert is_refused(await graph.ask(WIDE, RESOURCES, {"after": cursor}))


@examples(150)
@given(data=st.data())
async def test_a_cursor_with_a_changed_character_is_refused(graph: Graph, data: st.DataObject) -> None:
    # Their lengths differ, and with them what base64 leaves unused at the end.
    cursor = await cursor_in(graph, data.draw(st.integers(0, 19)))
    place = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.sampled_from([character for character in URL_SAFE + "+/= é" if character != cursor[place]]))
    changed = cursor[:place] + other + cursor[place + 1 :]
    assert is_refused(await graph.ask(WIDE, RESOURCES, {"after": changed}))


@pytest.mark.parametrize(
    "change",
    [
        *(lambda cursor, n=n: cursor[:n] for n in (0, 1, 2, 3, 4, 21, 22, 23, 40)),
        *(lambda cursor, n=n: cursor[:-n] for n in (1, 2, 3)),
        *(lambda cursor, more=more: cursor + more for more in ("=", "==", "====", "A", "AAAA", " ", "\n")),
        lambda cursor: cursor[1:],
        lambda cursor: " " + cursor,
        lambda cursor: cursor * 2,
        lambda cursor: cursor.swapcase(),
        lambda cursor: cursor * 1000,
    ],
)
async def test_a_cursor_that_was_cut_or_added_to_is_refused(graph: Graph, change: Callable[[str], str]) -> None:
    cursor = await cursor_in(graph)
    assert is_refused(await graph.ask(WIDE, RESOURCES, {"after": change(cursor)}))


@examples(100)
@given(text=st.one_of(texts, st.text(URL_SAFE, max_size=100), st.binary(max_size=60).map(lambda b: b.hex())))
async def test_a_text_that_is_no_cursor_is_refused(graph: Graph, text: str) -> None:
    assert is_refused(await graph.ask(WIDE, RESOURCES, {"after": text}))
    assert is_refused(await graph.ask(WIDE, RESOURCES, {"last": 1, "before": text}), "before")


# -- the other page arguments ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["first", "last"])
@pytest.mark.parametrize("size", [-1, -(2**31), 5001, 2**31 - 1])
async def test_a_page_size_out_of_range_is_refused(graph: Graph, name: str, size: int) -> None:
    answer = await graph.ask(WIDE, RESOURCES, {name: size})
    assert is_refused(answer, name)
    assert "5,000" in answer.errors[0]["message"]


@pytest.mark.parametrize("name", ["first", "last"])
@pytest.mark.parametrize(
    "below",
    [
        "operations { totalCount }",
        "... on Instance { snapshots { nodes { id } } }",
        "service { cloud { resources(first: 1) { nodes { id } } } }",
        "...Below",
    ],
)
async def test_a_page_is_large_only_where_no_connection_is_selected_below(graph: Graph, name: str, below: str) -> None:
    fragment = "fragment Below on Resource { service { ...On } } fragment On on Service { indicators { totalCount } }"
    document = f"query($size: Int) {{ resources({name}: $size) {{ nodes {{ id {below} }} }} }}"
    document += fragment if below == "...Below" else ""
    answer = await graph.ask(WIDE, document, {"size": 101})
    assert is_refused(answer, name)
    assert "100" in answer.errors[0]["message"]
    assert (await graph.ask(WIDE, document, {"size": 100})).whole


@pytest.mark.parametrize("name", ["first", "last"])
async def test_a_flat_page_has_up_to_5000_resources_with_their_neighbours(graph: Graph, name: str) -> None:
    document = f"""query($size: Int) {{ resources({name}: $size) {{ totalCount edges {{ cursor node {{ id tags {{ key }}
        service {{ name cloud {{ organization {{ name }} }} }} dataCenters {{ code region {{ code }} }} }} }} }} }}"""
    large = (await graph.ask(WIDE, document, {"size": 5000})).whole["resources"]
    assert len(large["edges"]) == large["totalCount"]
    small = (await graph.ask(WIDE, document, {"size": 20})).whole["resources"]
    assert small["edges"] == (large["edges"][:20] if name == "first" else large["edges"][-20:])
    assert len(small["edges"]) == 20


@pytest.mark.parametrize("name", ["first", "last"])
@pytest.mark.parametrize("size", [2**31, 1.5, "1", True, [1]])
async def test_a_page_size_that_is_no_integer_is_refused(graph: Graph, name: str, size: Any) -> None:
    assert is_refused(await graph.ask(WIDE, RESOURCES, {name: size}), name)


@pytest.mark.parametrize(
    ("names", "argument"),
    [
        (("first", "last"), "first"),
        (("first", "before"), "before"),
        (("last", "after"), "after"),
        (("after", "before"), "after"),
        (("first", "after", "before"), "before"),
        (("first", "after", "last", "before"), "first"),
    ],
)
async def test_page_arguments_that_contradict_each_other_are_refused(
    graph: Graph, names: tuple[str, ...], argument: str
) -> None:
    cursor = await cursor_in(graph)
    arguments = {name: 5 if name in {"first", "last"} else cursor for name in names}
    assert is_refused(await graph.ask(WIDE, RESOURCES, arguments), argument)


@pytest.mark.parametrize(
    "order",
    [
        [{"field": "NAME"}, {"field": "NAME"}],
        [{"field": "NAME"}, {"field": "NAME", "direction": "DESC"}],
        [{"field": "NAME"}, {"field": "STATUS"}, {"field": "NAME"}],
    ],
)
async def test_an_order_that_names_a_field_twice_is_refused(graph: Graph, order: list[Json]) -> None:
    assert is_refused(await graph.ask(WIDE, RESOURCES, {"order": order}), "orderBy")
