"""Breadth-first execution of any Strawberry schema: a column of values at a time instead of a field at a time.

graphql-core completes one value after another, and each value costs it several calls, whatever the value is. Most of
that is the same for all objects that one selection set applies to. So here a selection set is applied to all of them at
once:

    { resources { name service { name } } }

    the list                [resource, resource, resource, …]
    column `name`           [r.name for r in resources]              one check of the types that it holds
    column `service`        one call of the edge for all resources   one batch, one future
      column `name`         …
    rows                    built from the columns, keys and all

What a schema means does not change: dataloaders, permission classes, resolvers, abstract types, errors and where they
turn to null are graphql-core's. `tests/differential/` holds this executor to it. Root fields, and with them the serial
order of mutations, the events of subscriptions and introspection, stay with graphql-core altogether.

    executor.py    the executor: what of an operation is done here, and what is left to graphql-core
    completion.py  columns of raw values become columns of results: nulls and errors, scalars, lists
    objects.py     the same for objects: of which types they are, and rows of what is selected
    resolving.py   columns of parents become columns of raw values, by attribute, by column or one by one
    plan.py        what is the same for every request of an operation: fields, how they resolve, how rows are built
    leaves.py      columns of scalars and enums, serialized at once
    waiting.py     side by side without a task for what need not wait

A field extension takes part by a method `resolve_many(sources, info, **arguments)`, which gives one value per source,
in order, or an awaitable of these; an exception among them is an error of that source alone. A permission class with
`per_request = True` is asked once per field and operation instead of once per parent. An interface's class may name the
types of many values by `resolve_types(values)`, and what serializes a scalar may have a method `many(values)`.
"""

from gateway.execution.breadth_first.executor import BreadthFirstExecutor
from gateway.execution.breadth_first.plan import Plan
from gateway.execution.breadth_first.waiting import Turns

__all__ = ["BreadthFirstExecutor", "Plan", "Turns"]
