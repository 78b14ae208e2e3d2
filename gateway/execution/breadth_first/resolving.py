"""Columns of parents become columns of raw values: by attribute, by column, one by one, or as graphql-core does it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from inspect import isawaitable
from typing import Any

from graphql import GraphQLError
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import get_arguments
from strawberry.types.info import Info

from gateway.execution.breadth_first.plan import Field, Guard
from gateway.execution.breadth_first.waiting import settled

Where = Callable[[int], Path]
"""The path of the position with this number in a column; made only where there is an error, or a resolver wants it."""

_UNCHANGEABLE = (str, int, float, bool, type(None), Enum)
_SOURCE: Any = object()
_INFO: Any = object()
_GRANTED = object()


class ColumnResolver(StrawberryGraphQLCoreExecutionContext):
    """Resolves a field for a column of parents.

    What comes out is one raw value per parent, in order: a value as a resolver gives it, so also an awaitable, or the
    exception that was raised for it. What is given to the resolver of a whole column as its `info` has the path of the
    column's first parent.
    """

    def resolve(self, field: Field, parents: Sequence[Any], where: Where) -> Any:
        """Resolve a field for these parents; gives a list, or an awaitable of it where it takes time."""
        try:
            arguments = self._arguments(field)
        except GraphQLError as error:
            return [error] * len(parents)
        if field.strawberry_field is None:
            return self._resolve_each(field, parents, where, arguments)
        if field.many and field.takes_nothing:
            return _resolve_many(field, field.many, parents, self._info(field, where(0)), {})
        if field.guards or field.many:
            return self._resolve_column(field, parents, where, arguments)
        if field.call:
            return self._call_each(field, field.call, parents, where, arguments)
        return _read_each(field, parents)

    def _arguments(self, field: Field) -> Mapping[str, Any]:
        if not field.definition.args:
            return {}
        if field.constant_arguments is not None:
            return field.constant_arguments
        details = field.details[0]
        arguments = get_argument_values(
            field.definition,
            details.node,
            self.variable_values,
            details.fragment_variable_values,
            self.hide_suggestions,
        )
        if field.arguments_are_constant and all(isinstance(value, _UNCHANGEABLE) for value in arguments.values()):
            field.constant_arguments = arguments
        return arguments

    def _resolve_each(
        self, field: Field, parents: Sequence[Any], where: Where, arguments: Mapping[str, Any]
    ) -> list[Any]:
        resolve = field.definition.resolve or self.field_resolver
        values: list[Any] = []
        for n, parent in enumerate(parents):
            try:
                info = self.build_resolve_info(field.definition, field.nodes, field.parent_type, where(n))
                values.append(resolve(parent, info, **arguments))
            except Exception as error:  # noqa: BLE001  # it is this parent's
                values.append(error)
        return values

    def _call_each(
        self,
        field: Field,
        call: Callable[..., Any],
        parents: Sequence[Any],
        where: Where,
        arguments: Mapping[str, Any],
    ) -> list[Any]:
        try:
            positional, named = self._python_arguments(field, arguments, self._info(field, where(0)))
        except Exception as error:  # noqa: BLE001  # an argument that cannot be converted
            return [error] * len(parents)
        takes_self = bool(positional)
        # Lists and inputs are made anew for each parent: a resolver may change what it is given.
        is_changeable = not all(isinstance(value, _UNCHANGEABLE) for value in arguments.values())
        source = next((name for name, value in named.items() if value is _SOURCE), None)
        info = next((name for name, value in named.items() if value is _INFO), None)
        values: list[Any] = []
        for n, parent in enumerate(parents):
            if is_changeable and n > 0:
                _, named = self._python_arguments(field, self._arguments(field), self._info(field, where(n)))
            if source is not None:
                named[source] = parent
            try:
                if info is not None:
                    named[info] = self._info(field, where(n))
                values.append(call(parent, **named) if takes_self else call(**named))
            except Exception as error:  # noqa: BLE001  # it is this parent's
                values.append(error)
        return values

    async def _resolve_column(
        self, field: Field, parents: Sequence[Any], where: Where, arguments: Mapping[str, Any]
    ) -> list[Any]:
        info = self._info(field, where(0))
        try:
            _, named = self._python_arguments(field, arguments, info)
        except Exception as error:  # noqa: BLE001  # an argument that cannot be converted
            return [error] * len(parents)
        values = [_GRANTED] * len(parents)
        granted = list(range(len(parents)))
        for guard in field.guards:
            sources = [parents[n] for n in granted]
            for n, verdict in zip(granted, await self._ask(guard, sources, info, named), strict=True):
                values[n] = verdict
            granted = [n for n in granted if values[n] is _GRANTED]
        if not granted:
            return values
        if len(granted) == len(parents):
            return await self._resolve_granted(field, parents, where, arguments, info, named)
        sources = [parents[n] for n in granted]
        for n, value in zip(
            granted,
            await self._resolve_granted(field, sources, lambda n: where(granted[n]), arguments, info, named),
            strict=True,
        ):
            values[n] = value
        return values

    async def _resolve_granted(
        self,
        field: Field,
        parents: Sequence[Any],
        where: Where,
        arguments: Mapping[str, Any],
        info: Info,
        named: Mapping[str, Any],
    ) -> list[Any]:
        if field.many is None:
            if field.call:
                return self._call_each(field, field.call, parents, where, arguments)
            return _read_each(field, parents)
        named = {name: value for name, value in named.items() if value is not _SOURCE and value is not _INFO}
        resolved = _resolve_many(field, field.many, parents, info, named)
        return resolved if isinstance(resolved, list) else await resolved

    async def _ask(self, guard: Guard, parents: Sequence[Any], info: Info, named: Mapping[str, Any]) -> list[Any]:
        """Ask a permission extension about each parent: `_GRANTED`, or what stands in for the field's value."""
        asked = parents[:1] if guard.is_per_request else parents

        def given(parent: Any) -> dict[str, Any]:
            return {name: parent if value is _SOURCE else value for name, value in named.items() if value is not _INFO}

        async def ask(parent: Any) -> Any:
            return await guard.extension.resolve_async(_grant_async, parent, info, **given(parent))

        verdicts: list[Any] = []
        if guard.is_async:
            verdicts = await settled(map(ask, asked))
        else:
            for parent in asked:
                try:
                    verdicts.append(guard.extension.resolve(_grant, parent, info, **given(parent)))
                except Exception as error:  # noqa: BLE001  # it is this parent's
                    verdicts.append(error)
        return verdicts * len(parents) if guard.is_per_request else verdicts

    def _info(self, field: Field, path: Path) -> Info:
        raw = self.build_resolve_info(field.definition, field.nodes, field.parent_type, path)
        info: Info = self._strawberry.config.info_class(_raw_info=raw, _field=field.strawberry_field)
        return info

    def _python_arguments(
        self, field: Field, arguments: Mapping[str, Any], info: Info
    ) -> tuple[list[Any], dict[str, Any]]:
        """Convert arguments to Python, with marks in the places of the parent and the info."""
        assert field.strawberry_field is not None  # noqa: S101
        positional, named = get_arguments(
            field=field.strawberry_field,
            source=_SOURCE,
            info=info,
            kwargs=arguments,
            config=self._strawberry.config,
            scalar_registry=self._strawberry.schema_converter.scalar_registry,
        )
        return positional, {name: _INFO if value is info else value for name, value in named.items()}

    @property
    def _strawberry(self) -> Any:
        return self.schema._strawberry_schema  # type: ignore[attr-defined]


