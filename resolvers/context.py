"""What every resolver of one operation is given."""

from dataclasses import dataclass

from auth.errors import Unauthenticated
from auth.principal import Principal
from resolvers.loaders import Loaders
from resolvers.reads.cursors import CursorSeal


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller and the loaders that read in their name; there are none without a caller."""

    principal: Principal
    loaders: Loaders
    seal: CursorSeal


@dataclass(frozen=True, slots=True)
class Context:
    """One operation's context; `caller` is None for the anonymous."""

    caller: Caller | None = None

    @property
    def authenticated(self) -> Caller:
        """The caller; raises Unauthenticated for the anonymous."""
        if self.caller is None:
            raise Unauthenticated("Sign in: this needs an access token.")
        return self.caller
