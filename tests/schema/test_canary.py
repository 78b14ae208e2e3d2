"""A canary sings in every text of one organization; no generated query of another's caller ever hears it."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from random import Random
from typing import Any

import pytest
from graphql import build_schema, print_ast
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from gateway.postgres import DatabaseUrls
from resolvers.tables import Resource
from schema.build import build_schema as served
from schema.build import sdl
from tests.schema.documents import Documents
from tests.schema.graph import Answer, Graph
from tests.schema.making import make_world
from tests.schema.tenants import HIDDEN, graph_over, without
from tests.schema.tiers import examples
from tests.schema.words import words_in
from tests.schema.world import ALPHA, API, CANARY, NOBODY, REPRESENTATIVE, VAULT, WIDE, World

SCHEMA = build_schema(sdl(served()))
CALLERS = (WIDE, ALPHA, API, REPRESENTATIVE, NOBODY)


@pytest.fixture(scope="module")
def tenants() -> World:
    return make_world()


@pytest.fixture(scope="module")
async def graph(tenants: World, make_database: Callable[[], DatabaseUrls]) -> AsyncIterator[Graph]:
    async with graph_over(make_database(), tenants) as graph:
        yield graph


@pytest.fixture(scope="module")
async def graph_alone(tenants: World, make_database: Callable[[], DatabaseUrls]) -> AsyncIterator[Graph]:
    """The graph over the same world, in which the hidden organization does not exist."""
    async with graph_over(make_database(), without(tenants, HIDDEN)) as graph:
        yield graph


def told(answer: Answer) -> str:
    """Write down all that a caller is told: data, errors, and how many statements it took."""
    return json.dumps([answer.data, answer.errors, answer.trace.sql_statements], ensure_ascii=False)


def texts(data: Any) -> Iterator[str]:
    """Give every text of some data but the dimensions of facets, which repeat what was asked."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for name, value in data.items():
            if not name.startswith("dimension"):
                yield from texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from texts(value)


@pytest.fixture(scope="module")
async def words(graph: Graph) -> dict[str, list[str]]:
    """What generated arguments are made of: the ids, cursors, paths and texts of every organization."""
    return await words_in(graph)


MOST_ASKED = 20


async def keeps_its_secret(graph: Graph, graph_alone: Graph, email: str, document: str) -> None:
    """Ask the same where the hidden organization is and where it is not.

    What fails stops what is beside it. Which of several fields failed first, and how far the others had come, is a
    matter of time: such a question may have several answers, but where it is asked makes none of them.
    """
    hidden = {row.id.hex for row in graph.world.all(Resource) if row.name.startswith(CANARY)}
    told_here: set[str] = set()
    told_there: set[str] = set()
    for _ in range(MOST_ASKED):
        here, there = await graph.ask(email, document), await graph_alone.ask(email, document)
        for text in texts(here.data):
            assert CANARY not in text, document
            assert text.partition("_")[2] not in hidden, document
        told_here.add(told(here))
        told_there.add(told(there))
        if told_here & told_there or not (here.errors and there.errors):
            break
    assert told_here & told_there, (document, told_here, told_there)


async def test_the_canary_is_found_where_it_may_be(graph: Graph) -> None:
    answer = (await graph.ask(VAULT, "{ resources { totalCount nodes { name tags { key value } } } }")).whole
    assert answer["resources"]["totalCount"] == 18
    assert all(CANARY in text for text in texts(answer))


@pytest.mark.parametrize("seed", [*range(15), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(15, 150))])
async def test_no_generated_query_shows_anything_of_a_foreign_organization(
    graph: Graph, graph_alone: Graph, words: dict[str, list[str]], seed: int
) -> None:
    random = Random(seed)  # noqa: S311 - it is to be repeated
    documents = Documents(SCHEMA, random, words)
    for _ in range(10):
        await keeps_its_secret(graph, graph_alone, random.choice(CALLERS), documents.document())


def of_any_root_field() -> st.SearchStrategy[Any]:
    """Generate queries that hypothesis thinks of, of one root field each."""
    assert SCHEMA.query_type is not None
    dates = st.just(nodes.String("2026-01-01T00:00:00Z"))
    return st.sampled_from(list(SCHEMA.query_type.fields)).flatmap(
        lambda name: queries(SCHEMA, fields=[name], custom_scalars={"DateTime": dates}, print_ast=lambda node: node)
    )


@examples(50)
@given(query=of_any_root_field(), seed=st.integers(0, 2**32), email=st.sampled_from(CALLERS))
async def test_no_query_of_hypothesis_shows_anything_of_a_foreign_organization(
    graph: Graph, graph_alone: Graph, words: dict[str, list[str]], query: Any, seed: int, email: str
) -> None:
    rearmed = Documents(SCHEMA, Random(seed), words).rearmed(query)  # noqa: S311
    await keeps_its_secret(graph, graph_alone, email, print_ast(rearmed))


@pytest.mark.long
@examples(1000)
@given(query=of_any_root_field(), seed=st.integers(0, 2**32), email=st.sampled_from(CALLERS))
async def test_no_query_of_a_thousand_shows_anything_of_a_foreign_organization(
    graph: Graph, graph_alone: Graph, words: dict[str, list[str]], query: Any, seed: int, email: str
) -> None:
    rearmed = Documents(SCHEMA, Random(seed), words).rearmed(query)  # noqa: S311
    await keeps_its_secret(graph, graph_alone, email, print_ast(rearmed))
