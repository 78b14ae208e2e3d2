"""What every filter is made of: conditions that may be absent, texts, ranges, lists of values."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, TypeVar

import strawberry
from strawberry import ID, UNSET

from auth.errors import BadUserInput, LimitExceeded
from resolvers.reads.predicates import All, In, Match, Not, Overlaps, Predicate, Range, Scalar, Text
from schema.ids import key_of

V = TypeVar("V")
MOST_VALUES = 1000


def asked(description: str, *, name: str | None = None) -> Any:
    """Declare a field of a filter that may be absent."""
    return strawberry.field(default=UNSET, description=description, name=name)


def given(value: Any) -> bool:
    """Tell whether a field of a filter asks anything."""
    return value is not UNSET and value is not None


def among(field: str, values: Sequence[Scalar] | None) -> list[Predicate]:
    """Hold a field to some values; asks nothing if they were not given, raises LimitExceeded if there are too many."""
    if values is UNSET or values is None:
        return []
    return [In(field, _distinct(values))]


def _distinct(values: Sequence[V]) -> tuple[V, ...]:
    if len(values) > MOST_VALUES:
        raise LimitExceeded(
            f"A list of values in the filter has {len(values)}; at most {MOST_VALUES} are compared.",
            limit="filterValues",
            value=len(values),
            maximum=MOST_VALUES,
        )
    return tuple(dict.fromkeys(values))


def flag(field: str, value: bool | None) -> list[Predicate]:
    """Hold a field to yes or no; asks nothing if that was not given."""
    return [In(field, (value,))] if given(value) and value is not None else []


def keys_among(field: str, ids: list[ID] | None, *types: str, argument: str) -> list[Predicate]:
    """Hold a field to the things that some ids mean; raises BadUserInput if one is not an id."""
    if ids is UNSET or ids is None:
        return []
    keys = [key_of(value, *types, argument=argument) for value in _distinct(ids)]
    return among(field, [key for key in keys if key is not None])


def addresses(values: list[str] | None, *, argument: str) -> list[Predicate]:
    """Hold a resource to some IP addresses; raises BadUserInput, naming the argument, if one is none."""
    if values is UNSET or values is None:
        return []
    return [Overlaps("ip_addresses", tuple(_address(value, argument) for value in _distinct(values)))]


def _address(value: str, argument: str) -> IPv4Address | IPv6Address:
    # Python reads an interface behind the address (fe80::1%eth0), PostgreSQL would compare without it.
    with suppress(ValueError):
        if "%" not in value:
            return ip_address(value)
    raise BadUserInput("This is not an IP address, like 10.0.0.1 or 2001:db8::1.", argument=argument)


@strawberry.input(description="How a text compares. Operators side by side all hold.")
class StringFilter:
    """How a text compares."""

    eq: str | None = asked("It is exactly this.")
    in_: list[str] | None = asked("It is exactly one of these.", name="in")
    not_: str | None = asked("It is not exactly this.", name="not")
    starts_with: str | None = asked("It starts with this.")
    contains: str | None = asked("It contains this.")
    contains_text: str | None = asked("It contains this, ignoring case.")

    def predicate(self, field: str) -> Predicate:
        """Say what it means for a field."""
        parts: list[Predicate] = []
        if given(self.eq):
            parts.append(In(field, (self.eq or "",)))
        parts += among(field, self.in_)
        if given(self.not_):
            parts.append(Not(In(field, (self.not_ or "",))))
        for match, value in (
            (Match.STARTS_WITH, self.starts_with),
            (Match.CONTAINS, self.contains),
            (Match.CONTAINS_TEXT, self.contains_text),
        ):
            if value is not UNSET and value is not None:
                parts.append(Text(field, match, value))
        return All(tuple(parts))


@strawberry.input(description="A half-open range of time: from a point on, before another.")
class DateTimeRange:
    """A half-open range of time."""

    from_: datetime | None = asked("Not before this.", name="from")
    before: datetime | None = asked("Before this.")

    def predicate(self, field: str) -> Predicate:
        """Say what it means for a field."""
        return Range(field, at_least=self.from_ or None, before=self.before or None)


@strawberry.input(description="A closed range of whole numbers.")
class IntRange:
    """A closed range of whole numbers."""

    from_: int | None = asked("At least this.", name="from")
    to: int | None = asked("At most this.")

    def predicate(self, field: str) -> Predicate:
        """Say what it means for a field."""
        return Range(
            field,
            at_least=None if self.from_ is UNSET else self.from_,
            to=None if self.to is UNSET else self.to,
        )
