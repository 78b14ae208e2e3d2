"""Columns of scalars and enums, serialized at once where that gives what one by one gives."""

from collections.abc import Callable, Collection, Mapping
from math import isfinite
from types import NoneType
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
    Undefined,
)

INT = range(-(2**31), 2**31)


def _is_int(values: list[Any]) -> bool:
    return min(values) in INT and max(values) in INT


def _is_finite(values: list[Any]) -> bool:
    return all(map(isfinite, values))


IDENTICAL: Mapping[GraphQLLeafType, tuple[type, Callable[[list[Any]], bool] | None]] = {
    GraphQLString: (str, None),
    GraphQLID: (str, None),
    GraphQLBoolean: (bool, None),
    GraphQLInt: (int, _is_int),
    GraphQLFloat: (float, _is_finite),
}
"""The scalars whose values of exactly this Python type are their own results, if the check, if any, holds."""


def serialize(leaf: GraphQLLeafType, values: list[Any], kinds: set[type]) -> list[Any] | None:
    """Serialize a column whose values are of these Python types; None where each value needs a look of its own.

    What is None stays None. The column that is given back may be the one that was given.
    """
    present = kinds - {NoneType}
    given = values if len(present) == len(kinds) else [value for value in values if value is not None]
    if not given:
        return values
    if leaf in IDENTICAL:
        kind, check = IDENTICAL[leaf]
        return values if present == {kind} and (check is None or check(given)) else None
    if len(present) > 1:
        # Values of several types can be equal, like 1 and True, and yet be serialized differently.
        return None
    coerce = leaf.coerce_output_value
    results: Collection[Any]
    try:
        if isinstance(leaf, GraphQLEnumType):
            names = {value: coerce(value) for value in set(given)}
            column, results = list(map(names.__getitem__, given)), names.values()
        else:
            many = getattr(coerce, "many", None)
            column = results = list(map(coerce, given)) if many is None else many(given)
    except Exception:  # noqa: BLE001  # one by one, each gets its own error
        return None
    if any(result is None or result is Undefined for result in results):
        return None
    if given is values:
        return column
    filled = iter(column)
    return [None if value is None else next(filled) for value in values]
