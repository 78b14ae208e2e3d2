"""Columns of raw values become columns of results: null, lists, scalars, abstract types, objects.

A position that fails and cannot be null here holds a `Failure`. It rises, taking what it cannot be in with it, to the
nearest position that can be null; there its error is collected. Paths are made only for errors.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import lru_cache
from itertools import chain, islice
from types import CoroutineType, GeneratorType, NoneType
from typing import Any, cast

from graphql import (
    GraphQLAbstractType,
    GraphQLError,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    Undefined,
    is_abstract_type,
    is_leaf_type,
    located_error,
)
from graphql.execution.executor import invalid_return_type_error
from graphql.pyutils import Path, is_iterable

from gateway.execution.breadth_first.leaves import serialize
from gateway.execution.breadth_first.plan import Field, Selection
from gateway.execution.breadth_first.resolving import ColumnResolver, Where
from gateway.execution.breadth_first.waiting import settled, side_by_side

VALUES_AT_A_TIME = 4_000
"""How many values are completed, about 1 ms of work, before others get their turn."""


MANY = 16
"""From how many objects on it pays to look for the same ones among them."""


class Failure:
    """An error on its way up to the nearest position that can be null."""

    __slots__ = ("error",)

    def __init__(self, error: GraphQLError) -> None:
        self.error = error


class ColumnCompleter(ColumnResolver):
    """Completes columns. Everything here takes and gives one value per position, in order."""

    has_failed = False
    """Whether there has been any failure: as long as there is none, nothing looks for one."""
    _values_done = 0

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
        await self._settle(values)
        for n, value in enumerate(values):
            if isinstance(value, Exception):
                values[n] = self._fail(field, value, where(n))
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
        message = f"Cannot return null for non-nullable field {field.parent_type}.{field.name}."
        return [
            self._fail(field, TypeError(message), where(n)) if result is None else result
            for n, result in enumerate(results)
        ]

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

    def _fail(self, field: Field, error: Exception, path: Path) -> Failure:
        self.has_failed = True
        return Failure(located_error(error, field.nodes, path.as_list()))

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
            return await self._complete_abstract(type_, field, values, where)
        return await self._complete_objects(type_, field, values, where)

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
                results.append(self._fail(field, error, where(n)))
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
            return await self._complete_distinct(complete, values, where)
        return await complete(values, where)

    def _is_only_read(self, type_: GraphQLOutputType, field: Field) -> bool:
        """Say whether values of a type are completed by nothing but their attributes."""
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        if isinstance(type_, GraphQLObjectType):
            return type_.is_type_of is None and not self._selection(type_, field).others
        return is_leaf_type(type_)

    async def _complete_items(
        self, type_: GraphQLList[Any], field: Field, values: list[Any], where: Where
    ) -> list[Any]:
        lists = [() if type(value) is Failure else value for value in values] if self.has_failed else values
        lengths = list(map(len, lists))

        def where_item(n: int) -> Path:
            for place, length in enumerate(lengths):
                if n < length:
                    return Path(where(place), n, None)
                n -= length
            raise IndexError(n)

        items = iter(await self.complete(type_.of_type, field, list(chain.from_iterable(lists)), where_item))
        results: list[Any] = [list(islice(items, length)) for length in lengths]
        if self.has_failed:
            for n, result in enumerate(results):
                failure = values[n] if type(values[n]) is Failure else _first_failure(result)
                if failure is not None:
                    results[n] = failure
        return results

    async def _items(self, field: Field, value: Any, where: Where, n: int) -> Any:
        """Make a list of whatever else can be one."""
        try:
            if self.is_async_iterable(value):
                return await asyncio.ensure_future(_gathered(value))
            if not is_iterable(value):
                raise GraphQLError(
                    f"Expected Iterable, but did not find one for field '{field.parent_type}.{field.name}'."
                )
            return list(value)
        except Exception as error:  # noqa: BLE001  # it is this list's
            return self._fail(field, error, where(n))

    async def _complete_abstract(
        self, type_: GraphQLAbstractType, field: Field, values: list[Any], where: Where
    ) -> list[Any]:
        """Complete the values of each concrete type as a column of its own."""
        info = self.build_resolve_info(field.definition, field.nodes, field.parent_type, where(0))
        resolve_type = type_.resolve_type or self.type_resolver
        names = _names_at_once(type_, values)
        if names is None:
            names = await self._answers(lambda value: resolve_type(value, info, type_), values)
        results: list[Any] = [None] * len(values)
        concrete: dict[str, GraphQLObjectType] = {}
        places: dict[str, list[int]] = {}
        for n, name in enumerate(names):
            if isinstance(name, str) and name in places:
                places[name].append(n)
                continue
            try:
                if isinstance(name, Exception):
                    raise name
                concrete[name] = self.ensure_valid_runtime_type(name, type_, field.details, info, values[n])
                places[name] = [n]
            except Exception as error:  # noqa: BLE001  # it is this value's
                results[n] = self._fail(field, error, where(n))

        def complete(name: str, at: list[int]) -> Coroutine[Any, Any, list[Any]]:
            return self._complete_objects(concrete[name], field, [values[n] for n in at], lambda n: where(at[n]))

        if len(places) == 1 and len(results) == len(places[next(iter(places))]):
            return await self._complete_objects(concrete[next(iter(places))], field, values, where)
        columns = await side_by_side(complete(name, at) for name, at in places.items())
        for at, column in zip(places.values(), columns, strict=True):
            for n, result in zip(at, column, strict=True):
                results[n] = result
        return results

    async def _complete_objects(
        self, type_: GraphQLObjectType, field: Field, values: list[Any], where: Where
    ) -> list[Any]:
        if type_.is_type_of is None:
            return await self._complete_unchecked(type_, field, values, where)
        checked = await self._checked(type_, field, values, where)
        present = [n for n, value in enumerate(checked) if type(value) is not Failure]
        objects = [checked[n] for n in present]
        rows = await self._complete_unchecked(type_, field, objects, lambda n: where(present[n]))
        for n, row in zip(present, rows, strict=True):
            checked[n] = row
        return checked

    async def _complete_unchecked(
        self, type_: GraphQLObjectType, field: Field, values: list[Any], where: Where
    ) -> list[Any]:
        selection = self._selection(type_, field)

        async def complete(values: list[Any], where: Where) -> list[Any]:
            return await self._complete_rows(selection, values, where)

        return await (complete(values, where) if selection.others else self._complete_distinct(complete, values, where))

    async def _complete_distinct(
        self, complete: Callable[[list[Any], Where], Awaitable[list[Any]]], values: list[Any], where: Where
    ) -> list[Any]:
        """Complete objects that many positions share once for all of them, if nothing but attributes is read of them.

        Nobody can tell, unless there is an error, which is listed for each position.
        """
        if len(values) >= MANY and not self.has_failed:
            distinct = {id(value): value for value in values}
            if len(distinct) * 2 <= len(values):
                results = dict(zip(distinct, await complete(list(distinct.values()), where), strict=True))
                if not self.has_failed:
                    return [results[id(value)] for value in values]
        return await complete(values, where)

    async def _checked(self, type_: GraphQLObjectType, field: Field, values: list[Any], where: Where) -> list[Any]:
        """Put failures in the places of what is not of the type by its own word."""
        info = self.build_resolve_info(field.definition, field.nodes, field.parent_type, where(0))
        is_type_of: Any = type_.is_type_of
        verdicts = await self._answers(lambda value: is_type_of(value, info), values)
        checked = list(values)
        for n, verdict in enumerate(verdicts):
            if isinstance(verdict, Exception):
                checked[n] = self._fail(field, verdict, where(n))
            elif not verdict:
                checked[n] = self._fail(field, invalid_return_type_error(type_, values[n], field.details), where(n))
        return checked

    async def _answers(self, ask: Callable[[Any], Any], values: list[Any]) -> list[Any]:
        """Ask about each value; an answer that is an exception was raised."""
        answers: list[Any] = []
        for value in values:
            try:
                answers.append(ask(value))
            except Exception as error:  # noqa: BLE001  # it is this value's
                answers.append(error)
        await self._settle(answers)
        return answers

    async def _settle(self, values: list[Any]) -> None:
        """Wait for the values that are awaited, and put what they give in their places."""
        awaited = [n for n, value in enumerate(values) if self.is_awaitable(value)]
        if awaited:
            for n, value in zip(awaited, await settled(values[n] for n in awaited), strict=True):
                values[n] = value

    # -- a selection set over a column of parents --------------------------------------------------------------------

    def _selection(self, type_: GraphQLObjectType, field: Field) -> Selection:
        selection = field.selections.get(type_)
        if selection is None:
            fields: list[Field | str] = []
            for key, details in self.collect_subfields(type_, field.details).grouped_field_set.items():
                name = details[0].node.name.value
                definition = self.schema.get_field(type_, name)
                if name == "__typename":
                    fields.append(key)
                elif definition is not None:
                    fields.append(Field(key, details, type_, definition))
            selection = field.selections[type_] = Selection(type_, fields)
        return selection

    async def _complete_rows(self, selection: Selection, parents: list[Any], where: Where) -> list[Any]:
        if not parents:
            return []
        fields = selection.fields
        columns: list[Any] = [None] * len(fields)
        # What may have to wait comes first, all of it in one go, so that loaders see the whole level in one batch.
        if selection.others:
            others = await side_by_side(self._complete_field(fields[n], parents, where) for n in selection.others)
            for n, column in zip(selection.others, others, strict=True):
                columns[n] = column
        for n, field in enumerate(fields):
            if columns[n] is None:
                columns[n] = await self._complete_plain_field(field, parents, where)
        await self._let_others_work(len(parents))
        if not fields:
            return [selection.build() for _ in parents]
        if self.has_failed:
            return [_first_failure(row) or selection.build(*row) for row in zip(*columns, strict=True)]
        return list(map(selection.build, *columns))

    async def _complete_plain_field(self, field: Field, parents: list[Any], where: Where) -> list[Any]:
        """Complete a column of attributes, at once if they are what they should be."""
        try:
            values = list(map(field.attribute, parents))  # type: ignore[arg-type]
        except Exception:  # noqa: BLE001  # one by one, each gets its own error
            return await self._complete_field(field, parents, where)
        await self._let_others_work(len(values))
        kinds = set(map(type, values))
        if NoneType not in kinds or not isinstance(field.type, GraphQLNonNull):
            column = serialize(cast("GraphQLLeafType", field.leaf), values, kinds)
            if column is not None:
                return column
        return await self.complete(field.type, field, values, _below(where, field))

    async def _complete_field(self, field: Field, parents: list[Any], where: Where) -> list[Any]:
        at = _below(where, field)
        values = self.resolve(field, parents, at)
        if not isinstance(values, list):
            values = await values
        await self._let_others_work(len(values))
        return await self.complete(field.type, field, values, at)

    async def _let_others_work(self, values: int) -> None:
        self._values_done += values
        if self._values_done > VALUES_AT_A_TIME:
            self._values_done = 0
            await asyncio.sleep(0)


def _below(where: Where, field: Field) -> Where:
    return lambda n: Path(where(n), field.key, field.parent_type.name)


def _first_failure(values: Sequence[Any]) -> Failure | None:
    return next((value for value in values if type(value) is Failure), None)


async def _gathered(items: Any) -> list[Any]:
    return [item async for item in items]


def _names_at_once(type_: GraphQLAbstractType, values: list[Any]) -> list[Any] | None:
    """Name the concrete types of a column by `resolve_types` of the class that declares the type, if it has that."""
    declaration = getattr(type_.extensions.get("strawberry-definition"), "origin", None)
    resolve_types = getattr(declaration, "resolve_types", None)
    if resolve_types is None:
        return None
    try:
        names: list[Any] = resolve_types(values)
    except Exception:  # noqa: BLE001  # one by one, each gets its own error
        return None
    return names


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
