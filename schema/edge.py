"""Fields that are resolved for a whole column of parents at once: edges by a dataloader, and what rows hold already."""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from operator import attrgetter
from typing import Any, TypeVar, cast

import strawberry
from strawberry.extensions import FieldExtension

from resolvers.context import Caller, Context
from resolvers.loaders import Loaders
from resolvers.loading import Loader

T = TypeVar("T")
Info = strawberry.Info[Any, Any]
Column = list[Any] | Awaitable[list[Any]]
"""One value per parent, in their order; an exception among them is an error of that parent's."""


def caller_of(info: Info) -> Caller:
    """Give the operation's caller; raises Unauthenticated for the anonymous."""
    return cast("Context", info.context).authenticated


def then(column: Column, change: Callable[[list[Any]], list[Any]]) -> Column:
    """Change a column once it is there, which may be now."""

    async def changed_later() -> list[Any]:
        return change(await cast("Awaitable[list[Any]]", column))

    return change(column) if isinstance(column, list) else changed_later()


class ByColumn(FieldExtension):
    """Resolves a field for many parents at once, and for one parent as a column of one."""

    def __init__(self, resolve: Callable[..., Column]) -> None:
        self._resolve = resolve

    def resolve_many(self, sources: Sequence[Any], info: Info, **arguments: Any) -> Column:
        """Give one value per parent."""
        return self._resolve(sources, info, **arguments)

    def resolve(self, next_: Callable[..., Any], source: Any, info: Info, **arguments: Any) -> Any:
        """Give the value of one parent."""
        arguments.pop("root", None)
        values = self._resolve([source], info, **arguments)
        return values[0] if isinstance(values, list) else _only(values)


async def _only(values: Awaitable[list[Any]]) -> Any:
    (value,) = await values
    return value


def by_column(resolve: Callable[..., Column], *, description: str, **metadata: int) -> Any:
    """Declare a field by a function of its parents: `resolve(parents, info, …)`, with the field's arguments.

    The metadata are for the limits: of a list whose length has no argument, how long it usually is (`list_size`); of a
    connection, how large a page may be that is flat (`flat_page`).
    """
    _, _, *arguments = inspect.signature(resolve).parameters.values()

    def signature(root: Any) -> Any:
        raise NotImplementedError("the extension resolves the field")

    root = inspect.Parameter("root", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    signature.__signature__ = inspect.Signature([root, *arguments])  # type: ignore[attr-defined]
    signature.__annotations__ = {argument.name: argument.annotation for argument in arguments}
    return strawberry.field(
        resolver=signature,
        description=description,
        extensions=[ByColumn(resolve)],
        metadata=metadata,
    )


def edge(loader: Callable[[Loaders], Loader[Any, Any]], *, key: str | Callable[[Any], Any], description: str) -> Any:
    """Declare a field that is one lookup by the parent's key; null for a parent without a key.

    cloud: Cloud = edge(lambda loaders: loaders.cloud_by_id, key="cloud_id", description="Its Cloud.")
    """
    key_of = attrgetter(key) if isinstance(key, str) else key

    def resolve(parents: Sequence[Any], info: Info) -> Column:
        keys = list(map(key_of, parents))
        known = [key for key in keys if key is not None]
        values = loader(caller_of(info).loaders).load_column(known)
        return values if len(known) == len(keys) else then(values, lambda found: _in_places(keys, found))

    return by_column(resolve, description=description)


def _in_places(keys: list[Any], found: list[Any]) -> list[Any]:
    values = iter(found)
    return [None if key is None else next(values) for key in keys]
