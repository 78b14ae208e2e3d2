"""A schema on which everything goes wrong that can, each time in the same way."""

from tests.differential.torture.schema import Cosmos

__all__ = ["Cosmos"]
