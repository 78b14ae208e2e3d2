"""What every resolver of one operation is given."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from auth.audit.records import Entry
from auth.decisions import Asker, SealedGrant
from auth.errors import ItcareError, Unauthenticated
from auth.mfa.sealing import SecretSeal
from auth.permissions import Rule
from auth.principal import Principal
from auth.tokens import Claims
from resolvers.commands.outcome import Outcome, Request
from resolvers.letters import Post, keep_nothing
from resolvers.loaders import Loaders
from resolvers.reads.cursors import CursorSeal


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an operation comes from: the address of the peer, and the id of the request."""

    host: str | None = None
    correlation_id: str | None = None


NOWHERE = Origin()


def record_nothing(_: Entry) -> None:
    """Keep no record of what was denied."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller and the loaders that read in their name; there are none without a caller."""

    principal: Principal
    loaders: Loaders
    seal: CursorSeal
    secrets: SecretSeal
    claims: Claims
    origin: Origin = NOWHERE
    denied: Callable[[Entry], None] = record_nothing
    """Records what was denied, beside any transaction."""
    post: Post = keep_nothing
    """Takes the letters of what was committed."""

    @property
    def asker(self) -> Asker:
        """Who asks for decisions: the account as it was read, with the second factor of the token."""
        return self.asker_as(self.principal)

    def asker_as(self, principal: Principal) -> Asker:
        """The same, with the account as it was read another time."""
        return Asker(principal, self.claims.mfa_time)


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of a mutation before it is executed: one of a grant, a refusal, and what came of it already.

    `key` is that of the mutation's row in its table of rights.
    """

    key: StrEnum
    request: Request
    grant: SealedGrant[Rule] | None = None
    refusal: ItcareError | None = None
    outcome: Outcome | None = None


@dataclass(slots=True)
class Context:
    """One operation's context; `caller` is None for the anonymous, `decision` for everything but a mutation.

    `renew` reads the caller again, with loaders that see what was written since.
    """

    caller: Caller | None = None
    decision: Decision | None = None
    renew: Callable[[], Awaitable[Caller]] | None = None

    @property
    def authenticated(self) -> Caller:
        """The caller; raises Unauthenticated for the anonymous."""
        if self.caller is None:
            raise Unauthenticated("Sign in: this needs an access token.")
        return self.caller

    async def renewed(self) -> Caller:
        """The caller as they are now, for reading what was just written."""
        if self.renew is not None:
            self.caller = await self.renew()
        return self.authenticated
