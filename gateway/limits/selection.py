"""How deep an operation goes and how many objects it may return, from its fields' types and page sizes.

What is counted, for a list that is a connection with pages of `n`:

    resources(first: n) { nodes { … } }             n objects, each with what it selects; one level
    resources(first: n) { edges { node { … } } }    the same
    resources(first: n) { totalCount pageInfo }     none; one level

Any other list of objects counts as many as its argument `ids` holds, or as its Strawberry field declares with
`metadata={"list_size": 4}`, or 10. Introspection has a depth of its own and no objects: it reads no data.

A connection whose field declares `metadata={"flat_page": 5000}` has pages of up to so many nodes if they are flat: if
no connection is selected below. What is around a node of a page so large that only flat ones can be, its neighbours and
short lists, counts with the node, up to `AROUND_A_NODE` objects.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from auth.errors import BadUserInput
from gateway.limits.require import require_at_most
from gateway.settings import Limits

LIST_SIZE = 10
AROUND_A_NODE = 10
LARGEST_PAGE = 100
"""Larger pages than this are flat."""
PAGE_ARGUMENTS = ("first", "after", "last", "before")

PageSize = Callable[[Mapping[str, Any], int | None], int]
"""The size of a connection's page for the values of its page arguments (those given) and the largest flat page there
may be, None if it is not flat or the field has none; raises BadUserInput.
"""

Variables = Mapping[str, Any]


class _Depth(NamedTuple):
    objects: int = 0
    introspection: int = 0


class _Count(NamedTuple):
    """Objects of a selection set: those there once, and in a connection those there once per item of its page."""

    once: int = 0
    per_item: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Selection:
    """The fields of objects in a selection set, those of inline fragments included, and the fragments it spreads."""

    fields: list["_Field"]
    spreads: list[str]


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of objects: how many, and whether it is a level, an object, or only the wrapping of a connection."""

    size: Callable[[Variables, bool], int]
    """For the variables, and whether nothing below is a connection."""
    selection: _Selection
    level: int = 1
    objects: int = 1
    is_connection: bool = False
    is_per_item: bool = False
    is_introspection: bool = False

    def count(self, size: int, below: _Count) -> int:
        """Count the objects of the field and `below` it, for one parent."""
        if self.is_connection:
            per_item = max(1, below.per_item - AROUND_A_NODE) if size > LARGEST_PAGE else below.per_item
            return below.once + size * per_item
        return size * (self.objects + below.once)


