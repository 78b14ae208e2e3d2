"""Columns of objects: of which types they are, and what is selected of them, as rows built from columns."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from functools import partial
from itertools import islice
from types import NoneType
from typing import Any, cast

from graphql import (
    GraphQLAbstractType,
    GraphQLError,
    GraphQLLeafType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    located_error,
)
from graphql.execution.executor import invalid_return_type_error
from graphql.pyutils import Path

from gateway.execution.breadth_first.leaves import serialize
from gateway.execution.breadth_first.plan import Field, Plan, Selection
from gateway.execution.breadth_first.resolving import ColumnResolver, Where
from gateway.execution.breadth_first.waiting import Turns, settled, side_by_side

Completing = Coroutine[Any, Any, list[Any]]

VALUES_AT_A_TIME = 1_000
"""How many values are completed, less than 1 ms of work, before others get their turn."""


MANY = 16
"""From how many objects on it pays to look for the same ones among them."""


class Failure:
    """An error on its way up to the nearest position that can be null."""

    __slots__ = ("error",)

    def __init__(self, error: GraphQLError) -> None:
        self.error = error


class ObjectCompleter(ColumnResolver):
    """Completes columns of objects. Everything here takes and gives one value per position, in order."""

    has_failed = False
    """Whether there has been any failure: as long as there is none, nothing looks for one."""
    _values_done = 0
    plan: Plan
    """What is planned of the operation; it grows here."""
    turns: Turns
    """Whose turn it is among the operations of a process."""

    @abstractmethod
    async def complete(self, type_: GraphQLOutputType, field: Field, values: list[Any], where: Where) -> list[Any]:
        """Complete raw values to a type."""

    def fail(self, field: Field, error: Exception, path: Path) -> Failure:
        """Make the failure of a position."""
        self.has_failed = True
        return Failure(located_error(error, field.nodes, path.as_list()))

    async def complete_abstract(
        self, type_: GraphQLAbstractType, field: Field, values: list[Any], where: Where
    ) -> list[Any]:
        """Complete the values of each concrete type as a column, or of several of which the same is selected."""
        names, types = await self._concrete_types(type_, field, values, where)
        groups: dict[Hashable, list[str]] = {}
        group_of: dict[str, Hashable] = {}
        for name, of in types.items():
            group_of[name] = name if of.is_type_of else self.selection_of(of, field).signature
            groups.setdefault(group_of[name], []).append(name)

        def complete(group: list[str], values: list[Any], where: Where, names: list[Any]) -> Completing:
            if len(group) == 1:
                return self.complete_objects(types[group[0]], field, values, where)
            return self._complete_rows(self._shared_selection(types[group[0]], field), values, where, names)

        if len(groups) == 1 and not self.has_failed:
            return await complete(next(iter(groups.values())), values, where, names)
        places: dict[Hashable, list[int]] = {key: [] for key in groups}
        for n, name in enumerate(names):
            if type(name) is not Failure:
                places[group_of[name]].append(n)
        columns = await side_by_side(
            complete(groups[key], [values[n] for n in at], _at(where, at), [names[n] for n in at])
            for key, at in places.items()
        )
        for at, column in zip(places.values(), columns, strict=True):
            for n, result in zip(at, column, strict=True):
                names[n] = result
        return names

    async def _concrete_types(
        self, type_: GraphQLAbstractType, field: Field, values: list[Any], where: Where
    ) -> tuple[list[Any], dict[str, GraphQLObjectType]]:
        """Name the concrete type of each value, with failures where there is none, and give these types."""
        info = self.build_resolve_info(field.definition, field.nodes, field.parent_type, where(0))
        resolve_type = type_.resolve_type or self.type_resolver
        names = _names_at_once(type_, values)
        if names is None:
            names = await self._answers(lambda value: resolve_type(value, info, type_), values)
        types: dict[str, GraphQLObjectType] = {}
        for n, name in enumerate(names):
            if isinstance(name, str) and name in types:
                continue
            try:
                if isinstance(name, Exception):
                    raise name
                # What is wrong is told with the type that has the field there.
                parent = cast("GraphQLObjectType", self.schema.get_type(parent_name(field, where(n))))
                own = info._replace(parent_type=parent)
                types[name] = self.ensure_valid_runtime_type(name, type_, field.details, own, values[n])
            except Exception as error:  # noqa: BLE001  # it is this value's
                names[n] = self.fail(field, error, where(n))
        return names, types

    async def complete_objects(
        self, type_: GraphQLObjectType, field: Field, values: list[Any], where: Where
    ) -> list[Any]:
        """Complete the values of one concrete type."""
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
        selection = self.selection_of(type_, field)

        async def complete(values: list[Any], where: Where) -> list[Any]:
            return await self._complete_rows(selection, values, where)

        return await (complete(values, where) if selection.others else self.complete_distinct(complete, values, where))

    async def complete_distinct(
        self, complete: Callable[[list[Any], Where], Awaitable[list[Any]]], values: list[Any], where: Where
    ) -> list[Any]:
        """Complete objects that many positions share once for all of them, if nothing but attributes is read of them.

        Nobody can tell, unless there is an error, which is listed for each position.
        """
        if len(values) >= MANY and not self.has_failed:
            # Backwards, so that of the places of an object the first is kept.
            first = dict(zip(map(id, reversed(values)), range(len(values) - 1, -1, -1), strict=True))
            if len(first) * 2 <= len(values):
                # An error is collected where the object stands first. It stands there again when all are completed,
                # and is not collected twice.
                at = list(first.values())
                completed = await complete([values[n] for n in at], _at(where, at))
                if not self.has_failed:
                    results = dict(zip(first, completed, strict=True))
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
                checked[n] = self.fail(field, verdict, where(n))
            elif not verdict:
                checked[n] = self.fail(field, invalid_return_type_error(type_, values[n], field.details), where(n))
        return checked

    async def _answers(self, ask: Callable[[Any], Any], values: list[Any]) -> list[Any]:
        """Ask about each value; an answer that is an exception was raised."""
        answers: list[Any] = []
        for value in values:
            try:
                answers.append(ask(value))
            except Exception as error:  # noqa: BLE001  # it is this value's
                answers.append(error)
        await self.settle(answers)
        return answers

    async def settle(self, values: list[Any]) -> None:
        """Wait for the values that are awaited, and put what they give in their places."""
        awaited = [n for n, value in enumerate(values) if self.is_awaitable(value)]
        if awaited:
            for n, value in zip(awaited, await settled(values[n] for n in awaited), strict=True):
                values[n] = value

    # -- a selection set over a column of parents --------------------------------------------------------------------

    def selection_of(self, type_: GraphQLObjectType, field: Field) -> Selection:
        """Plan what is selected of a type below a field."""
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
            self.plan.fields += len(fields)
        return selection

    def _shared_selection(self, type_: GraphQLObjectType, field: Field) -> Selection:
        """Give the selection of several types that select the same as this one."""
        own = self.selection_of(type_, field)
        if own.signature not in field.shared_selections:
            field.shared_selections[own.signature] = Selection(None, own.all)
        return field.shared_selections[own.signature]

    async def _complete_rows(
        self, selection: Selection, parents: list[Any], where: Where, types: list[str] | None = None
    ) -> list[Any]:
        """Complete a row for each parent; `types` names theirs, if there are several."""
        if not parents:
            return []
        fields = selection.fields
        columns: list[Any] = [None] * len(fields)
        # What may have to wait comes first, all of it in one go, so that loaders see the whole level in one batch.
        if selection.others:
            others = await side_by_side(
                self._complete_field(fields[n], parents, where, types) for n in selection.others
            )
            for n, column in zip(selection.others, others, strict=True):
                columns[n] = column
        for n, field in enumerate(fields):
            if columns[n] is None:
                columns[n] = await self._complete_plain_field(field, parents, where, types)
        if selection.names_types:
            columns.insert(0, types)
        if not columns:
            return [selection.build() for _ in parents]
        if self.has_failed:
            return [first_failure(row) or selection.build(*row) for row in zip(*columns, strict=True)]
        rows: list[Any] = []
        columns = list(map(iter, columns))
        while len(rows) < len(parents):
            await self.let_others_work(min(VALUES_AT_A_TIME, len(parents) - len(rows)))
            rows += islice(map(selection.build, *columns), VALUES_AT_A_TIME)
        return rows

    async def _complete_plain_field(
        self, field: Field, parents: list[Any], where: Where, types: list[str] | None
    ) -> list[Any]:
        """Complete a column of attributes, at once if they are what they should be."""
        try:
            values = list(map(field.attribute, parents))  # type: ignore[arg-type]
        except Exception:  # noqa: BLE001  # one by one, each gets its own error
            return await self._complete_field(field, parents, where, types)
        await self.let_others_work(len(values))
        kinds = set(map(type, values))
        if NoneType not in kinds or not isinstance(field.type, GraphQLNonNull):
            column = serialize(cast("GraphQLLeafType", field.leaf), values, kinds)
            if column is not None:
                return column
        return await self.complete(field.type, field, values, _below(where, field, types))

    async def _complete_field(
        self, field: Field, parents: list[Any], where: Where, types: list[str] | None
    ) -> list[Any]:
        at = _below(where, field, types)
        if len(parents) > VALUES_AT_A_TIME and field.resolves_at_once:
            values = await self._resolve_in_turns(field, parents, at)
        else:
            resolved = self.resolve(field, parents, at)
            field.resolves_at_once = isinstance(resolved, list)
            values = resolved if isinstance(resolved, list) else await resolved
        await self.let_others_work(len(values))
        return await self.complete(field.type, field, values, at)

    async def _resolve_in_turns(self, field: Field, parents: list[Any], where: Where) -> list[Any]:
        """Resolve a long column a part at a time; not for what waits for loaders, which see a level in one batch."""
        values: list[Any] = []
        for start in range(0, len(parents), VALUES_AT_A_TIME):
            part = parents[start : start + VALUES_AT_A_TIME]
            await self.let_others_work(len(part))
            resolved = self.resolve(field, part, partial(_from, where, start))
            values += resolved if isinstance(resolved, list) else await resolved
        return values

    async def let_others_work(self, values: int) -> None:
        """Count values that are completed, and give way after many."""
        self._values_done += values
        if self._values_done > VALUES_AT_A_TIME:
            self._values_done = 0
            await self.turns.take()


def _from(where: Where, start: int, n: int) -> Path:
    return where(start + n)


def _at(where: Where, places: list[int]) -> Where:
    return lambda n: where(places[n])


def _below(where: Where, field: Field, types: list[str] | None) -> Where:
    return lambda n: Path(where(n), field.key, types[n] if types else field.parent_type.name)


def parent_name(field: Field, path: Path) -> str:
    """Name the type that has a field at this path: one of several, if these share it."""
    at: Path | None = path
    while at is not None and at.typename is None:
        at = at.prev
    return (at and at.typename) or field.parent_type.name


def first_failure(values: Sequence[Any]) -> Failure | None:
    """Find the failure that its row or its list cannot be without."""
    return next((value for value in values if type(value) is Failure), None)


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
