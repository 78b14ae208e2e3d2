"""Orders as clients write them."""

from collections.abc import Sequence
from typing import Any, Protocol

import strawberry

from auth.errors import BadUserInput
from resolvers.reads.pages import Order
from schema.enums import OrderDirection, ResourceOrderField, ServiceOrderField


class _Order(Protocol):
    field: Any
    direction: OrderDirection


@strawberry.input(description="One key of an order of resources.")
class ResourceOrder:
    """One key of an order of resources."""

    field: ResourceOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="One key of an order of Services.")
class ServiceOrder:
    """One key of an order of Services."""

    field: ServiceOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


def ordering(keys: Sequence[_Order] | None) -> Order:
    """Say what an order means; raises BadUserInput if it names a field twice."""
    order = tuple((key.field.value, key.direction is OrderDirection.DESC) for key in keys or ())
    names = [name for name, _ in order]
    if len(set(names)) < len(names):
        raise BadUserInput("`orderBy` names a field more than once.", argument="orderBy")
    return order
