"""One context per operation: a snapshot of the database, who is calling, and the loaders that read in their name."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Protocol

from auth.audit.records import Entry
from auth.mfa.sealing import SecretSeal
from auth.principal import Principals
from auth.tokens import Claims
from resolvers.context import NOWHERE, Caller, Context, Origin, record_nothing
from resolvers.database import ConnectionLost, Database
from resolvers.letters import Post, keep_nothing
from resolvers.loaders import Loaders
from resolvers.reads.counts import SECONDS
from resolvers.reads.cursors import CursorSeal
from resolvers.reads.topology import Topologies, load_caller
from resolvers.snapshot import Snapshot, open_snapshot
from resolvers.trace import Trace


class OpenContext(Protocol):
    """Opens the context of an operation for whoever has these claims, and closes it when the result is complete."""

    def __call__(
        self, claims: Claims | None, trace: Trace, origin: Origin = NOWHERE
    ) -> AbstractAsyncContextManager[Context]:
        """Give the context, for use in `async with`; `origin` is where the operation comes from."""
        ...


def context_opener(
    database: Database,
    seal: CursorSeal,
    secrets: SecretSeal,
    *,
    count_seconds: float = SECONDS,
    denied: Callable[[Entry], None] = record_nothing,
    post: Post = keep_nothing,
) -> OpenContext:
    """Make what opens the context of an operation; the anonymous get one without a database connection.

    A count or a facet that takes longer than `count_seconds` is given up. `secrets` seals what operations bring to a
    driver, `denied` records what was denied, `post` takes the letters of what was committed.
    """
    principals, topologies = Principals(), Topologies()

    @asynccontextmanager
    async def open_context(claims: Claims | None, trace: Trace, origin: Origin = NOWHERE) -> AsyncIterator[Context]:
        if claims is None:
            yield Context()
            return
        async with AsyncExitStack() as stack:
            snapshot, caller = await _opened(stack, claims, trace, origin)
            yield Context(caller, renew=lambda: _caller(snapshot, claims, origin))

    async def _opened(stack: AsyncExitStack, claims: Claims, trace: Trace, origin: Origin) -> tuple[Snapshot, Caller]:
        snapshot = await stack.enter_async_context(open_snapshot(database, trace))
        try:
            return snapshot, await _caller(snapshot, claims, origin)
        except ConnectionLost:
            pass
        # The connection had died in the pool. Nothing was read yet, so a new one serves as well.
        await stack.aclose()
        snapshot = await stack.enter_async_context(open_snapshot(database, trace))
        return snapshot, await _caller(snapshot, claims, origin)

    async def _caller(snapshot: Snapshot, claims: Claims, origin: Origin) -> Caller:
        caller = await load_caller(snapshot, principals, claims.subject, claims.session_id)
        loaders = Loaders(snapshot, caller, topologies, count_seconds=count_seconds)
        return Caller(caller.principal, loaders, seal, secrets, claims, origin, denied, post)

    return open_context
