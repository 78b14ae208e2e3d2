"""What is the same for every request of an operation: which fields it selects, how they resolve, how rows are built.

    Plan            of one operation, with the same fields skipped and included
      Field         one response key of one object type
        Selection   what is selected below it, of one object type
          Field     …

Nothing in it refers to a request, so that one plan serves them all. It grows as operations meet the types that abstract
fields turn out to have.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLLeafType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.executor import to_nodes
from strawberry.extensions import FieldExtension
from strawberry.permission import PermissionExtension
from strawberry.types.field import StrawberryField

Row = dict[str, Any]


class Plan:
    """The plan of one operation: its root fields, by type and response key."""

    def __init__(self) -> None:
        self._roots: dict[tuple[str, str], Field] = {}
        self.fields = 1
        """How many fields it has, and itself, for those who bound the memory of plans."""

    def root(
        self, key: str, details: list[FieldDetails], parent_type: GraphQLObjectType, definition: GraphQLField
    ) -> "Field":
        """Give the root field with this response key."""
        place = (parent_type.name, key)
        if place not in self._roots:
            self._roots[place] = Field(key, details, parent_type, definition)
            self.fields += 1
        return self._roots[place]


class Field:
    """One response key of one object type: its definition, how it is resolved, and what is selected below it.

    It is resolved by `attribute`, by `many` or by `call`, whichever is not None, once its `guards` have let it; if all
    three are None, by graphql-core's resolver, guards and all, for each parent.
    """

    def __init__(
        self, key: str, details: list[FieldDetails], parent_type: GraphQLObjectType, definition: GraphQLField
    ) -> None:
        self.key = key
        self.details = details
        self.parent_type = parent_type
        self.definition = definition
        self.nodes: list[FieldNode] = to_nodes(details)
        self.name = self.nodes[0].name.value
        self.type: GraphQLOutputType = definition.type
        nullable = self.type.of_type if isinstance(self.type, GraphQLNonNull) else self.type
        self.leaf: GraphQLLeafType | None = nullable if is_leaf_type(nullable) else None
        """The type of its values if these are scalars or enums, null or not."""
        self.selections: dict[GraphQLObjectType, Selection] = {}
        self.shared_selections: dict[tuple[Hashable, ...], Selection] = {}
        """Selections of several types, by their signature."""

        self.attribute: Callable[[Any], Any] | None = None
        self.attribute_name = ""
        self.many: Callable[..., Any] | None = None
        self.call: Callable[..., Any] | None = None
        self.guards: list[Guard] = []
        self.maps_arguments = False
        self.strawberry_field: StrawberryField | None = None
        found = definition.extensions.get("strawberry-definition")
        if isinstance(found, StrawberryField) and type(found).get_result is StrawberryField.get_result:
            self._read(found)

        self.arguments_are_constant = all(_is_constant(argument.value) for argument in self.nodes[0].arguments or ())
        self.constant_arguments: Mapping[str, Any] | None = None
        """The arguments, once they were coerced, if they are the same for every request and nobody can change them."""
        self.resolves_at_once = False
        """Whether, the last time, there was nothing to wait for."""

    @property
    def is_plain(self) -> bool:
        """Whether it is an attribute of its parent and a scalar or an enum, and nothing guards it."""
        return self.attribute is not None and self.leaf is not None and not self.guards

    @property
    def signature(self) -> Hashable:
        """Equal for fields of different types that are resolved in the same way, such as those of an interface."""
        resolver = self.attribute_name if self.attribute else getattr(self.many, "__self__", None)
        if resolver is None or self.guards or self.maps_arguments:
            return self, None
        return self.key, str(self.type), resolver, *map(id, self.nodes)

    @property
    def takes_nothing(self) -> bool:
        """Whether it has neither arguments nor guards, so that its parents and the info are all that it takes."""
        return not self.guards and not self.definition.args and not self.maps_arguments

    def _read(self, field: StrawberryField) -> None:
        extensions = [extension for extension in field.extensions if extension.has_resolver]
        # The last extension is the outermost.
        inner = list(extensions)
        while inner and isinstance(inner[-1], PermissionExtension):
            inner.pop()
        if len(inner) == 1 and hasattr(inner[0], "resolve_many"):
            self.many = inner[0].resolve_many
        elif inner:
            return
        elif field.base_resolver is not None:
            self.call = field.base_resolver
        elif field.default_resolver is getattr:
            self.attribute, self.attribute_name = attrgetter(field.python_name), field.python_name
        else:
            return
        self.strawberry_field = field
        self.maps_arguments = any(
            type(extension).map_arguments is not FieldExtension.map_arguments for extension in field.extensions
        )
        for extension in extensions:
            # From the first one on that is asynchronous, all are.
            is_async = field.is_async or not extension.supports_sync or any(guard.is_async for guard in self.guards)
            if isinstance(extension, PermissionExtension):
                self.guards.insert(0, Guard(extension, is_async=is_async))


class Guard:
    """A permission extension of a field, asked apart from the field."""

    def __init__(self, extension: PermissionExtension, *, is_async: bool) -> None:
        self.extension: FieldExtension = extension
        self.is_async = is_async
        self.is_per_request = all(getattr(permission, "per_request", False) for permission in extension.permissions)


class Selection:
    """The fields that are selected of objects, in the order of the result, and how its rows are built.

    The objects are of one type, or of several of which the same is selected and resolved in the same way.
    """

    def __init__(self, of: GraphQLObjectType | None, fields: Sequence[Field | str]) -> None:
        """Take the fields; a text stands for `__typename` under this response key. `of` is None for several types."""
        self.all = fields
        self.fields: list[Field] = []
        self.others: list[int] = []
        """Where the fields stand that are not plain."""
        self.names_types = of is None and any(isinstance(field, str) for field in fields)
        """Whether the names of the objects' types are a column that rows are built of, before the fields'."""
        items = []
        for field in fields:
            if isinstance(field, str):
                items.append(f"{field!r}: {'typename' if of is None else repr(of.name)}")
                continue
            if not field.is_plain:
                self.others.append(len(self.fields))
            items.append(f"{field.key!r}: v{len(self.fields)}")
            self.fields.append(field)
        # A dictionary display is twice as fast as dict(zip(…)). Keys and names are GraphQL names: letters, digits, _.
        names = [*(["typename"] if self.names_types else []), *[f"v{n}" for n in range(len(self.fields))]]
        self.build: Callable[..., Row] = eval(f"lambda {', '.join(names)}: {{{', '.join(items)}}}")  # noqa: S307
        self.signature = tuple(field if isinstance(field, str) else field.signature for field in fields)
        """Equal for selections of different types that differ in nothing else."""


def _is_constant(value: ValueNode) -> bool:
    if isinstance(value, VariableNode):
        return False
    if isinstance(value, ListValueNode):
        return all(map(_is_constant, value.values))
    if isinstance(value, ObjectValueNode):
        return all(_is_constant(field.value) for field in value.fields)
    return True
