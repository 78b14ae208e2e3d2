"""The way of a document: read and checked once, bound to its variables, executed.

    prepared = engine.prepare(text)
    operation = engine.bind(prepared, operation_name, variables)
    result = await engine.execute(operation, context)

The first two refuse what cannot be executed; only the third calls resolvers, and needs what they need.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from graphql import (
    DocumentNode,
    ExecutionResult,
    Executor,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.values import get_argument_values
from strawberry import Schema
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from auth.errors import BadUserInput, ItcareError
from gateway.execution import errors
from gateway.execution.breadth_first import BreadthFirstExecutor, Turns
from gateway.execution.documents import DocumentCache, Prepared, conditions
from gateway.execution.errors import RequestError
from gateway.limits import PageSize, Selections, check_document, check_tokens
from gateway.limits.require import require_at_most
from gateway.settings import Limits


class FieldsCanBeMergedRule(OverlappingFieldsCanBeMergedRule):
    """The rule whose cost grows with the square of the fields, on a budget of about 100 ms.

    Twenty fragments of one component tree that all overlap need half of it.
    """

    BUDGET = 25_000

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = self.BUDGET


RULES = (
    *(FieldsCanBeMergedRule if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules),
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)


# More than these help nobody, and each one costs a search for what may have been meant.
MAX_ERRORS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """An operation with its variables, checked and ready to be executed once; it may return up to `objects` objects."""

    executor: Executor[Any]
    objects: int
    prepared: Prepared
    mutation: tuple[str, Mapping[str, Any]] | None = None
    """Of a mutation: the name of its one root field, and the arguments it is given."""
    subscription: tuple[str, Mapping[str, Any]] | None = None
    """Of a subscription, likewise."""


class Engine:
    """Executes documents against `schema`, breadth first, or with another executor of graphql-core's kind.

    Strawberry's extensions are not run: what they are for is done here, or around here, once per operation.
    `on_fallback` hears why an operation was not executed breadth first though it should have been.
    """

    def __init__(
        self,
        schema: Schema,
        limits: Limits,
        page_size: PageSize,
        *,
        executor_class: type[Executor[Any]] = BreadthFirstExecutor,
        on_fallback: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._schema: GraphQLSchema = schema._schema
        self._limits = limits
        self._page_size = page_size
        self._executor_class = executor_class
        self._on_fallback = on_fallback
        self.turns = Turns()
        """Whose turn it is among large operations, also where their answers are written."""
        self._cache = DocumentCache()

    def prepare(self, text: str, *, hide_suggestions: bool = False) -> Prepared:
        """Parse, validate and measure a document; one that was seen before and is valid costs a lookup.

        What is wrong with it is in `errors`, without any "Did you mean …" if `hide_suggestions`.
        """
        prepared = self._cache.get(text)
        if prepared is None:
            prepared = self._read(text, hide_suggestions)
            if not prepared.errors:
                self._cache.put(text, prepared)
        return prepared

    def bind(
        self,
        prepared: Prepared,
        operation_name: str | None = None,
        variables: Mapping[str, Any] | None = None,
        *,
        hide_suggestions: bool = False,
    ) -> Operation:
        """Choose the operation, coerce its variables and count its objects.

        Raises:
            RequestError: it cannot be executed so.
        """
        if prepared.errors or prepared.selections is None:
            raise RequestError(*prepared.errors)
        node = prepared.operation(operation_name)
        executor = self._executor_class.build(
            self._schema,
            prepared.document,
            raw_variable_values=dict(variables or {}),
            operation_name=operation_name,
            is_awaitable=_is_awaitable,
            hide_suggestions=hide_suggestions,
        )
        if isinstance(executor, list):
            raise RequestError(*map(errors.variable_failed, executor))
        try:
            objects = prepared.selections.objects(node, executor.variable_values.coerced)
            require_at_most(self._limits.objects, objects, "objects", "The operation asks for up to {:,} objects")
            if node.operation is OperationType.MUTATION:
                keys = {(field.alias or field.name).value for field in prepared.root_fields(node)} - {"__typename"}
                require_at_most(1, len(keys), "mutationRootFields", "The mutation has {:,} root fields")
            asked = self._asked(prepared, node, executor)
        except ItcareError as error:
            raise RequestError(errors.refusal(error)) from error
        except GraphQLError as error:
            raise RequestError(error) from error
        if isinstance(executor, BreadthFirstExecutor):
            executor.plan = prepared.plan(node, executor.variable_values.coerced)
            executor.on_fallback = self._on_fallback
            executor.turns = self.turns
        mutation = asked if node.operation is OperationType.MUTATION else None
        subscription = asked if node.operation is OperationType.SUBSCRIPTION else None
        return Operation(executor, objects, prepared, mutation, subscription)

    def _asked(
        self, prepared: Prepared, node: OperationDefinitionNode, executor: Executor[Any]
    ) -> tuple[str, Mapping[str, Any]] | None:
        """Say what a mutation or a subscription asks for, also if a directive skips it; raises GraphQLError."""
        root = self._schema.get_root_type(node.operation)
        if node.operation is OperationType.QUERY or root is None:
            return None
        for field in prepared.root_fields(node):
            if field.name.value in root.fields:
                definition = root.fields[field.name.value]
                return field.name.value, get_argument_values(definition, field, executor.variable_values)
        return None

    async def execute(self, operation: Operation, context: object, root: object = None) -> ExecutionResult:
        """Execute an operation; `context` is what resolvers find in `info.context`, `root` what root fields are given.

        A subscription is executed for one of its events, which is the root; who waits for events is not the engine.
        """
        executor = operation.executor
        executor.context_value, executor.root_value = context, root
        try:
            result = executor.execute_operation()
            if _is_awaitable(result):
                result = await result
        finally:
            # An executor refers to itself by its helpers: without this, all that was read would live on until the
            # garbage collector finds it.
            executor.context_value = executor.root_value = None
            del executor.async_helpers
            operation.prepared.trim_plans()
        if not isinstance(result, ExecutionResult):
            raise TypeError("The schema offers @defer or @stream, which answers in one piece cannot carry.")
        for error in result.errors or ():
            errors.argument_failed(error)
        return result

    def _read(self, text: str, hide_suggestions: bool) -> Prepared:
        try:
            tokens = check_tokens(text, self._limits)
            document = parse(text)
        except GraphQLSyntaxError as error:
            return Prepared(errors=(errors.parse_failed(error),))
        except ItcareError as error:
            return Prepared(errors=(errors.refusal(error),))
        try:
            _check_strings(document)
            check_document(document, self._limits)
            found = validate(self._schema, document, RULES, MAX_ERRORS, hide_suggestions)
            if found:
                return Prepared(tokens, document, errors=tuple(map(errors.validation_failed, found)))
            selections = Selections(self._schema, document, self._page_size)
            selections.check_depth(self._limits)
        except ItcareError as error:
            return Prepared(tokens, document, errors=(errors.refusal(error),))
        return Prepared(tokens, document, selections, conditions=conditions(document))


def _is_awaitable(value: object) -> TypeGuard[Awaitable[Any]]:
    return optimized_is_awaitable(value)


def _check_strings(document: DocumentNode) -> None:
    """Refuse NUL in string literals: no name or text has one, and PostgreSQL cannot store it."""
    token = document.loc and document.loc.start_token
    while token:
        if token.value is not None and "\0" in token.value:
            raise BadUserInput("A string literal of the document contains NUL (U+0000).", argument="query")
        token = token.next
