"""Executes an operation on an executor that is given, and keeps all that an observer can tell of it."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeGuard, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    Executor,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    create_source_event_stream,
    get_operation_ast,
    map_source_to_response_event,
    parse,
)
from strawberry.execution import optimized_is_awaitable

SECONDS = 20
CONDITIONS = ("yes0", "yes1", "no0", "no1")
"""The variables of @skip and @include, in what is generated."""
NO_EVENTS = "without events"


@dataclass(frozen=True)
class Question:
    """A document with its variables, as a client would send them."""

    document: str
    variables: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.document}\n\nvariables: {json.dumps(self.variables, ensure_ascii=False)}"

    def turned(self) -> "Question":
        """Give the same document with what is skipped included, and the other way round, as far as variables say."""
        turned = {name: not value if name in CONDITIONS else value for name, value in self.variables.items()}
        return Question(self.document, turned)

    def parsed(self) -> tuple[DocumentNode, OperationDefinitionNode]:
        """Give the document and its operation."""
        document = read(self.document)
        operation = get_operation_ast(document)
        assert operation is not None
        return document, operation


@lru_cache(maxsize=16)
def read(document: str) -> DocumentNode:
    """Parse a document; its nodes cannot be changed."""
    return parse(document)


@dataclass
class Opened:
    """What one execution needs, and what is counted while it runs."""

    context: object
    roots: Mapping[OperationType, Any] = field(default_factory=dict)
    calls: Callable[[], Counter[str]] = Counter
    statements: Callable[[], int] = lambda: 0


Open = Callable[[], AbstractAsyncContextManager[Opened]]


@dataclass
class Outcome:
    """What came of an operation: one result, or for a subscription one per event and how the events ended."""

    results: list[ExecutionResult]
    end: str | None = None
    refusals: list[GraphQLError] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    statements: int = 0


def build(
    executor_class: type[Executor[Any]], schema: GraphQLSchema, document: DocumentNode, question: Question
) -> Any:
    """Build an executor; a list of errors if the variables do not fit."""
    return executor_class.build(
        schema, document, raw_variable_values=dict(question.variables), is_awaitable=_is_awaitable
    )


async def execute(
    executor_class: type[Executor[Any]], schema: GraphQLSchema, question: Question, open_context: Open
) -> Outcome:
    """Execute an operation from its text, as an executor alone does it."""
    document, operation = question.parsed()
    executor = build(executor_class, schema, document, question)
    if isinstance(executor, list):
        return Outcome([], refusals=executor)
    return await run(executor, operation.operation, open_context)


async def run(executor: Executor[Any], kind: OperationType, open_context: Open) -> Outcome:
    """Let an executor execute its operation, or all events of its subscription."""
    async with open_context() as opened:
        executor.context_value = opened.context
        executor.root_value = opened.roots.get(kind)
        async with asyncio.timeout(SECONDS):
            outcome = await (_events(executor) if kind is OperationType.SUBSCRIPTION else _answer(executor))
            while executor.background_futures:
                # What belongs to lists that failed goes on for a while.
                await asyncio.wait(list(executor.background_futures))
        outcome.calls, outcome.statements = opened.calls(), opened.statements()
    return outcome


async def _answer(executor: Executor[Any]) -> Outcome:
    result = executor.execute_operation()
    if _is_awaitable(result):
        result = await result
    return Outcome([cast("ExecutionResult", result)])


async def _events(executor: Executor[Any]) -> Outcome:
    source: Any = create_source_event_stream(executor)
    if _is_awaitable(source):
        source = await source
    if isinstance(source, ExecutionResult):
        return Outcome([source], end=NO_EVENTS)
    outcome = Outcome([])
    try:
        async for result in map_source_to_response_event(executor, source):
            outcome.results.append(result)
    except Exception as error:  # noqa: BLE001 - what ends the source is compared as well
        outcome.end = repr(error)
    return outcome


def _is_awaitable(value: object) -> TypeGuard[Any]:
    return optimized_is_awaitable(value)
