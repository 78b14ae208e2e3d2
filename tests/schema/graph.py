"""Asks the graph in-process: the real engine and schema on a real database, as a named account."""

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from graphql import GraphQLError

from auth.mfa.sealing import OPERATIONS, SecretSeal
from auth.tokens import Claims
from gateway.app import page_size
from gateway.context import context_opener
from gateway.execution import Engine, RequestError
from gateway.http import ErrorFormatter
from gateway.settings import Limits
from resolvers.context import Context
from resolvers.database import Database, unavailable
from resolvers.reads.cursors import CursorSeal
from resolvers.trace import Trace
from schema.build import build_schema
from tests.executors import EXECUTOR_CLASS
from tests.schema.world import World


@dataclass(frozen=True)
class Answer:
    """What a client is answered: `data` is None if there is none, `errors` are as clients read them."""

    data: Any
    errors: list[dict[str, Any]]
    trace: Trace

    @property
    def whole(self) -> Any:
        """The data of an answer without errors."""
        assert self.errors == [], self.errors
        return self.data

    @property
    def refusal(self) -> dict[str, Any]:
        """The `extensions` of the one error: the code and what it says beside the message."""
        assert len(self.errors) == 1, self.errors
        extensions: dict[str, Any] = self.errors[0]["extensions"]
        return extensions


class Graph:
    """The graph over one database, for the accounts of a world.

    `limits` are those of a document; they are wide by default, so that what answers is the schema.
    """

    def __init__(
        self,
        database: Database,
        world: World,
        *,
        limits: Limits | None = None,
        seal: CursorSeal | None = None,
    ) -> None:
        self.database = database
        self.world = world
        limits = limits or Limits(tokens=100_000, aliases=1000, objects=10**9)
        self.schema = build_schema()
        self._engine = Engine(self.schema, limits, page_size, executor_class=EXECUTOR_CLASS)
        self._open_context = context_opener(
            database, seal or CursorSeal(b"k" * 32), SecretSeal([b"s" * 32], OPERATIONS)
        )
        self._errors = ErrorFormatter(unavailable)

    async def ask(self, email: str | None, document: str, variables: Mapping[str, Any] | None = None) -> Answer:
        """Execute a document as an account of the world, or as the anonymous.

        Variables are JSON, and so is what is answered. A fault of ours, which clients would see masked, is raised.
        """
        trace = Trace()
        try:
            operation = self._engine.bind(self._engine.prepare(document), variables=variables)
        except RequestError as error:
            return Answer(None, self._shown(error.errors), trace)
        async with self.open(email, trace) as context:
            result = await self._engine.execute(operation, context)
        return Answer(json.loads(json.dumps(result.data)), self._shown(result.errors or ()), trace)

    def open(self, email: str | None, trace: Trace) -> AbstractAsyncContextManager[Context]:
        """Open the context of one operation of an account of the world, or of the anonymous."""
        return self._open_context(None if email is None else _claims(self.world.account(email).id), trace)

    async def keep_topology(self, email: str) -> None:
        """Let the topology be read and kept, so that from now on a query takes as many statements as the next time."""
        (await self.ask(email, "{ regions { code } }")).whole  # noqa: B018 - asserts that there are no errors

    def _shown(self, errors: Any) -> list[dict[str, Any]]:
        shown = self._errors.show(errors)
        for error, seen in zip(errors, shown, strict=True):
            if seen.code == "INTERNAL_SERVER_ERROR":
                raise _fault(error)
        return [seen.body for seen in shown]


def _fault(error: GraphQLError) -> Exception:
    while isinstance(error.original_error, GraphQLError):
        error = error.original_error
    return error.original_error or error


def _claims(subject: UUID) -> Claims:
    now = datetime.now(UTC)
    return Claims(subject, now, now + timedelta(minutes=10), None, None, (), None)
