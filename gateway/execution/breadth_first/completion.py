"""Columns of raw values become columns of results: null, lists, scalars, abstract types, objects.

A position that fails and cannot be null here holds a `Failure`. It rises, taking what it cannot be in with it, to the
nearest position that can be null; there its error is collected. Paths are made only for errors.
"""

import asyncio
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate, chain, islice
from types import CoroutineType, GeneratorType, NoneType
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    Undefined,
    is_abstract_type,
    is_leaf_type,
)
from graphql.pyutils import Path, is_iterable

from gateway.execution.breadth_first.leaves import serialize
from gateway.execution.breadth_first.objects import (
    VALUES_AT_A_TIME,
    Failure,
    ObjectCompleter,
    first_failure,
    parent_name,
)
from gateway.execution.breadth_first.plan import Field
from gateway.execution.breadth_first.resolving import Where
from gateway.execution.breadth_first.waiting import side_by_side


class ColumnCompleter(ObjectCompleter):
    """Completes columns of any type."""

    async def complete(self, type_: GraphQLOutputType, field: Field, values: list[Any], where: Where) -> list[Any]:
        """Complete raw values to a type."""
        can_be_null = not isinstance(type_, GraphQLNonNull)
        nullable = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        kinds = set(map(type, values))
        if any(map(_is_special, kinds)):
            values = await self._plain(field, values, where)
            results = await self._complete_present(nullable, field, values, where)
            if not can_be_null:
                results = self._without_null(field, results, where)
        else:
            results = await self._complete_kinds(nullable, field, values, kinds, where)
        return self._nulled(results, where) if can_be_null and self.has_failed else results

    async def _plain(self, field: Field, values: list[Any], where: Where) -> list[Any]:
        """Wait for what is awaited, and turn exceptions into failures."""
        values = list(values)
        await self.settle(values)
        for n, value in enumerate(values):
            if isinstance(value, Exception):
                values[n] = self.fail(field, value, where(n))
            elif value is Undefined:
                values[n] = None
        return values

    async def _complete_present(self, type_: Any, field: Field, values: list[Any], where: Where) -> list[Any]:
        """Complete what is neither null nor a failure, and leave these where they are."""
        present = [n for n, value in enumerate(values) if value is not None and type(value) is not Failure]
        if present:
            given = [values[n] for n in present]
            kinds = set(map(type, given))
            results = await self._complete_kinds(type_, field, given, kinds, lambda n: where(present[n]))
            for n, result in zip(present, results, strict=True):
                values[n] = result
        return values

    def _without_null(self, field: Field, results: list[Any], where: Where) -> list[Any]:
        def fail(path: Path) -> Failure:
            message = f"Cannot return null for non-nullable field {_place(field, path)}."
            return self.fail(field, TypeError(message), path)

        return [fail(where(n)) if result is None else result for n, result in enumerate(results)]

    def _nulled(self, results: list[Any], where: Where) -> list[Any]:
        """Collect the errors of failures that may be null here."""
        if not any(type(result) is Failure for result in results):
            return results
        results = list(results)
        for n, result in enumerate(results):
            if type(result) is Failure:
                self.collected_errors.add(result.error, where(n))
                results[n] = None
        return results

    # -- what is there: no null, no failure, nothing to wait for -----------------------------------------------------

    async def _complete_kinds(
        self, type_: Any, field: Field, values: list[Any], kinds: set[type], where: Where
    ) -> list[Any]:
        if not values:
            return []
        if is_leaf_type(type_):
            return self._complete_leaves(type_, field, values, kinds, where)
        if isinstance(type_, GraphQLList):
            return await self._complete_lists(type_, field, values, kinds, where)
        if is_abstract_type(type_):
            return await self.complete_abstract(type_, field, values, where)
        return await self.complete_objects(type_, field, values, where)

    def _complete_leaves(
        self, leaf: GraphQLLeafType, field: Field, values: list[Any], kinds: set[type], where: Where
    ) -> list[Any]:
        column = serialize(leaf, values, kinds)
        if column is not None:
            return column
        results: list[Any] = []
        for n, value in enumerate(values):
            try:
                results.append(self.complete_leaf_value(leaf, value))
            except Exception as error:  # noqa: BLE001  # it is this value's
                results.append(self.fail(field, error, where(n)))
        return results

    async def _complete_lists(
        self, type_: GraphQLList[Any], field: Field, values: list[Any], kinds: set[type], where: Where
    ) -> list[Any]:
        """Complete the items of all lists as one column."""
        if not kinds <= {list, tuple}:
            values = await side_by_side(self._items(field, value, where, n) for n, value in enumerate(values))

        async def complete(lists: list[Any], where: Where) -> list[Any]:
            return await self._complete_items(type_, field, lists, where)

        if self._is_only_read(type_.of_type, field):
            return await self.complete_distinct(complete, values, where)
        return await complete(values, where)

    def _is_only_read(self, type_: GraphQLOutputType, field: Field) -> bool:
        """Say whether values of a type are completed by nothing but their attributes."""
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        if isinstance(type_, GraphQLObjectType):
            return type_.is_type_of is None and not self.selection_of(type_, field).others
        return is_leaf_type(type_)

    async def _complete_items(
        self, type_: GraphQLList[Any], field: Field, values: list[Any], where: Where
    ) -> list[Any]:
        lists = [() if type(value) is Failure else value for value in values] if self.has_failed else values
        lengths = list(map(len, lists))

        ends: list[int] = []

        def where_item(n: int) -> Path:
            if not ends:
                ends.extend(accumulate(lengths))
            place = bisect_right(ends, n)
            return Path(where(place), n - ends[place] + lengths[place], None)

        items = iter(await self.complete(type_.of_type, field, list(chain.from_iterable(lists)), where_item))
        results: list[Any] = []
        for start in range(0, len(lengths), VALUES_AT_A_TIME):
            part = lengths[start : start + VALUES_AT_A_TIME]
            await self.let_others_work(len(part))
            results += [list(islice(items, length)) for length in part]
        if self.has_failed:
            for n, result in enumerate(results):
                failure = values[n] if type(values[n]) is Failure else first_failure(result)
                if failure is not None:
                    results[n] = failure
        return results

    async def _items(self, field: Field, value: Any, where: Where, n: int) -> Any:
        """Make a list of whatever else can be one."""
        try:
            if self.is_async_iterable(value):
                return await asyncio.ensure_future(_gathered(value))
            if not is_iterable(value):
                raise GraphQLError(f"Expected Iterable, but did not find one for field '{_place(field, where(n))}'.")
            return list(value)
        except Exception as error:  # noqa: BLE001  # it is this list's
            return self.fail(field, error, where(n))


async def _gathered(items: Any) -> list[Any]:
    return [item async for item in items]


@lru_cache(maxsize=4096)
def _is_special(kind: type) -> bool:
    """Say whether values of a Python type are not simply completed: null, failures, exceptions, what is awaited."""
    return (
        kind is NoneType
        or kind is Failure
        or kind is type(Undefined)
        or issubclass(kind, (Exception, CoroutineType, GeneratorType))
        or hasattr(kind, "__await__")
    )


def _place(field: Field, path: Path) -> str:
    """Name a field for people, with the type that has it at this path."""
    return f"{parent_name(field, path)}.{field.name}"