class Selections:
    """The selections of a valid document. It is read once, and counted for every request."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, page_size: PageSize) -> None:
        self._schema = schema
        self._page_size = page_size
        self._fragments: dict[str, _Selection] = {}
        self._operations: dict[str | None, _Selection] = {}
        self._flat: dict[_Selection, bool] = {}
        for node in document.definitions:
            if isinstance(node, FragmentDefinitionNode):
                on = schema.type_map[node.type_condition.name.value]
                self._fragments[node.name.value] = self._read(node.selection_set, on)
            elif isinstance(node, OperationDefinitionNode):
                root = schema.get_root_type(node.operation)
                if root is not None:
                    self._operations[_name(node)] = self._read(node.selection_set, root)

    def check_depth(self, limits: Limits) -> None:
        """Check the levels of every operation.

        Raises:
            LimitExceeded: there are too many.
        """
        known: dict[str, _Depth] = {}
        for selection in self._operations.values():
            depth = self._depth(selection, known)
            require_at_most(limits.depth, depth.objects, "depth", "The document has {:,} levels of objects")
            require_at_most(
                limits.introspection_depth,
                depth.introspection,
                "introspectionDepth",
                "The document has {:,} levels of introspection",
            )

    def objects(self, operation: OperationDefinitionNode, variables: Variables) -> int:
        """Count the objects that an operation may return, at the most, with these coerced variables.

        Raises:
            GraphQLError: page arguments are out of range or contradict each other; the cause is a BadUserInput.
        """
        return self._count(self._operations[_name(operation)], variables, {}).once

    # Recursion is safe: a valid document is nested 200 levels deep at the most, its fragments included.

    def _depth(self, selection: _Selection, known: dict[str, _Depth]) -> _Depth:
        objects = introspection = 0
        for field in selection.fields:
            below = self._depth(field.selection, known)
            if field.is_introspection:
                introspection = max(introspection, below.objects)
            else:
                objects = max(objects, field.level + below.objects)
                introspection = max(introspection, below.introspection)
        for name in selection.spreads:
            if name not in known:
                known[name] = self._depth(self._fragments[name], known)
            objects = max(objects, known[name].objects)
            introspection = max(introspection, known[name].introspection)
        return _Depth(objects, introspection)

    def _count(self, selection: _Selection, variables: Variables, known: dict[str, _Count]) -> _Count:
        once = per_item = 0
        for field in selection.fields:
            if field.is_introspection:
                continue
            size = field.size(variables, self._is_flat(field.selection))
            below = self._count(field.selection, variables, known)
            count = field.count(size, below)
            once += 0 if field.is_per_item else count
            per_item += count if field.is_per_item else 0
        for name in selection.spreads:
            if name not in known:
                known[name] = self._count(self._fragments[name], variables, known)
            once += known[name].once
            per_item += known[name].per_item
        return _Count(once, per_item)

    def _is_flat(self, selection: _Selection) -> bool:
        """Say whether there is no connection in a selection, at any level."""
        if selection not in self._flat:
            self._flat[selection] = all(
                not field.is_connection and self._is_flat(field.selection) for field in selection.fields
            ) and all(self._is_flat(self._fragments[name]) for name in selection.spreads)
        return self._flat[selection]

    def _read(self, selection_set: SelectionSetNode, parent: GraphQLNamedType) -> _Selection:
        selection = _Selection([], [])
        pending = [(selection_set, parent)]
        while pending:
            selection_set, parent = pending.pop()
            for node in selection_set.selections:
                if isinstance(node, FragmentSpreadNode):
                    selection.spreads.append(node.name.value)
                elif isinstance(node, InlineFragmentNode):
                    on = node.type_condition
                    pending.append((node.selection_set, self._schema.type_map[on.name.value] if on else parent))
                elif isinstance(node, FieldNode) and node.selection_set is not None:
                    selection.fields.append(self._read_field(node, node.selection_set, parent))
        return selection

    def _read_field(self, node: FieldNode, selection_set: SelectionSetNode, parent: GraphQLNamedType) -> _Field:
        name = node.name.value
        definition: GraphQLField = self._schema.get_field(parent, name)  # type: ignore[arg-type, assignment]  # it is valid
        of = get_named_type(definition.type)
        selection = self._read(selection_set, of)
        if name.startswith("__"):
            return _Field(_always(1), selection, is_introspection=True)
        # The names are Relay's: any type whose name ends so is a connection or an edge.
        if parent.name.endswith("Connection") and name in {"edges", "nodes"}:
            return _Field(_always(1), selection, level=0, objects=int(name == "nodes"), is_per_item=True)
        if parent.name.endswith("Connection") and name == "pageInfo":
            return _Field(_always(1), selection, level=0, objects=0)
        level = 0 if parent.name.endswith("Edge") and name == "node" else 1
        return _Field(
            self._size(node, definition), selection, level=level, is_connection=of.name.endswith("Connection")
        )

    def _size(self, node: FieldNode, definition: GraphQLField) -> Callable[[Variables, bool], int]:
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        if "first" in definition.args or get_named_type(definition.type).name.endswith("Connection"):
            page = {name: given[name] for name in PAGE_ARGUMENTS if name in given}
            return self._sized_by_page(node, page, _declared(definition, "flat_page", None))
        if not is_list_type(get_nullable_type(definition.type)):
            return _always(1)
        if "ids" in given:
            ids = given["ids"]
            return lambda variables, _: _length(ids, variables)
        return _always(_declared(definition, "list_size", LIST_SIZE))

    def _sized_by_page(
        self, node: FieldNode, given: dict[str, ValueNode], flat_page: int | None
    ) -> Callable[[Variables, bool], int]:
        def size(variables: Variables, is_flat: bool) -> int:
            values = {name: _value(value, variables) for name, value in given.items()}
            try:
                values = {name: value for name, value in values.items() if value is not None}
                return self._page_size(values, flat_page if is_flat else None)
            except BadUserInput as error:
                raise GraphQLError(error.message, [node], original_error=error) from error

        return size


def _name(operation: OperationDefinitionNode) -> str | None:
    return operation.name.value if operation.name else None


def _always(size: int) -> Callable[[Variables, bool], int]:
    return lambda _, __: size


def _declared(definition: GraphQLField, name: str, default: Any) -> Any:
    declaration = definition.extensions.get("strawberry-definition")
    return declaration.metadata.get(name, default) if declaration else default


def _value(node: ValueNode, variables: Variables) -> Any:
    """Read a page argument's value; the document is valid, so it is an integer, a string or null."""
    if isinstance(node, VariableNode):
        return variables.get(node.name.value)
    if isinstance(node, IntValueNode):
        return int(node.value)
    return node.value if isinstance(node, StringValueNode) else None


def _length(node: ValueNode, variables: Variables) -> int:
    """Count a list's items; a single value stands for a list of one."""
    if isinstance(node, ListValueNode):
        return len(node.values)
    value = variables.get(node.name.value, ()) if isinstance(node, VariableNode) else node
    return len(value) if isinstance(value, (list, tuple)) else 1
