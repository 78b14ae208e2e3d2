"""Checks that all servers give the same answers, before any is measured."""

from collections.abc import Sequence
from typing import Any

from benchmarks.queries import Query
from benchmarks.servers.process import Server


class Disagreement(Exception):
    """Two servers answered differently; the message says where."""


def check(servers: Sequence[Server], queries: Sequence[Query]) -> int:
    """Compare the answers of all servers to some variants of every query; return how many resources were compared.

    Raises:
        Disagreement: two answers differ, or one has errors.
    """
    compared = 0
    for query in queries:
        choices = servers[0].dialect.variants(query)
        for variant in sorted({0, choices // 3, choices - 1}):
            answers = {server.name: _answer(server, query, variant) for server in servers}
            (first, expected), *others = answers.items()
            for name, answer in others:
                if found := difference(expected, answer):
                    raise Disagreement(f"{first} and {name} answer the query {query}, {variant}, differently: {found}")
            compared += _resources(expected)
    return compared


def difference(one: Any, other: Any, path: str = "data") -> str | None:
    """Say where two answers first differ; None if they are equal."""
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return f"{path} has the fields {sorted(one)} and {sorted(other)}"
        return next((found for key in one if (found := difference(one[key], other[key], f"{path}.{key}"))), None)
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return f"{path} has {len(one)} and {len(other)} items"
        pairs = enumerate(zip(one, other, strict=True))
        return next((found for n, (a, b) in pairs if (found := difference(a, b, f"{path}[{n}]"))), None)
    return None if one == other else f"{path} is {one!r} and {other!r}"


def _answer(server: Server, query: Query, variant: int) -> Any:
    try:
        return server.dialect.answer(server.ask(query, variant))
    except ValueError as error:
        raise Disagreement(f"{server.name} does not answer the query {query}, {variant}: {error}") from error


def _resources(answer: Any) -> int:
    """Count the things with tags."""
    if isinstance(answer, list):
        return sum(map(_resources, answer))
    if not isinstance(answer, dict):
        return 0
    return int("tags" in answer) + sum(_resources(value) for value in answer.values())
