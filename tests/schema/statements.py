"""Watches the statements that operations run: how many, and whether the caller's scope is in each."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import BindParameter, ColumnClause, ColumnElement, FromClause, Join, Select, Table
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression, False_
from sqlalchemy.sql.selectable import Alias

from auth.statements import Statement
from auth.tables import Cloud, Membership, Organization, table
from resolvers.database import Database

KEYS = {table(Organization): "id", table(Cloud): "id"}
"""The column by which a table is held to a scope, where it is not the Cloud's."""


@contextmanager
def executed(database: Database) -> Iterator[list[Statement]]:
    """Collect the statements that a database is sent."""
    statements: list[Statement] = []
    before = database.watch
    database.watch = statements.append
    try:
        yield statements
    finally:
        database.watch = before


def unscoped(statement: Any) -> list[str]:
    """Name the tables of tenants that a statement reads without holding them to a scope.

    A table is held by a condition on its Cloud, or tied to another of the statement by its organization and a key.
    """
    found = []
    for select in visitors.iterate(statement):
        if isinstance(select, Select):
            sources, conditions = _parts(select)
            found += [of.name for of in sources if _is_tenant(of) and not _is_held(of, conditions)]
    return found


def _parts(select: Select[Any]) -> tuple[list[Table | Alias], list[ColumnElement[Any]]]:
    """Give the tables that a select reads from, and all that it and its joins demand of them."""
    sources: list[Table | Alias] = []
    demanded = [] if select.whereclause is None else [select.whereclause]
    pending: list[FromClause] = list(select.get_final_froms())
    while pending:
        of = pending.pop()
        if isinstance(of, Join):
            pending += [of.left, of.right]
            demanded.append(of.onclause) if of.onclause is not None else None
        elif isinstance(of, Table | Alias):
            sources.append(of)
    return sources, [part for clause in demanded for part in _conjuncts(clause)]


def _conjuncts(clause: Any) -> Iterator[ColumnElement[Any]]:
    """Give the conditions that all have to hold; what is one of several is none of them."""
    if getattr(clause, "operator", None) is operators.and_:
        for part in clause.get_children():
            yield from _conjuncts(part)
    elif type(clause).__name__ == "Grouping":
        yield from _conjuncts(clause.element)
    else:
        yield clause


def _is_tenant(of: Table | Alias) -> bool:
    return "cloud_id" in of.c or _base(of) in KEYS


def _base(of: Table | Alias) -> Any:
    return of.element if isinstance(of, Alias) else of


def _is_held(of: Table | Alias, conditions: list[ColumnElement[Any]]) -> bool:
    key = of.c[KEYS.get(_base(of), "cloud_id")]
    ties: set[str] = set()
    for condition in conditions:
        if isinstance(condition, False_):
            return True
        if not isinstance(condition, BinaryExpression) or condition.operator is not operators.eq:
            continue
        left, right = condition.left, condition.right
        if left is key and _is_given(right):
            return True
        if _base(of) is table(Membership) and left is of.c.account_id:
            return True
        for own, other in ((left, right), (right, left)):
            if isinstance(own, ColumnClause) and isinstance(other, ColumnClause) and own.table is of:
                ties.add("organization_id" if _is_organization(of, own) else own.name)
                ties.add(own.name)
    return "organization_id" in ties and len(ties) > 1


def _is_organization(of: Table | Alias, column: ColumnClause[Any]) -> bool:
    return _base(of) is table(Organization) and column.name == "id"


def _is_given(value: Any) -> bool:
    """Tell whether something is made of nothing but values that the caller did not choose the place of."""
    leaves = [part for part in visitors.iterate(value) if not list(part.get_children())]
    return bool(leaves) and all(isinstance(part, BindParameter) for part in leaves)
