"""A bug in the executor is found: each of those that are planted here, by questions like those of other tests."""

from random import Random

import pytest

from gateway.execution.breadth_first import BreadthFirstExecutor
from tests.differential.comparing import Difference, Trial
from tests.differential.dropping import dropping
from tests.differential.executing import Question
from tests.differential.generating import sample
from tests.differential.mutants import MUTANTS
from tests.differential.test_torture import QUESTIONS, SHARED, SHARED_FATES, fates
from tests.differential.torture import Cosmos

pytestmark = [*dropping, pytest.mark.usefixtures("small_parts")]


Asked = tuple[Question, tuple[int, float, float]]


@pytest.fixture(scope="module")
def asked() -> list[Asked]:
    """Fewer questions than are asked otherwise, each with what goes wrong."""
    found = [(Question(document), fate) for document in SHARED for fate in SHARED_FATES]
    for question in sample(QUESTIONS.queries(), 60):
        random = Random(str(question))  # noqa: S311 - it is to be repeated
        found += [(question, fates(random)), (question.turned(), fates(random))]
    return found


@pytest.mark.parametrize("mutant", MUTANTS)
async def test_a_planted_bug_is_found(cosmos: Cosmos, asked: list[Asked], mutant: type[BreadthFirstExecutor]) -> None:
    assert mutant.__doc__
    trial = Trial(cosmos.schema, mutant)
    for question, fate in asked:
        try:
            await trial.compare(question, cosmos.opener(*fate))
        except Difference:
            return
    pytest.fail(f"not found: {mutant.__doc__}")
