"""Columns in which one value is unlike the others, or many are the same, are completed as graphql-core does it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError
from strawberry import Info
from strawberry.schema.config import StrawberryConfig

from gateway.execution.breadth_first import BreadthFirstExecutor
from tests.differential.comparing import ReferenceExecutor, Trial
from tests.differential.executing import Open, Opened, Question, execute
from tests.differential.torture.cosmos import Angle
from tests.differential.torture.schema import ANGLE
from tests.differential.torture.values import CONVERTED, RIGHT, WRONG, Rank, Spectrum

pytestmark = pytest.mark.usefixtures("small_parts")
LONG = 40


@strawberry.input
class Mark:
    words: list[str]


@strawberry.type
class Sample:
    """One value of each scalar and enum, as an attribute, and others that are made of it."""

    whole: int | None = None
    decimal: float | None = None
    text: str | None = None
    id: strawberry.ID | None = None
    flag: bool | None = None
    spectrum: Spectrum | None = None
    rank: Rank | None = None
    angle: Angle | None = None
    number: strawberry.Private[Any] = 0

    @strawberry.field
    def itself(self) -> "Sample":
        return self

    @strawberry.field
    def marked(self, mark: Mark, words: list[str]) -> str:
        """Change what it is given."""
        mark.words.append("mark")
        words.append("word")
        return f"{mark.words} {words}"

    @strawberry.field
    def place(self, info: Info[Any, Any]) -> str:
        return str(info.path.as_list())

    @strawberry.field
    def elsewhere(self) -> str | None:
        raise GraphQLError("Elsewhere.", path=["elsewhere", self.number])

    @strawberry.field
    def stopped(self) -> list[str] | None:
        raise StopIteration(str(self.number))


@strawberry.type
class Query:
    @strawberry.field
    def samples(self, info: Info[list[Sample], Any]) -> list[Sample]:
        return info.context

    @strawberry.field
    async def maybe(self, info: Info[list[Sample], Any]) -> list[Sample | None] | None:
        return [*info.context]


@strawberry.type
class Record:
    whole: int | None
    text: str | None


@strawberry.type
class Records:
    @strawberry.field
    def records(self, info: Info[list[Record], Any]) -> list[Record]:
        return info.context


SCHEMA = strawberry.Schema(Query, config=StrawberryConfig(scalar_map={Angle: ANGLE}))
ATTRIBUTES = {name: name.lower() for name in RIGHT} | {
    "Int": "whole",
    "Float": "decimal",
    "String": "text",
    "Boolean": "flag",
}


def opener(samples: list[Any]) -> Open:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Opened]:
        yield Opened(samples)

    return opened


async def agree(document: str, samples: list[Any], schema: strawberry.Schema = SCHEMA) -> int:
    """Ask on both executors; gives the number of errors."""
    verdict = await Trial(schema).examine(Question(document), opener(samples))
    return verdict.errors


@pytest.mark.parametrize("scalar", RIGHT)
@pytest.mark.parametrize("at", [0, LONG - 1])
async def test_one_value_may_be_of_another_kind(scalar: str, at: int) -> None:
    attribute = ATTRIBUTES[scalar]
    for odd in (*CONVERTED[scalar], *WRONG[scalar], None, ValueError("no value")):
        values = [RIGHT[scalar][number % len(RIGHT[scalar])] for number in range(LONG)]
        values[at] = odd
        await agree(f"{{ samples {{ {attribute} }} }}", [Sample(**{attribute: value}) for value in values])


@pytest.mark.parametrize("scalar", RIGHT)
async def test_all_values_may_be_of_another_kind(scalar: str) -> None:
    attribute = ATTRIBUTES[scalar]
    for value in (*CONVERTED[scalar], *WRONG[scalar], None):
        await agree(f"{{ samples {{ {attribute} }} }}", [Sample(**{attribute: value})] * 3)
    mixed = [Sample(**{attribute: value}) for value in (*RIGHT[scalar], *CONVERTED[scalar])]
    await agree(f"{{ samples {{ {attribute} itself {{ {attribute} }} }} }}", mixed)


@pytest.mark.parametrize("others", [[], [None], [ValueError("no sample")], [Sample(decimal=float("nan"))]])
async def test_an_object_that_is_in_many_places_is_there_in_each(others: list[Any]) -> None:
    samples = [*[Sample(whole=1, text="a"), Sample(whole=2, text="b")] * LONG, *others]
    for document in ("{ maybe { whole text decimal } }", "{ maybe { text itself { whole decimal } __typename } }"):
        assert await agree(document, samples) == sum(other is not None for other in others)


async def test_an_object_that_is_in_many_places_fails_in_each() -> None:
    samples = [*[Sample(whole=1, text="a"), Sample(whole=2**31, text="b")] * LONG]
    assert await agree("{ maybe { text whole } }", samples) == LONG
    assert await agree("{ maybe { text itself { whole } } }", samples) == LONG


async def test_an_error_that_brings_its_own_path_keeps_it() -> None:
    for executor in (ReferenceExecutor, BreadthFirstExecutor):
        question = Question("{ samples { elsewhere text } }")
        outcome = await execute(executor, SCHEMA._schema, question, opener([Sample(number=1)]))
        (result,) = outcome.results
        assert result.data == {"samples": [{"elsewhere": None, "text": None}]}
        assert [error.path for error in result.errors or ()] == [["elsewhere", 1]]


async def test_a_long_column_is_resolved_in_parts_once_it_is_known_to_take_no_time() -> None:
    samples = [Sample(whole=2**31 if number % 7 == 3 else number, number=number) for number in range(LONG)]
    document = "{ samples { itself { whole place itself { text } } place stopped } }"
    trial = Trial(SCHEMA)
    for _ in range(3):
        verdict = await trial.examine(Question(document), opener(samples))
        assert verdict.errors == LONG + len([sample for sample in samples if sample.whole == 2**31])


async def test_the_end_of_an_iteration_is_an_error_like_any_other() -> None:
    assert await agree("{ samples { stopped text } }", [Sample(number=1), Sample(number=2)]) == 2


async def test_every_parent_has_arguments_of_its_own() -> None:
    await agree('{ samples { marked(mark: {words: ["a"]}, words: ["b"]) } }', [Sample(), Sample()])


async def test_a_schema_may_read_attributes_in_its_own_way() -> None:
    schema = strawberry.Schema(Records, config=StrawberryConfig(default_resolver=lambda source, name: source.get(name)))
    records = [{"whole": 1, "text": "a"}, {"whole": 2, "text": float("nan")}, {}]
    assert await agree("{ records { whole text } }", records, schema) == 1


async def test_selections_may_be_deep() -> None:
    depth = 25
    document = f"{{ samples {{ {'itself { ' * depth} whole {'} ' * depth} }} }}"
    assert await agree(document, [Sample(whole=1), Sample(whole=2)]) == 0
