"""Predicates and their shapes: what is kept for one filter serves every other of the same shape, and no other."""

from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from auth.statements import Parameters, Statement, Statements
from resolvers.reads.predicates import All, AnyOf, Exists, In, Match, Not, Overlaps, Predicate, Range, Text
from resolvers.reads.relations import RESOURCE, RESOURCE_FIELDS

texts = st.sampled_from(["", "a", "web", "\U0010ffff", "a\U0010ffff", "\ud7ff"])
keys = st.sampled_from([UUID(int=1), UUID(int=2)])
numbers = st.none() | st.integers(1, 9)
moments = st.none() | st.sampled_from([datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)])
addresses = st.sampled_from([ip_address("10.0.0.1"), ip_address("::1")])


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=3).map(tuple)


tagged = st.one_of(
    st.builds(In, st.sampled_from(["key", "value"]), some(texts)),
    st.builds(Text, st.just("value"), st.sampled_from(Match), texts),
)
leaves: st.SearchStrategy[Predicate] = st.one_of(
    st.builds(In, st.sampled_from(["name", "type"]), some(texts)),
    st.builds(In, st.just("cloud"), some(keys)),
    st.builds(In, st.just("on_call"), some(st.booleans())),
    st.builds(Text, st.just("name"), st.sampled_from(Match), texts),
    st.builds(Range, st.just("revision"), numbers, numbers, numbers),
    st.builds(Range, st.just("created_at"), moments, moments, moments),
    st.builds(Overlaps, st.just("ip_addresses"), some(addresses)),
    st.builds(Exists, st.just("tag"), st.builds(All, st.lists(tagged, max_size=2).map(tuple))),
    st.builds(Exists, st.just("instance"), st.builds(Range, st.just("cpu"), numbers, numbers)),
)
predicates = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)


def statement(predicate: Predicate) -> Statement:
    return Statement(select(RESOURCE.c.id).where(predicate.sql(RESOURCE_FIELDS, Parameters("w"))))


def arguments(of: Statement, predicate: Predicate) -> Sequence[Any]:
    return of.arguments(Parameters("w").named(list(predicate.values)))


@given(predicate=predicates)
def test_a_predicate_has_a_value_for_every_parameter_of_its_statement(predicate: Predicate) -> None:
    parameter = Parameters("w")
    made = Statement(select(RESOURCE.c.id).where(predicate.sql(RESOURCE_FIELDS, parameter)))
    values = list(predicate.values)
    # What is false anyway leaves no trace in the statement, but its parameters count.
    assert parameter.used == len(values)
    assert made.text.count("$") >= len(arguments(made, predicate))


@given(one=predicates, other=predicates)
def test_predicates_of_one_shape_share_a_statement(one: Predicate, other: Predicate) -> None:
    if one.shape == other.shape:
        assert statement(one).text == statement(other).text
        assert len(arguments(statement(one), other)) == len(arguments(statement(other), other))
    elif statement(one).text != statement(other).text:
        assert one.shape != other.shape


@given(values=st.lists(texts, min_size=2, max_size=2), bounds=st.lists(st.integers(1, 9), min_size=2, max_size=2))
def test_only_the_values_tell_filters_of_one_kind_apart(values: list[str], bounds: list[int]) -> None:
    def ask(value: str, bound: int) -> Predicate:
        tag = Exists("tag", All((In("key", ("team",)), In("value", (value,)))))
        return AnyOf((Not(tag), All((Range("revision", bound), In("name", (value, value))))))

    first, second = (ask(value, bound) for value, bound in zip(values, bounds, strict=True))
    assert first.shape == second.shape
    kept = statement(first)
    assert kept.text == statement(second).text
    assert arguments(kept, second) == arguments(statement(second), second)


def test_statements_are_built_once_for_each_shape_and_the_oldest_is_forgotten() -> None:
    statements, built = Statements(size=2), []

    def build(shape: str) -> Statement:
        def make() -> Any:
            built.append(shape)
            return select(RESOURCE.c.id)

        return statements.get(shape, make)

    assert build("a") is build("a")
    for shape in ("b", "a", "c", "a", "b"):
        build(shape)
    assert built == ["a", "b", "c", "b"]
