"""Generates documents that a schema accepts, with arguments that mean something in a world."""

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    NameNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    parse_value,
    visit,
)

from tests.schema.vocabulary import ADDRESSES, TIMES


class Documents:
    """Draws documents; `words` maps the names of arguments and input fields to what they may be, "" to any other's."""

    DEEPEST = 6
    WIDEST = 4

    def __init__(self, schema: GraphQLSchema, random: Random, words: Mapping[str, Sequence[str]]) -> None:
        self._schema = schema
        self._random = random
        self._words = words
        self._aliases = 0

    def document(self) -> str:
        """Draw a query of some root fields."""
        self._aliases = 0
        query = self._schema.query_type
        assert query is not None
        fields = self._random.sample(list(query.fields), self._random.randint(1, 2))
        return "{ " + " ".join(self._field(name, query.fields[name], self.DEEPEST) for name in fields) + " }"

    def rearmed(self, document: DocumentNode) -> DocumentNode:
        """Draw the arguments of a document anew."""
        types = TypeInfo(self._schema)
        replaced: DocumentNode = visit(document, TypeInfoVisitor(types, _Rearming(types, self)))
        return replaced

    def arguments(self, field: GraphQLField) -> dict[str, str]:
        """Draw literals for some of the arguments of a field, and for all that it needs."""
        page = {"first", "after", "last", "before"} & set(field.args)
        drawn = {
            name: self._value(name, argument.type)
            for name, argument in field.args.items()
            if name not in page and (isinstance(argument.type, GraphQLNonNull) or self._chance(0.4))
        }
        if page and self._chance(0.9):
            size, cursor = self._random.choice((("first", "after"), ("first", "after"), ("last", "before")))
            drawn[size] = str(self._random.randint(0, 4))
            if self._chance(0.2):
                drawn[cursor] = self._value(cursor, field.args[cursor].type)
        return drawn

    def _field(self, name: str, field: GraphQLField, depth: int) -> str:
        # An alias of its own for every field: nothing that is drawn has to be merged with anything.
        self._aliases += 1
        drawn = self.arguments(field)
        arguments = f"({', '.join(f'{key}: {value}' for key, value in drawn.items())})" if drawn else ""
        of = get_named_type(field.type)
        below = f" {self._selection(of, depth - 1)}" if is_composite_type(of) else ""
        return f"{name}_{self._aliases}: {name}{arguments}{below}"

    def _selection(self, of: GraphQLNamedType, depth: int) -> str:
        assert isinstance(of, GraphQLObjectType | GraphQLInterfaceType)
        leaves = [name for name, field in of.fields.items() if not is_composite_type(get_named_type(field.type))]
        edges = [name for name in of.fields if name not in leaves] if depth > 0 else []
        chosen = self._some(leaves, 2) + self._some(edges, self.WIDEST - 1 if depth < self.DEEPEST - 1 else 2)
        parts = ["__typename", *(self._field(name, of.fields[name], depth) for name in chosen)]
        if isinstance(of, GraphQLInterfaceType):
            types = self._some(self._schema.get_possible_types(of), 2)
            parts += [f"... on {type_.name} {self._selection(type_, depth - 1)}" for type_ in types]
        return "{ " + " ".join(parts) + " }"

    def _value(self, name: str, of: Any, depth: int = 3) -> str:
        if not isinstance(of, GraphQLNonNull) and self._chance(0.03):
            return "null"
        of = get_nullable_type(of)
        if isinstance(of, GraphQLList):
            return f"[{', '.join(self._value(name, of.of_type, depth) for _ in range(self._random.randint(0, 3)))}]"
        if isinstance(of, GraphQLEnumType):
            return str(self._random.choice(list(of.values)))
        if isinstance(of, GraphQLInputObjectType):
            return self._object(of, depth)
        match of.name:
            case "Int":
                return str(self._random.choice((-1, 0, 1, 2, 4, 80, 100, 443, 4094, 2**31 - 1)))
            case "Boolean":
                return self._random.choice(("true", "false"))
            case "DateTime":
                return json.dumps(self._random.choice(TIMES).isoformat())
        return json.dumps(self._word(name), ensure_ascii=False)

    def _object(self, of: GraphQLInputObjectType, depth: int) -> str:
        names = list(of.fields)
        if of.is_one_of:
            (name,) = self._random.sample(names, 1)
            return f"{{{name}: {self._value(name, GraphQLNonNull(of.fields[name].type), depth)}}}"
        needed = [name for name in names if isinstance(of.fields[name].type, GraphQLNonNull)]
        nested = [name for name in names if isinstance(get_named_type(of.fields[name].type), GraphQLInputObjectType)]
        optional = [name for name in names if name not in needed and (depth > 0 or name not in nested)]
        chosen = needed + self._some(optional, 2)
        return f"{{{', '.join(f'{name}: {self._value(name, of.fields[name].type, depth - 1)}' for name in chosen)}}}"

    def _word(self, name: str) -> str:
        if name == "ipAddress":
            return str(self._random.choice(ADDRESSES))
        words = self._words.get(name) or self._words[""]
        word = self._random.choice(words)
        return word[: self._random.randint(0, 3)] if name in ("startsWith", "contains") and self._chance(0.5) else word

    def _some(self, things: Sequence[Any], most: int) -> list[Any]:
        return self._random.sample(list(things), min(len(things), self._random.randint(0, most)))

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability


class _Rearming(Visitor):
    """Gives every field that takes arguments others."""

    def __init__(self, types: TypeInfo, documents: Documents) -> None:
        super().__init__()
        self._types = types
        self._documents = documents

    def enter_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
        field = self._types.get_field_def()
        if field is None or not field.args:
            return None
        arguments = tuple(
            ArgumentNode(name=NameNode(value=name), value=parse_value(literal))
            for name, literal in self._documents.arguments(field).items()
        )
        return FieldNode(
            name=node.name,
            alias=node.alias,
            arguments=arguments,
            directives=node.directives,
            selection_set=node.selection_set,
        )
