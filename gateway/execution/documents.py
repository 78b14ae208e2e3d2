"""Documents that were read: what they hold, and a cache of them bounded by memory."""

import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    visit,
)

from gateway.execution.breadth_first import Plan
from gateway.execution.errors import RequestError, operation_unresolved
from gateway.limits import Selections

NO_DOCUMENT = DocumentNode(definitions=())
FIELD_BYTES = 1500
"""About what a planned field takes, measured."""
FIELDS_KEPT = 4
"""How many planned fields are kept per token of a document.

It has a plan per operation and per set of conditions, and a plan has the fields below an abstract one once per type.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A document as it was read: either it has `errors`, or `selections` and can be executed.

    Its operations can be looked up in both cases, if it could be parsed.
    """

    tokens: int = 0
    document: DocumentNode = NO_DOCUMENT
    selections: Selections | None = None
    errors: tuple[GraphQLError, ...] = ()
    conditions: tuple[str, ...] = ()
    """The variables that @skip and @include ask for."""
    plans: OrderedDict[tuple[object, ...], Plan] = field(default_factory=OrderedDict)

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation called `name`, or without a name the only one.

        Raises:
            RequestError: there is none, or more than one.
        """
        operations = [node for node in self.document.definitions if isinstance(node, OperationDefinitionNode)]
        if name is not None:
            operations = [node for node in operations if node.name is not None and node.name.value == name]
        if not operations:
            which = "" if name is None else f" named '{name}'"
            raise RequestError(operation_unresolved(f"The document has no operation{which}."))
        if len(operations) > 1:
            raise RequestError(operation_unresolved("The document has several operations: name one in operationName."))
        return operations[0]

    def operation_type(self, name: str | None) -> OperationType | None:
        """Whether that operation is a query or a mutation; None if it is not clear which one is meant."""
        try:
            return self.operation(name).operation
        except RequestError:
            return None

    def plan(self, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> Plan:
        """The plan that serves all requests of an operation in which the same fields are skipped and included."""
        key = (id(operation), *(variables.get(name) for name in self.conditions))
        plan = self.plans.setdefault(key, Plan())
        self.plans.move_to_end(key)
        return plan

    def trim_plans(self) -> None:
        """Forget the plans used longest ago that there is no room for."""
        while sum(plan.fields for plan in self.plans.values()) > FIELDS_KEPT * self.tokens:
            self.plans.popitem(last=False)

    def root_fields(self, operation: OperationDefinitionNode) -> Iterator[FieldNode]:
        """The fields that an operation begins with, those of its fragments included."""
        fragments = {n.name.value: n for n in self.document.definitions if isinstance(n, FragmentDefinitionNode)}
        pending = [operation.selection_set]
        while pending:
            for node in pending.pop().selections:
                if isinstance(node, FieldNode):
                    yield node
                elif isinstance(node, InlineFragmentNode):
                    pending.append(node.selection_set)
                elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments:
                    pending.append(fragments.pop(node.name.value).selection_set)


class DocumentCache:
    """The documents used last, by their text, in about `size` bytes of memory."""

    def __init__(self, size: int = 128 * 2**20) -> None:
        self._room = size
        self._documents: OrderedDict[str, Prepared] = OrderedDict()

    def get(self, text: str) -> Prepared | None:
        """The document with exactly this text."""
        prepared = self._documents.get(text)
        if prepared is not None:
            self._documents.move_to_end(text)
        return prepared

    def put(self, text: str, prepared: Prepared) -> None:
        """Keep a document, and forget others for it."""
        self._documents[text] = prepared
        self._room -= _memory(text, prepared)
        while self._room < 0:
            self._room += _memory(*self._documents.popitem(last=False))


def _memory(text: str, prepared: Prepared) -> int:
    """Estimate a document's memory: its text twice, as key and in literals, 1 KB for each token, and its plans."""
    return 2 * sys.getsizeof(text) + (1000 + FIELD_BYTES * FIELDS_KEPT) * prepared.tokens


def conditions(document: DocumentNode) -> tuple[str, ...]:
    """Name the variables that decide which fields are skipped or included."""
    found = _Conditions()
    visit(document, found)
    return tuple(sorted(found.names))


class _Conditions(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        if node.name.value not in {"skip", "include"}:
            return
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.names.add(argument.value.name.value)
