"""Tells every error that an operation can have, and which null each of them would cause.

An error at a place that must not be null makes the nearest place above it null that may be. Of several errors with the
same null one is told, whichever came first; below a place that is null errors may be told, or not. That is for the
executor to choose, so an answer is held to what can be told at all, and to one error for every null.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from graphql import (
    DirectiveNode,
    Executor,
    GraphQLError,
    GraphQLSchema,
    NameNode,
    is_non_null_type,
)
from graphql.execution.executor import CollectedErrors
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from tests.differential.executing import Open, Question, build, run

Place = tuple[str | int, ...]
Told = tuple[str, Place, tuple[tuple[int, int], ...], str, str]
"""What is told of an error: message, path, locations, extensions, and the type of what was raised."""


class Everything(CollectedErrors):
    """Collects errors also where there is null already: which one came first is chance."""

    def has_nulled_position(self, start_path: Path | None) -> bool:
        return False


class Witness(StrawberryGraphQLCoreExecutionContext):
    """graphql-core, noting which places may be null."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.collected_errors = Everything()
        self.events: list[Witness] = []
        self.nullable: dict[Place, bool] = {(): True}

    def build_per_event_executor(self, payload: Any) -> Executor[Any]:
        executor: Any = super().build_per_event_executor(payload)
        executor.collected_errors, executor.nullable = Everything(), {(): True}
        self.events.append(executor)
        return executor  # type: ignore[no-any-return]

    def complete_value(self, return_type: Any, details: Any, info: Any, path: Path, *rest: Any) -> Any:
        self._note(path, return_type)
        return super().complete_value(return_type, details, info, path, *rest)

    def handle_field_error(self, raw_error: Exception, return_type: Any, details: Any, path: Path) -> None:
        self._note(path, return_type)
        super().handle_field_error(raw_error, return_type, details, path)

    def null_of(self, place: Place) -> Place:
        """Say which place an error at `place` makes null."""
        while not self.nullable[place]:
            place = place[:-1]
        return place

    def _note(self, path: Path, return_type: Any) -> None:
        # A type that must not be null is completed as what it wraps, at the same place.
        self.nullable.setdefault(tuple(path.as_list()), not is_non_null_type(return_type))


class Testimony:
    """The errors that one result may tell, by the null that each causes."""

    def __init__(self, witness: Witness) -> None:
        self.errors: dict[Told, Place] = {
            told(error): witness.null_of(tuple(error.path or ())) for error in witness.collected_errors.errors
        }
        nulls = set(self.errors.values())
        self.outermost = {null for null in nulls if not any(null[:length] in nulls for length in range(len(null)))}

    def objections(self, errors: Iterable[GraphQLError]) -> list[str]:
        """Say what is wrong with the errors of a result."""
        found: dict[Place, list[Told]] = defaultdict(list)
        wrong = []
        for error in errors:
            key = told(error)
            if key in self.errors:
                found[self.errors[key]].append(key)
            else:
                wrong.append(f"no such error: {key}")
        wrong += [f"{len(keys)} errors for one null: {keys}" for keys in found.values() if len(keys) > 1]
        wrong += [f"no error for the null at {list(null)}" for null in self.outermost - found.keys()]
        return wrong


def told(error: GraphQLError) -> Told:
    """Say what is told of an error, for comparing it with another."""
    cause: BaseException = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return (
        error.message,
        tuple(error.path or ()),
        tuple((location.line, location.column) for location in error.locations or ()),
        repr(error.extensions),
        type(cause).__name__,
    )


async def testify(schema: GraphQLSchema, question: Question, open_context: Open) -> list[Testimony]:
    """Execute an operation so that no error hides another."""
    document, operation = question.parsed()
    directive = DirectiveNode(name=NameNode(value="experimental_disableErrorPropagation"), arguments=())
    telling = replace(operation, directives=(*(operation.directives or ()), directive))
    definitions = tuple(telling if node is operation else node for node in document.definitions)
    witness = build(Witness, schema, replace(document, definitions=definitions), question)
    assert isinstance(witness, Witness)
    await run(witness, operation.operation, open_context)
    return [Testimony(executor) for executor in witness.events or [witness]]
