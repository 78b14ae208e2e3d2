"""The audit log in the process: denials and checkpoints are written in the background while the gateway serves.

Allowed is recorded by `auth.audit.append`, last in the transaction of the command; denied by `Audit.denied`:

    audit.denied(Entry(organization_id, action, Decision.DENIED, Who.of(claims, email=…, host=…), code="FORBIDDEN"))
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from auth.audit.checkpoints import add_checkpoints
from auth.audit.denials import DenialLog
from auth.audit.records import PLATFORM, Decision, Entry, Who
from auth.keys import SigningKey, VerificationKey
from auth.tokens import Claims
from gateway.keys import KeyRing
from gateway.settings import Settings
from gateway.telemetry.logs import correlation_id
from resolvers.context import Origin
from resolvers.database import Database
from resolvers.transaction import open_transaction

LOOK_SECONDS = 10.0
"""How often to look for chains that have grown much."""
RECORDS = 1000
"""How many records without a checkpoint are much."""
CHECKPOINT_SECONDS = 300.0
"""How long a record waits for a checkpoint at the most."""

MUTATION = "mutation"
"""What a mutation is recorded as that is not known to be one in particular."""

_log = logging.getLogger(__name__)


class Audit:
    """What the process records beside commands; `running` must be entered for anything to be written.

    `signing` gives the key that signs at the moment.
    """

    def __init__(self, database: Database, signing: Callable[[], SigningKey]) -> None:
        self._database = database
        self._signing = signing
        self._denials = DenialLog(lambda: open_transaction(database))

    def denied(self, entry: Entry) -> None:
        """Record a denial, soon; never waits, never raises."""
        self._denials.record(entry)

    def refused_mutation(self, claims: Claims | None, code: str, origin: Origin) -> None:
        """Record a mutation that was refused before it was known what it is about."""
        who = Who.of(claims, host=origin.host)
        self.denied(Entry(PLATFORM, MUTATION, Decision.DENIED, who, code=code, correlation_id=origin.correlation_id))

    async def checkpoint(self, *, least: int = 1) -> int:
        """Sign the heads of chains with at least so many records since their last checkpoint; says how many."""
        async with open_transaction(self._database) as transaction:
            return await add_checkpoints(transaction.fetch, self._signing(), least=least)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write denials and checkpoints until the block ends; then what is left of both."""
        self._denials.start()
        signing = asyncio.create_task(self._sign(), name="checkpoints")
        try:
            yield
        finally:
            signing.cancel()
            with suppress(asyncio.CancelledError):
                await signing
            await self._denials.stop()
            await self._try_checkpoint(1)

    async def _sign(self) -> None:
        clock = asyncio.get_running_loop().time
        last = clock()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            due = clock() - last >= CHECKPOINT_SECONDS
            if await self._try_checkpoint(1 if due else RECORDS) and due:
                last = clock()

    async def _try_checkpoint(self, least: int) -> bool:
        try:
            await self.checkpoint(least=least)
        except Exception as error:  # noqa: BLE001  # whatever it is, the next one covers what this one would have
            _log.warning("Checkpoints cannot be signed now", exc_info=error)
            return False
        return True


def request_id() -> str | None:
    """The correlation id of the request that is being answered, for `Entry.correlation_id`; None outside of one."""
    known = correlation_id.get()
    return None if known == "-" else known


def public_keys(settings: Settings) -> dict[str, VerificationKey]:
    """Give the public keys that checkpoints are verified with, by their `kid`; raises KeyFileError."""
    return {key.kid: key for key in KeyRing(settings).published()}
