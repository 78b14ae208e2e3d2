"""Letters: what is sent to people by e-mail of what was done, once it is committed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from auth.tables import FactorKind


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link by which a person sets a password and a second factor; it serves once, until it expires."""

    to: str
    secret: str = field(repr=False)
    is_known: bool = False
    """Whether they have been there before, and begin anew."""


@dataclass(frozen=True, slots=True)
class PlaceGiven:
    """A person who can sign in already has a place in one more organization."""

    to: str
    organization: str


@dataclass(frozen=True, slots=True)
class FactorApproved:
    """A second factor of a person, which they set up without another one, serves from now on."""

    to: str
    kind: FactorKind
    at: datetime


@dataclass(frozen=True, slots=True)
class IdentityLinked:
    """Tokens of a foreign issuer let a person in from now on."""

    to: str
    issuer: str
    at: datetime


Letter = Invitation | PlaceGiven | FactorApproved | IdentityLinked
Post = Callable[[Letter], None]
"""Takes a letter, which it sends in its own time; it neither waits nor fails."""


def keep_nothing(_: Letter) -> None:
    """Send nothing."""
