"""Reads, checks and executes GraphQL documents against any Strawberry schema."""

from collections.abc import Mapping
from typing import Any

from graphql import Executor
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.execution.breadth_first import BreadthFirstExecutor
from gateway.execution.documents import Prepared
from gateway.execution.engine import Engine, Operation
from gateway.execution.errors import RequestError

EXECUTORS: Mapping[str, type[Executor[Any]]] = {
    "breadth-first": BreadthFirstExecutor,
    "graphql-core": StrawberryGraphQLCoreExecutionContext,
}
"""The executors that a schema can be executed with, by the names that settings call them."""

__all__ = ["EXECUTORS", "Engine", "Operation", "Prepared", "RequestError"]
