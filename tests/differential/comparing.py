"""Holds an executor to graphql-core: the same data, the same nulls, and errors that graphql-core could tell as well."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from graphql import ExecutionResult, Executor, GraphQLError, OperationType, get_operation_ast
from strawberry import Schema
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from auth.errors import ItcareError
from gateway.execution import Engine
from gateway.execution.breadth_first import BreadthFirstExecutor
from gateway.limits import PageSize
from gateway.settings import Limits
from tests.differential.executing import NO_EVENTS, Open, Outcome, Question, build, execute, run
from tests.differential.reducing import reduced
from tests.differential.witness import Testimony, testify, told

ReferenceExecutor = StrawberryGraphQLCoreExecutionContext
MANY = 10**9
WIDE = Limits(tokens=MANY, depth=MANY, aliases=MANY, directives=MANY, fragment_spreads=MANY, objects=MANY)


class Difference(AssertionError):
    """Two executors do not agree; the message is a document and variables to paste, and what each made of them."""


@dataclass(frozen=True)
class Verdict:
    """What was compared."""

    refused: bool
    """The variables did not fit, or there was too much to answer, so that nothing was executed."""
    errors: int = 0
    """How many errors graphql-core told."""
    statements: tuple[int, int] = (0, 0)
    """How many SQL statements it took graphql-core, and the other."""


class Trial:
    """Compares one executor with graphql-core on one schema.

    Documents are read as the gateway reads them: what it keeps of a document serves all questions with the same.
    """

    def __init__(
        self,
        schema: Schema,
        executor_class: type[Executor[Any]] = BreadthFirstExecutor,
        *,
        page_size: PageSize = lambda *_: 1,
        objects: int = MANY,
    ) -> None:
        """Compare on a schema; a question that may be answered with more than so many objects is not asked."""
        self._schema = schema._schema
        self._executor_class = executor_class
        self._engine = Engine(schema, WIDE, page_size, executor_class=executor_class)
        self._objects = objects

    async def examine(self, question: Question, open_context: Open, *, note: str = "") -> Verdict:
        """Compare the answers to a question.

        Raises:
            Difference: they differ; of the document only what is needed for that is told.
        """
        try:
            return await self.compare(question, open_context)
        except Difference as difference:
            found = difference
        question = await reduced(self._schema, question, lambda smaller: self._differs(smaller, open_context))
        try:
            await self.compare(question, open_context)
        except Difference as difference:
            found = difference
        raise Difference(f"\n\n{question}\n\n{note}\n\n{found}")

    async def compare(self, question: Question, open_context: Open) -> Verdict:
        """Compare the answers to a question; raises Difference."""
        executor, kind, objects = self._executor(question)
        if objects > self._objects:
            return Verdict(refused=True)
        expected = await execute(ReferenceExecutor, self._schema, question, open_context)
        try:
            got = (
                Outcome([], refusals=executor)
                if isinstance(executor, list)
                else await run(executor, kind, open_context)
            )
        except Exception as error:
            raise Difference(f"expected: {_shown(expected)}\n     got: {error!r}") from error
        differences = list(_differences(expected, got))
        number = sum(len(result.errors or ()) for result in expected.results)
        if number and not differences and expected.end == NO_EVENTS:
            differences = list(_otherwise(expected, got))
        elif number and not differences:
            differences = await self._objections(question, open_context, expected, got)
        if differences:
            raise Difference("\n".join([*differences, "", f"expected: {_shown(expected)}", f"     got: {_shown(got)}"]))
        return Verdict(bool(expected.refusals), number, (expected.statements, got.statements))

    def _executor(self, question: Question) -> tuple[Any, OperationType, int]:
        """Build the executor, with the plan of the document; errors instead of it if the variables do not fit.

        The third is the number of objects.
        """
        prepared = self._engine.prepare(question.document)
        assert prepared.selections is not None, f"{question}\n\n{prepared.errors}"
        operation = get_operation_ast(prepared.document)
        assert operation is not None
        executor = build(self._executor_class, self._schema, prepared.document, question)
        if isinstance(executor, BreadthFirstExecutor):
            executor.plan = prepared.plan(operation, executor.variable_values.coerced)
        objects = 0
        if not isinstance(executor, list):
            with suppress(ItcareError, GraphQLError):
                # Page sizes that cannot be are found wrong once more, when they are resolved.
                objects = prepared.selections.objects(operation, executor.variable_values.coerced)
        return executor, operation.operation, objects

    async def _objections(self, question: Question, open_context: Open, expected: Outcome, got: Outcome) -> list[str]:
        testimonies = await testify(self._schema, question, open_context)
        for testimony, result in zip(testimonies, expected.results, strict=True):
            objections = testimony.objections(result.errors or ())
            assert not objections, f"graphql-core itself does not keep to the rule: {objections}\n{question}"
        return [
            objection
            for testimony, result in zip(testimonies, got.results, strict=True)
            for objection in _of(testimony, result)
        ]

    async def _differs(self, question: Question, open_context: Open) -> bool:
        try:
            await self.compare(question, open_context)
        except Difference:
            return True
        except AssertionError:
            return False
        return False


def _of(testimony: Testimony, result: ExecutionResult) -> list[str]:
    return testimony.objections(result.errors or ())


def _otherwise(expected: Outcome, got: Outcome) -> Iterator[str]:
    for ours, theirs in zip(got.results, expected.results, strict=True):
        if list(map(told, ours.errors or ())) != list(map(told, theirs.errors or ())):
            yield "the events fail to begin with other errors"


def _differences(expected: Outcome, got: Outcome) -> Iterator[str]:
    if list(map(told, expected.refusals)) != list(map(told, got.refusals)):
        yield "one refuses the variables otherwise"
    if expected.end != got.end:
        yield "the events end otherwise"
    for number, (ours, theirs) in enumerate(zip_longest(got.results, expected.results)):
        if ours is None or theirs is None:
            yield f"one has no result {number}"
            return
        yield from (f"data: {difference}" for difference in data_differences(theirs.data, ours.data))
        if bool(ours.errors) != bool(theirs.errors):
            yield "one has errors and the other has none"
    if not any(result.errors for result in expected.results) and expected.calls != got.calls:
        yield f"called less often: {expected.calls - got.calls}, more often: {got.calls - expected.calls}"
    if not any(result.errors for result in expected.results) and expected.statements < got.statements:
        yield f"{got.statements} SQL statements instead of {expected.statements}"


def data_differences(expected: Any, got: Any, place: str = "") -> Iterator[str]:
    """Tell where data differ: in values, in their types, or in the order of keys."""
    if type(expected) is not type(got):
        yield f"{place or 'data'} is {got!r} ({type(got).__name__}) instead of {expected!r}"
    elif isinstance(expected, dict):
        if list(expected) != list(got):
            yield f"{place or 'data'} has the keys {list(got)} instead of {list(expected)}"
        for key in expected.keys() & got.keys():
            yield from data_differences(expected[key], got[key], f"{place}.{key}")
    elif isinstance(expected, list):
        if len(expected) != len(got):
            yield f"{place} has {len(got)} items instead of {len(expected)}"
        for number, (of_expected, of_got) in enumerate(zip(expected, got, strict=False)):
            yield from data_differences(of_expected, of_got, f"{place}.{number}")
    elif repr(expected) != repr(got):
        yield f"{place} is {got!r} instead of {expected!r}"


def _shown(outcome: Outcome) -> str:
    results = [{"data": result.data, "errors": list(map(told, result.errors or ()))} for result in outcome.results]
    return f"{results}" + (f" and {outcome.end}" if outcome.end else "")