def _resolve_many(
    field: Field, many: Callable[..., Any], parents: Sequence[Any], info: Info, named: Mapping[str, Any]
) -> Any:
    """Call the resolver of a whole column; gives a list, or an awaitable of it where it takes time."""
    try:
        resolved = many(parents, info, **named)
        return (
            _later(field, resolved, len(parents)) if isawaitable(resolved) else _listed(field, resolved, len(parents))
        )
    except Exception as error:  # noqa: BLE001  # it is every parent's
        return [error] * len(parents)


async def _later(field: Field, resolving: Awaitable[Any], number: int) -> list[Any]:
    try:
        return _listed(field, await asyncio.ensure_future(resolving), number)
    except Exception as error:  # noqa: BLE001  # it is every parent's
        return [error] * number


def _listed(field: Field, values: Any, number: int) -> list[Any]:
    if len(values) != number:
        raise TypeError(f"{field.parent_type}.{field.name} gave {len(values)} values for {number}.")
    return values if isinstance(values, list) else list(values)


def _read_each(field: Field, parents: Sequence[Any]) -> list[Any]:
    read = field.attribute
    assert read is not None  # noqa: S101
    values: list[Any] = []
    for parent in parents:
        try:
            values.append(read(parent))
        except Exception as error:  # noqa: BLE001  # it is this parent's
            values.append(error)
    return values


def _grant(source: Any, info: Info, **_: Any) -> Any:
    return _GRANTED


async def _grant_async(source: Any, info: Info, **_: Any) -> Any:
    return _GRANTED
