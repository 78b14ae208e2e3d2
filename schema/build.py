"""The schema, built from its explicit roots."""

from datetime import datetime

import strawberry
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter

from schema.guarded import guards
from schema.middleware import ApplicationServer, FileStorage, ManagedDatabase, MessageBroker
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import DATE_TIME
from schema.subscription import Subscription


class KeptNames(NameConverter):
    """Keeps the names it has made: arguments are converted by name, field by field, for every request."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, str] = {}

    def apply_naming_config(self, name: str) -> str:
        """Give the name of a field, an argument or an input's field; there are as many as the schema has."""
        if name not in self._kept:
            self._kept[name] = super().apply_naming_config(name)
        return self._kept[name]


def build_schema() -> strawberry.Schema:
    """Build the schema of the gateway; raises TypeError if a mutation has no guard."""
    schema = strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[ManagedDatabase, MessageBroker, ApplicationServer, FileStorage],
        config=StrawberryConfig(
            scalar_map={datetime: DATE_TIME}, disable_field_suggestions=True, name_converter=KeptNames()
        ),
    )
    mutations = schema._schema.mutation_type
    guards(mutations.fields if mutations else {})
    for type_ in schema._schema.type_map.values():
        # Resolvers give plain rows; the concrete type of an abstract one is named by `resolve_type`.
        if hasattr(type_, "is_type_of"):
            type_.is_type_of = None
    return schema


def sdl(schema: strawberry.Schema) -> str:
    """Print the schema in the schema definition language."""
    # Strawberry prints the definition of this directive without a description.
    one_of = "directive @oneOf on INPUT_OBJECT"
    return print_schema(schema).replace(one_of, f'"""Exactly one field of the input is given."""\n{one_of}', 1) + "\n"
