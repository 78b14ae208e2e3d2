"""On a schema on which everything goes wrong, the breadth-first executor gives what graphql-core gives."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_graphql import nodes

from tests.differential.comparing import Trial
from tests.differential.dropping import dropping
from tests.differential.executing import Question
from tests.differential.generating import Draft, Questions, tried
from tests.differential.torture import Cosmos

pytestmark = [*dropping, pytest.mark.usefixtures("small_parts")]

QUESTIONS = Questions(
    Cosmos().schema._schema,
    custom_scalars={"Angle": st.sampled_from([nodes.Float(degrees) for degrees in (-1.5, 0.0, 2.5)])},
)
MISHAPS = (0, 0.01, 0.05, 0.2)
WAITS = (0, 0.1, 0.5)


@pytest.fixture(scope="module")
def trial(cosmos: Cosmos) -> Trial:
    return Trial(cosmos.schema)


def fates(random: Random) -> tuple[int, float, float]:
    """Draw what goes wrong, how often, and how often there is something to wait for."""
    return random.getrandbits(32), random.choice(MISHAPS), random.choice(WAITS)


async def agree(trial: Trial, cosmos: Cosmos, question: Question) -> None:
    """Ask again, and with what is skipped the other way round; what goes wrong differs, the plan is kept."""
    random = Random(str(question))  # noqa: S311 - it is to be repeated
    others = [question.turned()] if question.turned() != question else []
    for asked in (question, *others, question):
        fate = fates(random)
        await trial.examine(asked, cosmos.opener(*fate), note=f"fate: {fate}")


@tried(200)
@given(draft=QUESTIONS.queries())
async def test_queries(trial: Trial, cosmos: Cosmos, draft: Draft) -> None:
    await agree(trial, cosmos, draft.question())


@tried(60)
@given(draft=QUESTIONS.mutations())
async def test_mutations(trial: Trial, cosmos: Cosmos, draft: Draft) -> None:
    await agree(trial, cosmos, draft.question())


@tried(40)
@given(draft=QUESTIONS.subscriptions())
async def test_subscriptions(trial: Trial, cosmos: Cosmos, draft: Draft) -> None:
    await agree(trial, cosmos, draft.question())


SHARED = (
    "{ echo { called } }",
    "{ rocks { beside { name } } }",
    "{ rocks { near { name weight __typename } } }",
    "{ rocks { __typename age name type: __typename } }",
    "{ stones { seenFrom { name } found { __typename } layers } }",
    "{ rocks { kept fallen ... on Marble { veins } ... on Basalt { __typename } } }",
    "{ star { flares } stars { flares some { rings } } }",
    "{ comets { mass last } bodies { ... on Comet { mass } } guarded { comets { mass } } }",
)
"""Objects of types that have fields in common, things that are in many places, and defaults."""
SHARED_FATES = tuple((number, MISHAPS[2 + number % 2], 0.1) for number in range(40))


@pytest.mark.parametrize("document", SHARED)
async def test_what_is_shared(trial: Trial, cosmos: Cosmos, document: str) -> None:
    for fate in SHARED_FATES:
        verdict = await trial.examine(Question(document), cosmos.opener(*fate), note=f"fate: {fate}")
        assert not verdict.refused


@pytest.mark.long
@tried(3000)
@given(draft=st.one_of(QUESTIONS.queries(), QUESTIONS.queries(), QUESTIONS.mutations(), QUESTIONS.subscriptions()))
async def test_thousands_of_operations(trial: Trial, cosmos: Cosmos, draft: Draft) -> None:
    await agree(trial, cosmos, draft.question())
