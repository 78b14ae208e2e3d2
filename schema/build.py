"""The schema, built from its explicit roots."""

from datetime import datetime

import strawberry
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig

from schema.middleware import ApplicationServer, FileStorage, ManagedDatabase, MessageBroker
from schema.query import Query
from schema.scalars import DATE_TIME


def build_schema() -> strawberry.Schema:
    """Build the schema of the gateway."""
    schema = strawberry.Schema(
        query=Query,
        types=[ManagedDatabase, MessageBroker, ApplicationServer, FileStorage],
        config=StrawberryConfig(scalar_map={datetime: DATE_TIME}, disable_field_suggestions=True),
    )
    for type_ in schema._schema.type_map.values():
        # Resolvers give plain rows; the concrete type of an abstract one is named by `resolve_type`.
        if hasattr(type_, "is_type_of"):
            type_.is_type_of = None
    return schema


def sdl(schema: strawberry.Schema) -> str:
    """Print the schema in the schema definition language."""
    # Strawberry prints the directive's definition without a description.
    return f'"""Exactly one field of the input is given."""\n{print_schema(schema)}\n'
