"""On the graph, the breadth-first executor gives what graphql-core gives, in no more SQL statements."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest
from graphql import DocumentNode, build_schema
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_graphql import nodes

from gateway.app import page_size
from resolvers.trace import Trace
from schema.build import build_schema as served
from schema.build import sdl
from tests.differential.comparing import Trial, Verdict
from tests.differential.dropping import dropping
from tests.differential.executing import Open, Opened, Question
from tests.differential.generating import Draft, Questions, tried
from tests.schema.documents import Documents
from tests.schema.graph import Graph
from tests.schema.words import words_in
from tests.schema.world import ALPHA, API, PLATFORM, REPRESENTATIVE, WIDE

pytestmark = dropping

SCHEMA = build_schema(sdl(served()))
QUESTIONS = Questions(SCHEMA, custom_scalars={"DateTime": st.just(nodes.String("2026-01-01T00:00:00Z"))})
CALLERS = (API, API, API, WIDE, WIDE, ALPHA, REPRESENTATIVE, PLATFORM, None)
OBJECTS = 3_000


@pytest.fixture(scope="module")
def trial(graph: Graph) -> Trial:
    return Trial(graph.schema, page_size=page_size, objects=OBJECTS)


@pytest.fixture(scope="module")
async def words(graph: Graph) -> dict[str, list[str]]:
    return await words_in(graph)


def opener(graph: Graph, email: str | None) -> Open:
    """Decide who asks."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Opened]:
        trace = Trace()
        async with graph.open(email, trace) as context:
            yield Opened(context, statements=lambda: trace.sql_statements)

    return opened


async def agree(trial: Trial, graph: Graph, words: dict[str, list[str]], draft: Draft) -> Verdict:
    """Ask what was thought of, with arguments that mean something in the world."""

    def rearmed(document: DocumentNode, random: Random) -> DocumentNode:
        return Documents(SCHEMA, random, words).rearmed(document)

    question = draft.question(rearmed)
    email = Random(str(question)).choice(CALLERS)  # noqa: S311 - it is to be repeated
    if question.turned() != question:
        await trial.examine(question.turned(), opener(graph, email), note=f"caller: {email}")
    return await trial.examine(question, opener(graph, email), note=f"caller: {email}")


@tried(250)
@given(draft=QUESTIONS.queries())
async def test_queries(trial: Trial, graph: Graph, words: dict[str, list[str]], draft: Draft) -> None:
    await agree(trial, graph, words, draft)


@pytest.mark.long
@tried(2000)
@given(draft=QUESTIONS.queries())
async def test_thousands_of_queries(trial: Trial, graph: Graph, words: dict[str, list[str]], draft: Draft) -> None:
    await agree(trial, graph, words, draft)


def test_a_question_is_the_same_every_time() -> None:
    assert Question("{ a }", {"yes0": True}).turned() == Question("{ a }", {"yes0": False})
