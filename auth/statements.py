"""SQL for the driver itself: built by SQLAlchemy once, then kept as text with places for the values of each execution.

What changes from one execution to the next is a named parameter (`bindparam`); a literal is the same every time.
Building and compiling a select costs more than all the rest of a small query, so that statements are kept by their
shape: whatever decides the text, and none of the values.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, bindparam, make_url
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.types import TypeEngine

DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


def connect_arguments(url: str) -> dict[str, Any]:
    """Give asyncpg's arguments for SQLAlchemy's URL of a database."""
    arguments: dict[str, Any] = DIALECT.create_connect_args(make_url(url))[1]  # type: ignore[no-untyped-call]
    return arguments


class Statement:
    """A select as text, and the values or the names of its parameters, in their order."""

    __slots__ = ("_fixed", "_names", "select", "text")

    def __init__(self, select: Executable) -> None:
        compiled: Any = select.compile(dialect=DIALECT)  # type: ignore[attr-defined]
        self.select = select
        self.text: str = compiled.string
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        self._fixed: Mapping[str, Any] = {
            compiled.bind_names[bind]: bind.value for bind in compiled.bind_names if not bind.required
        }

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """Give the values of the parameters; raises KeyError for one that is not given."""
        fixed = self._fixed
        return [values[name] if name in values else fixed[name] for name in self._names]


Fetch = Callable[[Statement, Mapping[str, Any]], Awaitable[Sequence[Any]]]
"""Runs one statement with the values of its parameters, in the caller's transaction, and gives its rows."""


class Statements:
    """The statements used last, by shape."""

    def __init__(self, size: int = 256) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, Statement] = OrderedDict()

    def get(self, shape: Hashable, build: Callable[[], Executable]) -> Statement:
        """Give the statement of a shape, built if it is not there."""
        statement = self._kept.get(shape)
        if statement is None:
            statement = self._kept[shape] = Statement(build())
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(shape)
        return statement


class Parameters:
    """Names parameters while a statement is built: one more at each call, in the order in which values will come."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.used = 0

    def __call__(self, type_: TypeEngine[Any]) -> BindParameter[Any]:
        """Give the next parameter."""
        name = f"{self._prefix}{self.used}"
        self.used += 1
        return bindparam(name, type_=type_)

    def named(self, values: list[Any]) -> dict[str, Any]:
        """Name values as the parameters are named."""
        return {f"{self._prefix}{n}": value for n, value in enumerate(values)}
