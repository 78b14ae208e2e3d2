"""The executor: what of an operation is done breadth first, and what is left to graphql-core."""

import asyncio
from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLOutputType,
    GraphQLResolveInfo,
    get_named_type,
    is_composite_type,
    is_introspection_type,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import Path

from gateway.execution.breadth_first.completion import ColumnCompleter
from gateway.execution.breadth_first.objects import Failure
from gateway.execution.breadth_first.plan import Field, Plan
from gateway.execution.breadth_first.waiting import Turns, start


class BreadthFirstExecutor(ColumnCompleter):
    """Executes root fields as graphql-core does, and completes what they give breadth first.

    Set `plan` to share what is the same for every request of the operation, `turns` to let all operations of a process
    take turns, and `on_fallback` to hear of operations that are left to graphql-core, with the reason.
    """

    on_fallback: Callable[[str], None] = staticmethod(lambda reason: None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plan, self.turns = Plan(), Turns()
        self._fell_back: str | None = None

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: list[FieldDetails],
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete the value of a root field: breadth first, if it is one or more objects of the schema's own."""
        named = get_named_type(return_type)
        if not is_composite_type(named) or is_introspection_type(named) or self._falls_back(position_context):
            return super().complete_value(return_type, field_details_list, info, path, result, position_context)
        definition = self.schema.get_field(info.parent_type, info.field_name)
        assert definition is not None  # noqa: S101  # it has just been resolved
        field = self.plan.root(str(path.key), field_details_list, info.parent_type, definition)
        return start(self._complete_root(return_type, field, path, result))

    async def _complete_root(self, type_: GraphQLOutputType, field: Field, path: Path, result: Any) -> Any:
        (completed,) = await self.complete(type_, field, [result], lambda _: path)
        if type(completed) is Failure:
            raise completed.error
        return completed

    def _falls_back(self, position_context: Any) -> bool:
        if self._fell_back is None:
            self._fell_back = self._unsupported(position_context)
            if self._fell_back:
                self.on_fallback(self._fell_back)
        return bool(self._fell_back)

    def _unsupported(self, position_context: Any) -> str:
        """Say why an operation is left to graphql-core; an empty text if it is not."""
        if not self.error_propagation:
            return "error propagation disabled"
        if position_context is not None or self.schema.get_directive("defer") or self.schema.get_directive("stream"):
            return "incremental delivery"
        if self.middleware_manager is not None and self.middleware_manager.middlewares:
            return "middleware"
        if self.abort_signal is not None:
            return "abort signal"
        if any(fragment.variable_signatures for fragment in self.fragments.values()):
            return "fragment arguments"
        strawberry = getattr(self.schema, "_strawberry_schema", None)
        if strawberry is None:
            return "not a Strawberry schema"
        if strawberry.exception_handlers:
            return "exception handlers"
        if asyncio._get_running_loop() is None:
            return "no event loop"
        return ""
