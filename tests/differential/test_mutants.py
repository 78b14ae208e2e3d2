"""A bug in the executor is found: each of those that are planted here, by questions like those of other tests."""

from random import Random

import pytest

from gateway.execution.breadth_first import BreadthFirstExecutor
from tests.differential.comparing import Difference, Trial
from tests.differential.dropping import dropping
from tests.differential.executing import Question
from tests.differential.generating import sample
from tests.differential.mutants import MUTANTS
from tests.differential.test_torture import QUESTIONS, fates
from tests.differential.torture import Cosmos

pytestmark = dropping


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    """Fewer than are tried otherwise."""
    return sample(QUESTIONS.queries(), 120)


@pytest.mark.parametrize("mutant", MUTANTS)
async def test_a_planted_bug_is_found(
    cosmos: Cosmos, questions: list[Question], mutant: type[BreadthFirstExecutor]
) -> None:
    assert mutant.__doc__
    assert await tries(Trial(cosmos.schema, mutant), cosmos, questions) is not None


async def tries(trial: Trial, cosmos: Cosmos, questions: list[Question]) -> int | None:
    """Count the questions until one shows a difference; None if none does."""
    for number, question in enumerate(questions, 1):
        random = Random(str(question))  # noqa: S311 - it is to be repeated
        for asked in (question, question.turned()):
            try:
                await trial.compare(asked, cosmos.opener(*fates(random)))
            except Difference:
                return number
    return None
