"""Makes a document smaller as long as it still shows what it shows."""

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

from graphql import (
    REMOVE,
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    validate,
    visit,
)

from gateway.execution.engine import RULES
from tests.differential.executing import Question

MOST_TRIES = 250
EMPTY = re.compile(r"[{]\s*[}]")


async def reduced(schema: GraphQLSchema, question: Question, shows: Callable[[Question], Awaitable[bool]]) -> Question:
    """Take from a question what it does not need."""
    tries = 0
    smaller = True
    while smaller:
        smaller = False
        for candidate in _smaller(question):
            if tries >= MOST_TRIES:
                return question
            if not _valid(schema, candidate.document):
                continue
            tries += 1
            if await shows(candidate):
                question, smaller = candidate, True
                break
    return question


def _valid(schema: GraphQLSchema, document: str) -> bool:
    # GraphQL has no empty selections, but graphql-core reads them.
    return EMPTY.search(document) is None and not validate(schema, parse(document), RULES)


def _smaller(question: Question) -> Iterator[Question]:
    document = parse(question.document, no_location=True)
    for node in _nodes(document):
        for replacement in (REMOVE, *_unwrapped(node, document)):
            yield _tidied(visit(document, _Replacing(node, replacement)), question)


def _nodes(document: DocumentNode) -> list[Node]:
    """Give what can be left out, the largest first."""
    found: list[Node] = []

    class Collecting(Visitor):
        def enter(self, node: Node, *_: Any) -> None:
            if isinstance(node, SelectionNode | DirectiveNode | ArgumentNode):
                found.append(node)

    visit(document, Collecting())
    return found


def _unwrapped(node: Node, document: DocumentNode) -> Iterator[Any]:
    """Give what stands in a fragment, to stand in its place."""
    if isinstance(node, InlineFragmentNode) and (node.type_condition or node.directives):
        yield InlineFragmentNode(type_condition=None, directives=(), selection_set=node.selection_set)
    elif isinstance(node, FragmentSpreadNode):
        for definition in document.definitions:
            if isinstance(definition, FragmentDefinitionNode) and definition.name.value == node.name.value:
                yield InlineFragmentNode(
                    type_condition=definition.type_condition,
                    directives=node.directives,
                    selection_set=definition.selection_set,
                )
    elif isinstance(node, FieldNode) and node.alias:
        yield replace(node, alias=None)


class _Replacing(Visitor):
    def __init__(self, node: Node, replacement: Any) -> None:
        super().__init__()
        self._node, self._replacement = node, replacement

    def enter(self, node: Node, *_: Any) -> Any:
        return self._replacement if node is self._node else None


class _Flattening(Visitor):
    """Takes fragments away that only hold things together."""

    def leave_selection_set(self, node: SelectionSetNode, *_: Any) -> SelectionSetNode:
        selections: list[SelectionNode] = []
        for selection in node.selections:
            if isinstance(selection, InlineFragmentNode) and not selection.type_condition and not selection.directives:
                selections += selection.selection_set.selections
            else:
                selections.append(selection)
        return SelectionSetNode(selections=tuple(selections))


def _tidied(document: DocumentNode, question: Question) -> Question:
    """Leave out fragments and variables that nothing names any more."""
    document = visit(document, _Flattening())
    while True:
        spreads, variables = _named(document)
        kept = tuple(
            definition
            for definition in document.definitions
            if not isinstance(definition, FragmentDefinitionNode) or definition.name.value in spreads
        )
        if len(kept) == len(document.definitions):
            break
        document = DocumentNode(definitions=kept)
    definitions = tuple(
        _declaring(node, variables) if isinstance(node, OperationDefinitionNode) else node
        for node in document.definitions
    )
    values = {name: value for name, value in question.variables.items() if name in variables}
    return Question(print_ast(replace(document, definitions=definitions)), values)


def _declaring(operation: OperationDefinitionNode, variables: set[str]) -> OperationDefinitionNode:
    declared = operation.variable_definitions or ()
    kept = tuple(definition for definition in declared if definition.variable.name.value in variables)
    return replace(operation, variable_definitions=kept)


def _named(document: DocumentNode) -> tuple[set[str], set[str]]:
    spreads: set[str] = set()
    variables: set[str] = set()

    class Naming(Visitor):
        def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
            spreads.add(node.name.value)

        def enter_variable(self, node: VariableNode, _key: Any, parent: Any, *_: Any) -> None:
            if getattr(parent, "kind", "") != "variable_definition":
                variables.add(node.name.value)

    visit(document, Naming())
    return spreads, variables
