"""The port that every kind of second factor is behind."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from auth.permissions import MfaBinding
from auth.statements import Fetch
from auth.tables import FactorKind


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a person is asked to approve, in words; of an operation also which one it is."""

    id: UUID
    account_id: UUID
    kind: MfaBinding
    digest: bytes | None
    action: str | None
    cloud_id: UUID | None
    words: str
    expires_at: datetime
    tries_left: int


class Verdict(StrEnum):
    """What a factor says of an answer."""

    RIGHT = "RIGHT"
    WRONG = "WRONG"
    PENDING = "PENDING"
    """The person has not answered yet, from where they answer: their telephone."""
    CLONED = "CLONED"
    """Wrong, though it was signed rightly: there seem to be two of what should be one."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a person does next, in words, and what it takes.

    `display` is what the screen shows and they are to repeat elsewhere; `options` are what a page's script passes to
    the browser. `send` sets off what there is to set off outside, such as a call, once everything is committed.
    """

    instructions: str
    display: str | None = None
    options: Mapping[str, Any] | None = None
    send: Callable[[], Awaitable[None]] | None = None


class FactorMethod(Protocol):
    """One kind of second factor. What it reads and writes is in the transaction of `fetch`."""

    @property
    def kind(self) -> FactorKind:
        """Which one."""
        ...

    @property
    def amr(self) -> str:
        """How a token names it (RFC 8176)."""
        ...

    @property
    def most_answer(self) -> int:
        """How many characters an answer has at the most; 0 for who answers elsewhere than on the screen."""
        ...

    async def begin(self, fetch: Fetch, challenge: Challenge, now: datetime) -> Prompt:
        """Put the challenge to the person; raises a refusal if that was done too often."""
        ...

    async def verify(self, fetch: Fetch, challenge: Challenge, answer: str, now: datetime) -> Verdict:
        """Say whether the answer is right, and see to it that it never is again.

        Of a person who answers elsewhere, the answer is empty, and the verdict that on what they answered there.
        """
        ...


Methods = Mapping[FactorKind, FactorMethod]
"""The kinds of second factors that there are."""


def methods_of(methods: Iterable[FactorMethod]) -> Methods:
    """Give methods by their kinds."""
    return {method.kind: method for method in methods}
