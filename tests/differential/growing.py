"""Lets a document grow: more fields where there are some, and deeper ones."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLNamedType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_required_argument,
)

DEEPEST = 7


class Grower:
    """Adds about `size` fields to documents."""

    def __init__(self, schema: GraphQLSchema, random: Random, size: int) -> None:
        self._schema = schema
        self._random = random
        self._room = size

    def grown(self, document: DocumentNode) -> DocumentNode:
        """Add fields to a document that has no named fragments; a mutation or a subscription keeps its root fields."""
        (operation,) = document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        root = self._schema.get_root_type(operation.operation)
        assert root is not None
        selections = self._below(operation.selection_set.selections, root, 1)
        if operation.operation is OperationType.QUERY:
            selections = tuple(_unlike([*selections, *self._new(root, 1)]))
        return replace(document, definitions=(replace(operation, selection_set=_set(selections)),))

    def _below(self, nodes: Sequence[SelectionNode], parent: Any, depth: int) -> tuple[SelectionNode, ...]:
        return tuple(self._larger(node, parent, depth) for node in nodes)

    def _larger(self, node: SelectionNode, parent: Any, depth: int) -> SelectionNode:
        if isinstance(node, InlineFragmentNode):
            of = self._schema.type_map[node.type_condition.name.value] if node.type_condition else parent
        else:
            assert isinstance(node, FieldNode)
            definition = self._schema.get_field(parent, node.name.value)
            assert definition is not None
            of = get_named_type(definition.type)
        below: SelectionSetNode | None = node.selection_set
        if below is None:
            return node
        selections = [*self._below(below.selections, of, depth + 1), *self._new(of, depth + 1)]
        return replace(node, selection_set=_set(_unlike(selections)))

    def _new(self, of: GraphQLNamedType, depth: int) -> Iterator[SelectionNode]:
        fields: dict[str, Any] = {} if isinstance(of, GraphQLUnionType) else getattr(of, "fields", {})
        usable = [name for name, field in fields.items() if not any(map(is_required_argument, field.args.values()))]
        for name in self._random.sample(usable, min(len(usable), self._random.randint(1, 4) if self._room > 0 else 0)):
            yield from self._field(name, fields[name], depth)
        if is_abstract_type(of) and self._room > 0 and self._random.random() < 0.5:
            possible = list(self._schema.get_possible_types(of))
            for concrete in self._random.sample(possible, min(len(possible), 2)):
                inside = _unlike(list(self._new(concrete, depth + 1)))
                if inside:
                    yield InlineFragmentNode(
                        type_condition=NamedTypeNode(name=NameNode(value=concrete.name)),
                        directives=(),
                        selection_set=_set(inside),
                    )

    def _field(self, name: str, field: Any, depth: int) -> Iterator[SelectionNode]:
        below = None
        of = get_named_type(field.type)
        if is_composite_type(of):
            selections = _unlike(list(self._new(of, depth + 1))) if depth < DEEPEST and self._room > 0 else []
            below = _set(selections or [_field("__typename")])
        self._room -= 1
        yield _field(name, below)


def _unlike(nodes: Sequence[SelectionNode]) -> list[SelectionNode]:
    """Leave out what stands there twice; merging comes later."""
    seen: dict[str, SelectionNode] = {}
    others = []
    for node in nodes:
        if isinstance(node, FieldNode):
            seen.setdefault((node.alias or node.name).value, node)
        else:
            others.append(node)
    return [*seen.values(), *others]


def _field(name: str, below: SelectionSetNode | None = None) -> FieldNode:
    return FieldNode(alias=None, name=NameNode(value=name), arguments=(), directives=(), selection_set=below)


def _set(nodes: Sequence[SelectionNode]) -> SelectionSetNode:
    return SelectionSetNode(selections=tuple(nodes))
