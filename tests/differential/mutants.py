"""The executor with a bug each: what the comparison has to find."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from graphql import (
    REMOVE,
    DirectiveNode,
    FieldNode,
    GraphQLInt,
    GraphQLList,
    GraphQLObjectType,
    Visitor,
    get_nullable_type,
    visit,
)
from graphql.pyutils import Path

from gateway.execution.breadth_first import BreadthFirstExecutor, Plan
from gateway.execution.breadth_first.objects import Failure

# What stands for "let it pass" between guards and fields.
from gateway.execution.breadth_first.resolving import _GRANTED

Executor = BreadthFirstExecutor


class ErrorsDoNotRise(Executor):
    """An error makes null what cannot be null."""

    async def complete(self, type_: Any, *rest: Any) -> list[Any]:
        return await super().complete(get_nullable_type(type_), *rest)


class NullIsLetThrough(Executor):
    """Null is given where there must be none, without an error."""

    def _without_null(self, field: Any, results: list[Any], where: Any) -> list[Any]:
        return results


class ErrorsAreLost(Executor):
    """A null is given without its error."""

    def _nulled(self, results: list[Any], where: Any) -> list[Any]:
        return [None if type(result) is Failure else result for result in results]


class ErrorsAreElsewhere(Executor):
    """The path of an error leads to the first item of a list."""

    def fail(self, field: Any, error: Exception, path: Path) -> Failure:
        first: Path | None = None
        for key in path.as_list():
            first = Path(first, 0 if isinstance(key, int) else key, None)
        assert first is not None
        return super().fail(field, error, first)


class TypesAreSwapped(Executor):
    """The objects of several types come back in another order."""

    async def complete_abstract(self, *column: Any) -> list[Any]:
        return (await super().complete_abstract(*column))[::-1]


class TypesAreNotAsked(Executor):
    """An object may be of a type that does not know it."""

    async def _checked(self, type_: Any, field: Any, values: list[Any], where: Any) -> list[Any]:
        return list(values)


class TypesAreTakenForOne(Executor):
    """Objects of types that have their fields in common are all of the first of these types."""

    async def _complete_rows(self, selection: Any, parents: list[Any], where: Any, types: Any = None) -> list[Any]:
        return await super()._complete_rows(selection, parents, where, types and types[:1] * len(types))


class SharedThingsFailElsewhere(Executor):
    """The errors of things in many places are told of the first places there are."""

    async def complete_distinct(self, complete: Any, values: list[Any], where: Any) -> list[Any]:
        distinct = {id(value): value for value in values}
        if len(distinct) < len(values):
            await complete(list(distinct.values()), where)
        return await super().complete_distinct(complete, values, where)


class ListsLoseTheirPlace(Executor):
    """The items of lists of different lengths are shared out from the wrong end."""

    async def _complete_lists(self, type_: GraphQLList[Any], *column: Any) -> list[Any]:
        lists = await super()._complete_lists(type_, *column)
        whole = [items for items in lists if type(items) is not Failure]
        items = iter(list(chain.from_iterable(whole)))
        mixed = iter([list(islice(items, len(of))) for of in reversed(whole)])
        return [items if type(items) is Failure else next(mixed) for items in lists]


class BoolsAreInts(Executor):
    """True is an Int."""

    def _complete_leaves(self, leaf: Any, field: Any, values: list[Any], kinds: set[type], where: Any) -> list[Any]:
        if leaf is GraphQLInt and kinds <= {bool}:
            return values
        return super()._complete_leaves(leaf, field, values, kinds, where)


class ColumnsAreOfTheFirstType(Executor):
    """A column whose first value is right is not looked at any further."""

    def _complete_leaves(self, leaf: Any, field: Any, values: list[Any], kinds: set[type], where: Any) -> list[Any]:
        return super()._complete_leaves(leaf, field, values, {type(values[0])}, where)


class _Stripping(Visitor):
    def enter_directive(self, node: DirectiveNode, *_: Any) -> Any:
        return REMOVE if node.name.value in ("skip", "include") else None


class SkipIsIgnored(Executor):
    """@skip and @include do nothing, but in named fragments."""

    def collect_subfields(self, return_type: GraphQLObjectType, details: Any) -> Any:
        stripped = [detail._replace(node=_stripped(detail.node)) for detail in details]
        return super().collect_subfields(return_type, stripped)


class PlansAreMixedUp(Executor):
    """What was skipped by one request of a document is skipped by all."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "plan" and isinstance(value, Plan):
            value = self.operation.__dict__.setdefault("a plan", value)
        super().__setattr__(name, value)


class SelectionsAreNotMerged(Executor):
    """Of a field that is selected twice, one selection is executed."""

    def collect_subfields(self, return_type: GraphQLObjectType, details: Any) -> Any:
        return super().collect_subfields(return_type, details[:1])


class KeysAreSorted(Executor):
    """The fields of a result come in alphabetical order."""

    def collect_subfields(self, return_type: GraphQLObjectType, details: Any) -> Any:
        collected = super().collect_subfields(return_type, details)
        return collected._replace(grouped_field_set=dict(sorted(collected.grouped_field_set.items())))


class PermissionsAreNotAsked(Executor):
    """Everyone may see everything."""

    async def _ask(self, guard: Any, parents: Sequence[Any], *rest: Any) -> list[Any]:
        return [_GRANTED] * len(parents)


class PermissionsAreAskedOnce(Executor):
    """What holds for one parent holds for all."""

    async def _ask(self, guard: Any, parents: Sequence[Any], *rest: Any) -> list[Any]:
        return await super()._ask(guard, parents[:1], *rest) * len(parents)


class OneFailsAll(Executor):
    """The error of one key is the error of the column."""

    def resolve(self, field: Any, *column: Any) -> Any:
        def failing(values: list[Any]) -> list[Any]:
            error = next((value for value in values if isinstance(value, Exception)), None)
            return values if error is None else [error] * len(values)

        values = super().resolve(field, *column)
        return _changed(values, failing) if field.many else values


class ColumnsComeBackTurned(Executor):
    """The values of a column are given to the wrong parents."""

    def resolve(self, field: Any, *column: Any) -> Any:
        values = super().resolve(field, *column)
        return _changed(values, lambda values: values[::-1]) if field.many else values


class DefaultsAreDropped(Executor):
    """An argument that is not given has no value."""

    def _arguments(self, field: Any) -> Any:
        arguments = super()._arguments(field)
        given = {argument.name.value for argument in field.nodes[0].arguments or ()}
        return {name: value for name, value in arguments.items() if name in given}


def _changed(values: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    """Change the values of a column that may have to be awaited."""

    async def change_later() -> list[Any]:
        return change(await values)

    return change(values) if isinstance(values, list) else change_later()


def _stripped(node: FieldNode) -> FieldNode:
    if node.selection_set is None:
        return node
    return replace(node, selection_set=visit(node.selection_set, _Stripping()))


MUTANTS = (
    ErrorsDoNotRise, NullIsLetThrough, ErrorsAreLost, ErrorsAreElsewhere, TypesAreSwapped, TypesAreNotAsked,
    TypesAreTakenForOne, SharedThingsFailElsewhere, ListsLoseTheirPlace, BoolsAreInts, ColumnsAreOfTheFirstType,
    SkipIsIgnored, PlansAreMixedUp, SelectionsAreNotMerged,
    KeysAreSorted, PermissionsAreNotAsked, PermissionsAreAskedOnce, OneFailsAll, ColumnsComeBackTurned,
    DefaultsAreDropped,
)  # fmt: skip
