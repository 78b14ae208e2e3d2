"""Fields that are resolved a column at a time or one by one, and extensions that wrap whatever resolves a field."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import strawberry
from strawberry import UNSET, Info
from strawberry.extensions import FieldExtension

from resolvers.loading import Loader
from tests.differential.torture.fate import Calamity, Fate, Place, after

Asking = Info[Fate, Any]


def loader_of(fate: Fate, name: str) -> Loader[Any, Any]:
    """Give the operation's loader of that name; it fails for some keys, or always."""
    if name not in fate.loaders:

        async def read(keys: Sequence[tuple[Place, Any]]) -> list[Any]:
            await after(fate.draw(name).randint(0, 2), None)
            if fate.strikes("batch", name, often=0.5):
                raise Calamity(f"no {name} at all")
            return [fate._item(of, place, lasting=True) for place, of in keys]

        fate.loaders[name] = Loader(read)
    loader: Loader[Any, Any] = fate.loaders[name]
    return loader


class Edge(FieldExtension):
    """One lookup by the parent's place, for one parent or for a column of them."""

    def __init__(self, name: str) -> None:
        self.name = name

    def key(self, source: Any, info: Asking, arguments: dict[str, Any]) -> tuple[Place, Any]:
        """Give what is looked up, and note that it was."""
        place = source._place.at(self.name, sorted(arguments.items()))
        info.context.ledger[f"{self.name} at {place.key}"] += 1
        return place, info._raw_info.return_type

    def resolve(self, next_: Callable[..., Any], source: Any, info: Asking, **kwargs: Any) -> Any:
        return loader_of(info.context, self.name).load(self.key(source, info, kwargs))

    async def resolve_many(self, sources: Sequence[Any], info: Asking, **kwargs: Any) -> Sequence[Any]:
        loader = loader_of(info.context, self.name)
        keys = [self.key(source, info, kwargs) for source in sources]
        return await asyncio.gather(*map(loader.load, keys), return_exceptions=True)


class AsyncEdge(Edge):
    """The same, if whatever is around the field is asynchronous."""

    resolve = FieldExtension.resolve

    async def resolve_async(self, next_: Callable[..., Any], source: Any, info: Asking, **kwargs: Any) -> Any:
        return await loader_of(info.context, self.name).load(self.key(source, info, kwargs))


class Computed(FieldExtension):
    """Gives a column at once, without waiting for anything; its values may have to be awaited themselves."""

    def __init__(self, name: str) -> None:
        self.name = name

    def resolve(self, next_: Callable[..., Any], source: Any, info: Asking, **kwargs: Any) -> Any:
        return info.context.give(info._raw_info.return_type, source._place.at(self.name, sorted(kwargs.items())))

    def resolve_many(self, sources: Sequence[Any], info: Asking, **kwargs: Any) -> tuple[Any, ...]:
        return tuple(self._given(source, info, kwargs) for source in sources)

    def _given(self, source: Any, info: Asking, kwargs: dict[str, Any]) -> Any:
        try:
            return self.resolve(lambda: None, source, info, **kwargs)
        except Exception as error:  # noqa: BLE001 - it is the error of its source
            return error


class Around(FieldExtension):
    """Changes what the field gives, where it can, and hides some errors."""

    def resolve(self, next_: Callable[..., Any], source: Any, info: Asking, **kwargs: Any) -> Any:
        info.context.ledger[f"around {source._place.key}"] += 1
        return _around(next_(source, info, **kwargs))


class AsyncAround(FieldExtension):
    """Awaits what the field gives, changes it, and hides some errors."""

    async def resolve_async(
        self, next_: Callable[..., Awaitable[Any]], source: Any, info: Asking, **kwargs: Any
    ) -> Any:
        try:
            value = await next_(source, info, **kwargs)
            # What is wrapped need not be asynchronous itself, and may give what is.
            return _around(await value if hasattr(value, "__await__") else value)
        except ValueError:
            return None


class Louder(FieldExtension):
    """Changes an argument, before the field and after it was converted."""

    def map_arguments(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return {**kwargs, "times": kwargs["times"] + 1} if isinstance(kwargs.get("times"), int) else kwargs

    def resolve(self, next_: Callable[..., Any], source: Any, info: Asking, **kwargs: Any) -> Any:
        return next_(source, info, **{name: None if value is UNSET else value for name, value in kwargs.items()})


def _around(value: Any) -> Any:
    return f"<{value}>" if isinstance(value, str) else value


def edge(name: str, *, awaiting: bool = False, **options: Any) -> Any:
    """Declare a field that is one lookup; `awaiting` if the field has asynchronous permissions."""
    return strawberry.field(extensions=[(AsyncEdge if awaiting else Edge)(name)], **options)


def computed(name: str, **options: Any) -> Any:
    """Declare a field whose column is computed at once."""
    return strawberry.field(extensions=[Computed(name)], **options)
