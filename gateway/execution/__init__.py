"""Reads, checks and executes GraphQL documents against any Strawberry schema."""

from gateway.execution.documents import Prepared
from gateway.execution.engine import Engine, Operation
from gateway.execution.errors import RequestError

__all__ = ["Engine", "Operation", "Prepared", "RequestError"]
