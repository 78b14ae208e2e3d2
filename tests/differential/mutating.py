"""Says nearly the same in other words: duplicates, aliases, fragments, directives, variables, shuffles."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    parse_const_value,
    parse_type,
    print_ast,
    value_from_ast_untyped,
)
from graphql.language import VariableDefinitionNode

from tests.differential.executing import Question


@dataclass
class _Variable:
    type_: str
    value: Any = Undefined
    default: str | None = None


@dataclass
class Mutator:
    """Mutates one document; `often` is how often, for each of its selections, something is done to it."""

    schema: GraphQLSchema
    random: Random
    often: float = 0.5
    _fragments: list[FragmentDefinitionNode] = field(default_factory=list)
    _variables: dict[str, _Variable] = field(default_factory=dict)

    def mutated(self, document: DocumentNode) -> Question:
        """Mutate a document of one operation, which has no fragments and no variables yet."""
        (operation,) = document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        root = self.schema.get_root_type(operation.operation)
        assert root is not None
        # A subscription has one root field, whatever is said.
        plain = operation.operation is OperationType.SUBSCRIPTION
        selections = self._selections(operation.selection_set.selections, root, plain=plain)
        made = OperationDefinitionNode(
            operation=operation.operation,
            name=None,
            variable_definitions=tuple(self._definitions()),
            directives=(),
            selection_set=SelectionSetNode(selections=selections),
        )
        values = {name: variable.value for name, variable in self._variables.items() if variable.value is not Undefined}
        return Question(print_ast(DocumentNode(definitions=(made, *self._fragments))), values)

    # -- selections

    def _selections(
        self, nodes: Sequence[SelectionNode], parent: GraphQLNamedType, *, plain: bool = False
    ) -> tuple[SelectionNode, ...]:
        found: list[SelectionNode] = []
        for node in nodes:
            inner = self._inner(node, parent)
            found += [inner] if plain else self._varied(inner, parent)
        if plain:
            return tuple(found)
        if self._chance(0.15):
            found.append(
                FieldNode(alias=self._alias("type", 0.3), name=_name("__typename"), arguments=(), directives=())
            )
        if self._chance(0.2):
            self.random.shuffle(found)
        if len(found) > 1 and self._chance(0.1):
            cut = self.random.randrange(1, len(found))
            found[cut:] = [self._wrapped(tuple(found[cut:]), parent)]
        return tuple(found)

    def _inner(self, node: SelectionNode, parent: GraphQLNamedType) -> SelectionNode:
        """Mutate what is in a selection."""
        if isinstance(node, InlineFragmentNode):
            of = self.schema.type_map[node.type_condition.name.value] if node.type_condition else parent
            return _inline(self._selections(node.selection_set.selections, of), node.type_condition)
        assert isinstance(node, FieldNode)
        definition = self._field(parent, node)
        below = node.selection_set
        if below is not None:
            of = get_named_type(definition.type)
            below = SelectionSetNode(selections=self._selections(below.selections, of))
        return replace(node, arguments=self._arguments(node, definition), selection_set=below)

    def _varied(self, node: SelectionNode, parent: GraphQLNamedType) -> list[SelectionNode]:
        if not self._chance(self.often):
            return [node]
        match self.random.choice(("twice", "alias", "inline", "inline", "named", "directive", "directive", "both")):
            case "twice":
                return [node, self._part_of(node)]
            case "alias" if isinstance(node, FieldNode):
                other: SelectionNode = replace(node, alias=self._alias(node.name.value, 1))
                return self.random.choice(([other], [node, other], [other, node]))
            case "inline":
                return [self._wrapped((node,), parent)]
            case "named":
                spread = self._named((node,), parent)
                return self.random.choice(([spread], [spread, node], [spread, spread]))
            case "both":
                return [self._wrapped((node,), parent), self._part_of(node)]
        return [self._conditional(node)]

    def _part_of(self, node: SelectionNode) -> SelectionNode:
        """Give the selection once more, with less below it."""
        if not isinstance(node, FieldNode) or node.selection_set is None:
            return node
        selections = list(node.selection_set.selections)
        some = self.random.sample(selections, self.random.randint(1, len(selections)))
        return replace(node, selection_set=SelectionSetNode(selections=tuple(some)))

    # -- fragments

    def _wrapped(self, nodes: tuple[SelectionNode, ...], parent: GraphQLNamedType) -> SelectionNode:
        if self._chance(0.4):
            return self._named(nodes, parent)
        of = self._type_around(nodes, parent) if self._chance(0.7) else None
        return self._conditional(_inline(nodes, None if of is None else NamedTypeNode(name=_name(of.name))), 0.4)

    def _named(self, nodes: tuple[SelectionNode, ...], parent: GraphQLNamedType) -> SelectionNode:
        name = f"F{len(self._fragments)}"
        of = self._type_around(nodes, parent)
        self._fragments.append(
            FragmentDefinitionNode(
                name=_name(name),
                type_condition=NamedTypeNode(name=_name(of.name)),
                variable_definitions=(),
                directives=(),
                selection_set=SelectionSetNode(selections=nodes),
            )
        )
        return self._conditional(FragmentSpreadNode(name=_name(name), directives=(), arguments=()), 0.3)

    def _type_around(self, nodes: Sequence[SelectionNode], parent: GraphQLNamedType) -> GraphQLNamedType:
        """Choose a type for a fragment that holds some selections of a type."""
        types: list[GraphQLNamedType] = [parent]
        if is_abstract_type(parent):
            types += self.schema.get_possible_types(parent)
        if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            types += parent.interfaces
        fitting = [of for of in types if all(self._fits(node, of, parent) for node in nodes)]
        return self.random.choice(fitting or [parent])

    def _fits(self, node: SelectionNode, of: Any, parent: GraphQLNamedType) -> bool:
        if of is parent:
            return True
        if not isinstance(node, FieldNode) or node.name.value == "__typename":
            return isinstance(node, FieldNode)
        mine = getattr(of, "fields", {}).get(node.name.value)
        return mine is not None and str(mine.type) == str(self._field(parent, node).type)

    # -- directives and variables

    def _conditional(self, node: Any, probability: float = 1) -> SelectionNode:
        if not self._chance(probability):
            return node  # type: ignore[no-any-return]
        directives = [
            self._directive(name) for name in self.random.sample(("skip", "include"), self.random.choice((1, 1, 2)))
        ]
        return replace(node, directives=tuple(directives))  # type: ignore[no-any-return]

    def _directive(self, name: str) -> DirectiveNode:
        # More is kept than left out.
        kept = self._chance(0.7)
        wanted = kept is (name == "include")
        value: ValueNode = BooleanValueNode(value=wanted)
        if self._chance(0.6):
            variable = f"{'yes' if wanted else 'no'}{self.random.randint(0, 1)}"
            self._variables[variable] = (
                _Variable("Boolean!", wanted)
                if self._chance(0.7)
                else _Variable("Boolean!", default=str(wanted).lower())
            )
            value = VariableNode(name=_name(variable))
        return DirectiveNode(name=_name(name), arguments=(ArgumentNode(name=_name("if"), value=value),))

    def _arguments(self, node: FieldNode, definition: GraphQLField) -> tuple[ArgumentNode, ...]:
        return tuple(
            ArgumentNode(name=argument.name, value=self._variable(argument, definition))
            if self._chance(0.35)
            else argument
            for argument in node.arguments or ()
        )

    def _variable(self, argument: ArgumentNode, definition: GraphQLField) -> VariableNode:
        of = definition.args[argument.name.value]
        name = f"v{len(self._variables)}"
        value = value_from_ast_untyped(argument.value)
        needed = isinstance(of.type, GraphQLNonNull)
        nullable = str(of.type.of_type if isinstance(of.type, GraphQLNonNull) else of.type)
        kinds = ["given", "given", "default"]
        if not needed or of.default_value is not Undefined or of.default is not None:
            kinds += ["absent", "absent", "null"]
        match self.random.choice(kinds):
            case "default" if value is not None:
                self._variables[name] = _Variable(str(of.type), default=print_ast(argument.value))
            case "absent":
                self._variables[name] = _Variable(nullable)
            case "null":
                # An argument with a default may be given a variable that turns out to be null.
                self._variables[name] = _Variable(nullable, None)
            case _:
                self._variables[name] = _Variable(str(of.type), value)
        return VariableNode(name=_name(name))

    def _definitions(self) -> list[VariableDefinitionNode]:
        return [
            VariableDefinitionNode(
                variable=VariableNode(name=_name(name)),
                type=parse_type(variable.type_),
                default_value=None if variable.default is None else parse_const_value(variable.default),
                directives=(),
            )
            for name, variable in self._variables.items()
        ]

    # -- chances

    def _field(self, parent: Any, node: FieldNode) -> GraphQLField:
        definition = self.schema.get_field(parent, node.name.value)
        assert definition is not None, f"{parent}.{node.name.value}"
        return definition

    def _alias(self, name: str, probability: float) -> NameNode | None:
        return _name(f"{name}_{self.random.choice('ab')}") if self._chance(probability) else None

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability


def _name(value: str) -> NameNode:
    return NameNode(value=value)


def _inline(nodes: Sequence[SelectionNode], of: NamedTypeNode | None) -> InlineFragmentNode:
    return InlineFragmentNode(type_condition=of, directives=(), selection_set=SelectionSetNode(selections=tuple(nodes)))
