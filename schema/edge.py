"""An edge of the graph: one dataloader, one line."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, cast

import strawberry
from aiodataloader import DataLoader
from strawberry.extensions import FieldExtension

from resolvers.context import Caller, Context
from resolvers.loaders import Loaders


def caller_of(info: strawberry.Info[Any, Any]) -> Caller:
    """Give the operation's caller; raises Unauthenticated for the anonymous."""
    return cast("Context", info.context).authenticated


class Edge(FieldExtension):
    """Resolves a field by loading the parent's key."""

    def __init__(self, loader: Callable[[Loaders], DataLoader[Any, Any]], key: Callable[[Any], Any]) -> None:
        self.loader = loader
        self.key = key

    def resolve(self, next_: Callable[..., Any], source: Any, info: strawberry.Info[Any, Any], **kwargs: Any) -> Any:
        """Give what the loader will have read, or None for a parent without a key."""
        key = self.key(source)
        return None if key is None else self.loader(caller_of(info).loaders).load(key)


def edge(
    loader: Callable[[Loaders], DataLoader[Any, Any]], *, key: str | Callable[[Any], Any], description: str
) -> Any:
    """Declare a field that is one lookup by the parent's key.

    cloud: Cloud = edge(lambda loaders: loaders.cloud_by_id, key="cloud_id", description="Its Cloud.")
    """
    return strawberry.field(
        description=description, extensions=[Edge(loader, attrgetter(key) if isinstance(key, str) else key)]
    )
